//! Reductions of nn-Meter IR, and whose axes its files count.
//!
//! Axes of operators with ONNX's names may count as `NCHW` although the recorded shapes are `NHWC`:
//! nn-Meter turns the shapes and not the axes. Where only that reading explains the shapes, it is
//! taken.

use smallvec::SmallVec;

use super::attrs::{View, flag, operand};
use super::lower::Lowered;
use super::numbers::integers;
use crate::error::Result;
use crate::op::{Op, ReduceKind};
use crate::tensor::Dims;

/// Where each axis of `NCHW` is in `NHWC`.
const TO_CHANNELS_LAST: [usize; 4] = [0, 3, 1, 2];

/// A reduction over the file's axes; all of them if it names none.
pub(super) fn reduce(view: &View<'_, '_>, kind: ReduceKind) -> Result<Lowered> {
    let attrs = view.attrs();
    let named = attrs.axes.as_ref().or(attrs.axis.as_ref());
    let consts = || view.consts().find_map(|node| Some(integers(node.attrs().constant.as_ref()?)));
    let axes = named.map(|axes| axes.0.clone()).or_else(consts);
    let onnx = view.node.op_type().starts_with("Reduce");
    let keep_dims = flag(attrs.keep_dims.as_ref());
    let keep_dims = keep_dims.unwrap_or_else(|| keeps(view, axes.as_deref(), onnx));
    let lowered = Lowered::data(Op::Reduce { kind, keep_dims }, 1);
    let Some(axes) = axes else { return Ok(lowered) };
    let fits = |axes: &[i64]| match (view.input_dims(0), view.output_dims(0)) {
        (Some(input), Some(output)) => reduced(&input, axes, keep_dims) == output,
        _ => true,
    };
    let turned: SmallVec<[i64; 4]> = axes.iter().map(|&axis| channels_last(axis)).collect();
    let turn = onnx && !fits(&axes) && fits(&turned);
    Ok(lowered.with(1, operand(if turn { &turned } else { &axes })))
}

/// Whether the recorded output still has the reduced axes.
fn keeps(view: &View<'_, '_>, axes: Option<&[i64]>, onnx: bool) -> bool {
    let (Some(output), Some(axes)) = (view.output_dims(0), axes) else { return onnx };
    let Some(input) = view.input_dims(0) else { return onnx };
    reduced(&input, axes, true) == output && reduced(&input, axes, false) != output
}

fn reduced(input: &[usize], axes: &[i64], keep_dims: bool) -> Dims {
    let rank = input.len() as i64;
    let named =
        |axis: usize| axes.iter().any(|&named| named.rem_euclid(rank.max(1)) == axis as i64);
    let extents = input.iter().enumerate();
    let kept = extents.filter(|&(axis, _)| keep_dims || !named(axis));
    kept.map(|(axis, &extent)| if named(axis) { 1 } else { extent }).collect()
}

/// Where an axis of `NCHW` is in `NHWC`.
pub(super) fn channels_last(axis: i64) -> i64 {
    let index = usize::try_from(if axis < 0 { axis + 4 } else { axis }).ok();
    index.and_then(|index| TO_CHANNELS_LAST.get(index)).map_or(axis, |&axis| axis as i64)
}
