//! Operators of nn-Meter IR that join, cut and rearrange tensors.

use smallvec::SmallVec;

use super::attrs::{View, first, known, operand};
use super::lower::{Lowered, axis};
use super::numbers::{Ints, integers};
use super::reduce::channels_last;
use crate::error::Result;
use crate::op::{Op, Reshape, ResizeMode, StridedSliceMasks};
use crate::tensor::Dims;

/// The operators of this file; anything else is kept by its name.
pub(super) fn lower(view: &View<'_, '_>) -> Result<Lowered> {
    let op_type = view.node.op_type();
    Ok(match op_type {
        "ConcatV2" | "Concat" => concat(view),
        "Split" | "SplitV" => split(view)?,
        "Pack" | "Stack" => Lowered::all(Op::Stack { axis: axis(view, 0) }),
        "Reshape" => reshape(view)?,
        "Flatten" => Lowered::one(Op::Reshape(Reshape::Flatten { axis: axis(view, 1) })),
        "Squeeze" => squeeze(view, Reshape::Squeeze),
        "ExpandDims" | "Unsqueeze" => squeeze(view, Reshape::Unsqueeze),
        "Transpose" => transpose(view)?,
        "Pad" | "PadV2" | "MirrorPad" => pad(view)?,
        "Slice" => slice(view),
        "StridedSlice" => strided_slice(view),
        "Softmax" => Lowered::one(Op::Softmax { axis: axis(view, -1), log: false }),
        "LogSoftmax" => Lowered::one(Op::Softmax { axis: axis(view, -1), log: true }),
        "ResizeBilinear" => resize(view, ResizeMode::Linear),
        "ResizeNearestNeighbor" => resize(view, ResizeMode::Nearest),
        "DepthToSpace" | "SpaceToDepth" => blocks(view, op_type == "DepthToSpace")?,
        "Shape" => Lowered::one(Op::Shape { start: 0, end: None }),
        _ => other(view),
    })
}

/// An operator that is only known by name; its recorded shapes are all there is.
fn other(view: &View<'_, '_>) -> Lowered {
    Lowered::all(Op::Other { op_type: view.node.op_type().into() })
}

fn concat(view: &View<'_, '_>) -> Lowered {
    let consts = || {
        view.consts().find_map(|node| integers(node.attrs().constant.as_ref()?).first().copied())
    };
    let axis = first(view.attrs().axis.as_ref()).or_else(consts).unwrap_or(-1);
    let output = view.output_dims(0);
    let inputs: Option<Vec<Dims>> = view.node.body.input_shape.0.iter().map(known).collect();
    let (Some(output), Some(inputs)) = (output, inputs) else {
        return Lowered::data(Op::Concat { axis }, usize::MAX);
    };
    let fits = |axis| parts_fit(&output, &inputs, axis);
    let turned = channels_last(axis);
    let turn = output.len() == 4 && !fits(axis) && fits(turned);
    // Axis operands are scalar constants; a constant tensor among the data stays.
    let constant_data = view.consts().any(|node| node.output_dims(0).is_some_and(|d| d.len() > 1));
    let op = Op::Concat { axis: if turn { turned } else { axis } };
    if constant_data { Lowered::all(op) } else { Lowered::data(op, usize::MAX) }
}

fn split(view: &View<'_, '_>) -> Result<Lowered> {
    let consts = || {
        let scalar = |numbers: &super::numbers::Numbers| integers(numbers).first().copied();
        view.consts().find_map(|node| scalar(node.attrs().constant.as_ref()?))
    };
    let mut axis = first(view.attrs().axis.as_ref()).or_else(consts).unwrap_or(-1);
    let parts: Option<Vec<Dims>> = view.node.body.output_shape.0.iter().map(known).collect();
    let parts = parts.filter(|parts| parts.len() > 1);
    if let (Some(input), Some(parts)) = (view.input_dims(0), &parts) {
        let turned = channels_last(axis);
        if input.len() == 4 && !parts_fit(&input, parts, axis) && parts_fit(&input, parts, turned) {
            axis = turned;
        }
    }
    let lowered = Lowered::data(Op::Split { axis }, 1);
    let sizes = match &view.attrs().split {
        Some(sizes) if sizes.0.len() > 1 => Some(sizes.0.to_vec()),
        _ => parts.and_then(|parts| part_sizes(&parts, axis)),
    };
    let uneven = sizes.filter(|sizes| sizes.windows(2).any(|pair| pair[0] != pair[1]));
    Ok(match uneven {
        Some(sizes) => lowered.with(1, operand(&sizes)),
        None => lowered,
    })
}

