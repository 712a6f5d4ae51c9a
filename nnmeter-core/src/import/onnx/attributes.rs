//! A node being read, and its attributes with their types and ranges checked.
//!
//! Every reader answers `None` (or a default) for an attribute that is absent, and an error that
//! names node and attribute for one of the wrong type or out of range. What the attributes mean
//! is decided in the operator files, not here.

use bytes::Bytes;

use crate::error::{Error, ErrorKind, Result};
use crate::op::Spatial;
use crate::tensor::KEPT_ELEMENTS;

use super::proto::{Attribute, Graph, Node, SparseTensor, Tensor};

/// Type codes of attributes.
pub(crate) mod kind {
    pub(crate) const FLOAT: i32 = 1;
    pub(crate) const INT: i32 = 2;
    pub(crate) const STRING: i32 = 3;
    pub(crate) const TENSOR: i32 = 4;
    pub(crate) const FLOATS: i32 = 6;
    pub(crate) const INTS: i32 = 7;
    pub(crate) const STRINGS: i32 = 8;
    pub(crate) const SPARSE_TENSOR: i32 = 11;
}

/// A node of the file with the version of the operator set that it is written in.
#[derive(Clone, Copy, Debug)]
pub(super) struct Site<'m> {
    /// The node.
    pub(super) node: &'m Node,
    /// Version of the default operator set.
    pub(super) opset: i64,
}

