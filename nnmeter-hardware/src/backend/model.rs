//! A model as backends take it: its bytes for the runtime, its graph for everyone else.

use std::path::{Path, PathBuf};

use bytes::Bytes;
use nnmeter_core::export;
use nnmeter_core::import::{self, Format};
use nnmeter_core::typed::TypedGraph;

use crate::error::{Error, Result};

/// A model that is known to be sound.
#[derive(Clone, Debug)]
pub struct Model {
    name: String,
    bytes: Bytes,
    path: Option<PathBuf>,
    graph: TypedGraph,
}

impl Model {
    /// The model of these bytes, in any format that is read; their content tells which.
    ///
    /// # Errors
    /// If they are no model, or its shapes do not fit.
    pub fn new(name: impl Into<String>, bytes: Vec<u8>) -> Result<Self> {
        let (name, bytes) = (name.into(), Bytes::from(bytes));
        let graph = import::read(bytes.clone(), None).and_then(|graph| graph.infer_shapes());
        let graph = graph.map_err(|error| Error::from(error).within(&name))?;
        Ok(Self { name, bytes, path: None, graph })
    }

    /// The model of a file, named after it.
    ///
    /// # Errors
    /// As for [`Model::new`]; [`ErrorKind::Io`](crate::error::ErrorKind::Io) if it cannot be read.
    pub fn read(path: &Path) -> Result<Self> {
        let bytes = std::fs::read(path).map_err(|error| Error::io(path.display(), &error))?;
        let model = Self::new(path.display().to_string(), bytes)?;
        Ok(Self { path: Some(path.to_owned()), ..model })
    }

    /// A model that is made here: `graph` as ONNX, with made-up weights.
    ///
    /// # Errors
    /// If ONNX cannot say it ([`export::onnx::write`]).
    pub fn of_graph(name: impl Into<String>, graph: TypedGraph) -> Result<Self> {
        let name = name.into();
        let bytes =
            export::onnx::write(&graph).map_err(|error| Error::from(error).within(&name))?;
        Ok(Self { name, bytes, path: None, graph })
    }

    /// The model as ONNX that a runtime can run: its own bytes, if they are that and hold all
    /// weights; else its graph, with made-up weights, which cost the same.
    ///
    /// # Errors
    /// If ONNX cannot say it ([`export::onnx::write`]).
    pub fn onnx(&self) -> Result<Bytes> {
        let bytes = || self.bytes.clone();
        let runs = Format::detect(&self.bytes).is_ok_and(|format| format == Format::Onnx)
            && import::onnx::is_complete(bytes()).unwrap_or(false);
        if runs {
            return Ok(bytes());
        }
        export::onnx::write(&self.graph).map_err(|error| Error::from(error).within(&self.name))
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Its file, if it is one: what a runtime that is another program can be given.
    pub fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// Extents of the input called `name`; `None` if the graph has none of that name.
    pub fn input_extents(&self, name: &str) -> Option<Vec<usize>> {
        let graph = self.graph.graph();
        let id = graph.inputs().find(|&id| &*graph.node(id).name == name)?;
        Some(self.graph.output_type(id)?.dims.to_vec())
    }

    /// Its operators and shapes: what a runtime's input must be, and what to count as work.
    pub fn graph(&self) -> &TypedGraph {
        &self.graph
    }
}
