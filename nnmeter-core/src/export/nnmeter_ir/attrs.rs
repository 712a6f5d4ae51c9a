//! Operators as nn-Meter IR spells them: a type of TensorFlow's and its attributes.

use serde_json::{Map, Value as Json, json};

use super::axes::Axes;
use crate::graph::NodeId;
use crate::op::{
    Binary, Conv, FilterLayout, Layout, Norm, Op, Padding, Pool, PoolKind, ReduceKind, ResizeMode,
    Spatial, Unary,
};
use crate::tensor::Values;
use crate::typed::TypedGraph;

/// A node's type, its attributes, and how many of its operands become inbounds.
pub(super) struct Spelled {
    pub(super) op_type: String,
    pub(super) attrs: Map<String, Json>,
    pub(super) inbounds: usize,
}

fn spelled(op_type: &str, attrs: Json, inbounds: usize) -> Spelled {
    let attrs = match attrs {
        Json::Object(map) => map,
        _ => Map::new(),
    };
    Spelled { op_type: op_type.to_owned(), attrs, inbounds }
}

/// Spells the operator of `id`. What nn-Meter has no name for keeps ours.
pub(super) fn spell(graph: &TypedGraph, id: NodeId, axes: Axes) -> Spelled {
    let op = &graph.graph().node(id).op;
    let output = graph.output_type(id).map(|ty| axes.dims(&ty.dims)).unwrap_or_default();
    let rank = graph.operand_type(id, 0).map_or(output.len(), |ty| ty.rank());
    let all = usize::MAX;
    match op {
        Op::Input(..) => spelled("Placeholder", json!({ "shape": output }), 0),
        Op::Conv(conv) => spell_conv(graph, id, conv),
        Op::Pool(pool) if pool.kind != PoolKind::Lp => spell_pool(pool),
        Op::GlobalPool(PoolKind::Average, _) => {
            spelled("Mean", json!({ "reduction_indices": [1, 2], "keep_dims": true }), 1)
        }
        Op::MatMul { transpose_a, transpose_b } => {
            spell_matmul(graph, id, *transpose_a, *transpose_b)
        }
        Op::Norm(Norm::Batch(_)) => spelled("FusedBatchNorm", json!({ "data_format": "NHWC" }), 1),
        Op::Unary(unary) => spell_unary(*unary),
        Op::Binary(binary) => spelled(binary_type(*binary), json!({}), all),
        Op::Reduce { kind, keep_dims } => {
            let mut attrs = json!({ "keep_dims": keep_dims });
            if let Some(list) = ints(graph, id, 1) {
                let list: Vec<i64> = list.iter().map(|&axis| axes.axis(axis, rank)).collect();
                attrs["reduction_indices"] = json!(list);
            }
            spelled(if *kind == ReduceKind::Mean { "Mean" } else { op.name() }, attrs, 1)
        }
        Op::Softmax { axis, .. } => {
            spelled(op.name(), json!({ "axis": axes.axis(*axis, rank) }), 1)
        }
        Op::Concat { axis } => spelled("ConcatV2", json!({ "axis": axes.axis(*axis, rank) }), all),
        Op::Stack { axis } => spelled("Pack", json!({ "axis": axes.axis(*axis, rank + 1) }), all),
        Op::Split { axis } => {
            let parts = graph.graph().node(id).outputs;
            let mut attrs = json!({ "axis": axes.axis(*axis, rank), "num_split": parts });
            if let Some(sizes) = ints(graph, id, 1) {
                attrs["size_splits"] = json!(sizes);
            }
            spelled("Split", attrs, 1)
        }
        Op::Reshape(_) => spelled("Reshape", json!({ "shape": output }), 1),
        Op::Transpose(perm) => {
            let reversed = || (0..rank).rev().collect();
            let perm = perm.clone().unwrap_or_else(reversed);
            spelled("Transpose", json!({ "perm": axes.permutation(&perm) }), 1)
        }
        Op::Slice => spell_slice(graph, id, axes, rank),
        Op::Pad => spell_pad(graph, id, axes, rank),
        Op::Resize(ResizeMode::Linear) => spelled("ResizeBilinear", json!({}), 1),
        Op::Resize(ResizeMode::Nearest) => spelled("ResizeNearestNeighbor", json!({}), 1),
        Op::DepthToSpace(size, _) | Op::SpaceToDepth(size, _) => {
            spelled(op.name(), json!({ "block_size": size }), 1)
        }
        _ => spelled(op.name(), json!({}), all),
    }
}

