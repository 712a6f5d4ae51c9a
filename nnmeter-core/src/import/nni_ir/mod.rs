//! NNI's graph JSON: the model that a search strategy of NNI 2.x or 3.0 hands to an evaluator.
//!
//! Graphs are walked from `_model` through the cells that it uses; graphs that nothing uses are the
//! candidates that were not chosen. Scalars and lists of traced functions (`prim::Constant`,
//! `prim::ListConstruct`) are evaluated at import. Tensors are `NCHW`; recorded shapes become
//! declarations, and the input's shape where there is one.

mod functions;
mod json;
mod modules;
mod params;
mod pools;
#[cfg(test)]
mod tests;
mod walk;

use crate::error::{Error, ErrorKind, Result};
use crate::graph::Graph;

/// Reads a graph from NNI's JSON.
///
/// # Errors
/// If the JSON is malformed, a cell is missing or contains itself, or a module's parameters make no
/// sense; the error names the node by its path of cells.
pub fn read(bytes: &[u8]) -> Result<Graph> {
    let document: json::Document = serde_json::from_slice(super::detect::skip_mark(bytes))
        .map_err(|error| {
            Error::new(ErrorKind::Malformed, "NNI graph", error.to_string())
                .expected("an object of graphs, one of them called _model")
        })?;
    walk::import(&document)
}
