//! Elements of constants: those that are known, and made-up ones for weights.
//!
//! Filters are drawn uniformly with the variance that keeps that of activations behind a ReLU (He et
//! al. 2015, arXiv:1502.01852), so that neither very deep nor very wide networks overflow, or
//! underflow into denormal numbers, which processors are slow at. The same graph always gets the
//! same weights.

use bytes::Bytes;
use petgraph::visit::EdgeRef;

use crate::error::Result;
use crate::graph::NodeId;
use crate::import::onnx::proto::Tensor;
use crate::op::{Binary, Conv, FilterLayout, Norm, Op};
use crate::tensor::{Constant, DType, Values};
use crate::typed::TypedGraph;

use super::{refuse, type_code};

/// What made-up elements are drawn from: `centre` plus or minus up to `spread`.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Range {
    centre: f32,
    spread: f32,
}

/// A factor that changes little: scales, variances.
const FACTOR: Range = Range { centre: 1.0, spread: 0.1 };
/// A shift that changes little, but keeps values from vanishing: biases, means.
const SHIFT: Range = Range { centre: 0.05, spread: 0.05 };
/// Slopes of a PRelu.
const SLOPE: Range = Range { centre: 0.25, spread: 0.1 };

/// The tensor of the constant `id`, as yet without a name.
///
/// # Errors
/// If its element type is one of those that are several of ONNX's.
pub(super) fn tensor(graph: &TypedGraph, id: NodeId, constant: &Constant) -> Result<Tensor> {
    let dtype = constant.ty.dtype;
    if type_code(dtype).is_none() {
        return Err(refuse(graph, id, format!("is of element type {dtype:?}")));
    }
    if constant.values.is_some() {
        return Ok(given(constant));
    }
    let draws = draws(range(graph, id, constant), id.index() as u64);
    let raw = encode_floats(dtype, constant.ty.elements(), draws);
    Ok(dressed(constant, raw.unwrap_or_else(|| vec![0; constant.ty.bytes()])))
}

/// The tensor of a constant whose values are known; zeros where they are not.
pub(super) fn given(constant: &Constant) -> Tensor {
    let elements = constant.ty.elements();
    let floats = constant.as_floats().unwrap_or_else(|| vec![0.0; elements]);
    let dtype = constant.ty.dtype;
    let raw = match &constant.values {
        Some(Values::Ints(ints)) if !is_float(dtype) => encode_ints(dtype, ints),
        _ => match dtype {
            DType::F64 => floats.iter().flat_map(|value| value.to_le_bytes()).collect(),
            _ => encode_floats(dtype, elements, floats.iter().map(|&value| value as f32))
                .unwrap_or_else(|| {
                    encode_ints(dtype, &floats.iter().map(|&v| v as i64).collect::<Vec<_>>())
                }),
        },
    };
    dressed(constant, raw)
}

fn dressed(constant: &Constant, raw: Vec<u8>) -> Tensor {
    Tensor {
        dims: constant.ty.dims.iter().map(|&dim| dim as i64).collect(),
        data_type: type_code(constant.ty.dtype).unwrap_or_default(),
        raw_data: Bytes::from(raw),
        ..Tensor::default()
    }
}

/// What the elements of a weight are drawn from: its first consumer tells.
fn range(graph: &TypedGraph, id: NodeId, constant: &Constant) -> Range {
    let dag = graph.graph().dag();
    let Some(edge) = dag.edges(id).min_by_key(|edge| edge.target()) else {
        return FACTOR;
    };
    let dims = &constant.ty.dims[..];
    match (&dag[edge.target()].op, edge.weight().slot) {
        (Op::Conv(conv), 1) => filter(fan_in(conv, dims)),
        (Op::MatMul { transpose_b: true, .. }, 1) => filter(dims.last().copied().unwrap_or(1)),
        (Op::MatMul { .. }, 1) => filter(dims.iter().rev().nth(1).copied().unwrap_or(1)),
        (Op::MatMul { .. }, 0) => filter(dims.last().copied().unwrap_or(1)),
        (Op::Recurrent(_), 1 | 2) => filter(dims.last().copied().unwrap_or(1)),
        (Op::Norm(Norm::Batch(_)), 2 | 3) | (Op::Norm(_), 2) => SHIFT,
        (Op::Conv(_) | Op::MatMul { .. }, _) | (Op::Binary(Binary::Add | Binary::Sub), _) => SHIFT,
        (Op::Binary(Binary::PRelu), _) => SLOPE,
        _ => FACTOR,
    }
}

