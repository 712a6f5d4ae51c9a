//! Tensors and types of an ONNX file: element types, extents, and the values of small constants.
//!
//! Weights are never read. Values are decoded for constants that can steer shapes or functions:
//! integers up to [`KEPT_ELEMENTS`], floats up to [`KEPT_FLOATS`] (a scale of a Resize, a bound of
//! a Clip; longer float vectors are weights, and touching them would page the file in).

use bytes::{Buf, Bytes};

use crate::error::{Error, ErrorKind, Result};
use crate::tensor::{Constant, DType, Dim, Dims, KEPT_ELEMENTS, TensorType, Values};

use super::attributes::Site;
use super::proto::{SparseTensor, Tensor, ValueInfo};

/// How many elements a float constant may have for its values to be decoded.
pub(super) const KEPT_FLOATS: usize = 16;

/// `data_location` of a tensor whose elements are in another file.
const EXTERNAL: i32 = 1;

/// The element type of a type code; `None` for an undefined or unknown one, and for the complex
/// numbers of 128 bits. Other types without an equal here take the next size up.
pub(super) fn dtype(code: i32) -> Option<DType> {
    Some(match code {
        1 => DType::F32,
        2 | 3 => DType::I8,
        4 | 5 => DType::I16,
        6 | 12 => DType::I32,
        7 | 13 => DType::I64,
        8 => DType::String,
        9 => DType::Bool,
        10 => DType::F16,
        11 | 14 => DType::F64, // and complex numbers of that size
        16 => DType::BF16,
        17..=20 | 24 | 27 | 28 => DType::F8,
        21..=23 | 25 | 26 => DType::I4,
        _ => return None,
    })
}

/// Type and, if it is small, values of a tensor. `owner` names it in errors.
///
/// # Errors
/// If the type is unknown, an extent is negative, or the data is of the wrong length.
pub(super) fn constant(owner: &str, tensor: &Tensor) -> Result<Constant> {
    let ty = tensor_type(owner, tensor.data_type, &tensor.dims)?;
    check_length(owner, tensor, &ty)?;
    let values = match ty.dtype {
        _ if tensor.data_location == EXTERNAL => None,
        DType::F32 | DType::F64 | DType::F16 | DType::BF16 => floats(tensor, &ty),
        DType::I64 | DType::I32 | DType::I16 | DType::I8 | DType::Bool => ints(tensor, &ty),
        DType::F8 | DType::I4 | DType::String => None,
    };
    Ok(Constant { ty, values })
}

/// Type of a sparse tensor, whose values are not kept.
pub(super) fn sparse_constant(owner: &str, tensor: &SparseTensor) -> Result<Constant> {
    let code = tensor.values.as_ref().map_or(0, |values| values.data_type);
    Ok(Constant::opaque(tensor_type(owner, code, &tensor.dims)?))
}

fn tensor_type(owner: &str, code: i32, dims: &[i64]) -> Result<TensorType> {
    let subject = || format!("tensor \"{owner}\"");
    let Some(dtype) = dtype(code) else {
        let found = format!("has element type {code}");
        return Err(Error::new(ErrorKind::Malformed, subject(), found)
            .expected("an element type of ONNX, and not complex128"));
    };
    let extent = |&dim: &i64| {
        usize::try_from(dim).map_err(|_| {
            Error::new(ErrorKind::Malformed, subject(), format!("has extent {dim}"))
                .expected("extents of at least 0")
        })
    };
    Ok(TensorType { dtype, dims: dims.iter().map(extent).collect::<Result<Dims>>()? })
}

