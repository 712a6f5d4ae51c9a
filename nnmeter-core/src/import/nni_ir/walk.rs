//! Walks the graphs from `_model` through its cells, evaluates scalars and lists, and builds.

use std::collections::HashMap;

use serde::Deserialize;

use super::super::allowance::Allowance;
use super::json::{Document, Edge, GraphJson, INPUTS, NodeJson, OUTPUTS, graph};
use super::params::shapes;
use super::{functions, modules};
use crate::builder::GraphBuilder;
use crate::error::{Error, ErrorKind, Result};
use crate::graph::Graph;
use crate::op::{Layout, Op};
use crate::tensor::{Constant, DType, Dim, TensorType};

/// How deep cells and lists may be nested, and how many nodes, edges and list items they may unfold
/// to.
pub(super) const MAX_DEPTH: usize = 32;
const MAX_UNFOLDED: usize = 300_000;

/// What a node gives: a tensor by the name of its value, or something known at import.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Item {
    Tensor(String),
    Int(i64),
    Float(f64),
    List(Vec<Item>),
    None,
}

impl Item {
    /// How many items a list has, at all depths.
    fn weight(&self) -> usize {
        match self {
            Item::List(items) => items.iter().map(|item| 1 + item.weight()).sum(),
            Item::Tensor(_) | Item::Int(_) | Item::Float(_) | Item::None => 0,
        }
    }

    /// About what a list takes; a single item is as small as its node.
    fn memory(&self) -> usize {
        let text = |item: &Item| match item {
            Item::Tensor(name) => size_of::<Item>() + name.len(),
            Item::List(_) | Item::Int(_) | Item::Float(_) | Item::None => {
                size_of::<Item>() + item.memory()
            }
        };
        match self {
            Item::List(items) => items.iter().map(text).sum(),
            Item::Tensor(_) | Item::Int(_) | Item::Float(_) | Item::None => 0,
        }
    }

    /// How deep lists are nested.
    pub(super) fn depth(&self) -> usize {
        match self {
            Item::List(items) => 1 + items.iter().map(Item::depth).max().unwrap_or(0),
            Item::Tensor(_) | Item::Int(_) | Item::Float(_) | Item::None => 0,
        }
    }
}

/// A node, its operands evaluated.
pub(super) struct Call<'c> {
    /// Names of the cells down to the node, and its own.
    pub(super) path: String,
    pub(super) subject: String,
    pub(super) node: &'c NodeJson,
    pub(super) inputs: Vec<Item>,
}

/// Builds the graph of a document.
pub(super) fn import(document: &Document) -> Result<Graph> {
    let (builder, allowance) = (GraphBuilder::new(), Allowance::new());
    let mut walker = Walker { document, builder, left: MAX_UNFOLDED, allowance };
    let model = graph(document, "_model")?;
    let inputs = walker.add_inputs(&model)?;
    let outputs = walker.walk(&model, "", &inputs, 0)?;
    for output in &outputs {
        walker.output(output);
    }
    walker.builder.finish(Layout::ChannelsFirst)
}

pub(super) struct Walker<'d> {
    document: &'d Document,
    pub(super) builder: GraphBuilder,
    left: usize,
    allowance: Allowance,
}

