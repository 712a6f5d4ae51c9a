//! Writes nn-Meter IR: `NHWC` shapes, TensorFlow's types, weights as attributes.
//!
//! What the format has no place for is left out: biases, the parameters of normalisations, and
//! everything that is computed from constants alone. An operator that nn-Meter does not know keeps
//! ONNX's name. A consumer of one of several outputs names the node alone where the order of the
//! consumers tells which, and `node:1` where it does not.

mod attrs;
mod axes;
#[cfg(test)]
mod tests;

use std::collections::{HashMap, HashSet};

use serde_json::{Map, Value as Json, json};

use crate::error::{Error, ErrorKind, Result};
use crate::graph::{NodeId, Value};
use crate::op::Op;
use crate::tensor::Values;
use crate::typed::TypedGraph;

use attrs::Spelled;
use axes::Axes;

/// The graph as JSON in nn-Meter IR.
///
/// # Errors
/// If the graph has what nn-Meter IR cannot say: operators on volumes with the channels first,
/// products of more than matrices, shapes that are not known.
pub fn write(graph: &TypedGraph) -> Result<Json> {
    let mut writer = Writer {
        graph,
        axes: Axes::of(graph),
        names: names(graph),
        nodes: Map::new(),
        outbounds: HashMap::new(),
        ports: consumers(graph),
    };
    for &id in graph.order() {
        writer.node(id)?;
    }
    Ok(writer.finish())
}

struct Writer<'g> {
    graph: &'g TypedGraph,
    axes: Axes,
    names: Vec<String>,
    nodes: Map<String, Json>,
    outbounds: HashMap<String, Vec<String>>,
    /// Consumers of nodes with several outputs, by port.
    ports: HashMap<NodeId, Vec<(u16, NodeId)>>,
}

/// The name that each node has in the IR, by its index: its own, made different from all others.
pub fn names(graph: &TypedGraph) -> Vec<String> {
    let mut taken = HashSet::new();
    let ids = graph.graph().dag().node_indices();
    ids.map(|id| {
        let node = graph.graph().node(id);
        let plain = if node.name.is_empty() { node.op.name() } else { &node.name };
        let mut name = plain.to_owned();
        if taken.contains(&name) {
            name = format!("{plain}#{}", id.index());
        }
        while !taken.insert(name.clone()) {
            name.push('\'');
        }
        name
    })
    .collect()
}

fn consumers(graph: &TypedGraph) -> HashMap<NodeId, Vec<(u16, NodeId)>> {
    let mut ports: HashMap<NodeId, Vec<(u16, NodeId)>> = HashMap::new();
    for &id in graph.order() {
        for value in graph.graph().operands(id).into_iter().flatten() {
            if graph.graph().node(value.node).outputs > 1 {
                ports.entry(value.node).or_default().push((value.port, id));
            }
        }
    }
    ports
}

