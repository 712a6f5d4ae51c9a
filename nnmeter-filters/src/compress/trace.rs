//! Following channels through a network: where each layer's channels go, and what ties them.
//!
//! One axis of a value may hold channels (its *lane*); all other extents are fixed. What an operator
//! does to lanes is in `rules.rs` and `arrange.rs`. Where it is not known, the channels stay.

use std::collections::{BTreeMap, HashMap};

use nnmeter_core::graph::{NodeId, Operands, Value};
use nnmeter_core::op::Op;
use nnmeter_core::tensor::{TensorType, Values};
use nnmeter_core::typed::TypedGraph;

use super::channels::{Channels, Id, Obstacle, Why};

/// The axis of a value that holds channels, and which: one entry an element of the axis.
#[derive(Clone, Debug)]
pub(super) struct Lane {
    pub(super) axis: usize,
    pub(super) ids: Vec<Id>,
}

/// What a layer does with channels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// It makes them.
    Makes,
    /// It has a parameter for each.
    Follows,
    /// It reads them into others.
    Reads,
}

/// Where all channels go.
pub(super) struct Trace<'g> {
    pub(super) graph: &'g TypedGraph,
    pub(super) channels: Channels,
    pub(super) lanes: HashMap<Value, Lane>,
    /// Axes of constants.
    pub(super) axes: BTreeMap<(NodeId, usize), Vec<Id>>,
    /// Numbers in constants, by index, that are extents.
    pub(super) numbers: BTreeMap<(NodeId, usize), Vec<Id>>,
    /// Depthwise convolutions, whose groups are channels.
    pub(super) depthwise: Vec<(NodeId, Vec<Id>)>,
    /// Layers in topological order.
    pub(super) layers: Vec<(NodeId, Role, Vec<Id>)>,
}

impl<'g> Trace<'g> {
    /// Follows the channels of `graph`.
    pub(super) fn of(graph: &'g TypedGraph) -> Self {
        let mut trace = Self {
            graph,
            channels: Channels::default(),
            lanes: HashMap::new(),
            axes: BTreeMap::new(),
            numbers: BTreeMap::new(),
            depthwise: Vec::new(),
            layers: Vec::new(),
        };
        for &id in graph.order().iter().filter(|&&id| graph.is_op(id)) {
            trace.node(id);
        }
        for &value in graph.graph().outputs() {
            trace.pin(value, value.node, Why::Returned);
        }
        trace
    }

    pub(super) fn operands(&self, id: NodeId) -> Operands {
        self.graph.graph().operands(id)
    }

    /// The lane of the operand in a slot.
    pub(super) fn lane(&self, id: NodeId, slot: u16) -> Option<Lane> {
        self.lanes.get(&self.graph.graph().operand(id, slot)?).cloned()
    }

    pub(super) fn set(&mut self, id: NodeId, port: u16, axis: usize, ids: Vec<Id>) {
        self.lanes.insert(Value { node: id, port }, Lane { axis, ids });
    }

    pub(super) fn output(&self, id: NodeId) -> Option<&'g TensorType> {
        self.graph.output_type(id)
    }

    /// Keeps the channels of a value.
    pub(super) fn pin(&mut self, value: Value, node: NodeId, why: Why) {
        if let Some(lane) = self.lanes.get(&value) {
            self.channels.pin(&lane.ids, Obstacle { node, why });
        }
    }

    /// Keeps all channels that a node reads.
    pub(super) fn pin_operands(&mut self, id: NodeId, why: Why) {
        for value in self.operands(id).into_iter().flatten() {
            self.pin(value, id, why);
        }
    }

    /// New channels that a layer makes.
    pub(super) fn make(&mut self, id: NodeId, count: usize) -> Vec<Id> {
        let ids = self.channels.fresh(count);
        self.layers.push((id, Role::Makes, ids.clone()));
        ids
    }

    /// Ties an axis of the constant operand in `slot` to channels. If there is no such operand there is
    /// nothing to tie; if it is not a constant, the channels stay.
    pub(super) fn tie(&mut self, id: NodeId, slot: u16, axis: usize, ids: &[Id]) {
        let Some(value) = self.graph.graph().operand(id, slot) else { return };
        if !matches!(self.graph.graph().node(value.node).op, Op::Const(_)) {
            let obstacle = Obstacle { node: id, why: Why::Product };
            return self.channels.pin(ids, obstacle);
        }
        let extent = self.graph.ty(value).and_then(|ty| ty.dims.get(axis).copied());
        if extent != Some(ids.len()) {
            let obstacle = Obstacle { node: id, why: Why::Unaligned };
            return self.channels.pin(ids, obstacle);
        }
        match self.axes.get(&(value.node, axis)).cloned() {
            Some(known) => self.channels.unite(&known, ids),
            None => drop(self.axes.insert((value.node, axis), ids.to_vec())),
        }
    }

    /// Ties a number in the constant operand in `slot` to the count of channels.
    pub(super) fn tie_number(&mut self, id: NodeId, slot: u16, index: usize, ids: &[Id]) {
        let Some(value) = self.graph.graph().operand(id, slot) else { return };
        let known = self.numbers.get(&(value.node, index)).cloned();
        match known {
            Some(known) if known.len() == ids.len() => self.channels.unite(&known, ids),
            Some(_) => self.channels.pin(ids, Obstacle { node: id, why: Why::Unaligned }),
            None => drop(self.numbers.insert((value.node, index), ids.to_vec())),
        }
    }

    /// The integers of an operand, where they are known.
    pub(super) fn ints(&self, id: NodeId, slot: u16) -> Option<&'g [i64]> {
        let value = self.graph.graph().operand(id, slot)?;
        let fact = self.graph.fact(value);
        match (&fact.values, &self.graph.graph().node(value.node).op) {
            (Some(Values::Ints(values)), _) => Some(values),
            (None, Op::Const(constant)) => constant.as_ints(),
            _ => None,
        }
    }
}