impl<'m> Site<'m> {
    /// The node's name, or that of its first output.
    pub(super) fn name(&self) -> &'m str {
        let named = |name: &&'m String| !name.is_empty();
        match named(&&self.node.name) {
            true => &self.node.name,
            false => self.node.output.iter().find(named).map_or("", String::as_str),
        }
    }

    /// How messages name the node.
    pub(super) fn label(&self) -> String {
        format!("node \"{}\" ({})", self.name(), self.node.op_type)
    }

    /// Operator sets of ONNX itself, rather than of a vendor.
    pub(super) fn in_default_domain(&self) -> bool {
        matches!(self.node.domain.as_str(), "" | "ai.onnx")
    }

    /// The operand in `slot`, if it is not left out.
    pub(super) fn operand(&self, slot: usize) -> Option<&'m str> {
        self.node.input.get(slot).map(String::as_str).filter(|name| !name.is_empty())
    }

    /// The operand in `slot`, which the operator cannot do without.
    pub(super) fn required(&self, slot: usize) -> Result<&'m str> {
        self.operand(slot).ok_or_else(|| {
            Error::new(ErrorKind::Malformed, self.label(), format!("has no operand {slot}"))
        })
    }

    /// The subgraphs that the node carries.
    pub(super) fn subgraphs(&self) -> impl Iterator<Item = &'m Graph> + use<'m> {
        self.node
            .attribute
            .iter()
            .flat_map(|attribute| attribute.g.as_deref().into_iter().chain(&attribute.graphs))
    }

    /// Whether the attribute is there.
    pub(super) fn has(&self, name: &str) -> bool {
        self.node.attribute.iter().any(|attribute| attribute.name == name)
    }

    /// An integer.
    pub(super) fn int(&self, name: &str) -> Result<Option<i64>> {
        Ok(self.find(name, kind::INT, "an integer")?.map(|attribute| attribute.i))
    }

    /// A switch: zero is off.
    pub(super) fn flag(&self, name: &str, default: bool) -> Result<bool> {
        Ok(self.int(name)?.map_or(default, |value| value != 0))
    }

    /// An extent or count of at least one.
    pub(super) fn count(&self, name: &str) -> Result<Option<usize>> {
        let check = |value| match usize::try_from(value) {
            Ok(count) if (1..=i64::from(i32::MAX)).contains(&value) => Ok(count),
            _ => Err(self.bad(name, value.to_string(), "a number of at least 1")),
        };
        self.int(name)?.map(check).transpose()
    }

    /// A count that the operator cannot do without.
    pub(super) fn required_count(&self, name: &str) -> Result<usize> {
        self.count(name)?.ok_or_else(|| self.bad(name, "is absent", "a number of at least 1"))
    }

    /// A list of integers, as short as those that steer shapes are.
    pub(super) fn ints(&self, name: &str) -> Result<Option<&'m [i64]>> {
        let Some(attribute) = self.find(name, kind::INTS, "a list of integers")? else {
            return Ok(None);
        };
        match attribute.ints.len() {
            0..=KEPT_ELEMENTS => Ok(Some(&attribute.ints)),
            len => Err(self.bad(name, format!("{len} elements"), "a few")),
        }
    }

    /// Values over the spatial axes, each at least `least`; empty if absent.
    pub(super) fn spatial(&self, name: &str, least: i64) -> Result<Spatial> {
        let convert = |&value: &i64| match usize::try_from(value) {
            Ok(extent) if (least..=i64::from(i32::MAX)).contains(&value) => Ok(extent),
            _ => Err(self.bad(name, value.to_string(), format!("numbers of at least {least}"))),
        };
        self.ints(name)?.unwrap_or_default().iter().map(convert).collect()
    }

    /// A float.
    pub(super) fn float(&self, name: &str) -> Result<Option<f32>> {
        Ok(self.find(name, kind::FLOAT, "a float")?.map(|attribute| attribute.f))
    }

    /// A list of floats.
    pub(super) fn floats(&self, name: &str) -> Result<Option<&'m [f32]>> {
        let attribute = self.find(name, kind::FLOATS, "a list of floats")?;
        Ok(attribute.map(|attribute| attribute.floats.as_slice()))
    }

    /// A word of ASCII text.
    pub(super) fn text(&self, name: &str) -> Result<Option<&'m str>> {
        let Some(attribute) = self.find(name, kind::STRING, "text")? else {
            return Ok(None);
        };
        let text = std::str::from_utf8(&attribute.s);
        text.map(Some).map_err(|_| self.bad(name, "bytes that are not UTF-8", "text"))
    }

    /// A tensor.
    pub(super) fn tensor(&self, name: &str) -> Result<Option<&'m Tensor>> {
        let attribute = self.find(name, kind::TENSOR, "a tensor")?;
        Ok(attribute.and_then(|attribute| attribute.t.as_deref()))
    }

    /// A sparse tensor.
    pub(super) fn sparse_tensor(&self, name: &str) -> Result<Option<&'m SparseTensor>> {
        let attribute = self.find(name, kind::SPARSE_TENSOR, "a sparse tensor")?;
        Ok(attribute.and_then(|attribute| attribute.sparse_tensor.as_deref()))
    }

    /// A list of texts.
    pub(super) fn strings(&self, name: &str) -> Result<Option<&'m [Bytes]>> {
        let attribute = self.find(name, kind::STRINGS, "a list of texts")?;
        Ok(attribute.map(|attribute| attribute.strings.as_slice()))
    }

    /// The error for an attribute that is not as it should be.
    pub(super) fn bad(
        &self,
        name: &str,
        found: impl Into<String>,
        expected: impl Into<String>,
    ) -> Error {
        let subject = format!("{}, attribute \"{name}\"", self.label());
        Error::new(ErrorKind::BadAttribute, subject, found).expected(expected)
    }

    fn find(&self, name: &str, kind: i32, expected: &str) -> Result<Option<&'m Attribute>> {
        let Some(attribute) = self.node.attribute.iter().find(|entry| entry.name == name) else {
            return Ok(None);
        };
        if attribute.kind == kind || attribute.kind == 0 {
            return Ok(Some(attribute));
        }
        Err(self.bad(name, format!("is of type {}", show_kind(attribute.kind)), expected))
    }
}

/// The format's name of an attribute type.
fn show_kind(code: i32) -> String {
    const NAMES: [&str; 15] = [
        "UNDEFINED",
        "FLOAT",
        "INT",
        "STRING",
        "TENSOR",
        "GRAPH",
        "FLOATS",
        "INTS",
        "STRINGS",
        "TENSORS",
        "GRAPHS",
        "SPARSE_TENSOR",
        "SPARSE_TENSORS",
        "TYPE_PROTO",
        "TYPE_PROTOS",
    ];
    let name = usize::try_from(code).ok().and_then(|code| NAMES.get(code));
    name.map_or_else(|| code.to_string(), |&name| name.to_owned())
}
