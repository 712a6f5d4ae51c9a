//! Constants, shapes and element types of TensorFlow. Elements are decoded only where a tensor is
//! small enough to steer shapes.

use super::proto::{ShapeProto, TensorProto};
use crate::tensor::{Constant, DType, Dim, Dims, KEPT_ELEMENTS, TensorType, Values};

/// No tensor of any network has a longer axis; one that does is an error of the file.
const MAX_EXTENT: i64 = 1 << 40;

/// The element type of TensorFlow's number for it. Quantised types count by their width.
pub(super) fn dtype(code: i32) -> DType {
    match code % 100 {
        2 => DType::F64,
        3 | 13 | 22 => DType::I32,
        5 | 15..=17 => DType::I16,
        4 | 6 | 11 | 12 => DType::I8,
        7 => DType::String,
        9 | 23 => DType::I64,
        10 => DType::Bool,
        14 => DType::BF16,
        19 => DType::F16,
        24..=28 => DType::F8,
        29 | 30 => DType::I4,
        _ => DType::F32,
    }
}

/// Extents that may be open; `None` where not even the rank is known.
pub(super) fn open_dims(shape: &ShapeProto) -> Option<Vec<Dim>> {
    if shape.unknown_rank {
        return None;
    }
    let dim = |size: i64| match usize::try_from(size) {
        Ok(dim) if size < MAX_EXTENT => Dim::Known(dim),
        _ => Dim::Open(String::new()),
    };
    Some(shape.dim.iter().map(|dim_proto| dim(dim_proto.size)).collect())
}

/// Extents that are all known.
pub(super) fn known_dims(shape: &ShapeProto) -> Option<Dims> {
    let dim = |dim: Dim| match dim {
        Dim::Known(dim) => Some(dim),
        Dim::Open(_) => None,
    };
    open_dims(shape)?.into_iter().map(dim).collect()
}

/// A constant, with its values if it is small; `None` if its extents are not known.
pub(super) fn constant(tensor: &TensorProto) -> Option<Constant> {
    let dims = match &tensor.tensor_shape {
        Some(shape) => known_dims(shape)?,
        None => Dims::new(),
    };
    let ty = TensorType { dtype: dtype(tensor.dtype), dims };
    let values = if ty.elements() <= KEPT_ELEMENTS { values(tensor, &ty) } else { None };
    Some(Constant { ty, values })
}

/// All elements. A list of values that is too short repeats its last one.
fn values(tensor: &TensorProto, ty: &TensorType) -> Option<Values> {
    let count = ty.elements();
    let content = &tensor.tensor_content;
    Some(match ty.dtype {
        DType::F32 if content.is_empty() => {
            Values::Floats(fill(floats(&tensor.float_val, count), count)?)
        }
        DType::F32 => Values::Floats(exactly(floats(content, count), count)?),
        DType::F64 if content.is_empty() => {
            Values::Floats(fill(doubles(&tensor.double_val, count), count)?)
        }
        DType::F64 => Values::Floats(exactly(doubles(content, count), count)?),
        DType::I64 if content.is_empty() => {
            Values::Ints(fill(varints(&tensor.int64_val, count), count)?)
        }
        DType::I64 => Values::Ints(exactly(longs(content, count), count)?),
        DType::I32 | DType::I16 | DType::I8 if content.is_empty() => {
            Values::Ints(fill(varints(&tensor.int_val, count), count)?)
        }
        DType::I32 => Values::Ints(exactly(ints(content, count), count)?),
        DType::Bool if content.is_empty() => {
            Values::Ints(fill(varints(&tensor.bool_val, count), count)?)
        }
        DType::Bool => {
            Values::Ints(exactly(content.iter().take(count).map(|&b| b.into()).collect(), count)?)
        }
        DType::I16 | DType::I8 | DType::I4 => return None,
        DType::F16 | DType::BF16 | DType::F8 | DType::String => return None,
    })
}

fn exactly<T>(values: Vec<T>, count: usize) -> Option<Vec<T>> {
    (values.len() == count).then_some(values)
}

fn fill<T: Copy + Default>(mut values: Vec<T>, count: usize) -> Option<Vec<T>> {
    let last = values.last().copied().unwrap_or_default();
    values.resize(count, last);
    Some(values)
}

fn floats(bytes: &[u8], count: usize) -> Vec<f64> {
    let (chunks, _) = bytes.as_chunks::<4>();
    chunks.iter().take(count).map(|&chunk| f32::from_le_bytes(chunk).into()).collect()
}

fn doubles(bytes: &[u8], count: usize) -> Vec<f64> {
    let (chunks, _) = bytes.as_chunks::<8>();
    chunks.iter().take(count).map(|&chunk| f64::from_le_bytes(chunk)).collect()
}

fn ints(bytes: &[u8], count: usize) -> Vec<i64> {
    let (chunks, _) = bytes.as_chunks::<4>();
    chunks.iter().take(count).map(|&chunk| i32::from_le_bytes(chunk).into()).collect()
}

fn longs(bytes: &[u8], count: usize) -> Vec<i64> {
    let (chunks, _) = bytes.as_chunks::<8>();
    chunks.iter().take(count).map(|&chunk| i64::from_le_bytes(chunk)).collect()
}

/// Packed varints; what follows a damaged one is dropped.
fn varints(mut bytes: &[u8], count: usize) -> Vec<i64> {
    let mut values = Vec::new();
    while !bytes.is_empty() && values.len() < count {
        match prost::encoding::decode_varint(&mut bytes) {
            Ok(value) => values.push(value as i64),
            Err(_) => break,
        }
    }
    values
}
