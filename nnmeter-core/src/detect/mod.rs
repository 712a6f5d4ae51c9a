//! Kernel detection: which operators the device's runtime executes as one kernel.
//!
//! Three steps, each in its own file: every operator gets its kind (`classify`), multi-operator
//! blocks such as hard swish or squeeze-and-excite collapse into one *unit* (`blocks`), and units
//! fuse along their wires as the rules say (`chains`). A wire fuses or not for reasons that lie in
//! its two ends, and where a rule asks for it in what is around them (`context`), so the order of
//! nodes in the file changes nothing, and the whole is linear in the size of the graph. [`explain`]
//! tells the reasons.
//!
//! Every operator lies in exactly one unit, every unit in exactly one kernel. Inputs, constants and
//! what a runtime computes at load from constants alone are not operators here.

mod attention;
mod batch_norm;
mod blocks;
mod chains;
mod classify;
mod context;
pub mod explain;
mod gates;
mod patterns;

use std::ops::Range;

use crate::graph::{NodeId, Value};
use crate::kind::Kind;
use crate::rules::FusionRules;
use crate::typed::TypedGraph;

/// One operator, or a block of them that fuses as one.
#[derive(Clone, Debug, PartialEq)]
pub struct Unit {
    /// What it is.
    pub kind: Kind,
    /// Its last operator, whose outputs are the unit's.
    pub tail: NodeId,
    /// The value it works on; `None` for a single operator with several data operands.
    pub(crate) input: Option<Value>,
    nodes: Range<u32>,
}

/// The kernels of a graph.
#[derive(Clone, Debug)]
pub struct Detection {
    nodes: Vec<NodeId>,
    units: Vec<Unit>,
    kernels: Vec<Range<u32>>,
}

/// One kernel of a [`Detection`].
#[derive(Clone, Copy, Debug)]
pub struct Kernel<'a> {
    detection: &'a Detection,
    units: &'a [Unit],
}

/// Finds the kernels that a runtime with `rules` executes `graph` as.
pub fn detect(graph: &TypedGraph, rules: &FusionRules) -> Detection {
    let blocks = blocks::collapse(graph);
    chains::Chains::new(graph, rules, &blocks).fuse()
}

impl Detection {
    /// The kernels, in a topological order of their first operators.
    pub fn kernels(&self) -> impl ExactSizeIterator<Item = Kernel<'_>> {
        (0..self.kernels.len()).map(|index| self.kernel(index))
    }

    /// The kernel at `index` in that order.
    ///
    /// # Panics
    /// If there are not as many.
    pub fn kernel(&self, index: usize) -> Kernel<'_> {
        let range = &self.kernels[index];
        let units = &self.units[range.start as usize..range.end as usize];
        Kernel { detection: self, units }
    }
}

impl<'a> Kernel<'a> {
    /// Its units, in the order of execution.
    pub fn units(self) -> &'a [Unit] {
        self.units
    }

    /// Its operators, in the order of execution.
    pub fn nodes(self) -> &'a [NodeId] {
        let (first, last) = (&self.units[0], &self.units[self.units.len() - 1]);
        &self.detection.nodes[first.nodes.start as usize..last.nodes.end as usize]
    }

    /// Operators of one of its units.
    pub fn nodes_of(self, unit: &Unit) -> &'a [NodeId] {
        &self.detection.nodes[unit.nodes.start as usize..unit.nodes.end as usize]
    }

    /// nn-Meter's name of it: the kinds of its units joined with `-`, as in `conv-bn-relu`.
    pub fn name(self) -> String {
        let mut name = String::with_capacity(16);
        for unit in self.units {
            if !name.is_empty() {
                name.push('-');
            }
            name.push_str(unit.kind.name());
        }
        name
    }
}

#[cfg(test)]
mod tests;
