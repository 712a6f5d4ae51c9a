//! Builds a [`Graph`] from named nodes in any order, and checks it once.
//!
//! Names of *values* wire the graph together, as ONNX does it; formats that wire by node name
//! (TensorFlow, nn-Meter IR) name a node's outputs after the node.

use std::collections::HashMap;

use petgraph::graph::DiGraph;
use smallvec::SmallVec;

use crate::error::{Error, ErrorKind, Result};
use crate::graph::{Graph, Node, NodeId, Value, Wire};
use crate::op::{Layout, Op};
use crate::tensor::{Constant, TensorType};

/// Collects nodes and the names they are wired by. See the [module](self).
#[derive(Debug, Default)]
pub struct GraphBuilder {
    dag: DiGraph<Node, Wire, u32>,
    values: HashMap<Box<str>, Source>,
    wires: Vec<(NodeId, u16, Box<str>)>,
    outputs: Vec<Box<str>>,
    returned: Vec<Value>,
}

/// What a name of a value stands for.
#[derive(Clone, Debug)]
enum Source {
    Value(Value),
    Alias(Box<str>),
}

impl GraphBuilder {
    /// An empty graph.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a node. `operands` are names of values by slot, an empty one is left out; `outputs`
    /// are the names of its own values, an empty one cannot be referred to.
    ///
    /// # Errors
    /// If a value of the same name exists.
    pub fn node<'a>(
        &mut self,
        name: &str,
        op: Op,
        operands: impl IntoIterator<Item = &'a str>,
        outputs: &[&str],
    ) -> Result<NodeId> {
        let id = self.dag.add_node(Node {
            name: name.into(),
            op,
            outputs: outputs.len() as u16,
            declared: SmallVec::new(),
        });
        for (slot, operand) in operands.into_iter().enumerate() {
            self.operand(id, slot as u16, operand);
        }
        for (port, output) in outputs.iter().enumerate() {
            self.define(output, Source::Value(Value { node: id, port: port as u16 }))?;
        }
        Ok(id)
    }

    /// Adds a constant whose value has the node's name.
    ///
    /// # Errors
    /// If a value of the same name exists.
    pub fn constant(&mut self, name: &str, constant: Constant) -> Result<NodeId> {
        self.node(name, Op::Const(constant), [], &[name])
    }

    /// Wires the value called `operand` to a slot of `id`. An empty name leaves the slot out.
    pub fn operand(&mut self, id: NodeId, slot: u16, operand: &str) {
        if !operand.is_empty() {
            self.wires.push((id, slot, operand.into()));
        }
    }

    /// Gives `id` a constant operand that no name of the file refers to.
    pub fn constant_operand(&mut self, id: NodeId, slot: u16, constant: Constant) {
        let name = format!("{}/operand{slot}", self.dag[id].name).into_boxed_str();
        let node = Node { name, op: Op::Const(constant), outputs: 1, declared: SmallVec::new() };
        let source = self.dag.add_node(node);
        self.dag.add_edge(source, id, Wire { port: 0, slot });
    }

    /// Adds a node that reads values of nodes added before, by slot. No name refers to its own
    /// values: they are the ports of the node that this gives.
    ///
    /// # Panics
    /// If an operand is of a node that is not of this builder.
    pub fn place(&mut self, name: &str, op: Op, operands: &[Value], outputs: u16) -> NodeId {
        let node = Node { name: name.into(), op, outputs, declared: SmallVec::new() };
        let id = self.dag.add_node(node);
        for (slot, operand) in operands.iter().enumerate() {
            let wire = Wire { port: operand.port, slot: slot as u16 };
            self.dag.add_edge(operand.node, id, wire);
        }
        id
    }

    /// Declares a value of a node added before an output of the graph, after those that
    /// [`GraphBuilder::output`] names.
    pub fn returns(&mut self, value: Value) {
        self.returned.push(value);
    }

    /// Makes `name` another name of the value `of`, as an Identity does.
    ///
    /// # Errors
    /// If a value called `name` exists.
    pub fn alias(&mut self, name: &str, of: &str) -> Result<()> {
        let known = self.values.get(of).cloned();
        self.define(name, known.unwrap_or_else(|| Source::Alias(of.into())))
    }

    /// Records an output type that the file declares.
    pub fn declare(&mut self, id: NodeId, port: u16, ty: TensorType) {
        let declared = &mut self.dag[id].declared;
        let port = usize::from(port);
        if declared.len() <= port {
            declared.resize(port + 1, None);
        }
        declared[port] = Some(ty);
    }

    /// Declares the value called `name` an output of the graph.
    pub fn output(&mut self, name: &str) {
        self.outputs.push(name.into());
    }

    /// The node that is to become the producer of `name`, if it is already there.
    pub fn producer(&self, name: &str) -> Option<NodeId> {
        self.resolve(name).ok().map(|value| value.node)
    }

    /// A node added before.
    pub fn get(&self, id: NodeId) -> &Node {
        &self.dag[id]
    }

    /// A node added before, to change it.
    pub fn get_mut(&mut self, id: NodeId) -> &mut Node {
        &mut self.dag[id]
    }

    /// Wires everything and checks it.
    ///
    /// Without [`GraphBuilder::output`] and [`GraphBuilder::returns`] calls, the values that nothing reads are the outputs.
    ///
    /// # Errors
    /// If a name has no producer, or the nodes form a cycle.
    pub fn finish(mut self, layout: Layout) -> Result<Graph> {
        self.shorten_chains();
        for (id, slot, name) in std::mem::take(&mut self.wires) {
            let value = self.resolve(&name).map_err(|error| {
                let label =
                    format!("node #{} \"{}\", operand {slot}", id.index(), self.dag[id].name);
                error_about(label, &error)
            })?;
            self.dag.add_edge(value.node, id, Wire { port: value.port, slot });
        }
        self.refuse_cycles()?;
        let outputs = self.resolve_outputs()?;
        Ok(Graph { dag: self.dag, outputs, layout, rebatch: None })
    }

    fn define(&mut self, name: &str, source: Source) -> Result<()> {
        if name.is_empty() {
            return Ok(());
        }
        match self.values.insert(name.into(), source) {
            None => Ok(()),
            Some(_) => Err(Error::new(
                ErrorKind::Malformed,
                format!("value \"{name}\""),
                "is produced by two nodes",
            )
            .expected("one producer for each name")),
        }
    }

    /// Lets every alias that is left stand for the value at the end of its chain, so that no
    /// chain is followed twice. Those in a circle, or to nothing, stay.
    fn shorten_chains(&mut self) {
        let values = &self.values;
        let mut ends: HashMap<&str, Option<Value>> = HashMap::new();
        for (start, _) in values.iter().filter(|(_, source)| matches!(source, Source::Alias(_))) {
            let (mut passed, mut current) = (Vec::new(), &**start);
            let end = loop {
                match (ends.get(current), values.get(current)) {
                    (Some(end), _) => break *end,
                    (None, Some(Source::Value(end))) => break Some(*end),
                    (None, Some(Source::Alias(of))) if passed.len() <= values.len() => {
                        passed.push(current);
                        current = of;
                    }
                    (None, Some(Source::Alias(_)) | None) => break None,
                }
            };
            ends.extend(passed.into_iter().map(|name| (name, end)));
        }
        let ends = ends.into_iter().filter_map(|(name, end)| Some((name.into(), end?)));
        let ends: Vec<(Box<str>, Value)> = ends.collect();
        self.values.extend(ends.into_iter().map(|(name, end)| (name, Source::Value(end))));
    }

    fn resolve(&self, name: &str) -> Result<Value, String> {
        let mut current = name;
        for _ in 0..=self.values.len() {
            match self.values.get(current) {
                Some(Source::Value(value)) => return Ok(*value),
                Some(Source::Alias(of)) => current = of,
                None => return Err(format!("refers to \"{current}\", which no node produces")),
            }
        }
        Err(format!("refers to \"{name}\", which is a cycle of identities"))
    }

    fn resolve_outputs(&self) -> Result<Vec<Value>> {
        if !self.outputs.is_empty() || !self.returned.is_empty() {
            let resolve = |name: &str| {
                self.resolve(name)
                    .map_err(|error| error_about(format!("output \"{name}\""), &error))
            };
            let named = self.outputs.iter().map(|name| resolve(name));
            return named.chain(self.returned.iter().copied().map(Ok)).collect();
        }
        let unread = self.dag.externals(petgraph::Direction::Outgoing);
        let computed = unread.filter(|&id| !matches!(self.dag[id].op, Op::Const(_)));
        Ok(computed.map(|node| Value { node, port: 0 }).collect())
    }

    fn refuse_cycles(&self) -> Result<()> {
        match petgraph::algo::toposort(&self.dag, None) {
            Ok(_) => Ok(()),
            Err(cycle) => {
                let id = cycle.node_id();
                let label = format!("node #{} \"{}\"", id.index(), self.dag[id].name);
                Err(Error::new(ErrorKind::Cyclic, label, "depends on its own output")
                    .expected("a graph without cycles"))
            }
        }
    }
}

fn error_about(subject: String, found: &str) -> Error {
    let kind =
        if found.contains("cycle of identities") { ErrorKind::Cyclic } else { ErrorKind::Dangling };
    Error::new(kind, subject, found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::op::Unary;
    use crate::tensor::{DType, Dim};

    #[test]
    fn placed_nodes_are_wired_by_value_and_returned() {
        let mut builder = GraphBuilder::new();
        let dims = [1, 4].map(Dim::Known).to_vec();
        let input = builder.place("x", Op::Input(DType::F32, Some(dims)), &[], 1);
        let input = Value { node: input, port: 0 };
        let relu = builder.place("y", Op::Unary(Unary::Relu), &[input], 1);
        builder.place("unread", Op::Unary(Unary::Tanh), &[input], 1);
        let relu = Value { node: relu, port: 0 };
        builder.returns(relu);
        let graph = builder.finish(Layout::ChannelsFirst).expect("a well-formed graph");
        assert_eq!((graph.outputs(), graph.operand(relu.node, 0)), (&[relu][..], Some(input)));
    }
}
