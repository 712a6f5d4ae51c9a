//! Channels of a network by identity: which of them are one, and which must stay.

use std::fmt;

use nnmeter_core::graph::{Graph, NodeId};

/// A channel of a layer's result.
pub(super) type Id = u32;

/// Why channels must stay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// The network returns them.
    Returned,
    /// They are joined to a network's input, or to a constant of many elements.
    Fixed,
    /// A convolution in groups reads or makes them.
    Grouped,
    /// A normalisation computes statistics over them.
    Normalised,
    /// They are shuffled, sliced, or reshaped together with other axes.
    Rearranged,
    /// They are summed, compared or normalised over.
    Reduced,
    /// A product of two computed values, or with a computed weight.
    Product,
    /// Operands whose channels do not line up.
    Unaligned,
    /// An operator whose channels are not traced.
    Untraced,
    /// Constants of the graph do not follow a change of the width.
    Rigid,
}

impl Why {
    /// In words, before the operator's name.
    fn words(self) -> &'static str {
        match self {
            Why::Returned => "returned by",
            Why::Fixed => "joined to a fixed tensor by",
            Why::Grouped => "read or made in groups by",
            Why::Normalised => "normalised together by",
            Why::Rearranged => "rearranged by",
            Why::Reduced => "reduced over by",
            Why::Product => "multiplied with computed values by",
            Why::Unaligned => "joined to others that do not line up by",
            Why::Untraced => "read by",
            Why::Rigid => "written into constants behind",
        }
    }
}

/// What keeps channels as they are: a reason, and the operator that is it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Obstacle {
    /// The operator.
    pub node: NodeId,
    /// The reason.
    pub why: Why,
}

impl Obstacle {
    /// In words: `shuffled by Reshape "/stage2/Reshape"`.
    pub fn describe(self, graph: &Graph) -> impl fmt::Display {
        let node = graph.node(self.node);
        format!("{} {} \"{}\"", self.why.words(), node.op.name(), node.name)
    }
}

/// All channels, with those that are the same joined (union-find).
#[derive(Clone, Debug, Default)]
pub(super) struct Channels {
    parent: Vec<Id>,
    /// By root.
    obstacles: Vec<Option<Obstacle>>,
}

impl Channels {
    /// New channels, different from all others.
    pub(super) fn fresh(&mut self, count: usize) -> Vec<Id> {
        let first = self.parent.len() as Id;
        let ids: Vec<Id> = (first..first + count as Id).collect();
        self.parent.extend(&ids);
        self.obstacles.resize(self.parent.len(), None);
        ids
    }

    /// How many channels there are; they are numbered from 0 on.
    pub(super) fn count(&self) -> usize {
        self.parent.len()
    }

    /// The channel that stands for all that are the same as `id`.
    pub(super) fn root(&self, mut id: Id) -> Id {
        while self.parent[id as usize] != id {
            id = self.parent[id as usize];
        }
        id
    }

    /// Makes channels the same, pair by pair.
    pub(super) fn unite(&mut self, a: &[Id], b: &[Id]) {
        for (&a, &b) in a.iter().zip(b) {
            let (a, b) = (self.root(a), self.root(b));
            let (older, younger) = (a.min(b), a.max(b));
            self.parent[younger as usize] = older;
            let obstacle = self.obstacles[older as usize].or(self.obstacles[younger as usize]);
            self.obstacles[older as usize] = obstacle;
        }
        self.shorten(a);
        self.shorten(b);
    }

    fn shorten(&mut self, ids: &[Id]) {
        for &id in ids {
            self.parent[id as usize] = self.root(id);
        }
    }

    /// Keeps channels as they are. The first reason counts.
    pub(super) fn pin(&mut self, ids: &[Id], obstacle: Obstacle) {
        for &id in ids {
            let root = self.root(id) as usize;
            self.obstacles[root].get_or_insert(obstacle);
        }
    }

    /// What keeps a channel as it is.
    pub(super) fn obstacle(&self, id: Id) -> Option<Obstacle> {
        self.obstacles[self.root(id) as usize]
    }
}
