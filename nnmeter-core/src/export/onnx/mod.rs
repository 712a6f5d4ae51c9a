//! Writes ONNX: a model that runtimes can load and run, whatever format the graph was read from.
//!
//! A graph has no weights, so those that are written are made up (`weights.rs`): of the right shapes,
//! always the same, and such that activations stay of ordinary size. What such a model computes is
//! noise; how long it takes is what the real one takes. Graphs with the channels last, which ONNX
//! cannot say, and operators whose attributes a graph does not keep are refused.

mod attributes;
mod compose;
mod ops;
#[cfg(test)]
mod tests;
mod unfold;
mod weights;
mod window;

use std::collections::{HashMap, HashSet};

use bytes::Bytes;
use prost::Message;

use crate::error::{Error, ErrorKind, Result};
use crate::export::nnmeter_ir::names;
use crate::graph::{NodeId, Value};
use crate::import::onnx::proto;
use crate::op::Op;
use crate::tensor::{Constant, DType, TensorType};
use crate::typed::TypedGraph;

use attributes::Attributes;
use ops::Spelled;

/// The version of the operator set that files are written in, unless an operator is newer.
const OPSET: i64 = 18;
/// The version of the format: the newest that goes with operator sets up to 18, and that runtimes
/// accept with later ones.
const IR_VERSION: i64 = 8;
/// Longest message that protobuf allows, in bytes.
const LONGEST: usize = i32::MAX as usize;

/// The graph as an ONNX model with made-up weights.
///
/// Nodes keep their names, where these are distinct; reading the file gives the same operators
/// wired in the same way, but for those that ONNX spells with several (Swish, Square, Rsqrt,
/// SquaredDifference).
///
/// # Errors
/// [`ErrorKind::Unsupported`] if the graph has what ONNX, or a graph without weights, cannot say, or
/// if its weights take more than 2 GiB.
pub fn write(graph: &TypedGraph) -> Result<Bytes> {
    write_graph(Writer::new(graph))
}

/// As [`write()`], with batch normalisations as the product and the sum that they are, called `NAME/Mul` and
/// `NAME`: a runtime that folds them into a convolution then names it after them.
///
/// # Errors
/// As for [`write()`].
pub fn write_unfolded(graph: &TypedGraph) -> Result<Bytes> {
    write_graph(Writer { unfolds: true, ..Writer::new(graph) })
}

fn write_graph(mut writer: Writer<'_>) -> Result<Bytes> {
    let graph = writer.graph;
    for &id in graph.order() {
        match &graph.graph().node(id).op {
            Op::Input(..) => writer.input(id)?,
            Op::Const(constant) => writer.constant_node(id, constant)?,
            _ => writer.node(id)?,
        }
    }
    writer.finish()
}

struct Writer<'g> {
    graph: &'g TypedGraph,
    /// Whether batch normalisations are written as what they compute.
    unfolds: bool,
    taken: HashSet<String>,
    /// Names of values: those of their nodes, where these have a single one.
    values: HashMap<Value, String>,
    file: proto::Graph,
    opset: i64,
    weight_bytes: usize,
}

impl<'g> Writer<'g> {
    fn new(graph: &'g TypedGraph) -> Self {
        let names = names(graph);
        let mut writer = Self {
            graph,
            unfolds: false,
            taken: names.iter().cloned().collect(),
            values: HashMap::new(),
            file: proto::Graph::default(),
            opset: OPSET,
            weight_bytes: 0,
        };
        for (node, name) in graph.graph().dag().node_indices().zip(names) {
            for port in 1..graph.graph().node(node).outputs {
                let further = writer.fresh(format!("{name}:{port}"));
                writer.values.insert(Value { node, port }, further);
            }
            writer.values.insert(Value { node, port: 0 }, name);
        }
        writer
    }

    /// A name that no other value has.
    fn fresh(&mut self, mut name: String) -> String {
        while !self.taken.insert(name.clone()) {
            name.push('\'');
        }
        name
    }

    fn name(&self, value: Value) -> String {
        self.values.get(&value).cloned().unwrap_or_default()
    }

    fn own_name(&self, id: NodeId) -> String {
        self.name(Value { node: id, port: 0 })
    }

    fn input(&mut self, id: NodeId) -> Result<()> {
        let info = self.info(Value { node: id, port: 0 })?;
        self.file.input.push(info);
        Ok(())
    }

    /// A constant of the graph, unless nothing reads it.
    fn constant_node(&mut self, id: NodeId, constant: &Constant) -> Result<()> {
        let uses = self.graph.graph().dag().edges(id).count();
        let returned = self.graph.graph().outputs().iter().any(|value| value.node == id);
        if uses == 0 && !returned {
            return Ok(());
        }
        let name = self.own_name(id);
        let tensor = weights::tensor(self.graph, id, constant)?;
        self.weight_bytes = self.weight_bytes.saturating_add(tensor.raw_data.len());
        if self.weight_bytes > LONGEST {
            let error = self.refuse(id, "brings the weights to more than 2 GiB");
            return Err(error.expected("what fits into one ONNX file"));
        }
        self.file.initializer.push(proto::Tensor { name, ..tensor });
        Ok(())
    }

