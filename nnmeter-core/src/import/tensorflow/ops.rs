//! TensorFlow's operator names to [`Op`]. Windowed operators are in [`super::window`], those about
//! shapes in [`super::shaping`].

use super::site::{Lowered, Site, error};
use super::{shaping, tensor, window};
use crate::error::{ErrorKind, Result};
use crate::op::{Binary, FilterLayout, Norm, Op, PoolKind, ReduceKind, Unary};
use crate::tensor::{Constant, TensorType};

/// Gives a node its operator and its operands.
pub(super) fn lower<'g>(site: &Site<'g>) -> Result<Lowered<'g>> {
    let op = site.node.op.as_str();
    Ok(match op {
        "Placeholder" | "PlaceholderWithDefault" | "PlaceholderV2" => input(site),
        "Const" => constant(site)?,
        "Conv2D" | "Conv3D" => window::conv(site, FilterLayout::Hwio)?,
        "DepthwiseConv2dNative" => window::conv(site, FilterLayout::HwioDepthwise)?,
        "Conv2DBackpropInput" | "Conv3DBackpropInputV2" => window::conv_transposed(site)?,
        "MaxPool" | "MaxPool3D" => window::pool(site, PoolKind::Max)?,
        "AvgPool" | "AvgPool3D" => window::pool(site, PoolKind::Average)?,
        "FusedBatchNorm" | "FusedBatchNormV2" | "FusedBatchNormV3" => {
            all(site, Op::Norm(Norm::Batch(site.layout())))
        }
        "LRN" => all(site, Op::Norm(Norm::LocalResponse)),
        "BiasAdd" | "BiasAddV1" => bias_add(site)?,
        "MatMul" => all(
            site,
            Op::MatMul {
                transpose_a: site.flag("transpose_a"),
                transpose_b: site.flag("transpose_b"),
            },
        ),
        "BatchMatMul" | "BatchMatMulV2" | "BatchMatMulV3" => all(
            site,
            Op::MatMul { transpose_a: site.flag("adj_x"), transpose_b: site.flag("adj_y") },
        ),
        "Mean" | "Sum" | "Max" | "Min" | "Prod" => reduce(site)?,
        "Softmax" => all(site, Op::Softmax { axis: -1, log: false }),
        "LogSoftmax" => all(site, Op::Softmax { axis: -1, log: true }),
        "Select" | "SelectV2" => all(site, Op::Where),
        _ => match (unary(op), binary(op)) {
            (Some(unary), _) => Lowered::new(Op::Unary(unary), [site.input(0)?]),
            (_, Some(binary)) => all(site, Op::Binary(binary)),
            _ => shaping::lower(site)?,
        },
    })
}

/// An operator whose inputs are its operands.
pub(super) fn all<'g>(site: &Site<'g>, op: Op) -> Lowered<'g> {
    Lowered::new(op, site.inputs.iter().copied())
}

/// An operator that is only known by name; its recorded shapes are all there is.
pub(super) fn other<'g>(site: &Site<'g>) -> Lowered<'g> {
    all(site, Op::Other { op_type: site.node.op.as_str().into() })
}

fn unary(op: &str) -> Option<Unary> {
    Some(match op {
        "Relu6" => Unary::Clip { min: Some(0.0), max: Some(6.0) },
        "ClipByValue" => Unary::Clip { min: None, max: None },
        "Inv" => Unary::Reciprocal,
        "Rint" => Unary::Round,
        "LogicalNot" => Unary::Not,
        "IsNan" => Unary::IsNaN,
        "IsInf" => Unary::IsInf,
        "Cumsum" => Unary::CumSum,
        "SiLU" => Unary::Swish,
        _ => Unary::from_name(op)?,
    })
}

fn binary(op: &str) -> Option<Binary> {
    Some(match op {
        "AddV2" | "AddN" => Binary::Add,
        "RealDiv" | "DivNoNan" => Binary::Div,
        "FloorMod" | "TruncateMod" => Binary::Mod,
        "TruncateDiv" => Binary::FloorDiv,
        "Maximum" => Binary::Max,
        "Minimum" => Binary::Min,
        "LogicalAnd" => Binary::And,
        "LogicalOr" => Binary::Or,
        "LessEqual" => Binary::LessOrEqual,
        "GreaterEqual" => Binary::GreaterOrEqual,
        "NotEqual" => Binary::Equal,
        _ => Binary::from_name(op)?,
    })
}

fn input<'g>(site: &Site<'g>) -> Lowered<'g> {
    let dtype = site
        .attr("dtype")
        .and_then(|attr| attr.r#type)
        .map_or_else(Default::default, tensor::dtype);
    let stated = site.attr("shape").and_then(|attr| attr.shape.as_ref());
    let recorded = || site.attr("_output_shapes")?.list.as_ref()?.shape.first();
    // A shape attribute without axes is what older files have for "not known".
    let stated = stated.filter(|shape| !shape.dim.is_empty()).or_else(recorded);
    Lowered::new(Op::Input(dtype, stated.and_then(tensor::open_dims)), [])
}

fn constant<'g>(site: &Site<'g>) -> Result<Lowered<'g>> {
    let tensor = site.attr("value").and_then(|attr| attr.tensor.as_ref());
    let constant = tensor.and_then(tensor::constant).ok_or_else(|| {
        error(site.node, ErrorKind::BadAttribute, "has no value of known extents")
    })?;
    Ok(Lowered::new(Op::Const(constant), []))
}

/// Adds one value a channel. Where channels come first, a constant bias gets the axes that make
/// broadcasting add it there.
fn bias_add<'g>(site: &Site<'g>) -> Result<Lowered<'g>> {
    let (data, bias) = (site.input(0)?, site.input(1)?);
    let add = Op::Binary(Binary::Add);
    let first = site.layout() == crate::op::Layout::ChannelsFirst;
    match site.constant(1).filter(|_| first) {
        Some(Constant { ty, .. }) => {
            let ty = TensorType::new(ty.dtype, ty.dims.iter().copied().chain([1, 1]));
            Ok(Lowered::new(add, [data]).with(1, Constant::opaque(ty)))
        }
        None => Ok(Lowered::new(add, [data, bias])),
    }
}

fn reduce<'g>(site: &Site<'g>) -> Result<Lowered<'g>> {
    let kind = match site.node.op.as_str() {
        "Mean" => ReduceKind::Mean,
        "Sum" => ReduceKind::Sum,
        "Max" => ReduceKind::Max,
        "Min" => ReduceKind::Min,
        _ => ReduceKind::Prod,
    };
    let op = Op::Reduce { kind, keep_dims: site.flag("keep_dims") };
    match site.ints(1) {
        Some(axes) => Ok(Lowered::new(op, [site.input(0)?]).with(1, Constant::ints(axes))),
        None => Ok(all(site, op)),
    }
}
