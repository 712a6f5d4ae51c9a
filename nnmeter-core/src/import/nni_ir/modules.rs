//! PyTorch's modules, by the last part of their type's name: NNI 2.x names them after torch, NNI 3.0
//! after its own wrappers.

use super::params::Params;
use super::walk::{Call, Item, Walker};
use crate::error::Result;
use crate::op::{Conv, Layout, Norm, Op, Pool, PoolKind, Reshape, Unary};
use crate::tensor::{Constant, TensorType};

/// Evaluates a call of a module; unknown ones are kept by name.
pub(super) fn call(walker: &mut Walker<'_>, call: &Call<'_>) -> Result<Vec<Item>> {
    let op_type = &call.node.operation.op_type;
    let name = op_type.rsplit('.').next().unwrap_or(op_type);
    let params = call.params();
    if let Some(unary) = activation(name, &params) {
        return walker.add(call, Op::Unary(unary), &[call.input(0)], Vec::new(), 1);
    }
    let channels_first = Layout::ChannelsFirst;
    let op = match name {
        "Conv1d" | "Conv2d" | "Conv3d" => return conv(walker, call, rank(name), false),
        "ConvTranspose1d" | "ConvTranspose2d" | "ConvTranspose3d" => {
            return conv(walker, call, rank(name), true);
        }
        "Linear" => return linear(walker, call),
        "BatchNorm1d" | "BatchNorm2d" | "BatchNorm3d" | "SyncBatchNorm" => {
            Op::Norm(Norm::Batch(channels_first))
        }
        "InstanceNorm1d" | "InstanceNorm2d" | "InstanceNorm3d" => Op::Norm(Norm::Instance),
        "GroupNorm" => Op::Norm(Norm::Group { groups: params.count("num_groups")? }),
        "LayerNorm" => {
            let shape = params.get("normalized_shape").and_then(|shape| shape.as_array());
            Op::Norm(Norm::Layer { axis: -(shape.map_or(1, Vec::len) as i64) })
        }
        "MaxPool1d" | "MaxPool2d" | "MaxPool3d" => pool(&params, rank(name), PoolKind::Max)?,
        "AvgPool1d" | "AvgPool2d" | "AvgPool3d" => pool(&params, rank(name), PoolKind::Average)?,
        "AdaptiveAvgPool1d" | "AdaptiveAvgPool2d" | "AdaptiveAvgPool3d"
            if is_one(params.get("output_size")) =>
        {
            Op::GlobalPool(PoolKind::Average, channels_first)
        }
        "AdaptiveMaxPool1d" | "AdaptiveMaxPool2d" | "AdaptiveMaxPool3d"
            if is_one(params.get("output_size")) =>
        {
            Op::GlobalPool(PoolKind::Max, channels_first)
        }
        "Identity" | "Dropout" | "Dropout2d" | "Dropout3d" | "AlphaDropout" | "DropPath" => {
            return Ok(vec![call.input(0).clone()]);
        }
        "Flatten" if params.int_or("end_dim", -1)? == -1 && params.int_or("start_dim", 1)? == 1 => {
            Op::Reshape(Reshape::Flatten { axis: 1 })
        }
        "Softmax" => Op::Softmax { axis: params.int_or("dim", -1)?, log: false },
        "LogSoftmax" => Op::Softmax { axis: params.int_or("dim", -1)?, log: true },
        "PixelShuffle" => Op::DepthToSpace(params.count("upscale_factor")?, channels_first),
        _ => return call.other(walker),
    };
    walker.add(call, op, &[call.input(0)], Vec::new(), 1)
}

impl Call<'_> {
    /// The parameters of the module.
    pub(super) fn params(&self) -> Params<'_> {
        Params { subject: &self.subject, map: self.node.operation.parameters.as_ref() }
    }
}

