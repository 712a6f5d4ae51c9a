//! Windowed operators: convolutions and pooling, in one, two or three dimensions.
//!
//! The window of a convolution is its weight's; a `kernel_shape` is only checked. Only the windows
//! are read here: whether they fit the data is for shape inference.

use smallvec::smallvec;

use crate::error::Result;
use crate::op::{Conv, FilterLayout, Layout, Op, Padding, Pool, PoolKind, Spatial};
use crate::tensor::show_dims;

use super::attributes::Site;
use super::ops::{Plan, Scope};

/// What a windowed operator becomes; `None` for any other.
pub(super) fn plan<'m>(site: &Site<'m>, scope: &impl Scope) -> Result<Option<Plan<'m>>> {
    let op = match site.node.op_type.as_str() {
        "Conv" => Op::Conv(conv(site, scope, &window(site)?)?),
        "ConvTranspose" => return transposed(site, scope).map(Some),
        "MaxPool" => pool(PoolKind::Max, site)?,
        "AveragePool" => pool(PoolKind::Average, site)?,
        "LpPool" => pool(PoolKind::Lp, site)?,
        "GlobalAveragePool" => Op::GlobalPool(PoolKind::Average, Layout::ChannelsFirst),
        "GlobalMaxPool" => Op::GlobalPool(PoolKind::Max, Layout::ChannelsFirst),
        "GlobalLpPool" => Op::GlobalPool(PoolKind::Lp, Layout::ChannelsFirst),
        _ => return Ok(None),
    };
    Ok(Some(Plan::plain(op, site)))
}

/// Attributes that all windows have; empty where the file is silent.
struct Window {
    kernel: Spatial,
    strides: Spatial,
    dilations: Spatial,
    padding: Padding,
}

fn window(site: &Site<'_>) -> Result<Window> {
    let window = Window {
        kernel: site.spatial("kernel_shape", 1)?,
        strides: site.spatial("strides", 1)?,
        dilations: site.spatial("dilations", 1)?,
        padding: padding(site)?,
    };
    let padded = match &window.padding {
        Padding::Explicit(begins, _) => begins.len(),
        Padding::SameUpper | Padding::SameLower => 0,
    };
    let lengths = [
        ("kernel_shape", window.kernel.len()),
        ("strides", window.strides.len()),
        ("dilations", window.dilations.len()),
        ("pads", padded),
    ];
    agree(site, &lengths)?;
    Ok(window)
}

/// Refuses attributes that are about different numbers of axes.
fn agree(site: &Site<'_>, lengths: &[(&str, usize)]) -> Result<()> {
    let mut given = lengths.iter().filter(|(_, length)| *length > 0);
    let Some((first, axes)) = given.next() else {
        return Ok(());
    };
    match given.find(|(_, length)| length != axes) {
        None => Ok(()),
        Some((name, length)) => {
            let expected = format!("{axes} as for \"{first}\"");
            Err(site.bad(name, format!("is for {length} spatial axes"), expected))
        }
    }
}

fn padding(site: &Site<'_>) -> Result<Padding> {
    match site.text("auto_pad")?.unwrap_or("NOTSET") {
        "NOTSET" | "" => {}
        "VALID" => return Ok(Padding::default()),
        "SAME_UPPER" => return Ok(Padding::SameUpper),
        "SAME_LOWER" => return Ok(Padding::SameLower),
        other => {
            let expected = "NOTSET, VALID, SAME_UPPER or SAME_LOWER";
            return Err(site.bad("auto_pad", format!("\"{other}\""), expected));
        }
    }
    let pads = site.spatial("pads", 0)?;
    if pads.len() % 2 != 0 {
        let found = format!("{} numbers", pads.len());
        return Err(site.bad("pads", found, "two for each spatial axis"));
    }
    let (begins, ends) = pads.split_at(pads.len() / 2);
    Ok(Padding::Explicit(begins.into(), ends.into()))
}

fn conv(site: &Site<'_>, scope: &impl Scope, window: &Window) -> Result<Conv> {
    check_kernel(site, scope, &window.kernel)?;
    Ok(Conv {
        transposed: false,
        layout: Layout::ChannelsFirst,
        filter: FilterLayout::Oihw,
        strides: window.strides.clone(),
        dilations: window.dilations.clone(),
        padding: window.padding.clone(),
        output_padding: Spatial::new(),
        groups: site.count("group")?.unwrap_or(1),
    })
}