fn parts_fit(input: &[usize], parts: &[Dims], axis: i64) -> bool {
    let sizes = part_sizes(parts, axis).unwrap_or_default();
    let sum = sizes.iter().fold(0i64, |sum, &size| sum.saturating_add(size));
    extent(input, axis) == Some(sum)
}

/// The extent of an axis, which counts from the end if negative.
fn extent(dims: &[usize], axis: i64) -> Option<i64> {
    let axis = if axis < 0 { axis + dims.len() as i64 } else { axis };
    dims.get(usize::try_from(axis).ok()?).map(|&extent| extent as i64)
}

fn part_sizes(parts: &[Dims], axis: i64) -> Option<Vec<i64>> {
    parts.iter().map(|dims| extent(dims, axis)).collect()
}

fn reshape(view: &View<'_, '_>) -> Result<Lowered> {
    let op = Op::Reshape(Reshape::To { allow_zero: false });
    let consts = || view.consts().find_map(|node| Some(integers(node.attrs().constant.as_ref()?)));
    let recorded = || view.node.body.output_shape.0.first().map(|shape| shape.0.clone());
    let shape = view.attrs().shape.as_ref().map(|shape| shape.0.clone());
    if shape.is_none() && view.data_count() > 1 {
        return Ok(Lowered::all(op));
    }
    let shape = shape.or_else(consts).or_else(recorded).ok_or_else(|| view.missing("shape"))?;
    Ok(Lowered::one(op).with(1, operand(&shape)))
}

fn squeeze(view: &View<'_, '_>, reshape: Reshape) -> Lowered {
    let attrs = view.attrs();
    let lowered = Lowered::data(Op::Reshape(reshape), 1);
    match (attrs.axes.as_ref().or(attrs.axis.as_ref()), reshape) {
        (Some(axes), _) if !axes.0.is_empty() => lowered.with(1, operand(&axes.0)),
        (_, Reshape::Squeeze) => lowered,
        _ => other(view),
    }
}

/// The file's permutation, or the one that its shapes show. Of several, the one that swaps the last
/// two axes goes first: that is the shuffle of channels.
fn transpose(view: &View<'_, '_>) -> Result<Lowered> {
    let consts = || view.consts().find_map(|node| Some(integers(node.attrs().constant.as_ref()?)));
    let stated = view.attrs().perm.as_ref().map(|perm| perm.0.clone()).or_else(consts);
    let perm = match stated {
        Some(perm) => {
            let wrong = || view.bad("perm", &perm, "each axis once");
            permutation(&perm).ok_or_else(wrong)?
        }
        None => match (view.input_dims(0), view.output_dims(0)) {
            (Some(input), Some(output)) => {
                shown_permutation(&input, &output).ok_or_else(|| view.missing("perm"))?
            }
            _ => return Err(view.missing("perm")),
        },
    };
    Ok(Lowered::data(Op::Transpose(Some(perm)), 1))
}

fn permutation(perm: &[i64]) -> Option<SmallVec<[usize; 5]>> {
    let rank = perm.len();
    let mut seen: SmallVec<[bool; 8]> = SmallVec::from_elem(false, rank);
    for &axis in perm {
        let axis = usize::try_from(axis).ok().filter(|&axis| axis < rank)?;
        if std::mem::replace(&mut seen[axis], true) {
            return None;
        }
    }
    Some(perm.iter().map(|&axis| axis as usize).collect())
}

/// A permutation that makes `output` of `input`.
fn shown_permutation(input: &[usize], output: &[usize]) -> Option<SmallVec<[usize; 5]>> {
    let rank = input.len();
    let mut swapped: SmallVec<[usize; 5]> = (0..rank).collect();
    if rank >= 2 {
        swapped.swap(rank - 2, rank - 1);
    }
    if rank == output.len() && swapped.iter().zip(output).all(|(&from, &to)| input[from] == to) {
        return Some(swapped);
    }
    if rank != output.len() || rank > 8 {
        return None;
    }
    let mut left: SmallVec<[usize; 8]> = (0..rank).collect();
    let mut perm = SmallVec::new();
    for &extent in output {
        let position = left.iter().position(|&axis| input[axis] == extent)?;
        perm.push(left.remove(position));
    }
    Some(perm)
}

