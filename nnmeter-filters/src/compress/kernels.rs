//! Kernels: depthwise convolutions with smaller windows, which leave all shapes as they are.

use nnmeter_core::graph::{Graph, NodeId};
use nnmeter_core::op::{FilterLayout, Op, Padding};
use nnmeter_core::typed::TypedGraph;

/// A depthwise convolution whose window can be smaller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DepthwiseKernel {
    /// The convolution.
    pub node: NodeId,
    /// Its weight.
    pub(super) weight: NodeId,
    /// First spatial axis of the weight.
    axis: usize,
    /// Extent of its square window, an odd number above 3.
    pub kernel: usize,
}

/// The depthwise convolutions with square windows of odd extent above 3, padded enough for 3.
pub(super) fn depthwise(graph: &TypedGraph) -> Vec<DepthwiseKernel> {
    graph.order().iter().filter_map(|&id| of_node(graph, id)).collect()
}

fn of_node(graph: &TypedGraph, id: NodeId) -> Option<DepthwiseKernel> {
    let Op::Conv(conv) = &graph.graph().node(id).op else { return None };
    let (data, ty) = (graph.operand_type(id, 0)?, graph.operand_type(id, 1)?);
    let weight = graph.graph().operand(id, 1)?.node;
    let channels = data.dims[conv.layout.channel_axis(data.rank())?];
    let hwio_depthwise = conv.filter == FilterLayout::HwioDepthwise;
    let is_depthwise = hwio_depthwise || conv.groups == channels && channels > 1;
    let is_weight = matches!(graph.graph().node(weight).op, Op::Const(_));
    if !is_depthwise || conv.transposed || ty.rank() != 4 || !is_weight {
        return None;
    }
    let axis = if conv.filter == FilterLayout::Oihw { 2 } else { 0 };
    let kernel = ty.dims[axis];
    let is_square = ty.dims[axis + 1] == kernel && conv.dilations.iter().all(|&d| d == 1);
    let is_padded = match &conv.padding {
        Padding::Explicit(begin, end) => {
            let enough = |pads: &[usize]| {
                pads.len() == 2 && pads.iter().all(|&pad| pad >= kernel.saturating_sub(3) / 2)
            };
            enough(begin) && enough(end)
        }
        Padding::SameUpper | Padding::SameLower => true,
    };
    (is_square && is_padded && kernel > 3 && kernel % 2 == 1).then_some(DepthwiseKernel {
        node: id,
        weight,
        axis,
        kernel,
    })
}

/// Gives depthwise convolutions windows of at most `most`, an odd number from 3 on.
pub(super) fn limit(graph: &mut Graph, kernels: &[DepthwiseKernel], most: usize) {
    let larger = || kernels.iter().filter(|kernel| kernel.kernel > most);
    graph.change_ops(|id, op| match op {
        Op::Const(constant) => {
            if let Some(kernel) = larger().find(|kernel| kernel.weight == id) {
                constant.ty.dims[kernel.axis..kernel.axis + 2].fill(most);
                constant.values = None;
            }
        }
        Op::Conv(conv) => {
            if let Some(kernel) = larger().find(|kernel| kernel.node == id)
                && let Padding::Explicit(begin, end) = &mut conv.padding
            {
                let less = (kernel.kernel - most) / 2;
                begin.iter_mut().chain(end).for_each(|pad| *pad -= less);
            }
        }
        _ => {}
    });
}