impl Walker<'_> {
    /// The model's inputs, with the shape that one of their readers records.
    fn add_inputs(&mut self, model: &GraphJson) -> Result<Vec<Item>> {
        let count = model.input_count();
        let mut shapes_of = vec![None; count];
        for edge in model.edges.iter().filter(|edge| edge.head.0 == INPUTS) {
            let shape = &mut shapes_of[usize::from(edge.head.1.unwrap_or(0))];
            *shape = shape.take().or_else(|| recorded_input(model, edge));
        }
        let mut inputs = Vec::with_capacity(count);
        for (index, shape) in shapes_of.into_iter().enumerate() {
            let named = model.inputs.as_ref().and_then(|names| names.get(index));
            let name = named.cloned().unwrap_or_else(|| format!("input{index}"));
            let value = format!("{INPUTS}:{index}");
            self.builder.node(&name, Op::Input(DType::F32, shape), [], &[&value])?;
            inputs.push(Item::Tensor(value));
        }
        Ok(inputs)
    }

    /// Refuses cells and lists that multiply beyond what any model has.
    fn charge(&mut self, cost: usize) -> Result<()> {
        self.left = self.left.checked_sub(cost).ok_or_else(|| {
            Error::new(ErrorKind::Malformed, "NNI graph", "unfolds to too many nodes")
                .expected(format!("at most {MAX_UNFOLDED} nodes, edges and list items"))
        })?;
        Ok(())
    }

    fn output(&mut self, item: &Item) {
        match item {
            Item::Tensor(name) => self.builder.output(name),
            Item::List(items) => items.iter().for_each(|item| self.output(item)),
            Item::Int(_) | Item::Float(_) | Item::None => {}
        }
    }

    fn walk(
        &mut self,
        graph: &GraphJson,
        path: &str,
        inputs: &[Item],
        depth: usize,
    ) -> Result<Vec<Item>> {
        self.charge(graph.edges.len())?;
        let bytes = graph.memory(path);
        self.allowance.pay(bytes, || format!("graph \"{path}\""))?;
        let order = graph.order(if path.is_empty() { "_model" } else { path })?;
        let incoming = graph.incoming();
        let mut made: HashMap<&str, Vec<Item>> = HashMap::new();
        made.insert(INPUTS, inputs.to_vec());
        for name in order {
            if [INPUTS, OUTPUTS].contains(&name) {
                continue;
            }
            let path = if path.is_empty() { name.to_owned() } else { format!("{path}/{name}") };
            let operands = self.operands(&incoming, &made, name)?;
            let items = self.node(graph, name, path, operands, depth)?;
            self.charge(1 + items.iter().map(Item::weight).sum::<usize>())?;
            let bytes = items.iter().map(Item::memory).sum();
            self.allowance.pay(bytes, || format!("node \"{name}\""))?;
            made.insert(name, items);
        }
        self.operands(&incoming, &made, OUTPUTS)
    }

    /// What the edges into `name` bring, by slot. Lists are copied, and paid for before.
    fn operands(
        &mut self,
        incoming: &HashMap<&str, Vec<&Edge>>,
        made: &HashMap<&str, Vec<Item>>,
        name: &str,
    ) -> Result<Vec<Item>> {
        let mut operands = Vec::new();
        for edge in incoming.get(name).map_or(&[][..], Vec::as_slice) {
            let slot = edge.tail.1.map_or(operands.len(), usize::from);
            if operands.len() <= slot {
                operands.resize(slot + 1, Item::None);
            }
            let items = made.get(edge.head.0.as_str()).map_or(&[][..], Vec::as_slice);
            if let Some(item) = items.get(usize::from(edge.head.1.unwrap_or(0))) {
                self.charge(item.weight())?;
                self.allowance.pay(item.memory(), || format!("node \"{name}\""))?;
                operands[slot] = item.clone();
            }
        }
        Ok(operands)
    }

    fn node(
        &mut self,
        graph: &GraphJson,
        name: &str,
        path: String,
        inputs: Vec<Item>,
        depth: usize,
    ) -> Result<Vec<Item>> {
        let subject = format!("node \"{path}\"");
        let node = NodeJson::deserialize(&graph.nodes[name]).map_err(|error| {
            Error::new(ErrorKind::Malformed, &subject, error.to_string())
                .expected("a node with an operation")
        })?;
        if let Some(cell) = &node.operation.cell_name {
            return self.cell(cell, &path, &inputs, depth);
        }
        let call = Call { path, subject, node: &node, inputs };
        match functions::call(self, &call)? {
            Some(items) => Ok(items),
            None => modules::call(self, &call),
        }
    }

    fn cell(&mut self, name: &str, path: &str, inputs: &[Item], depth: usize) -> Result<Vec<Item>> {
        if depth >= MAX_DEPTH {
            let found = format!("nests cells deeper than {MAX_DEPTH}");
            return Err(Error::new(ErrorKind::Cyclic, format!("node \"{path}\""), found)
                .hint("does the cell contain itself?"));
        }
        let document = self.document;
        self.walk(&super::json::graph(document, name)?, path, inputs, depth + 1)
    }

    /// Adds a node for `call` that reads `operands` and has `count` outputs.
    pub(super) fn add(
        &mut self,
        call: &Call<'_>,
        op: Op,
        operands: &[&Item],
        constants: Vec<(u16, Constant)>,
        count: u16,
    ) -> Result<Vec<Item>> {
        self.allowance.pay_outputs(count.into(), &call.path, || call.subject.clone())?;
        let names: Vec<String> = (0..count).map(|port| value_name(&call.path, port)).collect();
        let values: Vec<&str> = names.iter().map(String::as_str).collect();
        let id = self.builder.node(&call.path, op, [], &values)?;
        for (slot, operand) in operands.iter().enumerate().take(usize::from(u16::MAX)) {
            let slot = slot as u16;
            match operand {
                Item::Tensor(name) => self.builder.operand(id, slot, name),
                other => {
                    if let Some(constant) = constant(other) {
                        self.builder.constant_operand(id, slot, constant);
                    }
                }
            }
        }
        for (slot, constant) in constants {
            self.builder.constant_operand(id, slot, constant);
        }
        for (port, dims) in call.output_shapes().into_iter().enumerate().take(count.into()) {
            if let Some(dims) = dims {
                self.builder.declare(id, port as u16, TensorType::f32(dims));
            }
        }
        Ok(names.into_iter().map(Item::Tensor).collect())
    }
}

