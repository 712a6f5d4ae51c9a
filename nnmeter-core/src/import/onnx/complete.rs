//! Whether a file holds everything that running it takes.

use bytes::Bytes;

use crate::error::Result;

use super::attributes::Site;
use super::proto::{Graph, Tensor};
use super::{check, decode, parameters};

/// Whether a runtime can run the model as it is: it has the elements of every weight in it. Files
/// without parameters list weights as inputs or leave their elements out; in others they are in
/// further files.
///
/// # Errors
/// If the bytes are no ONNX model.
pub fn is_complete(bytes: Bytes) -> Result<bool> {
    let model = decode(bytes)?;
    let (graph, opset) = check(&model)?;
    Ok(graph.initializer.iter().all(has_elements) && !lists_weights(graph, opset))
}

fn has_elements(tensor: &Tensor) -> bool {
    let chunks = [
        &tensor.float_data,
        &tensor.int32_data,
        &tensor.int64_data,
        &tensor.double_data,
        &tensor.uint64_data,
    ];
    let inside = tensor.data_location == 0;
    let some = !tensor.raw_data.is_empty() || chunks.iter().any(|chunks| !chunks.is_empty());
    inside && (some || tensor.dims.contains(&0) || tensor.data_type == STRING)
}

/// The type code of text, whose elements are not read.
const STRING: i32 = 8;

fn lists_weights(graph: &Graph, opset: i64) -> bool {
    let sites: Vec<Site<'_>> = graph.node.iter().map(|node| Site { node, opset }).collect();
    let stored = |name: &str| graph.initializer.iter().any(|tensor| tensor.name == name);
    !parameters::find(graph, &sites, stored).is_empty()
}
