//! Operators about shapes and indices: views, slices, concatenation, reductions.
//!
//! What is an attribute in one version and an operand in another (axes, split sizes, slice bounds,
//! shapes) becomes an operand. Padding and interpolation are in `ops_resize`.

use smallvec::SmallVec;

use crate::error::Result;
use crate::op::{Layout, Op, ReduceKind, Reshape, Unary};
use crate::tensor::{Constant, DType};

use super::attributes::Site;
use super::ops::{Plan, Scope};
use super::tensors;

/// What an operator about shapes becomes; `None` for any other.
pub(super) fn plan<'m>(site: &Site<'m>, scope: &impl Scope) -> Result<Option<Plan<'m>>> {
    let plan = match site.node.op_type.as_str() {
        "Reshape" => {
            let op = Op::Reshape(Reshape::To { allow_zero: site.flag("allowzero", false)? });
            with_attribute(op, "shape", site)?
        }
        "Flatten" => {
            let axis = site.int("axis")?.unwrap_or(1);
            Plan::plain(Op::Reshape(Reshape::Flatten { axis }), site)
        }
        "Squeeze" => with_attribute(Op::Reshape(Reshape::Squeeze), "axes", site)?,
        "Unsqueeze" => {
            if site.operand(1).is_none() && !site.has("axes") {
                return Err(site.bad("axes", "is absent", "the new axes"));
            }
            with_attribute(Op::Reshape(Reshape::Unsqueeze), "axes", site)?
        }
        "Transpose" => Plan::plain(Op::Transpose(permutation(site)?), site),
        "Concat" => {
            let axis = match site.int("axis")? {
                None if site.opset >= 4 => return Err(site.bad("axis", "is absent", "an axis")),
                axis => axis.unwrap_or(1),
            };
            Plan::plain(Op::Concat { axis }, site)
        }
        "Split" => split(site)?,
        "Slice" => slice(site)?,
        "Gather" => Plan::plain(Op::Gather { axis: site.int("axis")?.unwrap_or(0) }, site),
        "Expand" => Plan::plain(Op::Expand, site),
        "Tile" if site.opset >= 6 => Plan::plain(Op::Tile, site),
        "DepthToSpace" => {
            let block = site.required_count("blocksize")?;
            Plan::plain(Op::DepthToSpace(block, Layout::ChannelsFirst), site)
        }
        "SpaceToDepth" => {
            let block = site.required_count("blocksize")?;
            Plan::plain(Op::SpaceToDepth(block, Layout::ChannelsFirst), site)
        }
        "TopK" => top_k(site)?,
        _ => return values(site, scope),
    };
    Ok(Some(plan))
}

/// Operators about values and types rather than places: reductions, conversions, queries.
fn values<'m>(site: &Site<'m>, scope: &impl Scope) -> Result<Option<Plan<'m>>> {
    let op = match site.node.op_type.as_str() {
        "Softmax" => softmax(false, site)?,
        "LogSoftmax" => softmax(true, site)?,
        "ArgMax" | "ArgMin" => Op::ArgReduce {
            axis: site.int("axis")?.unwrap_or(0),
            keep_dims: site.flag("keepdims", true)?,
        },
        "Cast" => Op::Cast(cast_target(site)?),
        "CastLike" => {
            let like = site.required(1)?;
            let target = site.node.output.first().and_then(|name| scope.dtype(name));
            let target = target.or_else(|| scope.dtype(like)).unwrap_or_default();
            return Ok(Some(Plan::with(Op::Cast(target), [site.required(0)?])));
        }
        "DequantizeLinear" => return dequantize(site, scope).map(Some),
        "Shape" => Op::Shape { start: site.int("start")?.unwrap_or(0), end: site.int("end")? },
        "Size" => Op::Size,
        "ConstantOfShape" => return constant_of_shape(site).map(Some),
        "Range" => Op::Range,
        name => match reduction(name) {
            Some(kind) => return reduce(kind, site, scope).map(Some),
            None => return Ok(None),
        },
    };
    Ok(Some(Plan::plain(op, site)))
}

/// The value that fills the tensor is an attribute in ONNX and an operand here.
fn constant_of_shape<'m>(site: &Site<'m>) -> Result<Plan<'m>> {
    let fill = match site.tensor("value")? {
        None => Constant::scalar(0.0),
        Some(value) => tensors::constant(site.name(), value)?,
    };
    let op = Op::ConstantOfShape(fill.ty.dtype);
    Ok(Plan::with(op, [site.required(0)?]).operand(1, fill))
}

/// A node whose second operand is an attribute in older versions. An empty list of axes means
/// the same as none.
fn with_attribute<'m>(op: Op, name: &str, site: &Site<'m>) -> Result<Plan<'m>> {
    match site.ints(name)? {
        Some(list) if site.operand(1).is_none() && !list.is_empty() => {
            let constant = Constant::ints(list.iter().copied());
            Ok(Plan::with(op, [site.required(0)?]).operand(1, constant))
        }
        _ => Ok(Plan::plain(op, site)),
    }
}

fn permutation(site: &Site<'_>) -> Result<Option<SmallVec<[usize; 5]>>> {
    let Some(list) = site.ints("perm")?.filter(|list| !list.is_empty()) else {
        return Ok(None);
    };
    let mut seen = vec![false; list.len()];
    let mut axis = |&axis: &i64| {
        let axis = usize::try_from(axis).ok()?;
        let seen = seen.get_mut(axis)?;
        (!std::mem::replace(seen, true)).then_some(axis)
    };
    let axes: Option<SmallVec<[usize; 5]>> = list.iter().map(&mut axis).collect();
    let expected = format!("each of the axes 0 to {} once", list.len() - 1);
    axes.map(Some).ok_or_else(|| site.bad("perm", format!("{list:?}"), expected))
}

