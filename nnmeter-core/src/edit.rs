//! Changes to a graph that keep it well-formed: other operators at the same places, and values read in
//! the place of others. What makes sense of a network is for the caller to know; shapes are inferred
//! anew afterwards.

use petgraph::Direction;
use petgraph::graph::DiGraph;
use petgraph::visit::EdgeRef;

use crate::error::{Error, ErrorKind, Result};
use crate::graph::{Graph, NodeId, Value, Wire};
use crate::op::Op;

impl Graph {
    /// Changes operators in place. The wires stay as they are.
    pub fn change_ops(&mut self, mut change: impl FnMut(NodeId, &mut Op)) {
        for index in 0..self.dag.node_count() {
            let id = NodeId::new(index);
            change(id, &mut self.dag[id].op);
        }
    }

    /// The graph in which whatever reads the first value of a pair reads the second, and without the
    /// nodes that no output depends on then (inputs stay). Pairs may lead to each other.
    ///
    /// # Errors
    /// If a value would depend on itself.
    pub fn bypass(&self, pairs: &[(Value, Value)]) -> Result<Self> {
        let mut dag = self.dag.map(|_, node| node.clone(), |_, wire| *wire);
        dag.clear_edges();
        for edge in self.dag.edge_references() {
            let from = end(pairs, Value { node: edge.source(), port: edge.weight().port });
            let wire = Wire { port: from.port, slot: edge.weight().slot };
            dag.add_edge(from.node, edge.target(), wire);
        }
        if let Err(cycle) = petgraph::algo::toposort(&dag, None) {
            let label = self.label(cycle.node_id());
            return Err(Error::new(ErrorKind::Cyclic, label, "would depend on its own output"));
        }
        let outputs: Vec<Value> = self.outputs.iter().map(|&value| end(pairs, value)).collect();
        let live = live(&dag, &outputs);
        let kept =
            |index: usize| live[index] || matches!(self.dag[NodeId::new(index)].op, Op::Input(..));
        let mut count = 0;
        let renumbered: Vec<usize> = (0..live.len())
            .map(|index| {
                count += usize::from(kept(index));
                count.saturating_sub(1)
            })
            .collect();
        let dag = dag
            .filter_map(|id, node| kept(id.index()).then(|| node.clone()), |_, wire| Some(*wire));
        let renumber =
            |value: Value| Value { node: NodeId::new(renumbered[value.node.index()]), ..value };
        let outputs = outputs.into_iter().map(renumber).collect();
        Ok(Self { dag, outputs, layout: self.layout, rebatch: self.rebatch })
    }
}

/// Where a value's readers are led in the end; pairs in a circle lead anywhere in it.
fn end(pairs: &[(Value, Value)], value: Value) -> Value {
    let next = |value: Value| pairs.iter().find(|(from, _)| *from == value).map(|(_, to)| *to);
    std::iter::successors(Some(value), |&value| next(value))
        .take(pairs.len() + 1)
        .last()
        .unwrap_or(value)
}

/// By node: whether an output depends on it.
fn live<N, E>(dag: &DiGraph<N, E, u32>, outputs: &[Value]) -> Vec<bool> {
    let mut live = vec![false; dag.node_count()];
    let mut open: Vec<NodeId> = outputs.iter().map(|value| value.node).collect();
    while let Some(id) = open.pop() {
        if !std::mem::replace(&mut live[id.index()], true) {
            open.extend(dag.neighbors_directed(id, Direction::Incoming));
        }
    }
    live
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::op::Unary;
    use crate::text::graph;

    #[test]
    fn what_is_bypassed_is_gone() {
        let text = "x = input 1x4x8x8 ; a = relu x ; c = conv a k=3 p=1 out=4 in=4 bias
                    s = add a c ; t = sigmoid s ; output t";
        let before = graph(text);
        let value = |name: &str| {
            let mut ids = before.dag().node_indices();
            let node = ids.find(|&id| &*before.node(id).name == name).expect("a node");
            Value { node, port: 0 }
        };
        let after = before.bypass(&[(value("s"), value("a"))]).expect("no cycle");
        let names: Vec<&str> = after.dag().node_weights().map(|node| &*node.name).collect();
        assert_eq!(names, ["x", "a", "t"]);
        let end = after.outputs()[0].node;
        assert_eq!(after.node(end).op, Op::Unary(Unary::Sigmoid));
        assert!(after.infer_shapes().is_ok());
        let error = before.bypass(&[(value("a"), value("t"))]).expect_err("a cycle");
        assert_eq!(error.kind(), ErrorKind::Cyclic);
    }
}