    fn node(&mut self, id: NodeId) -> Result<()> {
        if let Some(steps) = compose::steps(self.graph, id) {
            self.steps(id, steps);
            return Ok(());
        }
        if self.unfolds && unfold::is_unfolded(self.graph, id) {
            return self.unfold(id);
        }
        let Spelled { op_type, attributes, operands, constants, since } =
            ops::spell(self.graph, id)?;
        self.opset = self.opset.max(since);
        let mut input: Vec<String> = operands
            .into_iter()
            .map(|operand| operand.map_or_else(String::new, |value| self.name(value)))
            .collect();
        for (slot, what, constant) in constants {
            let name = self.fresh(format!("{}/{what}", self.own_name(id)));
            let tensor = weights::given(&constant);
            self.file.initializer.push(proto::Tensor { name: name.clone(), ..tensor });
            input.resize(input.len().max(slot + 1), String::new());
            input[slot] = name;
        }
        while input.last().is_some_and(String::is_empty) {
            input.pop();
        }
        let outputs = 0..self.graph.graph().node(id).outputs;
        let output = outputs.map(|port| self.name(Value { node: id, port })).collect();
        self.push(self.own_name(id), &op_type, input, output, attributes);
        Ok(())
    }

    /// An operator as several; the last one has its name.
    fn steps(&mut self, id: NodeId, steps: &'static [compose::Step]) {
        let operands = self.graph.graph().operands(id);
        let mut names: Vec<String> =
            operands.iter().map(|value| value.map_or_else(String::new, |v| self.name(v))).collect();
        let given = names.len();
        let own = self.own_name(id);
        for (index, step) in steps.iter().enumerate() {
            let output = match index + 1 == steps.len() {
                true => own.clone(),
                false => self.fresh(format!("{own}/{}", step.op_type)),
            };
            let read = step.reads.iter().map(|read| match read {
                compose::Read::Operand(slot) => names[*slot].clone(),
                compose::Read::Step(step) => names[given + step].clone(),
            });
            let input = read.collect();
            self.push(
                output.clone(),
                step.op_type,
                input,
                vec![output.clone()],
                Attributes::default(),
            );
            names.push(output);
        }
    }

    fn push(
        &mut self,
        name: String,
        op_type: &str,
        input: Vec<String>,
        output: Vec<String>,
        attributes: Attributes,
    ) {
        self.file.node.push(proto::Node {
            name,
            op_type: op_type.to_owned(),
            input,
            output,
            attribute: attributes.into_inner(),
            ..proto::Node::default()
        });
    }

    /// Name and type of a value.
    fn info(&self, value: Value) -> Result<proto::ValueInfo> {
        let Some(ty) = self.graph.ty(value) else {
            return Err(self.refuse(value.node, "has no known shape"));
        };
        let Some(elem_type) = type_code(ty.dtype) else {
            return Err(self.refuse(value.node, format!("is of element type {:?}", ty.dtype)));
        };
        let ty = proto::Type { tensor: Some(typed(elem_type, ty)) };
        Ok(proto::ValueInfo { name: self.name(value), ty: Some(ty) })
    }

    fn refuse(&self, id: NodeId, found: impl Into<String>) -> Error {
        refuse(self.graph, id, found)
    }

    fn finish(mut self) -> Result<Bytes> {
        let outputs = self.graph.graph().outputs();
        let outputs: Result<_> = outputs.iter().map(|&value| self.info(value)).collect();
        self.file.output = outputs?;
        let model = proto::Model {
            ir_version: IR_VERSION,
            graph: Some(self.file),
            opset_import: vec![proto::OperatorSet { domain: String::new(), version: self.opset }],
            functions: Vec::new(),
        };
        Ok(model.encode_to_vec().into())
    }
}

fn refuse(graph: &TypedGraph, id: NodeId, found: impl Into<String>) -> Error {
    let node = graph.graph().node(id);
    let subject = format!("{} ({})", graph.graph().label(id), node.op.name());
    Error::new(ErrorKind::Unsupported, subject, found)
        .expected("what ONNX, written from a graph without weights, can say")
}

fn typed(elem_type: i32, ty: &TensorType) -> proto::TypeTensor {
    let dimension = |&dim: &usize| proto::Dimension { value: dim as i64, param: String::new() };
    let dim = ty.dims.iter().map(dimension).collect();
    proto::TypeTensor { elem_type, shape: Some(proto::Shape { dim }) }
}

/// ONNX's code of an element type; `None` for those that are several of ONNX's.
fn type_code(dtype: DType) -> Option<i32> {
    Some(match dtype {
        DType::F32 => 1,
        DType::I8 => 3,
        DType::I16 => 5,
        DType::I32 => 6,
        DType::I64 => 7,
        DType::Bool => 9,
        DType::F16 => 10,
        DType::F64 => 11,
        DType::BF16 => 16,
        DType::F8 | DType::I4 | DType::String => return None,
    })
}
