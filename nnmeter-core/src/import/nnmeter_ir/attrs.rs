//! A node of nn-Meter IR in its graph, and its attributes as the operators want them. Which
//! attributes an operator has is for [`super::lower`] to say.

use std::collections::HashMap;

use smallvec::SmallVec;

use super::numbers::Ints;
use super::schema::{Attrs, IrNode};
use crate::error::{Error, ErrorKind, Result};
use crate::op::{Layout, Spatial};
use crate::tensor::{Constant, Dims};

/// No tensor of any network has a longer axis; one that does is an error of the file.
const MAX_EXTENT: i64 = 1 << 40;

impl IrNode<'_> {
    /// The file's name of the operator.
    pub(super) fn op_type(&self) -> &str {
        &self.body.op_type.0
    }

    /// The attributes.
    pub(super) fn attrs(&self) -> &Attrs<'_> {
        &self.body.attr
    }

    /// An error about this node.
    pub(super) fn error(&self, kind: ErrorKind, found: impl Into<String>) -> Error {
        Error::new(kind, format!("node \"{}\" ({})", self.name, self.op_type()), found)
    }

    /// Recorded extents of an output; `None` if one of them is not known.
    pub(super) fn output_dims(&self, port: usize) -> Option<Dims> {
        known(self.body.output_shape.0.get(port)?)
    }
}

/// A node among the others.
pub(super) struct View<'g, 'a> {
    pub(super) nodes: &'g [IrNode<'a>],
    pub(super) index: &'g HashMap<&'g str, usize>,
    pub(super) node: &'g IrNode<'a>,
    pub(super) layout: Layout,
}

impl<'g, 'a> View<'g, 'a> {
    /// The attributes.
    pub(super) fn attrs(&self) -> &'g Attrs<'a> {
        &self.node.body.attr
    }

    /// The node called `name`, if the file has it.
    pub(super) fn find(&self, name: &str) -> Option<&'g IrNode<'a>> {
        self.index.get(name).map(|&position| &self.nodes[position])
    }

    /// Whether the node called `name` is a constant of the file.
    pub(super) fn is_const(&self, name: &str) -> bool {
        self.find(name).is_some_and(|node| node.op_type() == "Const")
    }

    /// The constants among the inbounds.
    pub(super) fn consts(&self) -> impl Iterator<Item = &'g IrNode<'a>> {
        let nodes = self.node.inbounds.iter().filter_map(|inbound| self.find(&inbound.0));
        nodes.filter(|node| node.op_type() == "Const")
    }

    /// How many inbounds are not constants.
    pub(super) fn data_count(&self) -> usize {
        self.node.inbounds.iter().filter(|inbound| !self.is_const(&inbound.0)).count()
    }

    /// Where the channels of this node's tensors are: as it says, or as the graph has it.
    pub(super) fn layout(&self) -> Layout {
        stated_layout(self.node).unwrap_or(self.layout)
    }

    /// Recorded extents of an input: the node's own record, or its producer's.
    pub(super) fn input_dims(&self, slot: usize) -> Option<Dims> {
        let own = self.node.body.input_shape.0.get(slot).and_then(known);
        own.or_else(|| self.find(&self.node.inbounds.get(slot)?.0)?.output_dims(0))
    }

    /// Recorded extents of an output.
    pub(super) fn output_dims(&self, port: usize) -> Option<Dims> {
        self.node.output_dims(port)
    }

    /// The channels of recorded extents.
    pub(super) fn channels(&self, dims: &[usize]) -> Option<usize> {
        dims.get(self.layout().channel_axis(dims.len())?).copied()
    }

    /// An error about an absent attribute.
    pub(super) fn missing(&self, what: &str) -> Error {
        self.node
            .error(ErrorKind::BadAttribute, format!("has no {what}"))
            .hint("nor do the recorded shapes tell it; write the file with its attributes")
    }

    /// An error about an attribute's value.
    pub(super) fn bad(&self, what: &str, found: &[i64], expected: &str) -> Error {
        self.node.error(ErrorKind::BadAttribute, format!("has {what} {found:?}")).expected(expected)
    }

    /// Per-axis values over `rank` spatial axes. Lists over all axes give their middle, a single
    /// value stands for all; absent ones are empty.
    pub(super) fn spatial(&self, what: &str, list: Option<&Ints>, rank: usize) -> Result<Spatial> {
        let Some(Ints(list)) = list else { return Ok(Spatial::new()) };
        let first = match self.layout() {
            Layout::ChannelsLast => 1,
            Layout::ChannelsFirst => 2,
        };
        let values: &[i64] = match list.len() {
            0 => return Ok(Spatial::new()),
            len if len == rank => list,
            len if len == rank + 2 => &list[first..first + rank],
            1 => return self.positive(what, &SmallVec::<[i64; 4]>::from_elem(list[0], rank)),
            _ => return Err(self.bad(what, list, &format!("{rank} values"))),
        };
        self.positive(what, values)
    }

    fn positive(&self, what: &str, values: &[i64]) -> Result<Spatial> {
        if values.iter().any(|&value| !(1..MAX_EXTENT).contains(&value)) {
            return Err(self.bad(what, values, "positive values"));
        }
        Ok(values.iter().map(|&value| value as usize).collect())
    }

    /// Extents that must be there and known.
    pub(super) fn extents(&self, what: &str, Ints(list): &Ints) -> Result<Dims> {
        known(&Ints(list.clone())).ok_or_else(|| self.bad(what, list, "extents of 0 or more"))
    }

    /// A count that is at least one.
    pub(super) fn count(&self, what: &str, value: Option<&Ints>, default: usize) -> Result<usize> {
        match value.map(|ints| ints.0.as_slice()) {
            None | Some([]) => Ok(default),
            Some(&[value]) if (1..MAX_EXTENT).contains(&value) => Ok(value as usize),
            Some(other) => Err(self.bad(what, other, "one positive value")),
        }
    }
}

/// The layout that a node's `data_format` states.
pub(super) fn stated_layout(node: &IrNode<'_>) -> Option<Layout> {
    match node.attrs().data_format.as_ref()?.0.as_ref() {
        "NHWC" | "NWC" | "NDHWC" | "channels_last" => Some(Layout::ChannelsLast),
        "NCHW" | "NCW" | "NCDHW" | "channels_first" => Some(Layout::ChannelsFirst),
        _ => None,
    }
}

/// Extents that are all known.
pub(super) fn known(Ints(list): &Ints) -> Option<Dims> {
    list.iter().map(|&dim| usize::try_from(dim).ok().filter(|_| dim < MAX_EXTENT)).collect()
}

/// The first integer of a list.
pub(super) fn first(list: Option<&Ints>) -> Option<i64> {
    list?.0.first().copied()
}

/// Whether a flag is set; `None` if it is absent.
pub(super) fn flag(list: Option<&Ints>) -> Option<bool> {
    first(list).map(|value| value != 0)
}

/// A list as a constant operand.
pub(super) fn operand(list: &[i64]) -> Constant {
    Constant::ints(list.iter().copied())
}