impl Call<'_> {
    /// An operand, or nothing where there is none.
    pub(super) fn input(&self, slot: usize) -> &Item {
        self.inputs.get(slot).unwrap_or(&Item::None)
    }

    /// The recorded extents of the outputs.
    pub(super) fn output_shapes(&self) -> Vec<Option<crate::tensor::Dims>> {
        let attributes = self.node.operation.attributes.as_ref();
        attributes.map_or_else(Vec::new, |attributes| shapes(&attributes.output_shape))
    }

    /// The recorded extents of an input.
    pub(super) fn input_shape(&self, slot: usize) -> Option<crate::tensor::Dims> {
        let attributes = self.node.operation.attributes.as_ref()?;
        shapes(&attributes.input_shape).into_iter().nth(slot)?
    }

    /// The operator is kept by its name; recorded shapes are all there is.
    pub(super) fn other(&self, walker: &mut Walker<'_>) -> Result<Vec<Item>> {
        let op = Op::Other { op_type: self.node.operation.op_type.as_str().into() };
        let tensors = self.inputs.iter().filter(|item| matches!(item, Item::Tensor(_)));
        let count = self.output_shapes().len().clamp(1, 256) as u16;
        walker.add(self, op, &tensors.collect::<Vec<_>>(), Vec::new(), count)
    }
}

fn recorded_input(model: &GraphJson, edge: &Edge) -> Option<Vec<Dim>> {
    let node = NodeJson::deserialize(model.nodes.get(&edge.tail.0)?).ok()?;
    let all = shapes(&node.operation.attributes?.input_shape);
    let dims = all.into_iter().nth(edge.tail.1.unwrap_or(0).into())??;
    Some(dims.into_iter().map(Dim::Known).collect())
}

fn constant(item: &Item) -> Option<Constant> {
    match item {
        Item::Int(value) => Some(Constant::scalar(*value as f64)),
        Item::Float(value) => Some(Constant::scalar(*value)),
        Item::List(_) | Item::Tensor(_) | Item::None => None,
    }
}

fn value_name(path: &str, port: u16) -> String {
    if port == 0 { path.to_owned() } else { format!("{path}:{port}") }
}
