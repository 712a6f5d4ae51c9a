//! nn-Meter's graph: nodes in the order of the file, with lists of names on both sides.
//!
//! The form that its kernel detection edits, as it edits it. Not a graph that is checked or given a
//! meaning: that is `nnmeter_core::graph`.

use std::collections::HashMap;
use std::fmt;

use nnmeter_core::export::nnmeter_ir;
use nnmeter_core::typed::TypedGraph;
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::{Map, Value as Json};

use super::quirks::Quirk;
use crate::error::{Error, ErrorKind, Result};

/// A graph in nn-Meter IR, as nn-Meter sees it.
#[derive(Clone, Debug)]
pub struct IrGraph {
    pub(super) nodes: Vec<Node>,
}

/// A node; one that was fused into another is gone, but keeps its place.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) name: String,
    pub(super) kind: String,
    pub(super) inbounds: Vec<usize>,
    pub(super) outbounds: Vec<usize>,
    pub(super) attrs: Attrs,
    pub(super) gone: bool,
    pub(super) quirks: Vec<Quirk>,
}

/// What the kernel detection reads of a node's attributes.
#[derive(Clone, Debug, Default)]
pub(super) struct Attrs {
    pub(super) window: Option<Vec<f64>>,
    pub(super) strides: Option<Vec<f64>>,
    pub(super) groups: Option<f64>,
    pub(super) input_shape: Option<Vec<Vec<f64>>>,
    pub(super) output_shape: Option<Vec<Vec<f64>>>,
}

/// The error for what nn-Meter itself cannot do: where Python raises.
pub(super) fn fails(node: &str, how: impl Into<String>) -> Error {
    let found = format!("{}; nn-Meter 2.0 ends with an exception here", how.into());
    Error::new(ErrorKind::BadData, format!("node {node:?}"), found)
}

#[derive(Deserialize)]
struct JsonNode {
    #[serde(default)]
    inbounds: Vec<String>,
    attr: JsonBody,
}

#[derive(Deserialize)]
struct JsonBody {
    #[serde(rename = "type")]
    kind: String,
    input_shape: Option<Json>,
    output_shape: Option<Json>,
    #[serde(default)]
    attr: Map<String, Json>,
}

/// The nodes in their order; of a name that comes twice the last counts, in the place of the first.
struct JsonGraph(Vec<(String, JsonNode)>);

#[derive(Deserialize)]
struct Record {
    graph: JsonGraph,
}

fn malformed(error: serde_json::Error) -> Error {
    Error::new(ErrorKind::BadData, "nn-Meter IR", error.to_string())
        .expected("an object of nodes with inbounds and attr")
}

impl IrGraph {
    /// Reads nn-Meter IR, alone or in a line of nn-Meter's benchmark set.
    ///
    /// # Errors
    /// [`ErrorKind::BadData`] if it is not of that form.
    pub fn from_json(bytes: &[u8]) -> Result<Self> {
        match serde_json::from_slice(bytes) {
            Ok(Record { graph }) => Self::new(graph),
            Err(_) => Self::new(serde_json::from_slice(bytes).map_err(malformed)?),
        }
    }

    /// The graph that nn-Meter would see of a model in another format: its nn-Meter IR, with the
    /// nodes in the order of the file.
    ///
    /// # Errors
    /// If nn-Meter IR cannot say what the graph says.
    pub fn of(graph: &TypedGraph) -> Result<Self> {
        let names = nnmeter_ir::names(graph);
        let rank: HashMap<&str, usize> =
            (0..).zip(&names).map(|(at, name)| (&**name, at)).collect();
        let json = nnmeter_ir::write(graph)?;
        let mut nodes: JsonGraph = serde_json::from_value(json).map_err(malformed)?;
        nodes.0.sort_by_key(|(name, _)| rank.get(name.as_str()).copied());
        Self::new(nodes)
    }

    fn new(graph: JsonGraph) -> Result<Self> {
        let indices: HashMap<String, usize> =
            graph.0.iter().enumerate().map(|(index, (name, _))| (name.clone(), index)).collect();
        let nodes = graph.0.into_iter().map(|(name, node)| Node::new(name, node, &indices));
        let mut graph = Self { nodes: nodes.collect::<Result<_>>()? };
        graph.refresh();
        Ok(graph)
    }

