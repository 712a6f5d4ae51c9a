//! Depth: residual blocks that a network can do without.
//!
//! A block is removable if its result is the sum of its input and of something computed from that alone,
//! of the same shape, and nothing outside reads what is computed in between. Its input then takes the
//! place of the sum; and of an activation behind it, where the input already comes from the same one.

use std::collections::BTreeSet;

use nnmeter_core::graph::{NodeId, Value};
use nnmeter_core::op::{Binary, Op, PoolKind, Unary};
use nnmeter_core::typed::TypedGraph;

/// A removable block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// Its operators; the last is the one that its input replaces.
    pub nodes: Vec<NodeId>,
    /// Its result, and its input.
    pub(super) detour: (Value, Value),
}

/// Removable blocks of equal shape in a row, each of which reads the one before it.
pub type Stage = Vec<Block>;

/// The removable blocks of a network.
pub(super) fn stages(graph: &TypedGraph) -> Vec<Stage> {
    let mut stages: Vec<Stage> = Vec::new();
    for &id in graph.order().iter().filter(|&&id| graph.is_op(id)) {
        if graph.graph().node(id).op != Op::Binary(Binary::Add) {
            continue;
        }
        let Some(block) = block(graph, id) else { continue };
        let follows =
            |stage: &&mut Stage| stage.last().is_some_and(|last| last.detour.0 == block.detour.1);
        match stages.iter_mut().find(follows) {
            Some(stage) => stage.push(block),
            None => stages.push(vec![block]),
        }
    }
    stages
}

fn block(graph: &TypedGraph, add: NodeId) -> Option<Block> {
    let operands = graph.graph().operands(add);
    let [Some(a), Some(b)] = operands[..] else { return None };
    let whole = graph.output_type(add);
    let (skip, inside) = [(a, b), (b, a)].into_iter().find_map(|(skip, other)| {
        let same = whole.is_some() && graph.ty(skip) == whole && !graph.fact(skip).constant;
        Some((skip, between(graph, skip, other, add).filter(|_| same)?))
    })?;
    let mut nodes: Vec<NodeId> = inside.into_iter().chain([add]).collect();
    let mut result = Value { node: add, port: 0 };
    if let Some(activation) = repeated_activation(graph, skip, add) {
        nodes.push(activation);
        result.node = activation;
    }
    Some(Block { nodes, detour: (result, skip) })
}

/// The operators from `skip` to `end`, if they read nothing else and nothing but `add` reads them.
fn between(graph: &TypedGraph, skip: Value, end: Value, add: NodeId) -> Option<BTreeSet<NodeId>> {
    let mut inside = BTreeSet::new();
    let mut open = vec![end];
    while let Some(value) = open.pop() {
        if value == skip || graph.fact(value).constant {
            continue;
        }
        if matches!(graph.graph().node(value.node).op, Op::Input(..)) || value.node == skip.node {
            return None;
        }
        if inside.insert(value.node) {
            open.extend(graph.graph().operands(value.node).into_iter().flatten());
        }
    }
    let returned = graph.graph().outputs().iter().any(|value| inside.contains(&value.node));
    let is_read_here = |&id: &NodeId| {
        let mut readers = graph.graph().readers(id);
        readers.all(|reader| reader == add || inside.contains(&reader))
    };
    (!inside.is_empty() && !returned && inside.iter().all(is_read_here)).then_some(inside)
}

/// The activation that alone reads the sum, if `skip` comes from the same and applying it twice is
/// applying it once.
fn repeated_activation(graph: &TypedGraph, skip: Value, add: NodeId) -> Option<NodeId> {
    let mut readers = graph.graph().readers(add);
    let (Some(reader), None) = (readers.next(), readers.next()) else { return None };
    let op = &graph.graph().node(reader).op;
    let idempotent = matches!(op, Op::Unary(Unary::Relu | Unary::Clip { .. }));
    let returned = graph.graph().outputs().iter().any(|value| value.node == add);
    let same = graph.graph().node(before_pooling(graph, skip.node)).op == *op;
    (idempotent && same && !returned).then_some(reader)
}

/// The node whose elements maxima are of, or `id` itself.
fn before_pooling(graph: &TypedGraph, mut id: NodeId) -> NodeId {
    while let Op::Pool(pool) = &graph.graph().node(id).op
        && pool.kind == PoolKind::Max
        && let Some(data) = graph.graph().operand(id, 0)
    {
        id = data.node;
    }
    id
}
