//! A node of a TensorFlow graph at its place: its data inputs, its attributes, and the constants
//! that it reads. Not what its operator means.

use std::collections::HashMap;

use smallvec::SmallVec;

use super::proto::{AttrValue, NodeDef};
use super::tensor;
use crate::error::{Error, ErrorKind, Result};
use crate::op::{Layout, Op, Spatial};
use crate::tensor::{Constant, Dims, Values};

/// Longest chain of identities that is followed to a constant.
const MAX_CHAIN: usize = 64;

/// What becomes of a node.
pub(super) struct Lowered<'g> {
    pub(super) op: Op,
    /// Names of values by slot; an empty one is left out.
    pub(super) operands: SmallVec<[&'g str; 4]>,
    /// Operands put together at import, by slot.
    pub(super) constants: SmallVec<[(u16, Constant); 1]>,
    /// Outputs it has whether something reads them or not.
    pub(super) outputs: u16,
    /// Slot 3 wants all extents where the file has the spatial ones only.
    pub(super) full_sizes: bool,
}

impl<'g> Lowered<'g> {
    /// An operator with the given operands.
    pub(super) fn new(op: Op, operands: impl IntoIterator<Item = &'g str>) -> Self {
        Self {
            op,
            operands: operands.into_iter().collect(),
            constants: SmallVec::new(),
            outputs: 1,
            full_sizes: false,
        }
    }

    /// Adds a constant operand.
    pub(super) fn with(mut self, slot: u16, constant: Constant) -> Self {
        self.constants.push((slot, constant));
        self
    }
}

/// A node at its place.
pub(super) struct Site<'g> {
    pub(super) node: &'g NodeDef,
    /// Names of the values it reads.
    pub(super) inputs: SmallVec<[&'g str; 4]>,
    index: &'g HashMap<&'g str, &'g NodeDef>,
}

impl<'g> Site<'g> {
    /// `node` among the nodes of `index`.
    pub(super) fn new(node: &'g NodeDef, index: &'g HashMap<&'g str, &'g NodeDef>) -> Self {
        let data = node.input.iter().filter(|input| !input.starts_with('^'));
        let inputs = data.map(|input| value(input)).collect();
        Self { node, inputs, index }
    }

    /// The value that the node reads in a slot.
    pub(super) fn input(&self, slot: usize) -> Result<&'g str> {
        self.inputs.get(slot).copied().ok_or_else(|| {
            let found = format!("has {} inputs", self.inputs.len());
            error(self.node, ErrorKind::Malformed, found).expected(format!("at least {}", slot + 1))
        })
    }

    /// The constant that the node reads in a slot, through identities.
    pub(super) fn constant(&self, slot: usize) -> Option<Constant> {
        let mut name = *self.inputs.get(slot)?;
        for _ in 0..MAX_CHAIN {
            let node = self.index.get(name)?;
            match node.op.as_str() {
                "Const" => return tensor::constant(attr(node, "value")?.tensor.as_ref()?),
                "Identity" | "StopGradient" => {
                    name = node.input.first().map(|input| split_port(input).0)?;
                }
                _ => return None,
            }
        }
        None
    }

    /// The integers that the node reads in a slot, if they are constant.
    pub(super) fn ints(&self, slot: usize) -> Option<Vec<i64>> {
        Some(self.constant(slot)?.as_ints()?.to_vec())
    }

    /// The integer that the node reads in a slot, if it is constant.
    pub(super) fn int(&self, slot: usize) -> Option<i64> {
        self.ints(slot)?.first().copied()
    }

    /// The other operand of a product with the scalar one, which TensorFlow's own optimiser takes
    /// out: `tf.nn.silu` multiplies by a beta of one.
    pub(super) fn times_one(&self) -> Option<&'g str> {
        let [a, b] = self.inputs[..] else { return None };
        if self.node.op != "Mul" {
            return None;
        }
        let is_one = |slot| {
            let constant = self.constant(slot)?;
            let values = constant.values.filter(|_| constant.ty.rank() == 0)?;
            Some(matches!(values, Values::Floats(one) if one[..] == [1.0]))
        };
        match (is_one(0), is_one(1)) {
            (Some(true), _) => Some(b),
            (_, Some(true)) => Some(a),
            _ => None,
        }
    }

    /// An attribute.
    pub(super) fn attr(&self, key: &str) -> Option<&'g AttrValue> {
        attr(self.node, key)
    }

    /// A flag; absent ones are not set.
    pub(super) fn flag(&self, key: &str) -> bool {
        self.attr(key).and_then(|attr| attr.b).unwrap_or(false)
    }

    /// An integer attribute.
    pub(super) fn int_attr(&self, key: &str) -> Option<i64> {
        self.attr(key)?.i
    }

    /// Where the channels are.
    pub(super) fn layout(&self) -> Layout {
        stated_layout(self.node).unwrap_or(Layout::ChannelsLast)
    }

    /// The spatial part of a list over all axes; empty if the attribute is absent.
    pub(super) fn spatial(&self, key: &str) -> Result<Spatial> {
        let Some(list) = self.attr(key).and_then(|attr| attr.list.as_ref()) else {
            return Ok(Spatial::new());
        };
        let axes = self.layout().spatial_axes(list.i.len());
        let values = list.i.get(axes).unwrap_or_default();
        if values.is_empty() || values.iter().any(|value| !(1..1 << 40).contains(value)) {
            let found = format!("has {key} {:?}", list.i);
            return Err(error(self.node, ErrorKind::BadAttribute, found)
                .expected("a positive value for each axis of its data"));
        }
        Ok(values.iter().map(|&value| value as usize).collect())
    }

    /// Extents of the outputs that the file records.
    pub(super) fn recorded(&self) -> Vec<Option<Dims>> {
        let list = self.attr("_output_shapes").and_then(|attr| attr.list.as_ref());
        list.map_or_else(Vec::new, |list| list.shape.iter().map(tensor::known_dims).collect())
    }
}

/// An error about a node.
pub(super) fn error(node: &NodeDef, kind: ErrorKind, found: impl Into<String>) -> Error {
    Error::new(kind, format!("node \"{}\" ({})", node.name, node.op), found)
}

/// The layout that a node states.
pub(super) fn stated_layout(node: &NodeDef) -> Option<Layout> {
    match attr(node, "data_format")?.s.as_deref()? {
        b"NHWC" | b"NWC" | b"NDHWC" => Some(Layout::ChannelsLast),
        b"NCHW" | b"NCW" | b"NCDHW" => Some(Layout::ChannelsFirst),
        _ => None,
    }
}

/// The value that an input names: that of output 0 is called as its node.
pub(super) fn value(input: &str) -> &str {
    input.strip_suffix(":0").unwrap_or(input)
}

/// `name:1` is output 1 of `name`; a name alone is output 0.
pub(super) fn split_port(input: &str) -> (&str, u16) {
    match input.rsplit_once(':') {
        Some((name, port)) => match port.parse() {
            Ok(port) => (name, port),
            Err(_) => (input, 0),
        },
        None => (input, 0),
    }
}

fn attr<'g>(node: &'g NodeDef, key: &str) -> Option<&'g AttrValue> {
    node.attr.iter().find(|entry| entry.key == key)?.value.as_ref()
}
