//! The kind of each operator, where it takes shapes to tell: depthwise convolutions, products with
//! a constant, global pools, splits along the channels.

use crate::graph::NodeId;
use crate::kind::Kind;
use crate::op::{Conv, FilterLayout, Op, ReduceKind};
use crate::tensor::{TensorType, Values};
use crate::typed::TypedGraph;

/// Kind of the operator at `id` on its own.
pub(super) fn kind(graph: &TypedGraph, id: NodeId) -> Kind {
    match &graph.graph().node(id).op {
        Op::Conv(conv) if !conv.transposed && is_depthwise(graph, id, conv) => Kind::DwConv,
        Op::MatMul { .. } if has_constant_side(graph, id) => Kind::Fc,
        Op::Reduce { kind: ReduceKind::Mean, .. } if reduces_all_spatial(graph, id) => {
            Kind::GlobalAvgPool
        }
        Op::Slice | Op::StridedSlice(_) if differs_in_channels_only(graph, id) => Kind::Split,
        Op::Split { axis } if !is_channel_axis(graph, id, *axis) => Kind::Select,
        Op::Concat { axis } if !is_channel_axis(graph, id, *axis) => Kind::Copy,
        Op::Transpose(_) if moves_no_bytes(graph, id) => Kind::Reshape,
        op => Kind::of(op),
    }
}

/// Number of input channels of a convolution, from its data.
fn input_channels(graph: &TypedGraph, id: NodeId, conv: &Conv) -> Option<usize> {
    let data = graph.operand_type(id, 0)?;
    data.dims.get(conv.layout.channel_axis(data.rank())?).copied()
}

fn is_depthwise(graph: &TypedGraph, id: NodeId, conv: &Conv) -> bool {
    conv.filter == FilterLayout::HwioDepthwise
        || conv.groups > 1 && input_channels(graph, id, conv) == Some(conv.groups)
}

fn has_constant_side(graph: &TypedGraph, id: NodeId) -> bool {
    let constant = |slot| graph.graph().operand(id, slot).is_some_and(|v| graph.fact(v).constant);
    constant(1) || constant(0)
}

/// Axes of a reduction, from the constant operand that holds them.
pub(super) fn reduced_axes(graph: &TypedGraph, id: NodeId) -> Option<Vec<usize>> {
    let rank = graph.operand_type(id, 0)?.rank();
    let Some(axes) = graph.graph().operand(id, 1) else { return Some((0..rank).collect()) };
    let Some(Values::Ints(axes)) = &graph.fact(axes).values else { return None };
    let mut axes: Vec<usize> = axes.iter().filter_map(|&axis| wrap(axis, rank)).collect();
    axes.sort_unstable();
    axes.dedup();
    Some(axes)
}

fn reduces_all_spatial(graph: &TypedGraph, id: NodeId) -> bool {
    let Some(data) = graph.operand_type(id, 0) else { return false };
    let spatial = graph.graph().layout().spatial_axes(data.rank());
    !spatial.is_empty() && reduced_axes(graph, id).is_some_and(|axes| axes.into_iter().eq(spatial))
}

fn differs_in_channels_only(graph: &TypedGraph, id: NodeId) -> bool {
    let (Some(from), Some(to)) = (graph.operand_type(id, 0), graph.output_type(id)) else {
        return false;
    };
    let channels = graph.graph().layout().channel_axis(from.rank());
    let same = |axis: usize| from.dims[axis] == to.dims[axis];
    from.rank() == to.rank()
        && (0..from.rank()).all(|axis| Some(axis) == channels || same(axis))
        && channels.is_some_and(|axis| !same(axis))
}

fn is_channel_axis(graph: &TypedGraph, id: NodeId, axis: i64) -> bool {
    let Some(data) = graph.operand_type(id, 0) else { return true };
    let channels = graph.graph().layout().channel_axis(data.rank());
    channels.is_some() && wrap(axis, data.rank()) == channels
}

/// Whether a Transpose leaves the order of all axes longer than one as it is.
fn moves_no_bytes(graph: &TypedGraph, id: NodeId) -> bool {
    let long = |ty: &TensorType| ty.dims.iter().filter(|&&dim| dim != 1).count();
    let Some(from) = graph.operand_type(id, 0) else { return false };
    let Op::Transpose(perm) = &graph.graph().node(id).op else { return false };
    let Some(perm) = perm else { return long(from) <= 1 };
    let kept = perm.iter().filter(|&&axis| from.dims.get(axis).is_some_and(|&dim| dim != 1));
    kept.is_sorted()
}

/// An axis counted from the end if negative; `None` if out of range.
pub(super) fn wrap(axis: i64, rank: usize) -> Option<usize> {
    let axis = if axis < 0 { axis + rank as i64 } else { axis };
    usize::try_from(axis).ok().filter(|&axis| axis < rank)
}
