//! What operators that compute do to channels. Those that only move them are in `arrange.rs`.

use nnmeter_core::graph::{NodeId, Value};
use nnmeter_core::op::{Conv, FilterLayout, Norm, Op, Unary};

use super::channels::{Id, Obstacle, Why};
use super::trace::{Lane, Role, Trace};

impl Trace<'_> {
    /// Follows channels through a node.
    pub(super) fn node(&mut self, id: NodeId) {
        let graph = self.graph;
        match &graph.graph().node(id).op {
            Op::Input(..) | Op::Const(_) | Op::Shape { .. } | Op::Size => {}
            Op::Conv(conv) => self.conv(id, conv),
            Op::MatMul { transpose_a, transpose_b } => {
                self.product(id, *transpose_a, *transpose_b);
            }
            Op::Norm(Norm::Batch(_) | Norm::Instance) => self.norm(id),
            Op::Norm(_) => self.pin_operands(id, Why::Normalised),
            Op::Unary(Unary::CumSum | Unary::QuantizeLinear | Unary::DequantizeLinear) => {
                self.pin_operands(id, Why::Untraced);
            }
            Op::Pool(_)
            | Op::GlobalPool(..)
            | Op::Unary(_)
            | Op::Resize(_)
            | Op::Pad
            | Op::Cast(_) => {
                self.same(id);
            }
            Op::Binary(_) => self.elementwise(id),
            Op::Softmax { axis, .. } => self.softmax(id, *axis),
            Op::Reduce { keep_dims, .. } => self.reduce(id, *keep_dims),
            Op::Concat { axis } => self.concat(id, *axis),
            Op::Split { axis } => self.split(id, *axis),
            Op::Transpose(order) => self.transpose(id, order.as_deref()),
            Op::Reshape(_) => self.reshape(id),
            Op::Slice | Op::StridedSlice(_) | Op::DepthToSpace(..) | Op::SpaceToDepth(..) => {
                self.pin_operands(id, Why::Rearranged);
            }
            Op::Where
            | Op::ArgReduce { .. }
            | Op::Stack { .. }
            | Op::Gather { .. }
            | Op::Expand
            | Op::Tile
            | Op::ConstantOfShape(_)
            | Op::Range
            | Op::TopK { .. }
            | Op::Recurrent(_)
            | Op::Other { .. } => self.pin_operands(id, Why::Untraced),
        }
    }

    /// The result has the channels of the first operand, where they were.
    pub(super) fn same(&mut self, id: NodeId) {
        let Some(lane) = self.lane(id, 0) else { return };
        match self.output(id) {
            Some(ty) if ty.dims.get(lane.axis) == Some(&lane.ids.len()) => {
                self.set(id, 0, lane.axis, lane.ids);
            }
            _ => self.pin_operands(id, Why::Rearranged),
        }
    }

    fn conv(&mut self, id: NodeId, conv: &Conv) {
        let weight = self.graph.operand_type(id, 1).cloned();
        let data = self.graph.operand_type(id, 0).cloned();
        let (Some(weight), Some(data), Some(result)) = (weight, data, self.output(id)) else {
            return self.pin_operands(id, Why::Untraced);
        };
        let axes = (conv.layout.channel_axis(data.rank()), conv.layout.channel_axis(result.rank()));
        let (Some(axis_in), Some(axis_out)) = axes else {
            return self.pin_operands(id, Why::Untraced);
        };
        let (cin, cout) = (data.dims[axis_in], result.dims[axis_out]);
        if self.lane(id, 0).is_some_and(|lane| lane.axis != axis_in) {
            return self.pin_operands(id, Why::Rearranged);
        }
        let lane = self.lane(id, 0);
        let is_depthwise =
            conv.filter == FilterLayout::HwioDepthwise || conv.groups == cin && cin > 1;
        if is_depthwise && !conv.transposed && cout.is_multiple_of(cin) {
            return self.depthwise(id, conv, lane, (axis_out, cout / cin, weight.rank()));
        }
        let made = self.make(id, cout);
        if conv.groups != 1 {
            let obstacle = Obstacle { node: id, why: Why::Grouped };
            self.pin_operands(id, Why::Grouped);
            self.channels.pin(&made, obstacle);
        }
        let (axis_read, axis_made) = weight_axes(conv, weight.rank());
        if conv.groups == 1 {
            self.tie(id, 1, axis_made, &made);
            self.tie(id, 2, 0, &made);
            if let Some(lane) = lane {
                self.tie(id, 1, axis_read, &lane.ids);
                self.layers.push((id, Role::Reads, lane.ids));
            }
        }
        self.set(id, 0, axis_out, made);
    }

    fn depthwise(
        &mut self,
        id: NodeId,
        conv: &Conv,
        lane: Option<Lane>,
        (axis, multiplier, rank): (usize, usize, usize),
    ) {
        let Some(Lane { ids, .. }) = lane else { return };
        let made: Vec<Id> = ids.iter().flat_map(|&id| vec![id; multiplier]).collect();
        match conv.filter {
            FilterLayout::Oihw => self.tie(id, 1, 0, &made),
            FilterLayout::Hwio => self.tie(id, 1, rank - 1, &made),
            FilterLayout::HwioDepthwise => self.tie(id, 1, rank - 2, &ids),
        }
        self.tie(id, 2, 0, &made);
        self.layers.push((id, Role::Follows, ids.clone()));
        self.depthwise.push((id, ids));
        self.set(id, 0, axis, made);
    }

    fn product(&mut self, id: NodeId, transpose_a: bool, transpose_b: bool) {
        let types = (self.graph.operand_type(id, 0), self.graph.operand_type(id, 1));
        let ((Some(data), Some(weight)), Some(result)) = (types, self.output(id)) else {
            return self.pin_operands(id, Why::Untraced);
        };
        let is_layer =
            self.graph.graph().operand(id, 1).is_some_and(|weight| {
                matches!(self.graph.graph().node(weight.node).op, Op::Const(_))
            });
        let (rank, rank_out) = (data.rank(), result.rank());
        if !is_layer || weight.rank() != 2 || rank < 2 || rank_out == 0 {
            return self.pin_operands(id, Why::Product);
        }
        let (axis_read, axis_made) = if transpose_b { (1, 0) } else { (0, 1) };
        let count = weight.dims[axis_made];
        let contracted = if transpose_a { rank - 2 } else { rank - 1 };
        match self.lane(id, 0) {
            Some(lane) if lane.axis == contracted => {
                self.tie(id, 1, axis_read, &lane.ids);
                self.layers.push((id, Role::Reads, lane.ids));
            }
            _ => self.pin_operands(id, Why::Rearranged),
        }
        let made = self.make(id, count);
        self.tie(id, 1, axis_made, &made);
        if let Some(bias) = self.graph.operand_type(id, 2)
            && bias.dims.last().is_some_and(|&last| last > 1)
        {
            self.tie(id, 2, bias.rank() - 1, &made);
        }
        self.set(id, 0, rank_out - 1, made);
    }

    /// A normalisation channel by channel.
    fn norm(&mut self, id: NodeId) {
        let Some(lane) = self.lane(id, 0) else { return };
        for slot in 1..self.operands(id).len() as u16 {
            self.tie(id, slot, 0, &lane.ids);
        }
        self.layers.push((id, Role::Follows, lane.ids.clone()));
        self.same(id);
    }

    /// Operands with broadcasting: those that have channels on the same axis have the same channels.
    fn elementwise(&mut self, id: NodeId) {
        let operands: Vec<Value> = self.operands(id).into_iter().flatten().collect();
        let ranks: Vec<Option<usize>> =
            operands.iter().map(|&value| self.graph.ty(value).map(|ty| ty.rank())).collect();
        let from_end = |(value, rank): (&Value, &Option<usize>)| {
            let lane = self.lanes.get(value)?;
            Some((rank.unwrap_or(0).saturating_sub(lane.axis), lane.ids.clone()))
        };
        let lanes: Vec<(usize, Vec<Id>)> =
            operands.iter().zip(&ranks).filter_map(from_end).collect();
        let Some((back, ids)) = lanes.iter().max_by_key(|(_, ids)| ids.len()).cloned() else {
            return;
        };
        let axis = self.output(id).and_then(|ty| ty.rank().checked_sub(back));
        let extent = axis.and_then(|axis| self.output(id)?.dims.get(axis).copied());
        let aligned = lanes.iter().all(|lane| lane.0 == back && lane.1.len() == ids.len());
        let (Some(axis), true) = (axis.filter(|_| extent == Some(ids.len())), aligned) else {
            return self.pin_operands(id, Why::Unaligned);
        };
        lanes.iter().for_each(|(_, other)| self.channels.unite(&ids, other));
        for (slot, value) in self.operands(id).into_iter().enumerate() {
            if let Some(value) = value.filter(|value| !self.lanes.contains_key(value)) {
                self.join_fixed(id, slot as u16, value, back, &ids);
            }
        }
        self.set(id, 0, axis, ids);
    }

    /// Ties an operand without channels, if it has an element for each.
    fn join_fixed(&mut self, id: NodeId, slot: u16, value: Value, back: usize, ids: &[Id]) {
        let Some(ty) = self.graph.ty(value) else {
            return self.channels.pin(ids, Obstacle { node: id, why: Why::Fixed });
        };
        let axis = ty.rank().checked_sub(back);
        let Some(axis) = axis.filter(|&axis| ty.dims[axis] > 1) else { return };
        match self.graph.graph().node(value.node).op {
            Op::Const(_) => {
                self.tie(id, slot, axis, ids);
                self.layers.push((id, Role::Follows, ids.to_vec()));
            }
            _ => self.channels.pin(ids, Obstacle { node: id, why: Why::Fixed }),
        }
    }

    fn softmax(&mut self, id: NodeId, axis: i64) {
        let Some(lane) = self.lane(id, 0) else { return };
        let rank = self.output(id).map_or(0, |ty| ty.rank());
        match super::arrange::axis_of(axis, rank) {
            Some(axis) if axis != lane.axis => self.same(id),
            _ => self.pin_operands(id, Why::Reduced),
        }
    }
}

/// The axes of a weight that are of the channels read, and of those made.
fn weight_axes(conv: &Conv, rank: usize) -> (usize, usize) {
    let (read, made) = match conv.filter {
        FilterLayout::Oihw => (1, 0),
        FilterLayout::Hwio | FilterLayout::HwioDepthwise => {
            (rank.saturating_sub(2), rank.saturating_sub(1))
        }
    };
    if conv.transposed { (made, read) } else { (read, made) }
}
