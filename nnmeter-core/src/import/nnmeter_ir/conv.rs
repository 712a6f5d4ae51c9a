//! Convolutions and poolings of nn-Meter IR: windows, paddings, and the weights that the file has
//! only as attributes.

use super::attrs::{View, stated_layout};
use super::lower::Lowered;
use super::numbers::TextOrInts;
use super::schema::IrNode;
use crate::error::{ErrorKind, Result};
use crate::op::{Conv, FilterLayout, Layout, Op, Padding, Pool, PoolKind, Spatial};
use crate::tensor::{Constant, Dims, TensorType, show_dims};

/// Which convolution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Plain,
    Depthwise,
    Transposed,
}

/// Layout of the whole graph: `NHWC`, unless its convolutions say or show `NCHW`.
pub(super) fn graph_layout(nodes: &[IrNode<'_>]) -> Layout {
    let mut first = None;
    for node in nodes.iter().filter(|node| node.attrs().weight_shape.is_some()) {
        let layout = stated_layout(node).or_else(|| shown_layout(node));
        match layout {
            Some(Layout::ChannelsLast) => return Layout::ChannelsLast,
            Some(Layout::ChannelsFirst) => first = layout,
            None => {}
        }
    }
    first.unwrap_or(Layout::ChannelsLast)
}

/// The layout that only one reading of weight and shapes allows.
fn shown_layout(node: &IrNode<'_>) -> Option<Layout> {
    let output = node.output_dims(0).filter(|dims| dims.len() >= 3)?;
    let weight = &node.attrs().weight_shape.as_ref()?.0;
    let has = |extent: usize| weight.iter().any(|&dim| usize::try_from(dim) == Ok(extent));
    match (has(output[1]), has(output[output.len() - 1])) {
        (true, false) => Some(Layout::ChannelsFirst),
        (false, true) => Some(Layout::ChannelsLast),
        _ => None,
    }
}

/// A convolution with its weight.
pub(super) fn conv(view: &View<'_, '_>, kind: Kind) -> Result<Lowered> {
    let attrs = view.attrs();
    let groups = view.count("group", attrs.group.as_ref(), 1)?;
    let (weight, filter) = weight(view, kind, groups)?;
    let rank = weight.len() - 2;
    let conv = Conv {
        transposed: kind == Kind::Transposed,
        layout: view.layout(),
        filter,
        strides: view.spatial("strides", attrs.strides.as_ref(), rank)?,
        dilations: view.spatial("dilations", attrs.dilations.as_ref(), rank)?,
        padding: padding(view, rank)?,
        output_padding: Spatial::new(),
        groups,
    };
    let weight = Constant::opaque(TensorType::f32(weight));
    Ok(Lowered::one(Op::Conv(conv)).with(1, weight))
}

/// The weight's extents and the order of its axes: as recorded, as a constant inbound has them, or
/// put together from the window and the recorded channels.
fn weight(view: &View<'_, '_>, kind: Kind, groups: usize) -> Result<(Dims, FilterLayout)> {
    let attrs = view.attrs();
    let recorded = match &attrs.weight_shape {
        Some(shape) => Some(view.extents("weight_shape", shape)?),
        None => view.consts().filter_map(|node| node.output_dims(0)).find(|dims| dims.len() >= 3),
    };
    let Some(weight) = recorded else { return derived_weight(view, kind, groups) };
    if !(3..=5).contains(&weight.len()) {
        return Err(view
            .node
            .error(ErrorKind::BadAttribute, format!("has weight_shape {}", show_dims(&weight)))
            .expected("the spatial extents, input channels and output channels"));
    }
    let filter = filter_layout(view, kind, groups, &weight)?;
    Ok((weight, filter))
}

/// Tells `[k.., in, out]` from `[out, in, k..]` by the window that the file also records.
fn filter_layout(
    view: &View<'_, '_>,
    kind: Kind,
    groups: usize,
    weight: &[usize],
) -> Result<FilterLayout> {
    let rank = weight.len() - 2;
    let kernel = view.spatial("kernel_shape", view.attrs().kernel_shape.as_ref(), rank)?;
    let window_first = kernel.is_empty() || kernel[..] == weight[..rank];
    if !window_first && kernel[..] == weight[2..] {
        return Ok(FilterLayout::Oihw);
    }
    if !window_first {
        return Err(view
            .node
            .error(ErrorKind::BadAttribute, format!("has weight_shape {}", show_dims(weight)))
            .expected(format!("a window of {}, as its kernel_shape says", show_dims(&kernel))));
    }
    let input = view.input_dims(0).and_then(|dims| view.channels(&dims));
    let grouped = groups > 1 && input == Some(groups) && weight[rank] == groups;
    Ok(match kind {
        Kind::Depthwise => FilterLayout::HwioDepthwise,
        Kind::Plain if grouped => FilterLayout::HwioDepthwise,
        Kind::Plain | Kind::Transposed => FilterLayout::Hwio,
    })
}

fn derived_weight(view: &View<'_, '_>, kind: Kind, groups: usize) -> Result<(Dims, FilterLayout)> {
    let input = view.input_dims(0).ok_or_else(|| view.missing("weight_shape"))?;
    let output = view.output_dims(0).ok_or_else(|| view.missing("weight_shape"))?;
    let kernel = match &view.attrs().kernel_shape {
        Some(kernel) => view.spatial("kernel_shape", Some(kernel), input.len().max(3) - 2)?,
        None => return Err(view.missing("weight_shape or kernel_shape")),
    };
    let (Some(cin), Some(cout)) = (view.channels(&input), view.channels(&output)) else {
        return Err(view.missing("weight_shape"));
    };
    let (last, filter) = match kind {
        Kind::Plain => ([cin / groups, cout], FilterLayout::Hwio),
        Kind::Depthwise => ([cin, cout / cin.max(1)], FilterLayout::HwioDepthwise),
        Kind::Transposed => ([cout / groups, cin], FilterLayout::Hwio),
    };
    Ok((kernel.iter().copied().chain(last).collect(), filter))
}

/// A windowed pooling.
pub(super) fn pool(view: &View<'_, '_>, kind: PoolKind) -> Result<Lowered> {
    let attrs = view.attrs();
    let window = attrs.ksize.as_ref().or(attrs.kernel_shape.as_ref());
    let window = window.ok_or_else(|| view.missing("ksize"))?;
    let dims = view.output_dims(0).or_else(|| view.input_dims(0));
    let rank = dims.map_or(2, |dims| dims.len().clamp(3, 5) - 2);
    let kernel = view.spatial("ksize", Some(window), rank)?;
    let pool = Pool {
        kind,
        layout: view.layout(),
        strides: view.spatial("strides", attrs.strides.as_ref(), rank)?,
        dilations: view.spatial("dilations", attrs.dilations.as_ref(), rank)?,
        padding: padding(view, rank)?,
        ceil_mode: super::attrs::flag(attrs.ceil_mode.as_ref()).unwrap_or(false),
        kernel,
    };
    Ok(Lowered::one(Op::Pool(pool)))
}

/// Amounts that are not all zero rule; else a named rule does; else there is none.
fn padding(view: &View<'_, '_>, rank: usize) -> Result<Padding> {
    let attrs = view.attrs();
    let amounts = match (&attrs.pads, &attrs.padding, &attrs.explicit_paddings) {
        (Some(pads), _, _) if pads.0.iter().any(|&pad| pad != 0) => pads.0.as_slice(),
        (_, Some(TextOrInts::Ints(pads)), _) => pads.0.as_slice(),
        (_, Some(TextOrInts::Text(rule)), Some(pads)) if rule == "EXPLICIT" => {
            return paired(view, &pads.0, rank);
        }
        _ => &[],
    };
    if !amounts.is_empty() {
        return amounts_per_side(view, amounts, rank);
    }
    let rule = match (&attrs.padding, &attrs.auto_pad) {
        (Some(TextOrInts::Text(rule)), _) => rule.as_ref(),
        (_, Some(rule)) => rule.0.as_ref(),
        _ => "",
    };
    match rule {
        "SAME" | "SAME_UPPER" | "same" => Ok(Padding::SameUpper),
        "SAME_LOWER" => Ok(Padding::SameLower),
        "VALID" | "valid" | "NOTSET" | "EXPLICIT" | "" => Ok(Padding::default()),
        other => Err(view
            .node
            .error(ErrorKind::BadAttribute, format!("has padding \"{other}\""))
            .expected("SAME, VALID or amounts")),
    }
}

/// ONNX's order: all begins, then all ends; or one amount for both sides of each axis.
fn amounts_per_side(view: &View<'_, '_>, pads: &[i64], rank: usize) -> Result<Padding> {
    let (begins, ends) = match pads.len() {
        len if len == 2 * rank => pads.split_at(rank),
        len if len == rank => (pads, pads),
        len if len == 2 * (rank + 2) => return paired(view, pads, rank),
        _ => return Err(view.bad("pads", pads, &format!("{} values", 2 * rank))),
    };
    explicit(view, pads, begins.iter().copied(), ends.iter().copied())
}

/// TensorFlow's order over all axes: begin and end of each.
fn paired(view: &View<'_, '_>, pads: &[i64], rank: usize) -> Result<Padding> {
    if pads.len() != 2 * (rank + 2) {
        return Err(view.bad("paddings", pads, &format!("{} values", 2 * (rank + 2))));
    }
    let axes = view.layout().spatial_axes(rank + 2);
    let pairs = &pads[2 * axes.start..2 * axes.end];
    let begins = pairs.iter().copied().step_by(2);
    explicit(view, pads, begins, pairs.iter().copied().skip(1).step_by(2))
}

fn explicit(
    view: &View<'_, '_>,
    pads: &[i64],
    begins: impl Iterator<Item = i64>,
    ends: impl Iterator<Item = i64>,
) -> Result<Padding> {
    let amount = |pad: i64| usize::try_from(pad).ok().filter(|&pad| pad < 1 << 40);
    let begins: Option<Spatial> = begins.map(amount).collect();
    let ends: Option<Spatial> = ends.map(amount).collect();
    match (begins, ends) {
        (Some(begins), Some(ends)) => Ok(Padding::Explicit(begins, ends)),
        _ => Err(view.bad("pads", pads, "amounts of 0 or more")),
    }
}
