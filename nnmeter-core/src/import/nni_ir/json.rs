//! The JSON of NNI's graphs, and the order in which the nodes of one can be evaluated.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::error::{Error, ErrorKind, Result};

/// Graph names to graphs; names that start with `_` and are not `_model` are about other things.
pub(super) type Document = BTreeMap<String, Value>;

/// A graph: the model itself, or a cell.
#[derive(Debug, Deserialize)]
pub(super) struct GraphJson {
    #[serde(default)]
    pub(super) inputs: Option<Vec<String>>,
    pub(super) nodes: BTreeMap<String, Value>,
    pub(super) edges: Vec<Edge>,
}

/// A wire from an output of `head` to an input of `tail`.
#[derive(Debug, Deserialize)]
pub(super) struct Edge {
    pub(super) head: (String, Option<u16>),
    pub(super) tail: (String, Option<u16>),
}

/// A node.
#[derive(Debug, Deserialize)]
pub(super) struct NodeJson {
    pub(super) operation: Operation,
}

/// What a node does.
#[derive(Debug, Deserialize)]
pub(super) struct Operation {
    #[serde(rename = "type", default)]
    pub(super) op_type: String,
    #[serde(default)]
    pub(super) parameters: Option<Map<String, Value>>,
    #[serde(default)]
    pub(super) attributes: Option<Attributes>,
    #[serde(default)]
    pub(super) cell_name: Option<String>,
}

/// Shapes recorded with a dummy input.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Attributes {
    #[serde(default)]
    pub(super) input_shape: Value,
    #[serde(default)]
    pub(super) output_shape: Value,
}

/// How many more slots than edges a graph may have.
const SPARE_SLOTS: usize = 64;

/// The pseudo-nodes that stand for a graph's inputs and outputs.
pub(super) const INPUTS: &str = "_inputs";
pub(super) const OUTPUTS: &str = "_outputs";

/// The graph called `name`.
pub(super) fn graph(document: &Document, name: &str) -> Result<GraphJson> {
    let subject = format!("graph \"{name}\"");
    let Some(value) = document.get(name) else {
        return Err(Error::new(ErrorKind::Dangling, subject, "is not in the file"));
    };
    GraphJson::deserialize(value).map_err(|error| {
        Error::new(ErrorKind::Malformed, subject, error.to_string())
            .expected("a graph of nodes and edges")
    })
}

/// What a node takes beside its names.
const NODE: usize = 512;

impl GraphJson {
    /// About what the graph takes at `path`, where it was not walked before.
    pub(super) fn memory(&self, path: &str) -> usize {
        let name = |name: &String| NODE + 2 * (path.len() + name.len());
        self.nodes.keys().map(name).sum()
    }

    /// Edges into each node, by slot; edges without one take the next.
    pub(super) fn incoming(&self) -> HashMap<&str, Vec<&Edge>> {
        let mut incoming: HashMap<&str, Vec<&Edge>> = HashMap::new();
        for edge in &self.edges {
            incoming.entry(&edge.tail.0).or_default().push(edge);
        }
        for edges in incoming.values_mut() {
            edges.sort_by_key(|edge| edge.tail.1.unwrap_or(u16::MAX));
        }
        incoming
    }

    /// How many inputs the graph has.
    pub(super) fn input_count(&self) -> usize {
        let named = self.inputs.as_ref().map_or(0, Vec::len);
        let of_inputs = self.edges.iter().filter(|edge| edge.head.0 == INPUTS);
        let read = of_inputs.map(|edge| usize::from(edge.head.1.unwrap_or(0)) + 1).max();
        named.max(read.unwrap_or(0))
    }

    /// The nodes in an order in which each comes after those it reads from.
    pub(super) fn order(&self, path: &str) -> Result<Vec<&str>> {
        let mut waiting: BTreeMap<&str, usize> =
            self.nodes.keys().map(|name| (name.as_str(), 0)).collect();
        let mut readers: HashMap<&str, Vec<&str>> = HashMap::new();
        for edge in &self.edges {
            let (head, tail) = (edge.head.0.as_str(), edge.tail.0.as_str());
            for end in [head, tail] {
                if ![INPUTS, OUTPUTS].contains(&end) && !self.nodes.contains_key(end) {
                    let found = format!("has an edge to \"{end}\", which is not a node of it");
                    return Err(Error::new(
                        ErrorKind::Dangling,
                        format!("graph \"{path}\""),
                        found,
                    ));
                }
            }
            if edge.tail.1.is_some_and(|slot| usize::from(slot) >= self.edges.len() + SPARE_SLOTS) {
                let found = format!("has an edge to slot {:?} of \"{tail}\"", edge.tail.1);
                return Err(Error::new(ErrorKind::Malformed, format!("graph \"{path}\""), found));
            }
            if let (true, Some(count)) = (self.nodes.contains_key(head), waiting.get_mut(tail)) {
                *count += 1;
                readers.entry(head).or_default().push(tail);
            }
        }
        let ready = waiting.iter().filter(|&(_, &count)| count == 0);
        let mut ready: BTreeSet<&str> = ready.map(|(&name, _)| name).collect();
        let mut order = Vec::with_capacity(self.nodes.len());
        while let Some(name) = ready.pop_first() {
            order.push(name);
            for reader in readers.remove(name).unwrap_or_default() {
                if let Some(count) = waiting.get_mut(reader) {
                    *count -= 1;
                    if *count == 0 {
                        ready.insert(reader);
                    }
                }
            }
        }
        match waiting.into_iter().find(|&(_, count)| count > 0) {
            None => Ok(order),
            Some((name, _)) => Err(Error::new(
                ErrorKind::Cyclic,
                format!("node \"{path}/{name}\""),
                "depends on its own output",
            )),
        }
    }
}
