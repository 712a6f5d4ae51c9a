//! Reads ONNX models, operator sets 7 to the newest, into a [`Graph`].
//!
//! Weights are never read, only their types; see `tensors`. Inputs that stand for weights are
//! found by use; see `parameters`. Operators that have no place in [`Op`](crate::op::Op) come through as
//! [`Op::Other`](crate::op::Op::Other) with the types that the file declares for their outputs. The text form of ONNX
//! and the bodies of If, Loop and Scan are not read.

pub(crate) mod attributes;
mod complete;
mod functions;
mod importer;
mod listing;
mod ops;
mod ops_resize;
mod ops_shape;
mod ops_window;
mod parameters;
pub(crate) mod proto;
mod subgraphs;
mod tensors;
#[cfg(test)]
mod test_models;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_odd;
#[cfg(test)]
mod tests_refused;

use bytes::Bytes;
use prost::Message;

use crate::error::{Error, ErrorKind, Result};
use crate::graph::Graph;

use attributes::Site;
pub use complete::is_complete;
use importer::Importer;
pub use listing::{Listed, list};

/// Reads an ONNX model.
///
/// `bytes` are only sliced, never copied: over a memory map (`Bytes::from_owner`), reading costs
/// what the graph takes, whatever the size of the weights.
///
/// # Errors
/// If the bytes are not a complete ONNX model, or its nodes do not form a graph, or an attribute
/// is out of range. Unknown operators are no error.
///
/// ```
/// use nnmeter_core::import::onnx;
///
/// let error = onnx::read("not a model".into()).unwrap_err();
/// assert_eq!(error.subject(), "ONNX model");
/// ```
pub fn read(bytes: Bytes) -> Result<Graph> {
    let model = decode(bytes)?;
    let (graph, opset) = check(&model)?;
    if model.functions.is_empty() {
        let sites = graph.node.iter().map(|node| Site { node, opset });
        return Importer::new(graph)?.run(graph, &sites.collect::<Vec<_>>());
    }
    let nodes = functions::write_out(graph, &model.functions, opset)?;
    let sites = nodes.iter().map(|(node, opset)| Site { node, opset: *opset });
    Importer::new(graph)?.run(graph, &sites.collect::<Vec<_>>())
}

/// The first bytes of an ONNX file: its format version comes first.
const FIRST_TAG: u8 = 0x08;
/// The last format version whose files need not name their operator set.
const LAST_WITHOUT_OPSET: i64 = 2;

fn decode(bytes: Bytes) -> Result<proto::Model> {
    let (len, looks_right) = (bytes.len(), bytes.first() == Some(&FIRST_TAG));
    proto::Model::decode(bytes).map_err(|error| {
        let kind = if looks_right { ErrorKind::Malformed } else { ErrorKind::UnknownFormat };
        model_error(kind, format!("cannot be decoded ({error})"))
            .expected("a model in ONNX's binary form")
            .hint(format!("is the file complete? it is {len} bytes"))
    })
}

fn model_error(kind: ErrorKind, found: impl Into<String>) -> Error {
    Error::new(kind, "ONNX model", found)
}

/// The graph and the version of its default operator set.
fn check(model: &proto::Model) -> Result<(&proto::Graph, i64)> {
    let complete = "is the file complete, and an ONNX model?";
    let graph = match &model.graph {
        Some(graph) => graph,
        None if model.ir_version == 0 => {
            let error = model_error(ErrorKind::UnknownFormat, "has no graph and no ir_version");
            return Err(error.expected("a model in ONNX's binary form").hint(complete));
        }
        None => {
            let error = model_error(ErrorKind::Malformed, "has no graph");
            return Err(error.expected("a graph").hint(complete));
        }
    };
    if model.ir_version < 1 {
        let error = model_error(ErrorKind::Malformed, "has no ir_version");
        return Err(error.expected("a version of at least 1").hint(complete));
    }
    if graph.node.is_empty() {
        let error = model_error(ErrorKind::Malformed, "has a graph without nodes");
        return Err(error.expected("at least one node").hint(complete));
    }
    let opset = match functions::default_version(&model.opset_import) {
        Some(version) => version,
        None if model.ir_version <= LAST_WITHOUT_OPSET => 1,
        // Every operator is a vendor's or the model's own.
        None if !model.opset_import.is_empty() => i64::MAX,
        None => {
            let error = model_error(ErrorKind::Malformed, "does not name its operator set");
            return Err(error.expected("an opset_import").hint(complete));
        }
    };
    Ok((graph, opset))
}
