//! The nodes of a file as they stand there: for those who ask what a runtime made of a model, in
//! operators that no format has.

use bytes::Bytes;

use crate::error::Result;

use super::{check, decode};

/// A node as the file has it; names of operands that are left out are empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Its operator.
    pub op_type: String,
    /// Its name; may be empty.
    pub name: String,
    /// Names of the values it reads.
    pub inputs: Vec<String>,
    /// Names of the values it makes.
    pub outputs: Vec<String>,
}

/// The nodes of an ONNX model, in the order of the file, whatever their operators are.
///
/// # Errors
/// If the bytes are not a complete ONNX model.
pub fn list(bytes: Bytes) -> Result<Vec<Listed>> {
    let model = decode(bytes)?;
    let (graph, _) = check(&model)?;
    let listed = |node: &super::proto::Node| Listed {
        op_type: node.op_type.clone(),
        name: node.name.clone(),
        inputs: node.input.clone(),
        outputs: node.output.clone(),
    };
    Ok(graph.node.iter().map(listed).collect())
}