impl Writer<'_> {
    fn node(&mut self, id: NodeId) -> Result<()> {
        let node = self.graph.graph().node(id);
        let is_input = matches!(node.op, Op::Input(..));
        if !is_input && !self.graph.is_op(id) {
            return Ok(());
        }
        self.check(id)?;
        let Spelled { op_type, attrs, inbounds } = attrs::spell(self.graph, id, self.axes);
        let operands = self.graph.graph().operands(id).into_iter().flatten().take(inbounds);
        let operands: Vec<Value> = operands.collect();
        let rank = self.graph.output_type(id).map_or(0, |ty| ty.rank());
        let mut inputs = Vec::new();
        for &operand in &operands {
            if self.graph.fact(operand).constant {
                self.constant(operand, rank);
            }
            inputs.push(self.inbound(id, operand));
        }
        let shapes: Vec<Json> = operands.iter().map(|&value| self.shape(value)).collect();
        let outputs = (0..node.outputs).map(|port| self.shape(Value { node: id, port }));
        let outputs: Vec<Json> = outputs.collect();
        let name = self.names[id.index()].clone();
        self.insert(&name, &op_type, Json::Object(attrs), inputs, shapes, outputs);
        Ok(())
    }

    /// Refuses what would not read back as what it is.
    fn check(&self, id: NodeId) -> Result<()> {
        let graph = self.graph.graph();
        let refuse = |found: String, expected: &str| {
            let error = Error::new(ErrorKind::Unsupported, graph.label(id), found);
            Err(error.expected(format!("{expected}, which is what nn-Meter IR can say")))
        };
        let rank = self.graph.operand_type(id, 0).map_or(0, |ty| ty.rank());
        if attrs::is_volumetric(&graph.node(id).op, rank) {
            return refuse("works on volumes".to_owned(), "operators on images");
        }
        if self.graph.output_type(id).is_none() {
            let origin = graph.node(self.graph.origin_of_unknown(id)).op.name();
            let found = format!("has no known shape, for want of a shape rule for {origin}");
            return refuse(found, "operators of known shapes");
        }
        let is_product = matches!(graph.node(id).op, Op::MatMul { .. });
        if self.axes.turns(rank) && is_product {
            return refuse(format!("multiplies tensors of {rank} axes"), "products of matrices");
        }
        Ok(())
    }

    fn insert(
        &mut self,
        name: &str,
        op_type: &str,
        attrs: Json,
        inbounds: Vec<String>,
        input_shape: Vec<Json>,
        output_shape: Vec<Json>,
    ) {
        let body = json!({
            "name": name, "type": op_type, "input_shape": input_shape,
            "output_shape": output_shape, "attr": attrs,
        });
        let node = json!({ "inbounds": inbounds, "outbounds": [], "attr": body });
        self.nodes.insert(name.to_owned(), node);
    }

    fn shape(&self, value: Value) -> Json {
        match self.graph.ty(value) {
            Some(ty) => json!(self.axes.dims(&ty.dims)),
            None => Json::Null,
        }
    }

    /// A constant operand, with its values where they mean the same in both layouts.
    fn constant(&mut self, value: Value, rank: usize) {
        let fact = self.graph.fact(value);
        let dims = fact.ty.as_ref().map(|ty| ty.dims.to_vec()).unwrap_or_default();
        let turned = self.axes.broadcast(&dims, rank);
        let mut attrs = json!({ "tensor_shape": turned });
        if dims.iter().filter(|&&dim| dim > 1).count() <= 1 {
            match &fact.values {
                Some(Values::Ints(ints)) => attrs["constant"] = json!(ints),
                Some(Values::Floats(floats)) if floats.iter().all(|value| value.is_finite()) => {
                    attrs["constant"] = json!(floats);
                }
                Some(Values::Floats(_)) | None => {}
            }
        }
        let name = self.names[value.node.index()].clone();
        self.insert(&name, "Const", attrs, Vec::new(), Vec::new(), vec![json!(turned)]);
    }

    /// The name by which `consumer` reads `value`.
    fn inbound(&mut self, consumer: NodeId, value: Value) -> String {
        let name = self.names[value.node.index()].clone();
        let reader = self.names[consumer.index()].clone();
        let ports = self.ports.get_mut(&value.node);
        let Some(ports) = ports else {
            self.outbounds.entry(name.clone()).or_default().push(reader);
            return name;
        };
        ports.sort_by_key(|&(port, _)| port);
        let outputs = usize::from(self.graph.graph().node(value.node).outputs);
        let one_each = ports.len() == outputs
            && ports.iter().enumerate().all(|(index, &(port, _))| usize::from(port) == index);
        if one_each {
            let readers = ports.iter().map(|&(_, id)| self.names[id.index()].clone()).collect();
            self.outbounds.insert(name.clone(), readers);
            return name;
        }
        self.outbounds.entry(name.clone()).or_default().push(reader);
        if value.port == 0 { format!("{name}:0") } else { format!("{name}:{}", value.port) }
    }

    fn finish(mut self) -> Json {
        for (name, outbounds) in self.outbounds {
            if let Some(node) = self.nodes.get_mut(&name) {
                node["outbounds"] = json!(outbounds);
            }
        }
        Json::Object(self.nodes)
    }
}