/// `paddings` in pairs as TensorFlow has them, `pads` as ONNX has them, or the growth that the
/// shapes show, put at the end.
fn pad(view: &View<'_, '_>) -> Result<Lowered> {
    let attrs = view.attrs();
    let pads: Vec<i64> = match (&attrs.paddings, &attrs.pads) {
        (Some(Ints(pairs)), _) if pairs.len().is_multiple_of(2) => {
            let begins = pairs.iter().step_by(2);
            begins.chain(pairs.iter().skip(1).step_by(2)).copied().collect()
        }
        (None, Some(pads)) => pads.0.to_vec(),
        (Some(pairs), _) => return Err(view.bad("paddings", &pairs.0, "pairs")),
        (None, None) => match (view.input_dims(0), view.output_dims(0)) {
            (Some(input), Some(output)) if input.len() == output.len() => {
                let growth = input.iter().zip(&output).map(|(&a, &b)| b as i64 - a as i64);
                std::iter::repeat_n(0, input.len()).chain(growth).collect()
            }
            _ => return Err(view.missing("paddings")),
        },
    };
    Ok(Lowered::data(Op::Pad, 1).with(1, operand(&pads)))
}

/// ONNX's starts, ends, axes and steps, or TensorFlow's begin and size.
fn slice(view: &View<'_, '_>) -> Lowered {
    let attrs = view.attrs();
    let Some(Ints(starts)) = &attrs.starts else { return other(view) };
    let ends: Vec<i64> = match (&attrs.ends, &attrs.size) {
        (Some(ends), _) => ends.0.to_vec(),
        (None, Some(size)) => {
            let end = |(&start, &size): (&i64, &i64)| match size {
                -1 => i64::MAX,
                size => start.saturating_add(size),
            };
            starts.iter().zip(&size.0).map(end).collect()
        }
        (None, None) => return other(view),
    };
    let mut lowered = Lowered::data(Op::Slice, 1).with(1, operand(starts)).with(2, operand(&ends));
    if let Some(axes) = &attrs.axes {
        lowered = lowered.with(3, operand(&axes.0));
    }
    match &attrs.steps {
        Some(steps) => lowered.with(4, operand(&steps.0)),
        None => lowered,
    }
}

fn strided_slice(view: &View<'_, '_>) -> Lowered {
    let attrs = view.attrs();
    let (Some(begin), Some(end)) = (&attrs.starts, &attrs.ends) else { return other(view) };
    let mask = |mask: &Option<Ints>| first(mask.as_ref()).map_or(0, |mask| mask as u32);
    let masks = StridedSliceMasks {
        begin: mask(&attrs.begin_mask),
        end: mask(&attrs.end_mask),
        ellipsis: mask(&attrs.ellipsis_mask),
        new_axis: mask(&attrs.new_axis_mask),
        shrink_axis: mask(&attrs.shrink_axis_mask),
    };
    let ones = || Ints(SmallVec::from_elem(1, begin.0.len()));
    let strides = attrs.strides.clone().unwrap_or_else(ones);
    Lowered::data(Op::StridedSlice(masks), 1)
        .with(1, operand(&begin.0))
        .with(2, operand(&end.0))
        .with(3, operand(&strides.0))
}

fn resize(view: &View<'_, '_>, mode: ResizeMode) -> Lowered {
    match view.output_dims(0) {
        Some(dims) => {
            let sizes: Vec<i64> = dims.iter().map(|&dim| dim as i64).collect();
            Lowered::data(Op::Resize(mode), 1).with(3, operand(&sizes))
        }
        None => other(view),
    }
}

fn blocks(view: &View<'_, '_>, to_space: bool) -> Result<Lowered> {
    let size = view.attrs().block_size.as_ref().ok_or_else(|| view.missing("block_size"))?;
    let size = view.count("block_size", Some(size), 1)?;
    let layout = view.layout();
    let op = if to_space { Op::DepthToSpace(size, layout) } else { Op::SpaceToDepth(size, layout) };
    Ok(Lowered::one(op))
}