/// Refuses raw data whose length contradicts the extents. Absent data (stripped weights) is fine.
fn check_length(owner: &str, tensor: &Tensor, ty: &TensorType) -> Result<()> {
    let has_plain_size = !matches!(tensor.data_type, 8 | 25..=28);
    let found = tensor.raw_data.len();
    if !has_plain_size || found == 0 || found == ty.bytes() {
        return Ok(());
    }
    let found = format!("{ty} has {found} bytes of data");
    Err(Error::new(ErrorKind::Malformed, format!("tensor \"{owner}\""), found)
        .expected(format!("{} bytes", ty.bytes()))
        .hint("is the file complete?"))
}

/// Values of an integer tensor, if it is small and has them.
fn ints(tensor: &Tensor, ty: &TensorType) -> Option<Values> {
    let elements = ty.elements();
    if elements > KEPT_ELEMENTS {
        return None;
    }
    let mut raw = tensor.raw_data.as_ref();
    let unsigned = matches!(tensor.data_type, 2 | 4 | 12);
    let next = |raw: &mut &[u8]| match (ty.dtype, unsigned) {
        (DType::I64, _) => raw.get_i64_le(),
        (DType::I32, false) => i64::from(raw.get_i32_le()),
        (DType::I32, true) => i64::from(raw.get_u32_le()),
        (DType::I16, false) => i64::from(raw.get_i16_le()),
        (DType::I16, true) => i64::from(raw.get_u16_le()),
        (DType::I8, false) => i64::from(raw.get_i8()),
        _ => i64::from(raw.get_u8()),
    };
    let values: Vec<i64> = if !raw.is_empty() {
        (0..elements).map(|_| next(&mut raw)).collect()
    } else {
        let fields = [&tensor.int64_data, &tensor.int32_data, &tensor.uint64_data];
        varints(fields.into_iter().flatten(), elements)?
    };
    (values.len() == elements).then_some(Values::Ints(values))
}

/// Values of a float tensor, if it is very small and has them.
fn floats(tensor: &Tensor, ty: &TensorType) -> Option<Values> {
    let elements = ty.elements();
    if elements > KEPT_FLOATS || tensor.data_type == 14 {
        return None;
    }
    let raw = &tensor.raw_data;
    let values: Vec<f64> = match ty.dtype {
        DType::F64 if !raw.is_empty() => doubles([raw]),
        DType::F64 => doubles(&tensor.double_data),
        DType::F32 if !raw.is_empty() => singles([raw]),
        DType::F32 => singles(&tensor.float_data),
        dtype => {
            let bits: Vec<u16> = match raw.is_empty() {
                false => raw.chunks_exact(2).map(|b| u16::from_le_bytes([b[0], b[1]])).collect(),
                true => varints(&tensor.int32_data, elements)?.iter().map(|&b| b as u16).collect(),
            };
            bits.into_iter().map(|bits| half(bits, dtype)).collect()
        }
    };
    (values.len() == elements).then_some(Values::Floats(values))
}

fn singles<'a>(chunks: impl IntoIterator<Item = &'a Bytes>) -> Vec<f64> {
    let number = |b: &[u8]| f64::from(f32::from_le_bytes([b[0], b[1], b[2], b[3]]));
    chunks
        .into_iter()
        .flat_map(|chunk| chunk.chunks_exact(4).map(number))
        .take(KEPT_FLOATS + 1)
        .collect()
}

fn doubles<'a>(chunks: impl IntoIterator<Item = &'a Bytes>) -> Vec<f64> {
    let number = |mut b: &[u8]| b.get_f64_le();
    chunks
        .into_iter()
        .flat_map(|chunk| chunk.chunks_exact(8).map(number))
        .take(KEPT_FLOATS + 1)
        .collect()
}

/// At most `limit` numbers of a packed field; `None` if it is broken or longer.
fn varints<'a>(chunks: impl IntoIterator<Item = &'a Bytes>, limit: usize) -> Option<Vec<i64>> {
    let mut values = Vec::new();
    for chunk in chunks {
        let mut rest = chunk.as_ref();
        while !rest.is_empty() {
            if values.len() == limit {
                return None;
            }
            values.push(prost::encoding::decode_varint(&mut rest).ok()? as i64);
        }
    }
    Some(values)
}