    /// Makes consumers of producers, and drops nodes that have neither.
    fn refresh(&mut self) {
        for index in 0..self.nodes.len() {
            for producer in self.nodes[index].inbounds.clone() {
                self.nodes[producer].outbounds.push(index);
            }
        }
        for node in &mut self.nodes {
            node.gone = node.inbounds.is_empty() && node.outbounds.is_empty();
        }
    }

    /// The nodes that are there, in the order in which they came.
    pub(super) fn alive(&self) -> impl Iterator<Item = usize> {
        (0..self.nodes.len()).filter(|&index| !self.nodes[index].gone)
    }

    /// The nodes in the order of nn-Meter's NetworkX graph: each after its producers, unless these
    /// came before.
    pub(super) fn drawn(&self) -> Vec<usize> {
        let mut seen = vec![false; self.nodes.len()];
        let mut order = Vec::new();
        for index in self.alive() {
            for node in [index].into_iter().chain(self.nodes[index].inbounds.iter().copied()) {
                if !std::mem::replace(&mut seen[node], true) {
                    order.push(node);
                }
            }
        }
        order
    }

    /// Replaces `members` by one node of type `kind` with the attributes of `root`. Edges are moved
    /// one occurrence at a time, as nn-Meter moves them.
    pub(super) fn fuse(&mut self, members: &[usize], root: usize, kind: &str) {
        let fused = self.nodes.len();
        let names: Vec<&str> = members.iter().map(|&node| self.nodes[node].name.as_str()).collect();
        self.nodes.push(Node {
            name: names.join(";"),
            kind: kind.to_owned(),
            inbounds: Vec::new(),
            outbounds: Vec::new(),
            attrs: self.nodes[root].attrs.clone(),
            gone: false,
            quirks: self.nodes[root].quirks.clone(),
        });
        for &member in members {
            for producer in self.nodes[member].inbounds.clone() {
                if !members.contains(&producer) {
                    add_once(&mut self.nodes[fused].inbounds, producer);
                    move_end(&mut self.nodes[producer].outbounds, member, fused);
                }
            }
            for consumer in self.nodes[member].outbounds.clone() {
                if !members.contains(&consumer) {
                    add_once(&mut self.nodes[fused].outbounds, consumer);
                    move_end(&mut self.nodes[consumer].inbounds, member, fused);
                }
            }
        }
        members.iter().for_each(|&member| self.nodes[member].gone = true);
    }
}

fn add_once(list: &mut Vec<usize>, node: usize) {
    if !list.contains(&node) {
        list.push(node);
    }
}

/// Takes one occurrence of `from` out of a list and puts `to` at its end, unless it is there.
fn move_end(list: &mut Vec<usize>, from: usize, to: usize) {
    if let Some(place) = list.iter().position(|&node| node == from) {
        list.remove(place);
    }
    add_once(list, to);
}

impl Node {
    /// A node with the types and shapes that `convert_nodes` gives it.
    fn new(name: String, json: JsonNode, indices: &HashMap<String, usize>) -> Result<Self> {
        let JsonBody { kind, input_shape, output_shape, attr } = json.attr;
        let inbounds =
            json.inbounds.iter().filter_map(|producer| indices.get(producer).copied()).collect();
        let mut attrs = Attrs::new(&attr);
        attrs.input_shape = shapes(&name, input_shape)?;
        attrs.output_shape = shapes(&name, output_shape)?;
        let mut quirks = Vec::new();
        let mut kind = alias(&kind).map_or(kind, str::to_owned);
        match kind.as_str() {
            "add" | "mul" | "div" | "sub" => broadcast(&name, &mut attrs, &mut quirks)?,
            "conv" => {
                if is_depthwise(&name, &attrs)? {
                    kind = "dwconv".to_owned();
                } else if attrs.groups.is_some_and(|groups| groups > 1.0) {
                    quirks.push(Quirk::IgnoredGroups);
                }
            }
            _ => {}
        }
        Ok(Self { name, kind, inbounds, outbounds: vec![], attrs, gone: false, quirks })
    }
}

