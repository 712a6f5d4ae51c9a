//! What the tests of this importer build small models with, and how they show what came of them.

use bytes::Bytes;
use prost::Message;

use super::attributes::kind;
use super::proto::{
    Attribute, Dimension, Graph as File, Model, Node, OperatorSet, Shape, Tensor, Type, TypeTensor,
    ValueInfo,
};
use super::read;
use crate::error::Result;
use crate::graph::{Graph, Value};
use crate::op::Op;
use crate::tensor::{Values, show_dims};

/// A node without a name.
pub(super) fn node(op_type: &str, inputs: &[&str], outputs: &[&str]) -> Node {
    Node {
        op_type: op_type.into(),
        input: inputs.iter().map(|&name| name.into()).collect(),
        output: outputs.iter().map(|&name| name.into()).collect(),
        ..Node::default()
    }
}

impl Node {
    pub(super) fn named(mut self, name: &str) -> Self {
        self.name = name.into();
        self
    }

    pub(super) fn attr(mut self, name: &str, attribute: Attribute) -> Self {
        self.attribute.push(Attribute { name: name.into(), ..attribute });
        self
    }

    pub(super) fn int(self, name: &str, i: i64) -> Self {
        self.attr(name, Attribute { kind: kind::INT, i, ..Attribute::default() })
    }

    pub(super) fn float(self, name: &str, f: f32) -> Self {
        self.attr(name, Attribute { kind: kind::FLOAT, f, ..Attribute::default() })
    }

    pub(super) fn ints(self, name: &str, ints: &[i64]) -> Self {
        let ints = ints.to_vec();
        self.attr(name, Attribute { kind: kind::INTS, ints, ..Attribute::default() })
    }

    pub(super) fn text(self, name: &str, text: &str) -> Self {
        let s = Bytes::copy_from_slice(text.as_bytes());
        self.attr(name, Attribute { kind: kind::STRING, s, ..Attribute::default() })
    }

    pub(super) fn tensor(self, name: &str, tensor: Tensor) -> Self {
        let t = Some(Box::new(tensor));
        self.attr(name, Attribute { kind: kind::TENSOR, t, ..Attribute::default() })
    }
}

/// A float tensor of which only the type is there.
pub(super) fn weight(name: &str, dims: &[i64]) -> Tensor {
    Tensor { name: name.into(), dims: dims.to_vec(), data_type: 1, ..Tensor::default() }
}

/// A list of integers.
pub(super) fn ints(name: &str, values: &[i64]) -> Tensor {
    let raw: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
    let dims = vec![values.len() as i64];
    Tensor { name: name.into(), dims, data_type: 7, raw_data: raw.into(), ..Tensor::default() }
}

/// Floats; one is a scalar.
pub(super) fn floats(name: &str, values: &[f32]) -> Tensor {
    let raw: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
    let dims = if values.len() == 1 { vec![] } else { vec![values.len() as i64] };
    Tensor { name: name.into(), dims, data_type: 1, raw_data: raw.into(), ..Tensor::default() }
}

/// A float value; an extent of -1 is open.
pub(super) fn info(name: &str, dims: &[i64]) -> ValueInfo {
    let dim = |&value: &i64| match value {
        -1 => Dimension { value: 0, param: "N".into() },
        value => Dimension { value, param: String::new() },
    };
    let shape = Some(Shape { dim: dims.iter().map(dim).collect() });
    let ty = Some(Type { tensor: Some(TypeTensor { elem_type: 1, shape }) });
    ValueInfo { name: name.into(), ty }
}

/// A graph with input `x`, whose outputs are all values that nothing reads.
pub(super) fn file(x: &[i64], initializer: Vec<Tensor>, node: Vec<Node>) -> File {
    File { node, initializer, input: vec![info("x", x)], ..File::default() }
}

/// The bytes of a model.
pub(super) fn encode(opset: i64, graph: File) -> Bytes {
    let sets = vec![OperatorSet { domain: String::new(), version: opset }];
    let model = Model { ir_version: 8, graph: Some(graph), opset_import: sets, functions: vec![] };
    model.encode_to_vec().into()
}

/// Imports a graph.
pub(super) fn import(opset: i64, graph: File) -> Result<Graph> {
    read(encode(opset, graph))
}

/// The operators of a graph, a line each, with constants by value.
pub(super) fn show(graph: &Graph) -> String {
    let mut text = String::new();
    for id in graph.dag().node_indices() {
        let node = graph.node(id);
        if !matches!(node.op, Op::Input(..) | Op::Const(_)) {
            let operands = graph.operands(id);
            let operands: Vec<String> = operands.iter().map(|v| show_operand(graph, *v)).collect();
            text += &format!("{}: {:?} <- {}\n", node.name, node.op, operands.join(", "));
        }
    }
    text
}

fn show_operand(graph: &Graph, value: Option<Value>) -> String {
    let Some(value) = value else {
        return "-".into();
    };
    match &graph.node(value.node).op {
        Op::Const(constant) => match &constant.values {
            Some(Values::Ints(values)) => format!("{values:?}"),
            Some(Values::Floats(values)) => format!("{values:?}"),
            None => format!("const {}", show_dims(&constant.ty.dims)),
        },
        _ if value.port == 0 => graph.node(value.node).name.to_string(),
        _ => format!("{}:{}", graph.node(value.node).name, value.port),
    }
}