fn ints(graph: &TypedGraph, id: NodeId, slot: u16) -> Option<Vec<i64>> {
    match graph.fact(graph.graph().operand(id, slot)?).values.as_ref()? {
        Values::Ints(ints) => Some(ints.clone()),
        Values::Floats(_) => None,
    }
}

/// Weights as `[spatial.., in, out]`; a depthwise one as `[spatial.., channels, multiplier]`.
fn spell_conv(graph: &TypedGraph, id: NodeId, conv: &Conv) -> Spelled {
    let weight = graph.operand_type(id, 1).map(|ty| ty.dims.to_vec()).unwrap_or_default();
    let input = graph.operand_type(id, 0);
    let channel_axis = input.and_then(|ty| conv.layout.channel_axis(ty.rank()));
    let cin = channel_axis.and_then(|axis| input?.dims.get(axis).copied());
    let (window, mut inner, mut outer) = match (weight.as_slice(), conv.filter) {
        ([first, second, window @ ..], FilterLayout::Oihw) => (window, *second, *first),
        ([window @ .., first, second], FilterLayout::Hwio | FilterLayout::HwioDepthwise) => {
            (window, *first, *second)
        }
        _ => (&[][..], 0, 0),
    };
    let declared = conv.filter == FilterLayout::HwioDepthwise;
    let depthwise = !conv.transposed && (declared || conv.groups > 1 && cin == Some(conv.groups));
    if depthwise && !declared {
        (inner, outer) = (conv.groups, outer / conv.groups.max(1));
    }
    let mut full = window.to_vec();
    full.extend([inner, outer]);
    let rank = window.len();
    let mut attrs = json!({
        "data_format": "NHWC",
        "kernel_shape": window,
        "weight_shape": full,
        "strides": or_ones(&conv.strides, rank),
        "dilations": or_ones(&conv.dilations, rank),
    });
    spell_padding(&mut attrs, &conv.padding, rank);
    if conv.groups > 1 && !depthwise {
        attrs["group"] = json!(conv.groups);
    }
    let op_type = match (conv.transposed, depthwise, rank) {
        (true, ..) => "Conv2DBackpropInput",
        (_, true, _) => "DepthwiseConv2dNative",
        (_, _, 1) => "Conv1D",
        (_, _, 3) => "Conv3D",
        _ => "Conv2D",
    };
    spelled(op_type, attrs, 1)
}

fn spell_pool(pool: &Pool) -> Spelled {
    let rank = pool.kernel.len();
    let mut attrs = json!({
        "data_format": "NHWC",
        "ksize": pool.kernel.as_slice(),
        "strides": or_ones(&pool.strides, rank),
    });
    if pool.ceil_mode {
        attrs["ceil_mode"] = json!(1);
    }
    if !pool.dilations.is_empty() {
        attrs["dilations"] = json!(pool.dilations.as_slice());
    }
    spell_padding(&mut attrs, &pool.padding, rank);
    spelled(if pool.kind == PoolKind::Max { "MaxPool" } else { "AvgPool" }, attrs, 1)
}

fn or_ones(values: &Spatial, rank: usize) -> Vec<usize> {
    if values.is_empty() { vec![1; rank] } else { values.to_vec() }
}

fn spell_padding(attrs: &mut Json, padding: &Padding, rank: usize) {
    attrs["pads"] = json!(vec![0; 2 * rank]);
    match padding {
        Padding::SameUpper => attrs["padding"] = json!("SAME"),
        Padding::SameLower => attrs["auto_pad"] = json!("SAME_LOWER"),
        Padding::Explicit(begins, ends) => {
            attrs["padding"] = json!("VALID");
            if begins.iter().chain(ends).any(|&pad| pad != 0) {
                attrs["pads"] = json!(begins.iter().chain(ends).collect::<Vec<_>>());
            }
        }
    }
}