impl Attrs {
    /// The window is what the last of three spellings says.
    fn new(attr: &Map<String, Json>) -> Self {
        let weight = list(attr.get("weight_shape"))
            .map(|weight| weight.into_iter().take(2).collect::<Vec<_>>());
        let window = list(attr.get("ksize")).or(weight).or_else(|| list(attr.get("kernel_shape")));
        let groups = attr.get("group").and_then(Json::as_f64);
        let strides = list(attr.get("strides"));
        Self { window, strides, groups, input_shape: None, output_shape: None }
    }
}

fn list(value: Option<&Json>) -> Option<Vec<f64>> {
    value?.as_array()?.iter().map(Json::as_f64).collect()
}

fn shapes(node: &str, value: Option<Json>) -> Result<Option<Vec<Vec<f64>>>> {
    let Some(value) = value else { return Ok(None) };
    let read = || value.as_array()?.iter().map(|shape| list(Some(shape))).collect();
    match read() {
        Some(shapes) => Ok(Some(shapes)),
        None => Err(fails(node, "shapes that are not lists of extents")),
    }
}

/// [`Quirk::BroadcastShape`].
fn broadcast(node: &str, attrs: &mut Attrs, quirks: &mut Vec<Quirk>) -> Result<()> {
    let Some(shapes) = &mut attrs.input_shape else { return Ok(()) };
    let shape = match shapes.as_slice() {
        [first, ..] if !first.is_empty() => first.clone(),
        [_, second, ..] => second.clone(),
        _ => return Err(fails(node, "no shape of an operand")),
    };
    if shapes.iter().any(|other| *other != shape) {
        quirks.push(Quirk::BroadcastShape);
    }
    shapes.fill(shape);
    Ok(())
}

fn is_depthwise(node: &str, attrs: &Attrs) -> Result<bool> {
    let (Some(groups), Some(shapes)) = (attrs.groups, &attrs.input_shape) else {
        return Ok(false);
    };
    match shapes.first().and_then(|shape| shape.get(3)) {
        Some(&channels) => Ok(channels == groups),
        None => Err(fails(node, "a convolution of something without four axes")),
    }
}

/// nn-Meter's name of a type; see [`Quirk::UnlistedType`].
fn alias(kind: &str) -> Option<&'static str> {
    Some(match kind {
        "Relu6" | "Relu" | "Clip" => "relu",
        "Add" | "Biasadd" => "add",
        "Conv2D" | "Conv" => "conv",
        "Reshape" | "Flatten" => "reshape",
        "FusedBatchNorm" | "FusedBatchNormV3" | "BatchNormalization" => "bn",
        "MatMul" | "Gemm" => "fc",
        "MaxPool" => "maxpool",
        "AvgPool" | "AveragePool" => "avgpool",
        "Mean" | "GlobalAveragePool" | "ReduceMean" => "gap",
        "Mul" => "mul",
        "Div" => "div",
        "DepthwiseConv2dNative" => "dwconv",
        "ConcatV2" | "Concat" => "concat",
        "Split" | "Slice" => "split",
        "HardSigmoid" => "hardsigmoid",
        "Transpose" => "transpose",
        "Pad" => "pad",
        _ => return None,
    })
}

impl<'de> Deserialize<'de> for JsonGraph {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Nodes)
    }
}

struct Nodes;

impl<'de> Visitor<'de> for Nodes {
    type Value = JsonGraph;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of nodes")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<JsonGraph, A::Error> {
        let mut nodes: Vec<(String, JsonNode)> = Vec::new();
        let mut places = HashMap::new();
        while let Some((name, node)) = map.next_entry::<String, JsonNode>()? {
            match places.get(&name) {
                Some(&place) => nodes[place] = (name, node),
                None => {
                    places.insert(name.clone(), nodes.len());
                    nodes.push((name, node));
                }
            }
        }
        Ok(JsonGraph(nodes))
    }
}
