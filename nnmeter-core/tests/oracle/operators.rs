//! What single operators are: their kinds, their data and constant operands.

use nnmeter_core::graph::{NodeId, Value};
use nnmeter_core::kind::Kind;
use nnmeter_core::op::{FilterLayout, Op, ReduceKind, Unary};
use nnmeter_core::tensor::{TensorType, Values};
use nnmeter_core::typed::TypedGraph;

/// An operand: its slot and the value.
pub(crate) type Operand = (usize, Value);

/// Operands that are wired, by slot.
fn operands(graph: &TypedGraph, id: NodeId) -> Vec<Operand> {
    let operands = graph.graph().operands(id);
    operands.iter().enumerate().filter_map(|(slot, value)| Some((slot, (*value)?))).collect()
}

/// Operands that depend on the graph's inputs.
pub(crate) fn data(graph: &TypedGraph, id: NodeId) -> Vec<Operand> {
    operands(graph, id).into_iter().filter(|(_, value)| !graph.fact(*value).constant).collect()
}

/// Operands that do not.
pub(crate) fn constants(graph: &TypedGraph, id: NodeId) -> Vec<Operand> {
    operands(graph, id).into_iter().filter(|(_, value)| graph.fact(*value).constant).collect()
}

/// For an operator of one datum and one constant: the two.
pub(crate) fn datum_and_constant(graph: &TypedGraph, id: NodeId) -> Option<(Operand, Operand)> {
    match (&data(graph, id)[..], &constants(graph, id)[..]) {
        (&[datum], &[constant]) => Some((datum, constant)),
        _ => None,
    }
}

/// The only element of a constant, if it is known.
pub(crate) fn scalar(graph: &TypedGraph, constant: Value) -> Option<f64> {
    match graph.fact(constant).values.as_ref()? {
        Values::Floats(values) if values.len() == 1 => Some(values[0]),
        Values::Ints(values) if values.len() == 1 => Some(values[0] as f64),
        _ => None,
    }
}

/// Whether a constant is one number, and as far as it is known the `expected` one.
pub(crate) fn is_number(graph: &TypedGraph, constant: Value, expected: f64) -> bool {
    let single = graph.ty(constant).is_none_or(|ty| ty.elements() == 1);
    let close = |found: f64| (found / expected - 1.0).abs() <= 0.001;
    single && scalar(graph, constant).is_none_or(close)
}

/// Whether the operator is a clamp from 0 to `top`, as far as its bounds are known.
pub(crate) fn is_clamp(graph: &TypedGraph, id: NodeId, top: f32) -> bool {
    let Op::Unary(Unary::Clip { min, max }) = graph.graph().node(id).op else { return false };
    min.is_none_or(|min| min == 0.0) && max.is_none_or(|max| (max - top).abs() < 0.001)
}

/// The channel axis of a tensor whose operator does not say.
pub(crate) fn channel_axis(graph: &TypedGraph, ty: &TensorType) -> Option<usize> {
    graph.graph().layout().channel_axis(ty.rank())
}

/// Whether all spatial extents are 1.
pub(crate) fn is_vector(graph: &TypedGraph, ty: &TensorType) -> bool {
    graph.graph().layout().spatial_axes(ty.rank()).all(|axis| ty.dims[axis] == 1)
}

/// Whether `axes`, in any order, are all the spatial axes of `ty`.
pub(crate) fn are_spatial(graph: &TypedGraph, ty: &TensorType, mut axes: Vec<usize>) -> bool {
    axes.sort_unstable();
    !axes.is_empty() && axes == Vec::from_iter(graph.graph().layout().spatial_axes(ty.rank()))
}

/// The axes that the operator averages over, if it is a mean.
pub(crate) fn mean_axes(graph: &TypedGraph, id: NodeId) -> Option<Vec<usize>> {
    let Op::Reduce { kind: ReduceKind::Mean, .. } = graph.graph().node(id).op else { return None };
    let rank = graph.operand_type(id, 0)?.rank();
    let Some(axes) = graph.graph().operand(id, 1) else { return Some((0..rank).collect()) };
    let Some(Values::Ints(axes)) = &graph.fact(axes).values else { return None };
    axes.iter().map(|&axis| from_start(axis, rank)).collect()
}

fn from_start(axis: i64, rank: usize) -> Option<usize> {
    usize::try_from(if axis < 0 { axis + rank as i64 } else { axis }).ok()
}

/// Kind of an operator on its own.
pub(crate) fn kind(graph: &TypedGraph, id: NodeId) -> Kind {
    let op = &graph.graph().node(id).op;
    let (from, to) = (graph.operand_type(id, 0), graph.output_type(id));
    let along_channels = |axis: i64| {
        from.is_none_or(|ty| {
            let channels = channel_axis(graph, ty);
            channels.is_some() && from_start(axis, ty.rank()) == channels
        })
    };
    let is = |yes: bool, kind: Kind| if yes { kind } else { Kind::of(op) };
    match op {
        Op::Conv(conv) if !conv.transposed => {
            let axis = from.and_then(|ty| conv.layout.channel_axis(ty.rank()));
            let channels = axis.and_then(|axis| Some(from?.dims[axis]));
            let all_groups = conv.groups > 1 && channels == Some(conv.groups);
            is(all_groups || conv.filter == FilterLayout::HwioDepthwise, Kind::DwConv)
        }
        Op::MatMul { .. } => {
            let sides = constants(graph, id).into_iter().filter(|&(slot, _)| slot < 2);
            is(sides.count() > 0, Kind::Fc)
        }
        Op::Reduce { .. } => {
            let axes = mean_axes(graph, id);
            let global =
                axes.is_some_and(|axes| from.is_some_and(|ty| are_spatial(graph, ty, axes)));
            is(global, Kind::GlobalAvgPool)
        }
        Op::Split { axis } => is(!along_channels(*axis), Kind::Select),
        Op::Concat { axis } => is(!along_channels(*axis), Kind::Copy),
        Op::Slice | Op::StridedSlice(_) => {
            is(from.zip(to).is_some_and(|(from, to)| cuts_channels(graph, from, to)), Kind::Split)
        }
        Op::Transpose(order) => {
            let order = order.as_ref().map(|order| order.to_vec());
            is(from.is_some_and(|ty| keeps_bytes(ty, order)), Kind::Reshape)
        }
        _ => Kind::of(op),
    }
}

/// Whether the two types differ in the channels and nowhere else.
fn cuts_channels(graph: &TypedGraph, from: &TensorType, to: &TensorType) -> bool {
    let differing: Vec<usize> =
        (0..from.rank()).filter(|&axis| from.dims.get(axis) != to.dims.get(axis)).collect();
    from.rank() == to.rank()
        && differing.len() == 1
        && channel_axis(graph, from) == Some(differing[0])
}

/// Whether a permutation leaves the axes longer than 1 in their order.
fn keeps_bytes(from: &TensorType, order: Option<Vec<usize>>) -> bool {
    let order = order.unwrap_or_else(|| (0..from.rank()).rev().collect());
    let long: Vec<usize> = order.into_iter().filter(|&axis| from.dims[axis] != 1).collect();
    long.windows(2).all(|pair| pair[0] < pair[1])
}