fn split<'m>(site: &Site<'m>) -> Result<Plan<'m>> {
    let op = Op::Split { axis: site.int("axis")?.unwrap_or(0) };
    let outputs = site.node.output.len();
    if let Some(parts) = site.count("num_outputs")?
        && parts != outputs
    {
        return Err(site.bad("num_outputs", parts.to_string(), format!("{outputs}, its outputs")));
    }
    let sizes = site.ints("split")?;
    if let Some(sizes) = sizes.filter(|sizes| sizes.len() != outputs && !sizes.is_empty()) {
        let found = format!("{} sizes", sizes.len());
        return Err(site.bad("split", found, format!("{outputs}, one for each output")));
    }
    with_attribute(op, "split", site)
}

/// Slice: bounds are attributes up to version 9.
fn slice<'m>(site: &Site<'m>) -> Result<Plan<'m>> {
    if site.operand(1).is_some() {
        return Ok(Plan::plain(Op::Slice, site));
    }
    let bound = |name: &str| -> Result<Constant> {
        let list = site.ints(name)?;
        let list = list.ok_or_else(|| site.bad(name, "is absent", "the bounds of the slice"))?;
        Ok(Constant::ints(list.iter().copied()))
    };
    let plan = Plan::with(Op::Slice, [site.required(0)?]);
    let plan = plan.operand(1, bound("starts")?).operand(2, bound("ends")?);
    Ok(match site.ints("axes")? {
        None => plan,
        Some(axes) => plan.operand(3, Constant::ints(axes.iter().copied())),
    })
}

/// TopK: the number is an attribute up to version 9.
fn top_k<'m>(site: &Site<'m>) -> Result<Plan<'m>> {
    let op = Op::TopK { axis: site.int("axis")?.unwrap_or(-1) };
    if site.operand(1).is_some() {
        return Ok(Plan::plain(op, site));
    }
    let k = site.required_count("k")? as i64;
    Ok(Plan::with(op, [site.required(0)?]).operand(1, Constant::ints([k])))
}

/// Softmax. Up to version 12 it runs over all axes from `axis` on, which is 1; the work is nearly
/// the same, so the axis is kept as it is.
fn softmax(log: bool, site: &Site<'_>) -> Result<Op> {
    let default = if site.opset < 13 { 1 } else { -1 };
    Ok(Op::Softmax { axis: site.int("axis")?.unwrap_or(default), log })
}

fn cast_target(site: &Site<'_>) -> Result<DType> {
    if site.opset < 6 {
        return Ok(DType::F32); // an enumeration spelt out as text
    }
    let expected = "an element type";
    let code = site.int("to")?.ok_or_else(|| site.bad("to", "is absent", expected))?;
    let dtype = i32::try_from(code).ok().and_then(tensors::dtype);
    dtype.ok_or_else(|| site.bad("to", code.to_string(), expected))
}

/// DequantizeLinear of a stored weight is a conversion that the runtime does when it loads the
/// model; of data it is an operator to be reported.
fn dequantize<'m>(site: &Site<'m>, scope: &impl Scope) -> Result<Plan<'m>> {
    let data = site.required(0)?;
    if scope.constant(data).is_none() {
        return Ok(Plan::plain(Op::Unary(Unary::DequantizeLinear), site));
    }
    let scale = site.operand(1).and_then(|scale| scope.dtype(scale));
    Ok(Plan::with(Op::Cast(scale.unwrap_or_default()), [data]))
}

fn reduction(name: &str) -> Option<ReduceKind> {
    Some(match name {
        "ReduceMean" => ReduceKind::Mean,
        "ReduceSum" => ReduceKind::Sum,
        "ReduceSumSquare" => ReduceKind::SumSquare,
        "ReduceMax" => ReduceKind::Max,
        "ReduceMin" => ReduceKind::Min,
        "ReduceProd" => ReduceKind::Prod,
        "ReduceL1" => ReduceKind::L1,
        "ReduceL2" => ReduceKind::L2,
        "ReduceLogSum" => ReduceKind::LogSum,
        "ReduceLogSumExp" => ReduceKind::LogSumExp,
        _ => return None,
    })
}

/// A reduction. Without axes it is over all of them, or, with `noop_with_empty_axes`, only the
/// function that a reduction applies to each element.
fn reduce<'m>(kind: ReduceKind, site: &Site<'m>, scope: &impl Scope) -> Result<Plan<'m>> {
    let op = Op::Reduce { kind, keep_dims: site.flag("keepdims", true)? };
    let data = site.required(0)?;
    if let Some(axes) = site.ints("axes")?.filter(|axes| !axes.is_empty()) {
        return Ok(Plan::with(op, [data]).operand(1, Constant::ints(axes.iter().copied())));
    }
    let is_empty = |axes: &str| scope.constant(axes).is_some_and(|axes| axes.ty.elements() == 0);
    if let Some(axes) = site.operand(1).filter(|axes| !is_empty(axes)) {
        return Ok(Plan::with(op, [data, axes]));
    }
    if !site.flag("noop_with_empty_axes", false)? {
        return Ok(Plan::with(op, [data]));
    }
    let unary = match kind {
        ReduceKind::L1 | ReduceKind::L2 => Unary::Abs,
        ReduceKind::SumSquare => Unary::Square,
        ReduceKind::LogSum => Unary::Log,
        _ => return Ok(Plan::Alias(data)),
    };
    Ok(Plan::with(Op::Unary(unary), [data]))
}
