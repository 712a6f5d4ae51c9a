//! Padding and interpolation: Pad, Resize and its ancestor Upsample.
//!
//! Operands come to one order: data, region, scales, sizes. A Resize of some axes only (`axes`) is
//! brought to all axes where the file states the data's extents, and reported by name elsewhere.

use crate::error::Result;
use crate::op::{Op, ResizeMode};
use crate::tensor::{Constant, TensorType, Values};

use super::attributes::Site;
use super::ops::{Plan, Scope};

/// What a Pad, Resize or Upsample becomes; `None` for any other.
pub(super) fn plan<'m>(site: &Site<'m>, scope: &impl Scope) -> Result<Option<Plan<'m>>> {
    Ok(Some(match site.node.op_type.as_str() {
        "Pad" => pad(site, scope)?,
        "Upsample" => upsample(site)?,
        "Resize" => resize(site, scope)?,
        _ => return Ok(None),
    }))
}

/// Pad: amounts and value are attributes up to version 10. One by nothing, which PyTorch writes before
/// every average pooling, is no operator.
fn pad<'m>(site: &Site<'m>, scope: &impl Scope) -> Result<Plan<'m>> {
    if let Some(amounts) = site.operand(1) {
        let amounts = scope.constant(amounts).and_then(Constant::as_ints);
        return Ok(match amounts.is_some_and(|of| of.iter().all(|&amount| amount == 0)) {
            true => Plan::Alias(site.required(0)?),
            false => Plan::plain(Op::Pad, site),
        });
    }
    let name = if site.opset < 2 { "paddings" } else { "pads" };
    let pads = site.ints(name)?;
    let pads = pads.ok_or_else(|| site.bad(name, "is absent", "two numbers for each axis"))?;
    let amounts = Constant::ints(pads.iter().copied());
    let plan = Plan::with(Op::Pad, [site.required(0)?]).operand(1, amounts);
    Ok(match site.float("value")? {
        None => plan,
        Some(value) => plan.operand(2, Constant::scalar(f64::from(value))),
    })
}

/// Upsample: scales are an attribute in versions 7 and 8, then the second operand.
fn upsample<'m>(site: &Site<'m>) -> Result<Plan<'m>> {
    if site.opset < 7 {
        return Ok(Plan::other(site, None));
    }
    let op = Op::Resize(mode(site)?);
    let data = site.required(0)?;
    match site.floats("scales")? {
        None => Ok(Plan::with(op, [data, "", site.required(1)?])),
        Some(scales) => {
            let scales = scales.iter().map(|&scale| f64::from(scale)).collect();
            Ok(Plan::with(op, [data]).operand(2, floats(scales)))
        }
    }
}

/// Resize: the scales are the second operand in version 10, the third from then on. Operands that
/// are known to be empty are left out.
fn resize<'m>(site: &Site<'m>, scope: &impl Scope) -> Result<Plan<'m>> {
    let op = Op::Resize(mode(site)?);
    let data = site.required(0)?;
    if site.opset < 11 {
        return Ok(Plan::with(op, [data, "", site.required(1)?]));
    }
    let keeps_ratio = site.text("keep_aspect_ratio_policy")?.is_some_and(|how| how != "stretch");
    let is_empty = |name: &str| scope.constant(name).is_some_and(|c| c.ty.elements() == 0);
    let given = |slot| site.operand(slot).filter(|name| !is_empty(name)).unwrap_or("");
    let (scales, sizes) = (given(2), given(3));
    if keeps_ratio && !sizes.is_empty() {
        return Ok(Plan::other(site, Some("keep_aspect_ratio_policy")));
    }
    let Some(axes) = site.ints("axes")? else {
        return Ok(Plan::with(op, [data, given(1), scales, sizes]));
    };
    Ok(spread(site, scope, axes, scales, sizes)
        .map(|(slot, constant)| Plan::with(op, [data]).operand(slot, constant))
        .unwrap_or_else(|| Plan::other(site, Some("axes"))))
}

/// Scales or sizes of some axes brought to all axes, with their slot; `None` if what is needed
/// for that is not stated in the file.
fn spread(
    site: &Site<'_>,
    scope: &impl Scope,
    axes: &[i64],
    scales: &str,
    sizes: &str,
) -> Option<(u16, Constant)> {
    let dims = scope.dims(site.operand(0)?)?;
    let rank = dims.len() as i64;
    let place = |axis: i64| {
        let axis = if axis < 0 { axis.checked_add(rank)? } else { axis };
        usize::try_from(axis).ok().filter(|&axis| axis < dims.len())
    };
    let constant = |name: &str| scope.constant(name);
    if let Some(scales) = constant(scales) {
        let scales = scales.as_floats().filter(|scales| scales.len() == axes.len())?;
        let mut all = vec![1.0; dims.len()];
        for (&axis, scale) in axes.iter().zip(scales) {
            all[place(axis)?] = scale;
        }
        return Some((2, floats(all)));
    }
    let sizes = constant(sizes)?.as_ints().filter(|sizes| sizes.len() == axes.len())?;
    let mut all: Vec<i64> = dims.iter().map(|&dim| dim as i64).collect();
    for (&axis, &size) in axes.iter().zip(sizes) {
        all[place(axis)?] = size;
    }
    Some((3, Constant::ints(all)))
}

fn floats(values: Vec<f64>) -> Constant {
    Constant { ty: TensorType::f32([values.len()]), values: Some(Values::Floats(values)) }
}

fn mode(site: &Site<'_>) -> Result<ResizeMode> {
    Ok(match site.text("mode")?.unwrap_or("nearest") {
        "nearest" => ResizeMode::Nearest,
        "linear" | "bilinear" => ResizeMode::Linear,
        "cubic" => ResizeMode::Cubic,
        other => {
            return Err(site.bad("mode", format!("\"{other}\""), "nearest, linear or cubic"));
        }
    })
}
