//! nn-Meter IR: the JSON graphs that nn-Meter writes and its benchmark set is made of.
//!
//! Node names wire the graph: `inbounds` rule, `outbounds` only tell which consumer reads which
//! part of a Split. Weights are attributes and become constant operands here. Tensors are `NHWC`
//! unless the file itself shows otherwise. Recorded shapes are kept as declarations, for operators
//! without a shape rule; they never make a valid file fail.

mod attrs;
mod conv;
mod lower;
mod numbers;
mod ports;
mod reduce;
mod schema;
mod shaping;
#[cfg(test)]
mod tests;

use std::collections::HashMap;

use serde::Deserialize;

use super::allowance::Allowance;
use super::detect::{JsonShape, json_shape, skip_mark};
use crate::builder::GraphBuilder;
use crate::error::{Error, ErrorKind, Result};
use crate::graph::Graph;
use crate::op::Op;
use crate::tensor::TensorType;

use attrs::View;
use lower::{Lowered, Wired};
use ports::Ports;
pub use schema::IrGraph;
use schema::IrNode;

/// A line of the benchmark set, of which only the graph matters here.
#[derive(Deserialize)]
struct Line<'a> {
    #[serde(borrow)]
    graph: IrGraph<'a>,
}

/// Reads a graph from JSON: an nn-Meter IR file, or one line of nn-Meter's benchmark set.
///
/// # Errors
/// If the JSON is malformed or a node makes no sense; the error names the node.
pub fn read(bytes: &[u8]) -> Result<Graph> {
    let bytes = skip_mark(bytes);
    let parsed = match json_shape(bytes) {
        Some(JsonShape::BenchmarkLine) => {
            serde_json::from_slice::<Line<'_>>(bytes).map(|line| line.graph)
        }
        Some(JsonShape::NnMeterIr | JsonShape::NniIr) | None => serde_json::from_slice(bytes),
    };
    parsed.map_err(|error| malformed(&error))?.into_graph()
}

fn malformed(error: &serde_json::Error) -> Error {
    let malformed = Error::new(ErrorKind::Malformed, "nn-Meter IR", error.to_string());
    if error.to_string().starts_with("trailing characters") {
        return malformed.hint("a benchmark set has one model a line: read each line by itself");
    }
    malformed.expected("an object of nodes, each with inbounds and attr")
}

impl IrGraph<'_> {
    /// Number of nodes.
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Whether there are no nodes.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// Gives the JSON its meaning.
    ///
    /// # Errors
    /// If a name is used twice, a node reads from one that is not there, nodes form a cycle, or an
    /// attribute is absent that nothing recorded can stand in for; the error names the node.
    pub fn into_graph(self) -> Result<Graph> {
        if self.is_empty() {
            return Err(Error::new(ErrorKind::Malformed, "nn-Meter IR", "has no nodes"));
        }
        let index = index(&self.nodes)?;
        let ports = Ports::assign(&self.nodes, &index);
        let layout = conv::graph_layout(&self.nodes);
        let (mut builder, allowance) = (GraphBuilder::new(), Allowance::new());
        for node in &self.nodes {
            let view = View { nodes: &self.nodes, index: &index, node, layout };
            add(&mut builder, &view, &ports, &allowance)?;
        }
        builder.finish(layout)
    }
}

fn index<'g>(nodes: &'g [IrNode<'_>]) -> Result<HashMap<&'g str, usize>> {
    let mut index = HashMap::with_capacity(nodes.len());
    for (position, node) in nodes.iter().enumerate() {
        if index.insert(node.name.as_ref(), position).is_some() {
            return Err(node.error(ErrorKind::Malformed, "is in the file twice"));
        }
    }
    Ok(index)
}

fn add(
    builder: &mut GraphBuilder,
    view: &View<'_, '_>,
    ports: &Ports<'_>,
    allowance: &Allowance,
) -> Result<()> {
    let node = view.node;
    if lower::is_alias(node.op_type()) {
        let Some(of) = node.inbounds.first() else {
            return Err(node.error(ErrorKind::Dangling, "has no inbound to pass on"));
        };
        return builder.alias(&node.name, &ports.operand(view, 0, &of.0));
    }
    if node.inbounds.len() > usize::from(u16::MAX) {
        let found = format!("has {} inbounds", node.inbounds.len());
        return Err(node.error(ErrorKind::Malformed, found));
    }
    let Lowered { op, wired, constants } = lower::lower(view)?;
    let kept: usize = constants.iter().map(|(_, constant)| constant.kept()).sum();
    allowance.pay(kept * size_of::<i64>(), || format!("node \"{}\"", node.name))?;
    ports.pay(allowance, node)?;
    let outputs = ports.outputs(node, &op);
    let names: Vec<&str> = outputs.iter().map(AsRef::as_ref).collect();
    let declare = !matches!(op, Op::Input(..) | Op::Const(_));
    let id = builder.node(&node.name, op, [], &names)?;
    for (slot, inbound) in wired_inbounds(view, wired).enumerate() {
        let (position, name) = inbound;
        builder.operand(id, slot as u16, &ports.operand(view, position, name));
    }
    for (slot, constant) in constants {
        builder.constant_operand(id, slot, constant);
    }
    for port in 0..if declare { names.len() } else { 0 } {
        if let Some(dims) = view.output_dims(port) {
            builder.declare(id, port as u16, TensorType::f32(dims));
        }
    }
    Ok(())
}

/// The inbounds that become operands, each with its position in the file's list.
fn wired_inbounds<'v>(
    view: &'v View<'_, '_>,
    wired: Wired,
) -> impl Iterator<Item = (usize, &'v str)> {
    let limit = match wired {
        Wired::All => usize::MAX,
        Wired::First(count) | Wired::Data(count) => count,
    };
    let all = view.node.inbounds.iter().map(|inbound| inbound.0.as_ref()).enumerate();
    all.filter(move |(_, name)| !matches!(wired, Wired::Data(_)) || !view.is_const(name))
        .take(limit)
}
