//! Operators of TensorFlow that join, cut and rearrange tensors. Those whose steering operand is
//! not constant have no equivalent here and are kept by name.

use super::ops::{all, other};
use super::site::{Lowered, Site, error};
use super::tensor;
use crate::builder::GraphBuilder;
use crate::error::{ErrorKind, Result};
use crate::graph::NodeId;
use crate::op::{Layout, Op, Reshape, ResizeMode, StridedSliceMasks};
use crate::tensor::Constant;

/// The operators of this file; anything else is kept by its name.
pub(super) fn lower<'g>(site: &Site<'g>) -> Result<Lowered<'g>> {
    Ok(match site.node.op.as_str() {
        "ConcatV2" => concat(site, site.inputs.len().saturating_sub(1)),
        "Concat" => concat(site, 0),
        "Pack" => all(site, Op::Stack { axis: site.int_attr("axis").unwrap_or(0) }),
        "Split" => split(site, 0, [1].into_iter())?,
        "SplitV" => split(site, 2, [0, 1].into_iter())?,
        "Reshape" => all(site, Op::Reshape(Reshape::To { allow_zero: true })),
        "Squeeze" => squeeze(site)?,
        "ExpandDims" => axes_operand(site, Op::Reshape(Reshape::Unsqueeze))?,
        "Transpose" => transpose(site)?,
        "Pad" | "PadV2" | "MirrorPad" => pad(site)?,
        "Slice" => slice(site)?,
        "StridedSlice" => all(site, Op::StridedSlice(masks(site))),
        "Gather" => all(site, Op::Gather { axis: 0 }),
        "GatherV2" => gather(site)?,
        "Tile" => all(site, Op::Tile),
        "BroadcastTo" => all(site, Op::Expand),
        "ResizeBilinear" => resize(site, ResizeMode::Linear)?,
        "ResizeNearestNeighbor" => resize(site, ResizeMode::Nearest)?,
        "ResizeBicubic" => resize(site, ResizeMode::Cubic)?,
        "DepthToSpace" | "SpaceToDepth" => blocks(site)?,
        "Cast" => all(site, Op::Cast(type_attr(site, "DstT"))),
        "Shape" => all(site, Op::Shape { start: 0, end: None }),
        "Size" => all(site, Op::Size),
        "Range" => all(site, Op::Range),
        "Fill" => all(site, Op::ConstantOfShape(type_attr(site, "T"))),
        "ArgMax" | "ArgMin" => arg_reduce(site)?,
        "TopKV2" => {
            let lowered = all(site, Op::TopK { axis: -1 });
            Lowered { outputs: 2, ..lowered }
        }
        _ => other(site),
    })
}

fn type_attr(site: &Site<'_>, key: &str) -> crate::tensor::DType {
    site.attr(key).and_then(|attr| attr.r#type).map_or_else(Default::default, tensor::dtype)
}

fn concat<'g>(site: &Site<'g>, axis_slot: usize) -> Lowered<'g> {
    let Some(axis) = site.int(axis_slot) else { return other(site) };
    let inputs = site.inputs.iter().enumerate().filter(|&(slot, _)| slot != axis_slot);
    Lowered::new(Op::Concat { axis }, inputs.map(|(_, &input)| input))
}

fn split<'g>(
    site: &Site<'g>,
    axis_slot: usize,
    slots: impl Iterator<Item = usize>,
) -> Result<Lowered<'g>> {
    let Some(axis) = site.int(axis_slot) else { return Ok(other(site)) };
    let parts = site.int_attr("num_split").and_then(|parts| u16::try_from(parts).ok());
    let Some(outputs) = parts.filter(|&parts| parts > 0) else {
        return Err(error(site.node, ErrorKind::BadAttribute, "has no num_split")
            .expected("a positive number of parts"));
    };
    let operands: Result<Vec<&str>> = slots.map(|slot| site.input(slot)).collect();
    Ok(Lowered { outputs, ..Lowered::new(Op::Split { axis }, operands?) })
}

fn squeeze<'g>(site: &Site<'g>) -> Result<Lowered<'g>> {
    let lowered = Lowered::new(Op::Reshape(Reshape::Squeeze), [site.input(0)?]);
    let list = site.attr("squeeze_dims").and_then(|attr| attr.list.as_ref());
    Ok(match list.filter(|list| !list.i.is_empty()) {
        Some(list) => lowered.with(1, Constant::ints(list.i.iter().copied())),
        None => lowered,
    })
}

/// An operator whose second operand is an axis or axes, which become a list.
fn axes_operand<'g>(site: &Site<'g>, op: Op) -> Result<Lowered<'g>> {
    match site.ints(1) {
        Some(axes) => Ok(Lowered::new(op, [site.input(0)?]).with(1, Constant::ints(axes))),
        None => Ok(other(site)),
    }
}

