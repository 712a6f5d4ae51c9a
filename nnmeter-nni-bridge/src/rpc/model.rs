//! Models as they travel: bytes in base64, a graph as JSON, or a path that the server reads itself.

use std::collections::BTreeMap;
use std::fs;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use nnmeter_core::import::{self, Format};
use nnmeter_core::typed::TypedGraph;
use serde::Deserialize;
use serde_json::Value;

use super::service::Source;
use crate::error::{Error, ErrorKind, Result};

/// Largest file that is read, in bytes.
const LARGEST_FILE: u64 = 1 << 30;

/// A model, given in one of three ways.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Model {
    /// The bytes of a file, in base64.
    #[serde(default)]
    base64: Option<String>,
    /// The file, for clients of the same user.
    #[serde(default)]
    path: Option<String>,
    /// nn-Meter's or NNI's IR, as JSON.
    #[serde(default)]
    graph: Option<Value>,
    /// The name of its format, where the content is not to tell it.
    #[serde(default)]
    format: Option<String>,
    /// Extents of inputs that the model leaves open, by name.
    #[serde(default)]
    input_shapes: BTreeMap<String, Vec<usize>>,
    /// The first extent of every input.
    #[serde(default)]
    batch: Option<usize>,
}

impl Model {
    /// Reads the model and gives every value its type.
    ///
    /// # Errors
    /// If it is not given in just one way, or what is wrong with it.
    pub(super) fn load(&self, source: Source) -> Result<TypedGraph> {
        let format = self.format.as_deref().map(str::parse::<Format>).transpose()?;
        let mut graph = import::read(self.bytes(source)?, format)?;
        for (name, dims) in &self.input_shapes {
            graph.set_input_shape(name, dims)?;
        }
        match self.batch {
            Some(0) => {
                return Err(
                    Error::new(ErrorKind::InvalidParams, "batch", "is 0").expected("1 or more")
                );
            }
            Some(batch) => graph.set_batch(batch)?,
            None => {}
        }
        Ok(graph.infer_shapes()?)
    }

    fn bytes(&self, source: Source) -> Result<Bytes> {
        match (&self.base64, &self.path, &self.graph) {
            (Some(text), None, None) => {
                let bytes = STANDARD.decode(text).map_err(|error| {
                    Error::new(ErrorKind::BadModel, "base64", error.to_string())
                })?;
                Ok(bytes.into())
            }
            (None, Some(path), None) => of_file(path, source),
            (None, None, Some(graph)) => Ok(graph.to_string().into_bytes().into()),
            _ => Err(Error::new(ErrorKind::InvalidParams, "model", "is not given in one way")
                .expected("one of `base64`, `path` and `graph`")),
        }
    }
}

fn of_file(path: &str, source: Source) -> Result<Bytes> {
    let subject = || format!("file {path:?}");
    let wrong = |found: &str| Error::new(ErrorKind::File, subject(), found);
    if source == Source::Tcp {
        return Err(wrong("is not read for clients over tcp")
            .hint("send the model's bytes as `base64`, or connect over ipc"));
    }
    let facts = fs::metadata(path).map_err(|error| wrong(&error.to_string()))?;
    if !facts.is_file() {
        return Err(wrong("is not a regular file"));
    }
    if facts.len() > LARGEST_FILE {
        return Err(wrong(&format!("has {} bytes", facts.len()))
            .expected(format!("at most {LARGEST_FILE}")));
    }
    Ok(fs::read(path).map_err(|error| wrong(&error.to_string()))?.into())
}
