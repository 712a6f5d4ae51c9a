//! Frozen TensorFlow graphs: a `GraphDef` whose variables have become constants.
//!
//! Operands that are attributes elsewhere (an axis, a permutation, paddings) are looked up through
//! identities to their constants. Control inputs only order execution and are dropped. Functions of
//! a graph's library are not entered: a call is an operator without a shape rule.

mod dilated;
mod ops;
mod proto;
mod shaping;
mod site;
mod tensor;
#[cfg(test)]
mod tests;
mod window;

use std::collections::HashMap;

use bytes::Bytes;
use prost::Message;

use super::allowance::Allowance;
use crate::builder::GraphBuilder;
use crate::error::{Error, ErrorKind, Result};
use crate::graph::Graph;
use crate::op::{Layout, Op};
use crate::tensor::TensorType;

use dilated::Dilated;
use proto::{GraphDef, NodeDef};
use site::{Lowered, Site};

/// Reads a frozen graph.
///
/// # Errors
/// If the bytes are no `GraphDef`, the graph has variables, a node reads from one that is not
/// there, or an attribute makes no sense; the error names the node.
pub fn read(bytes: Bytes) -> Result<Graph> {
    let graph = GraphDef::decode(bytes).map_err(|error| {
        Error::new(ErrorKind::Malformed, "TensorFlow graph", error.to_string())
            .expected("a binary GraphDef")
    })?;
    if graph.node.is_empty() {
        return Err(Error::new(ErrorKind::Malformed, "TensorFlow graph", "has no nodes")
            .expected("a binary GraphDef"));
    }
    let importer = Importer::new(&graph.node)?;
    let dilated = Dilated::find(&graph.node, &importer.index);
    importer.import(&dilated)
}

struct Importer<'g> {
    nodes: &'g [NodeDef],
    index: HashMap<&'g str, &'g NodeDef>,
    /// Highest port that something reads, by node.
    ports: HashMap<&'g str, u16>,
    allowance: Allowance,
}

impl<'g> Importer<'g> {
    fn new(nodes: &'g [NodeDef]) -> Result<Self> {
        let mut index = HashMap::with_capacity(nodes.len());
        let mut ports = HashMap::new();
        for node in nodes {
            if index.insert(node.name.as_str(), node).is_some() {
                return Err(site::error(node, ErrorKind::Malformed, "is in the graph twice"));
            }
            for input in &node.input {
                let (name, port) = site::split_port(input);
                if port > 0 {
                    let highest: &mut u16 = ports.entry(name).or_default();
                    *highest = port.max(*highest);
                }
            }
        }
        Ok(Self { nodes, index, ports, allowance: Allowance::new() })
    }

    fn import(&self, dilated: &Dilated<'_>) -> Result<Graph> {
        let mut builder = GraphBuilder::new();
        let nodes = self.nodes;
        for node in nodes {
            self.add(&mut builder, node, dilated)?;
        }
        builder.finish(self.layout())
    }

    /// The layout of the graph: what its first windowed operator says.
    fn layout(&self) -> Layout {
        let first = self.nodes.iter().find_map(site::stated_layout);
        first.unwrap_or(Layout::ChannelsLast)
    }

    fn add(
        &self,
        builder: &mut GraphBuilder,
        node: &'g NodeDef,
        dilated: &Dilated<'_>,
    ) -> Result<()> {
        let site = Site::new(node, &self.index);
        match node.op.as_str() {
            "NoOp" | "Assert" => return Ok(()),
            "Identity" | "StopGradient" | "CheckNumerics" | "PreventGradient" | "Snapshot"
            | "ReadVariableOp" | "IdentityN" => return self.alias(builder, &site),
            "Variable" | "VariableV2" | "VarHandleOp" => return Err(unfrozen(node)),
            _ => {}
        }
        let passed_on = dilated.passes_on(&node.name).or_else(|| site.times_one());
        if let Some(data) = passed_on {
            return builder.alias(&node.name, site::value(data));
        }
        let mut lowered = ops::lower(&site)?;
        if let Op::Conv(conv) = &mut lowered.op {
            dilated.complete(&node.name, conv);
        }
        let count = self.output_count(node, lowered.outputs)?;
        let names: Vec<String> = (0..count).map(|port| value_name(&node.name, port)).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let Lowered { op, operands, constants, .. } = lowered;
        let declare = !matches!(op, Op::Input(..) | Op::Const(_));
        let id = builder.node(&node.name, op, operands.iter().map(AsRef::as_ref), &names)?;
        for (slot, constant) in constants {
            let bytes = constant.kept() * size_of::<i64>();
            self.allowance.pay(bytes, || format!("node \"{}\" ({})", node.name, node.op))?;
            builder.constant_operand(id, slot, constant);
        }
        if lowered.full_sizes {
            shaping::add_full_sizes(builder, &site, id)?;
        }
        if declare {
            for (port, dims) in site.recorded().into_iter().enumerate().take(count.into()) {
                if let Some(dims) = dims {
                    builder.declare(id, port as u16, TensorType::f32(dims));
                }
            }
        }
        Ok(())
    }

    fn output_count(&self, node: &NodeDef, own: u16) -> Result<u16> {
        let read = self.ports.get(node.name.as_str()).map_or(1, |port| port.saturating_add(1));
        let count = own.max(read);
        self.allowance.pay_outputs(count.into(), &node.name, || {
            format!("node \"{}\" ({}) with {count} outputs", node.name, node.op)
        })?;
        Ok(count)
    }

    /// An operator that passes its operands on.
    fn alias(&self, builder: &mut GraphBuilder, site: &Site<'_>) -> Result<()> {
        let node = site.node;
        if site.inputs.is_empty() {
            return Err(site::error(node, ErrorKind::Dangling, "has no input to pass on"));
        }
        let count = site.inputs.len().min(usize::from(u16::MAX));
        self.allowance.pay_outputs(count, &node.name, || format!("node \"{}\"", node.name))?;
        for (port, input) in site.inputs.iter().enumerate().take(count) {
            builder.alias(&value_name(&node.name, port as u16), input)?;
        }
        Ok(())
    }
}

fn unfrozen(node: &NodeDef) -> Error {
    site::error(node, ErrorKind::Unsupported, "is a variable")
        .expected("a frozen graph, whose variables have become constants")
        .hint("freeze it with convert_variables_to_constants_v2, or convert it with tf2onnx")
}

fn value_name(node: &str, port: u16) -> String {
    if port == 0 { node.to_owned() } else { format!("{node}:{port}") }
}