/// How many products each output element of a convolution sums.
fn fan_in(conv: &Conv, dims: &[usize]) -> usize {
    match (conv.filter, conv.transposed) {
        (FilterLayout::Oihw, false) => dims.iter().skip(1).product(),
        (FilterLayout::Oihw, true) => dims.iter().skip(2).chain(dims.first()).product(),
        (FilterLayout::Hwio | FilterLayout::HwioDepthwise, _) => {
            dims.iter().rev().skip(1).product()
        }
    }
}

fn filter(fan_in: usize) -> Range {
    Range { centre: 0.0, spread: (6.0 / fan_in.max(1) as f32).sqrt() }
}

/// Numbers of a range, one after the other, for each `seed` others (SplitMix64 of Steele et al.).
fn draws(range: Range, seed: u64) -> impl Iterator<Item = f32> {
    let mut state = seed.wrapping_mul(0xd134_2543_de82_ef95);
    std::iter::repeat_with(move || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let unit = ((bits >> 40) as f32 + 0.5) / (1u32 << 23) as f32 - 1.0;
        range.centre + range.spread * unit
    })
}

fn is_float(dtype: DType) -> bool {
    matches!(dtype, DType::F32 | DType::F64 | DType::F16 | DType::BF16)
}

/// The bytes of `count` floats; `None` if the type is not one of floats.
fn encode_floats(dtype: DType, count: usize, values: impl Iterator<Item = f32>) -> Option<Vec<u8>> {
    let values = values.take(count);
    Some(match dtype {
        DType::F32 => collect(count, values.map(f32::to_le_bytes)),
        DType::F64 => collect(count, values.map(|value| f64::from(value).to_le_bytes())),
        DType::BF16 => {
            collect(count, values.map(|value| ((value.to_bits() >> 16) as u16).to_le_bytes()))
        }
        DType::F16 => collect(count, values.map(|value| half(value).to_le_bytes())),
        _ => return None,
    })
}

fn collect<const N: usize>(count: usize, elements: impl Iterator<Item = [u8; N]>) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(count.saturating_mul(N));
    elements.for_each(|element| bytes.extend_from_slice(&element));
    bytes
}

/// The 16-bit float next to a value, towards zero; zero below its range, the largest above.
fn half(value: f32) -> u16 {
    let bits = value.to_bits();
    let sign = (bits >> 16 & 0x8000) as u16;
    let exponent = (bits >> 23 & 0xff) as i32 - 127 + 15;
    match exponent {
        ..=0 => sign,
        31.. => sign | 0x7bff,
        _ => sign | (exponent as u16) << 10 | (bits >> 13 & 0x3ff) as u16,
    }
}

fn encode_ints(dtype: DType, values: &[i64]) -> Vec<u8> {
    let width = dtype.bits().div_ceil(8);
    values.iter().flat_map(|value| value.to_le_bytes().into_iter().take(width)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_are_of_the_range_and_the_same_each_time() {
        let draw = |seed| draws(filter(96), seed).take(10_000).collect::<Vec<f32>>();
        let values = draw(1);
        let mean = values.iter().sum::<f32>() / values.len() as f32;
        let variance = values.iter().map(|v| v * v).sum::<f32>() / values.len() as f32;
        assert!(mean.abs() < 0.005 && (variance * 96.0 - 2.0).abs() < 0.1, "{mean} {variance}");
        assert!(values.iter().all(|value| value.is_normal() && value.abs() <= 0.25));
        assert_eq!(values, draw(1));
        assert_ne!(values, draw(2));
    }

    #[test]
    fn short_floats_and_integers_are_encoded() {
        assert_eq!([1.0, -2.0, 65504.0, 1e9, 1e-9].map(half), [0x3c00, 0xc000, 0x7bff, 0x7bff, 0]);
        assert_eq!(encode_ints(DType::I16, &[-2, 3]), [0xfe, 0xff, 3, 0]);
        let one = encode_floats(DType::BF16, 1, [1.0].into_iter());
        assert_eq!(one.as_deref(), Some(&[0x80, 0x3f][..]));
    }
}