fn pool(kind: PoolKind, site: &Site<'_>) -> Result<Op> {
    let Window { kernel, strides, dilations, padding } = window(site)?;
    if kernel.is_empty() {
        return Err(site.bad("kernel_shape", "is absent", "the extents of the window"));
    }
    let ceil_mode = site.flag("ceil_mode", false)?;
    let layout = Layout::ChannelsFirst;
    Ok(Op::Pool(Pool { kind, layout, kernel, strides, dilations, padding, ceil_mode }))
}

/// Refuses a `kernel_shape` that is not its weight's, where the file tells the weight's extents.
fn check_kernel(site: &Site<'_>, scope: &impl Scope, kernel: &[usize]) -> Result<()> {
    let weight = site.operand(1).and_then(|name| scope.dims(name)).unwrap_or_default();
    match weight.get(2..) {
        Some(window) if !kernel.is_empty() && !window.is_empty() && window != kernel => {
            let (found, expected) = (show_dims(kernel), show_dims(window));
            Err(site.bad("kernel_shape", found, format!("{expected}, as its weight says")))
        }
        _ => Ok(()),
    }
}

/// A transposed convolution. Where it fixes its output extents (`output_shape`), the padding that
/// gives them is worked out from the data's extents; if the file does not state those, the
/// operator is reported by name.
fn transposed<'m>(site: &Site<'m>, scope: &impl Scope) -> Result<Plan<'m>> {
    let mut window = window(site)?;
    let mut output_padding = site.spatial("output_padding", 0)?;
    let wanted = site.spatial("output_shape", 1)?;
    if !wanted.is_empty() {
        let Some((padding, extra)) = fit(site, scope, &window, &output_padding, &wanted)? else {
            return Ok(Plan::other(site, Some("output_shape")));
        };
        (window.padding, output_padding) = (padding, extra);
    }
    let op = Conv { transposed: true, output_padding, ..conv(site, scope, &window)? };
    Ok(Plan::plain(Op::Conv(op), site))
}

/// Padding and output padding that give a transposed convolution the output extents `wanted`:
/// `stride (in - 1) + output_padding + dilation (kernel - 1) + 1 - pads`, after ONNX's operator
/// reference. `None` if extents of data or weight are not known.
fn fit(
    site: &Site<'_>,
    scope: &impl Scope,
    window: &Window,
    output_padding: &[usize],
    wanted: &[usize],
) -> Result<Option<(Padding, Spatial)>> {
    let data = scope.dims(site.required(0)?);
    let weight = scope.dims(site.required(1)?);
    let (Some(data), Some(weight)) = (data, weight) else {
        return Ok(None);
    };
    // Some files write the batch and the channels too.
    let axes = data.len().saturating_sub(2);
    let wanted = &wanted[wanted.len().saturating_sub(axes)..];
    if wanted.len() != axes || weight.len() != data.len() {
        return Err(site.bad(
            "output_shape",
            format!("{} extents", wanted.len()),
            format!("{axes}"),
        ));
    }
    let (mut begins, mut ends, mut extra): (Spatial, Spatial, Spatial) =
        (smallvec![0; axes], smallvec![0; axes], smallvec![0; axes]);
    let or = |list: &[usize], axis: usize, default| list.get(axis).copied().unwrap_or(default);
    for axis in 0..axes {
        let step = or(&window.strides, axis, 1).saturating_mul(data[axis + 2].saturating_sub(1));
        let reach =
            or(&window.dilations, axis, 1).saturating_mul(weight[axis + 2].saturating_sub(1));
        let full = step.saturating_add(reach).saturating_add(1 + or(output_padding, axis, 0));
        let total = full.saturating_sub(wanted[axis]);
        let half = total / 2;
        (begins[axis], ends[axis]) = match window.padding {
            Padding::SameUpper => (half, total - half),
            _ => (total - half, half),
        };
        extra[axis] = or(output_padding, axis, 0) + wanted[axis].saturating_sub(full);
    }
    Ok(Some((Padding::Explicit(begins, ends), extra)))
}