/// Activations without weights, by their module's name.
pub(super) fn activation(name: &str, params: &Params<'_>) -> Option<Unary> {
    let bound = |key: &str, default: f64| {
        Some(params.get(key).and_then(serde_json::Value::as_f64).unwrap_or(default) as f32)
    };
    Some(match name {
        "ReLU" => Unary::Relu,
        "ReLU6" => Unary::Clip { min: Some(0.0), max: Some(6.0) },
        "Hardtanh" => Unary::Clip { min: bound("min_val", -1.0), max: bound("max_val", 1.0) },
        "Hardswish" => Unary::HardSwish,
        "Hardsigmoid" => Unary::HardSigmoid { alpha: 1.0 / 6.0, beta: 0.5 },
        "SiLU" => Unary::Swish,
        "Sigmoid" => Unary::Sigmoid,
        "Tanh" => Unary::Tanh,
        "GELU" => Unary::Gelu,
        "LeakyReLU" | "RReLU" => Unary::LeakyRelu,
        "ELU" => Unary::Elu,
        "SELU" => Unary::Selu,
        "CELU" => Unary::Celu,
        "Mish" => Unary::Mish,
        "Softplus" => Unary::Softplus,
        "Softsign" => Unary::Softsign,
        "Threshold" => Unary::ThresholdedRelu,
        "Hardshrink" | "Softshrink" => Unary::Shrink,
        _ => return None,
    })
}

/// Spatial axes of a module, from the end of its name.
fn rank(name: &str) -> usize {
    match name.as_bytes() {
        [.., b'1', b'd'] => 1,
        [.., b'3', b'd'] => 3,
        _ => 2,
    }
}

/// Whether an adaptive pooling leaves one element.
pub(super) fn is_one(size: Option<&serde_json::Value>) -> bool {
    match size {
        Some(serde_json::Value::Array(sizes)) => sizes.iter().all(|size| size.as_u64() == Some(1)),
        Some(size) => size.as_u64() == Some(1),
        None => false,
    }
}

fn conv(
    walker: &mut Walker<'_>,
    call: &Call<'_>,
    rank: usize,
    transposed: bool,
) -> Result<Vec<Item>> {
    let params = call.params();
    let groups = params.count_or("groups", 1)?;
    let (cin, cout) = (params.count("in_channels")?, params.count("out_channels")?);
    if cin % groups != 0 || cout % groups != 0 {
        return Err(params.error("groups", &format!("a divisor of {cin} and {cout} channels")));
    }
    let kernel = params.spatial("kernel_size", rank, 1)?;
    if kernel.is_empty() {
        return Err(params.error("kernel_size", "the extents of the window"));
    }
    let conv = Conv {
        transposed,
        strides: params.spatial("stride", rank, 1)?,
        dilations: params.spatial("dilation", rank, 1)?,
        padding: params.padding(rank)?,
        output_padding: if transposed {
            params.spatial("output_padding", rank, 0)?
        } else {
            Default::default()
        },
        groups,
        ..Conv::default()
    };
    let outer = if transposed { [cin, cout / groups] } else { [cout, cin / groups] };
    let weight = TensorType::f32(outer.into_iter().chain(kernel));
    let mut constants = vec![(1, Constant::opaque(weight))];
    if params.flag("bias", true) {
        constants.push((2, Constant::opaque(TensorType::f32([cout]))));
    }
    walker.add(call, Op::Conv(conv), &[call.input(0)], constants, 1)
}

/// `x W^T + b`, as PyTorch stores W: `[out, in]`.
fn linear(walker: &mut Walker<'_>, call: &Call<'_>) -> Result<Vec<Item>> {
    let params = call.params();
    let (cin, cout) = (params.count("in_features")?, params.count("out_features")?);
    let mut constants = vec![(1, Constant::opaque(TensorType::f32([cout, cin])))];
    if params.flag("bias", true) {
        constants.push((2, Constant::opaque(TensorType::f32([cout]))));
    }
    let op = Op::MatMul { transpose_a: false, transpose_b: true };
    walker.add(call, op, &[call.input(0)], constants, 1)
}

fn pool(params: &Params<'_>, rank: usize, kind: PoolKind) -> Result<Op> {
    let kernel = params.spatial("kernel_size", rank, 1)?;
    if kernel.is_empty() {
        return Err(params.error("kernel_size", "the extents of the window"));
    }
    let strides = params.spatial("stride", rank, 1)?;
    Ok(Op::Pool(Pool {
        kind,
        layout: Layout::ChannelsFirst,
        strides: if strides.is_empty() { kernel.clone() } else { strides },
        dilations: params.spatial("dilation", rank, 1)?,
        padding: params.padding(rank)?,
        ceil_mode: params.flag("ceil_mode", false),
        kernel,
    }))
}
