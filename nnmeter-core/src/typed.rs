//! A graph whose tensor types are known: what kernel detection and pricing work on.
//!
//! Made by [`Graph::infer_shapes`](crate::graph::Graph::infer_shapes) alone; nothing downstream
//! checks shapes again.

use std::collections::HashMap;

use crate::graph::{Graph, Node, NodeId, Value};
use crate::op::Op;
use crate::tensor::{TensorType, Values};

/// What is known of a value.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Fact {
    /// Its type; `None` behind an operator without a shape rule.
    pub ty: Option<TensorType>,
    /// Its elements, where they are small and do not depend on the data.
    pub values: Option<Values>,
    /// It does not depend on any graph input's data: the runtime computes it once, at load.
    pub constant: bool,
}

/// A graph with a [`Fact`] for every value.
#[derive(Clone, Debug)]
pub struct TypedGraph {
    graph: Graph,
    order: Vec<NodeId>,
    first: Vec<u32>,
    facts: Vec<Fact>,
    roles: Vec<Role>,
    /// By node that reads a value of unknown type: where types are first unknown.
    origins: HashMap<NodeId, NodeId>,
}

impl TypedGraph {
    /// `order` is a topological order of all nodes; `facts` has an entry for each output of each
    /// node, in the order of node indices, those of node `i` from `first[i]` on.
    pub(crate) fn new(graph: Graph, order: Vec<NodeId>, first: Vec<u32>, facts: Vec<Fact>) -> Self {
        let nodes = graph.dag().node_weights().zip(&first);
        let roles = nodes.map(|(node, &first)| Role::of(node, facts.get(first as usize))).collect();
        let origins = HashMap::new();
        let mut typed = Self { graph, order, first, facts, roles, origins };
        if typed.facts.iter().any(|fact| fact.ty.is_none()) {
            typed.origins = typed.find_origins();
        }
        typed
    }

    fn find_origins(&self) -> HashMap<NodeId, NodeId> {
        let mut origins = HashMap::new();
        for &id in &self.order {
            let operands = self.graph.operands(id);
            let unknown = operands.into_iter().flatten().find(|&value| self.ty(value).is_none());
            if let Some(Value { node, .. }) = unknown {
                let origin = origins.get(&node).copied().unwrap_or(node);
                origins.insert(id, origin);
            }
        }
        origins
    }

    /// The first operator before `id`, or `id` itself, that knows its operands' types.
    pub(crate) fn origin_of_unknown(&self, id: NodeId) -> NodeId {
        self.origins.get(&id).copied().unwrap_or(id)
    }

    /// The graph without types.
    pub fn graph(&self) -> &Graph {
        &self.graph
    }

    /// All nodes in a topological order.
    pub fn order(&self) -> &[NodeId] {
        &self.order
    }

    /// What is known of a value.
    pub fn fact(&self, value: Value) -> &Fact {
        &self.facts[self.first[value.node.index()] as usize + usize::from(value.port)]
    }

    /// Type of a value, if it is known.
    pub fn ty(&self, value: Value) -> Option<&TensorType> {
        self.fact(value).ty.as_ref()
    }

    /// Type of the first output of a node, if it is known.
    pub fn output_type(&self, id: NodeId) -> Option<&TensorType> {
        let has_outputs = self.graph.node(id).outputs > 0;
        self.facts.get(self.first[id.index()] as usize).filter(|_| has_outputs)?.ty.as_ref()
    }

    /// Type of the operand of a node in a slot, if there is one and its type is known.
    pub fn operand_type(&self, id: NodeId, slot: u16) -> Option<&TensorType> {
        self.ty(self.graph.operand(id, slot)?)
    }

    /// Whether a node runs at inference: not an input, not a constant, and not computed from
    /// constants (or shapes) alone, which a runtime folds when it loads the model.
    pub fn is_op(&self, id: NodeId) -> bool {
        self.roles[id.index()] != Role::AtLoad
    }

    /// Whether an operator only gives the same bytes another shape.
    pub fn is_view(&self, id: NodeId) -> bool {
        self.roles[id.index()] == Role::View
    }
}

/// What a node does at inference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    /// Nothing: an input, or computed at load.
    AtLoad,
    /// It gives the same bytes another shape.
    View,
    /// It computes.
    Operator,
}

impl Role {
    /// The role of a node, from what is known of its first output.
    fn of(node: &Node, first: Option<&Fact>) -> Self {
        let constant = node.outputs > 0 && first.is_some_and(|fact| fact.constant);
        match node.op {
            Op::Input(..) | Op::Const(_) => Role::AtLoad,
            _ if constant => Role::AtLoad,
            Op::Reshape(_) => Role::View,
            _ => Role::Operator,
        }
    }
}