/// A constant second operand becomes the attribute `weight_shape`, `[in, out]`.
fn spell_matmul(graph: &TypedGraph, id: NodeId, transpose_a: bool, transpose_b: bool) -> Spelled {
    let weight = graph.graph().operand(id, 1).map(|value| graph.fact(value));
    let mut attrs = Map::new();
    if transpose_a {
        attrs.insert("transpose_a".to_owned(), json!(true));
    }
    match weight.filter(|fact| fact.constant).and_then(|fact| fact.ty.as_ref()) {
        Some(ty) if ty.rank() == 2 => {
            let (a, b) = (ty.dims[0], ty.dims[1]);
            let shape = if transpose_b { [b, a] } else { [a, b] };
            attrs.insert("weight_shape".to_owned(), json!(shape));
            spelled("MatMul", Json::Object(attrs), 1)
        }
        _ => {
            if transpose_b {
                attrs.insert("transpose_b".to_owned(), json!(true));
            }
            spelled("MatMul", Json::Object(attrs), 2)
        }
    }
}

fn spell_unary(unary: Unary) -> Spelled {
    match unary {
        Unary::Clip { min: Some(min), max: Some(max) } if min == 0.0 && max == 6.0 => {
            spelled("Relu6", json!({}), 1)
        }
        Unary::Clip { min, max } => {
            let mut attrs = Map::new();
            for (key, bound) in [("min", min), ("max", max)] {
                if let Some(bound) = bound.filter(|bound| bound.is_finite()) {
                    attrs.insert(key.to_owned(), json!(bound));
                }
            }
            spelled("Clip", Json::Object(attrs), 1)
        }
        Unary::HardSigmoid { alpha, beta } => {
            spelled("HardSigmoid", json!({ "alpha": alpha, "beta": beta }), 1)
        }
        other => spelled(other.name(), json!({}), 1),
    }
}

fn binary_type(binary: Binary) -> &'static str {
    match binary {
        Binary::Div => "RealDiv",
        Binary::Max => "Maximum",
        Binary::Min => "Minimum",
        other => other.name(),
    }
}

/// Starts, ends, axes and steps, if they are known.
fn spell_slice(graph: &TypedGraph, id: NodeId, axes: Axes, rank: usize) -> Spelled {
    let (Some(starts), Some(ends)) = (ints(graph, id, 1), ints(graph, id, 2)) else {
        return spelled("Slice", json!({}), 1);
    };
    let cut = ints(graph, id, 3).unwrap_or_else(|| (0..starts.len() as i64).collect());
    let cut: Vec<i64> = cut.iter().map(|&axis| axes.axis(axis, rank)).collect();
    let mut attrs = json!({ "starts": starts, "ends": ends, "axes": cut });
    if let Some(steps) = ints(graph, id, 4) {
        attrs["steps"] = json!(steps);
    }
    spelled("Slice", attrs, 1)
}

/// Begin and end of each axis in pairs, if they are known.
fn spell_pad(graph: &TypedGraph, id: NodeId, axes: Axes, rank: usize) -> Spelled {
    match ints(graph, id, 1) {
        Some(pads) if pads.len() == 2 * rank && graph.graph().operand(id, 3).is_none() => {
            let pair = |axis: usize| [pads[axis], pads[axis + rank]];
            let pairs: Vec<[i64; 2]> = axes.order(rank).into_iter().map(pair).collect();
            spelled("Pad", json!({ "paddings": pairs }), 1)
        }
        _ => spelled("Pad", json!({}), 1),
    }
}

/// Whether an operator on data of `rank` axes, channels first, works on more than two spatial axes:
/// those have no place in nn-Meter IR.
pub(super) fn is_volumetric(op: &Op, rank: usize) -> bool {
    let layout = match op {
        Op::Conv(conv) => conv.layout,
        Op::Pool(pool) => pool.layout,
        Op::GlobalPool(_, layout) => *layout,
        _ => return false,
    };
    layout == Layout::ChannelsFirst && rank > 4
}
