//! Element types, shapes, and the small constants that shape arithmetic needs.
//!
//! Tensors here have no data: a weight is its shape and its element type. Only constants small
//! enough to steer shapes (the operand of a Reshape, say) keep their values.

use std::fmt;

use smallvec::SmallVec;

/// Extents of a tensor, outermost first. A scalar is empty.
pub type Dims = SmallVec<[usize; 5]>;

/// How many elements a constant may have for its values to be kept.
pub const KEPT_ELEMENTS: usize = 4096;

/// Element type of a tensor.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum DType {
    /// 32-bit IEEE float; also what is assumed where a format does not say.
    #[default]
    F32,
    /// 64-bit IEEE float.
    F64,
    /// 16-bit IEEE float.
    F16,
    /// bfloat16.
    BF16,
    /// 8-bit float of any flavour.
    F8,
    /// 64-bit integer, signed or not.
    I64,
    /// 32-bit integer, signed or not.
    I32,
    /// 16-bit integer, signed or not.
    I16,
    /// 8-bit integer, signed or not.
    I8,
    /// Integer or float of four bits, two to a byte.
    I4,
    /// Boolean, one byte an element.
    Bool,
    /// Text.
    String,
}

impl DType {
    /// Bits an element takes in memory. Strings count as a 64-bit reference.
    pub fn bits(self) -> usize {
        match self {
            DType::F64 | DType::I64 | DType::String => 64,
            DType::F32 | DType::I32 => 32,
            DType::F16 | DType::BF16 | DType::I16 => 16,
            DType::F8 | DType::I8 | DType::Bool => 8,
            DType::I4 => 4,
        }
    }
}

/// Type and extents of a tensor.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct TensorType {
    /// Element type.
    pub dtype: DType,
    /// Extents, outermost first.
    pub dims: Dims,
}

impl TensorType {
    /// A tensor of `dtype` with `dims`.
    pub fn new(dtype: DType, dims: impl IntoIterator<Item = usize>) -> Self {
        Self { dtype, dims: dims.into_iter().collect() }
    }

    /// A 32-bit float tensor.
    pub fn f32(dims: impl IntoIterator<Item = usize>) -> Self {
        Self::new(DType::F32, dims)
    }

    /// Number of axes.
    pub fn rank(&self) -> usize {
        self.dims.len()
    }

    /// Number of elements; saturates rather than overflows.
    pub fn elements(&self) -> usize {
        self.dims.iter().fold(1, |product, &dim| product.saturating_mul(dim))
    }

    /// Size in memory in bytes, rounded up.
    pub fn bytes(&self) -> usize {
        self.elements().saturating_mul(self.dtype.bits()).div_ceil(8)
    }
}

impl fmt::Display for TensorType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&show_dims(&self.dims))
    }
}

/// Writes extents as people do: `1x3x224x224`, or `scalar`.
pub fn show_dims(dims: &[usize]) -> String {
    if dims.is_empty() {
        return "scalar".to_owned();
    }
    dims.iter().map(usize::to_string).collect::<Vec<_>>().join("x")
}

/// One extent of a graph input: known, or left open by the exporter.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Dim {
    /// A fixed extent.
    Known(usize),
    /// An open extent with the exporter's name for it, which may be empty.
    Open(String),
}

/// A constant tensor: its type, and its values when they are small and known.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Constant {
    /// Type and extents.
    pub ty: TensorType,
    /// Values in row-major order, for at most [`KEPT_ELEMENTS`] elements.
    pub values: Option<Values>,
}

impl Constant {
    /// A constant of which only the type is known, as for weights.
    pub fn opaque(ty: TensorType) -> Self {
        Self { ty, values: None }
    }

    /// A one-dimensional constant of 64-bit integers.
    pub fn ints(values: impl IntoIterator<Item = i64>) -> Self {
        let values: Vec<i64> = values.into_iter().collect();
        Self { ty: TensorType::new(DType::I64, [values.len()]), values: Some(Values::Ints(values)) }
    }

    /// A 32-bit float scalar.
    pub fn scalar(value: f64) -> Self {
        Self { ty: TensorType::f32([]), values: Some(Values::Floats(vec![value])) }
    }

    /// How many values are kept.
    pub(crate) fn kept(&self) -> usize {
        match &self.values {
            Some(Values::Ints(values)) => values.len(),
            Some(Values::Floats(values)) => values.len(),
            None => 0,
        }
    }

    /// The single value of a one-element constant, if it is known.
    pub fn as_scalar(&self) -> Option<f64> {
        match self.values.as_ref()? {
            Values::Ints(v) if v.len() == 1 => Some(v[0] as f64),
            Values::Floats(v) if v.len() == 1 => Some(v[0]),
            Values::Ints(_) | Values::Floats(_) => None,
        }
    }

    /// The values as integers, if they are known and integral.
    pub fn as_ints(&self) -> Option<&[i64]> {
        match self.values.as_ref()? {
            Values::Ints(v) => Some(v),
            Values::Floats(_) => None,
        }
    }

    /// The values as floats, if they are known; integers are converted.
    pub fn as_floats(&self) -> Option<Vec<f64>> {
        Some(match self.values.as_ref()? {
            Values::Ints(v) => v.iter().map(|&i| i as f64).collect(),
            Values::Floats(v) => v.clone(),
        })
    }
}

/// Values of a small constant, row-major.
#[derive(Clone, Debug, PartialEq)]
pub enum Values {
    /// Integers and booleans.
    Ints(Vec<i64>),
    /// Floats of any width.
    Floats(Vec<f64>),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_elements_and_bytes() {
        let image = TensorType::f32([1, 3, 224, 224]);
        assert_eq!(image.elements(), 150_528);
        assert_eq!(image.bytes(), 602_112);
        assert_eq!(TensorType::new(DType::I4, [3]).bytes(), 2);
        assert_eq!(TensorType::f32([usize::MAX, 2]).elements(), usize::MAX);
        assert_eq!(image.to_string(), "1x3x224x224");
        assert_eq!(TensorType::f32([]).to_string(), "scalar");
    }

    #[test]
    fn reads_scalars_of_either_kind() {
        assert_eq!(Constant::scalar(6.0).as_scalar(), Some(6.0));
        assert_eq!(Constant::ints([3]).as_scalar(), Some(3.0));
        assert_eq!(Constant::ints([3, 4]).as_scalar(), None);
        assert_eq!(Constant::opaque(TensorType::f32([1])).as_scalar(), None);
    }
}
