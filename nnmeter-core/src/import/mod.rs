//! Importers: bytes of a model file in, a [`Graph`] out.
//!
//! This file knows which formats there are and tells them apart by their content, never by a file
//! name. What the bytes mean is each importer's own.

mod allowance;
mod detect;
pub mod nni_ir;
pub mod nnmeter_ir;
pub mod onnx;
pub mod tensorflow;

use std::fmt;
use std::str::FromStr;

use bytes::Bytes;

use crate::error::{Error, ErrorKind, Result};
use crate::graph::Graph;

/// A format of model files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Format {
    /// ONNX `ModelProto`.
    Onnx,
    /// nn-Meter's JSON, alone or in a line of nn-Meter's benchmark set.
    NnMeterIr,
    /// A frozen TensorFlow `GraphDef`.
    TensorFlow,
    /// NNI's graph JSON.
    NniIr,
}

impl Format {
    /// All formats.
    pub const ALL: [Format; 4] =
        [Format::Onnx, Format::NnMeterIr, Format::TensorFlow, Format::NniIr];

    /// The name that command lines and messages use.
    pub fn name(self) -> &'static str {
        match self {
            Format::Onnx => "onnx",
            Format::NnMeterIr => "nn-meter-ir",
            Format::TensorFlow => "tensorflow",
            Format::NniIr => "nni-ir",
        }
    }

    /// The format that `bytes` are of, by their content.
    ///
    /// # Errors
    /// [`ErrorKind::UnknownFormat`] with what the bytes start with, or
    /// [`ErrorKind::Unsupported`] for a model format that is recognised and not read.
    pub fn detect(bytes: &[u8]) -> Result<Format> {
        detect::detect(bytes)
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Format {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        let found = Format::ALL.into_iter().find(|format| format.name() == name);
        found.ok_or_else(|| {
            Error::new(ErrorKind::UnknownFormat, format!("format \"{name}\""), "is not known")
                .expected(expected_formats())
        })
    }
}

/// Reads a model of `format`, or of the format that its content shows.
///
/// # Errors
/// If the format is not known, or the importer finds something wrong; the error names the node.
pub fn read(bytes: Bytes, format: Option<Format>) -> Result<Graph> {
    let format = match format {
        Some(format) => format,
        None => Format::detect(&bytes)?,
    };
    match format {
        Format::Onnx => onnx::read(bytes),
        Format::NnMeterIr => nnmeter_ir::read(&bytes),
        Format::TensorFlow => tensorflow::read(bytes),
        Format::NniIr => nni_ir::read(&bytes),
    }
}

fn expected_formats() -> String {
    let names = Format::ALL.map(Format::name);
    format!("one of {}", names.join(", "))
}