/// A 16-bit float of either kind.
fn half(bits: u16, dtype: DType) -> f64 {
    if dtype == DType::BF16 {
        return f64::from(f32::from_bits(u32::from(bits) << 16));
    }
    let sign = if bits >> 15 == 0 { 1.0 } else { -1.0 };
    let exponent = i32::from(bits >> 10 & 0x1f);
    let fraction = f64::from(bits & 0x3ff) / 1024.0;
    sign * match exponent {
        0 => fraction * 2f64.powi(-14),
        31 if fraction == 0.0 => f64::INFINITY,
        31 => f64::NAN,
        _ => (1.0 + fraction) * 2f64.powi(exponent - 15),
    }
}

/// Element type and extents of an input. A missing type is taken for 32-bit floats; an extent of
/// zero or less, which exporters write for one they do not know, is open.
pub(super) fn input_type(info: &ValueInfo) -> (DType, Option<Vec<Dim>>) {
    let Some(tensor) = info.ty.as_ref().and_then(|ty| ty.tensor.as_ref()) else {
        return (DType::F32, None);
    };
    let dim = |dim: &super::proto::Dimension| match usize::try_from(dim.value) {
        Ok(value) if value > 0 => Dim::Known(value),
        _ => Dim::Open(dim.param.clone()),
    };
    let dims = tensor.shape.as_ref().map(|shape| shape.dim.iter().map(dim).collect());
    (dtype(tensor.elem_type).unwrap_or_default(), dims)
}

/// The type of a value, if the file states it in full.
pub(super) fn declared_type(info: &ValueInfo) -> Option<TensorType> {
    let tensor = info.ty.as_ref()?.tensor.as_ref()?;
    let extent = |value: i64| usize::try_from(value).ok().filter(|&extent| extent > 0);
    let dims = tensor.shape.as_ref()?.dim.iter().map(|dim| extent(dim.value));
    Some(TensorType { dtype: dtype(tensor.elem_type)?, dims: dims.collect::<Option<Dims>>()? })
}

/// The element type of a value, if the file states it.
pub(super) fn declared_dtype(info: &ValueInfo) -> Option<DType> {
    dtype(info.ty.as_ref()?.tensor.as_ref()?.elem_type)
}

/// What a Constant node holds.
///
/// # Errors
/// If it holds nothing, or its tensor is wrong.
pub(super) fn constant_of_node(site: &Site<'_>) -> Result<Constant> {
    let floats = |values: &[f32]| values.iter().map(|&value| f64::from(value)).collect();
    if let Some(tensor) = site.tensor("value")? {
        return constant(site.name(), tensor);
    }
    if let Some(value) = site.int("value_int")? {
        let ty = TensorType::new(DType::I64, []);
        return Ok(Constant { ty, values: Some(Values::Ints(vec![value])) });
    }
    if let Some(values) = site.ints("value_ints")? {
        return Ok(Constant::ints(values.iter().copied()));
    }
    if let Some(value) = site.float("value_float")? {
        return Ok(Constant::scalar(f64::from(value)));
    }
    if let Some(values) = site.floats("value_floats")? {
        let kept = (values.len() <= KEPT_FLOATS).then(|| Values::Floats(floats(values)));
        return Ok(Constant { ty: TensorType::f32([values.len()]), values: kept });
    }
    if let Some(tensor) = site.sparse_tensor("sparse_value")? {
        return sparse_constant(site.name(), tensor);
    }
    if site.has("value_string") || site.has("value_strings") {
        let dims = site.strings("value_strings")?.map(<[Bytes]>::len);
        return Ok(Constant::opaque(TensorType::new(DType::String, dims)));
    }
    Err(Error::new(ErrorKind::BadAttribute, site.label(), "holds no value")
        .expected("one of the attributes value, value_int, value_float, ..."))
}