fn transpose<'g>(site: &Site<'g>) -> Result<Lowered<'g>> {
    let Some(perm) = site.ints(1) else { return Ok(other(site)) };
    let mut sorted = perm.clone();
    sorted.sort_unstable();
    if !sorted.iter().copied().eq(0..perm.len() as i64) {
        return Err(error(site.node, ErrorKind::BadAttribute, format!("has perm {perm:?}"))
            .expected("each axis once"));
    }
    let perm = perm.iter().map(|&axis| axis as usize).collect();
    Ok(Lowered::new(Op::Transpose(Some(perm)), [site.input(0)?]))
}

/// Begin and end of each axis become all begins, then all ends.
fn pad<'g>(site: &Site<'g>) -> Result<Lowered<'g>> {
    let Some(pairs) = site.ints(1) else { return Ok(other(site)) };
    let begins = pairs.iter().step_by(2);
    let pads = begins.chain(pairs.iter().skip(1).step_by(2)).copied();
    Ok(Lowered::new(Op::Pad, [site.input(0)?]).with(1, Constant::ints(pads)))
}

fn slice<'g>(site: &Site<'g>) -> Result<Lowered<'g>> {
    let (Some(begin), Some(size)) = (site.ints(1), site.ints(2)) else { return Ok(other(site)) };
    let end = |(&begin, &size): (&i64, &i64)| match size {
        -1 => i64::MAX,
        size => begin.saturating_add(size),
    };
    let ends: Vec<i64> = begin.iter().zip(&size).map(end).collect();
    Ok(Lowered::new(Op::Slice, [site.input(0)?])
        .with(1, Constant::ints(begin))
        .with(2, Constant::ints(ends)))
}

fn masks(site: &Site<'_>) -> StridedSliceMasks {
    let mask = |key| site.int_attr(key).unwrap_or(0) as u32;
    StridedSliceMasks {
        begin: mask("begin_mask"),
        end: mask("end_mask"),
        ellipsis: mask("ellipsis_mask"),
        new_axis: mask("new_axis_mask"),
        shrink_axis: mask("shrink_axis_mask"),
    }
}

fn gather<'g>(site: &Site<'g>) -> Result<Lowered<'g>> {
    match (site.int(2), site.int_attr("batch_dims").unwrap_or(0)) {
        (Some(axis), 0) => Ok(Lowered::new(Op::Gather { axis }, [site.input(0)?, site.input(1)?])),
        _ => Ok(other(site)),
    }
}

fn arg_reduce<'g>(site: &Site<'g>) -> Result<Lowered<'g>> {
    let axis = if site.inputs.len() > 1 { site.int(1) } else { Some(0) };
    match axis {
        Some(axis) => Ok(Lowered::new(Op::ArgReduce { axis, keep_dims: false }, [site.input(0)?])),
        None => Ok(other(site)),
    }
}

fn blocks<'g>(site: &Site<'g>) -> Result<Lowered<'g>> {
    let size = site.int_attr("block_size").and_then(|size| usize::try_from(size).ok());
    let Some(size) = size.filter(|size| (1..1 << 20).contains(size)) else {
        return Err(error(site.node, ErrorKind::BadAttribute, "has no block_size")
            .expected("a positive number"));
    };
    let to_space = site.node.op == "DepthToSpace";
    let layout = site.layout();
    let op = if to_space { Op::DepthToSpace(size, layout) } else { Op::SpaceToDepth(size, layout) };
    Ok(Lowered::new(op, [site.input(0)?]))
}

/// TensorFlow gives height and width; the operator wants every extent.
fn resize<'g>(site: &Site<'g>, mode: ResizeMode) -> Result<Lowered<'g>> {
    site.input(1)?;
    let lowered = Lowered::new(Op::Resize(mode), [site.input(0)?]);
    Ok(Lowered { full_sizes: true, ..lowered })
}

/// Puts the sizes of a resize together: batch and channels of the data, height and width of the
/// file. Resizes of TensorFlow are `NHWC` always.
pub(super) fn add_full_sizes(
    builder: &mut GraphBuilder,
    site: &Site<'_>,
    resize: NodeId,
) -> Result<()> {
    let (data, size) = (site.input(0)?, site.input(1)?);
    let part = |name: &str| format!("{}/{name}", site.node.name);
    let (shape, batch, channels, sizes) = (
        part("operand3/shape"),
        part("operand3/batch"),
        part("operand3/channels"),
        part("operand3"),
    );
    builder.node(&shape, Op::Shape { start: 0, end: None }, [data], &[&shape])?;
    let channel_axis = Layout::ChannelsLast.channel_axis(4).unwrap_or(3) as i64;
    for (name, axis) in [(&batch, 0), (&channels, channel_axis)] {
        let cut = builder.node(name, Op::Slice, [shape.as_str()], &[name])?;
        builder.constant_operand(cut, 1, Constant::ints([axis]));
        builder.constant_operand(cut, 2, Constant::ints([axis + 1]));
    }
    builder.node(&sizes, Op::Concat { axis: 0 }, [batch.as_str(), size, &channels], &[&sizes])?;
    builder.operand(resize, 3, &sizes);
    Ok(())
}
