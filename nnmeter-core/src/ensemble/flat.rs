//! The layout that inference runs on: all trees in one array of 8-byte nodes, breadth first,
//! siblings adjacent, leaves looping to themselves.
//!
//! A step of the walk is `at += ahead + (key >= node.key)`, without a branch, so several walks run
//! interleaved and hide each other's latency. A leaf is a node whose test no key passes and that is
//! no step ahead of itself: a walk that arrives early waits there, and steps past the deepest leaf
//! do no harm. What the keys are is told in `keys.rs`, how the layout is built and validated in
//! `build.rs`; which rows and trees are interleaved is the callers' choice.

use std::ops::Range;
use std::sync::OnceLock;

use super::keys::{ABOVE_ALL, Slots};
use super::masks::Masks;
use super::walker::{Node, Tree};

/// How many walks run interleaved.
pub(super) const LANES: usize = 16;

/// How many steps are taken before looking whether all walks have arrived.
const STRIDE: u32 = 4;

/// The bits of [`FlatNode::link`] that tell how far ahead the left child is.
const AHEAD_BITS: u32 = 22;

/// Most nodes of a tree, leaves included.
pub(super) const MAX_TREE: usize = 1 << AHEAD_BITS;

/// Most slots of a layout.
pub(super) const MAX_SLOTS: usize = 1 << (u32::BITS - AHEAD_BITS);

/// A split, or a leaf, whose key is above every row's.
#[derive(Clone, Copy, Debug, PartialEq)]
#[repr(C, align(8))]
pub(super) struct FlatNode {
    pub(super) key: u32,
    /// The slot whose key is compared, and how far ahead the left child is.
    link: u32,
}

impl FlatNode {
    pub(super) const LEAF: Self = Self { key: ABOVE_ALL, link: 0 };

    /// A split whose left child is `ahead` nodes further on.
    pub(super) fn split(slot: u16, key: u32, ahead: u32) -> Self {
        Self { key, link: u32::from(slot) << AHEAD_BITS | ahead }
    }

    pub(super) fn is_leaf(self) -> bool {
        self == Self::LEAF
    }

    /// The slot whose key is compared.
    #[inline(always)]
    pub(super) fn slot(self) -> usize {
        (self.link >> AHEAD_BITS) as usize
    }

    /// How far ahead the left child is; the right one follows it.
    #[inline(always)]
    pub(super) fn ahead(self) -> u32 {
        self.link & (MAX_TREE as u32 - 1)
    }
}

/// Where a tree starts among the nodes, and how many steps reach its deepest leaf.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Span {
    pub(super) root: u32,
    pub(super) depth: u32,
}

/// The trees of an ensemble or a forest.
#[derive(Clone, Debug, Default)]
pub(super) struct Layout {
    pub(super) nodes: Vec<FlatNode>,
    /// What a leaf adds to the sum, or the threshold of a split.
    pub(super) values: Vec<f32>,
    pub(super) trees: Vec<Span>,
    pub(super) slots: Slots,
    /// Made when many rows are predicted for the first time.
    masks: OnceLock<Masks>,
}

impl PartialEq for Layout {
    /// Compares all but the masks, which follow from the rest.
    fn eq(&self, other: &Self) -> bool {
        (&self.nodes, &self.trees, &self.slots) == (&other.nodes, &other.trees, &other.slots)
            && self.values == other.values
    }
}

/// Walks `N` trees or rows at once, each from its own root, and gives the leaves' places.
/// `key(i, slot)` is what walk `i` compares; `depth` is that of the deepest tree.
#[inline(always)]
pub(super) fn walk<const N: usize>(
    nodes: &[FlatNode],
    mut at: [u32; N],
    depth: u32,
    key: impl Fn(usize, usize) -> u32,
) -> [u32; N] {
    let mut to_go = depth;
    while to_go > 0 {
        let steps = to_go.min(STRIDE);
        let before = at;
        for _ in 0..steps {
            for (lane, at) in at.iter_mut().enumerate() {
                let node = nodes[*at as usize];
                let right = key(lane, node.slot()) >= node.key;
                *at += node.ahead() + u32::from(right);
            }
        }
        if at == before {
            break;
        }
        to_go -= steps;
    }
    at
}

impl Layout {
    /// The mask form of the small trees.
    pub(super) fn masks(&self) -> &Masks {
        self.masks.get_or_init(|| Masks::new(self))
    }

    /// The nodes of a tree.
    pub(super) fn span(&self, tree: usize) -> Range<usize> {
        let end = self.trees.get(tree + 1).map_or(self.nodes.len(), |next| next.root as usize);
        self.trees[tree].root as usize..end
    }

    /// The trees in plain form, nodes in breadth-first order.
    pub(super) fn to_trees(&self) -> Vec<Tree> {
        (0..self.trees.len()).map(|tree| self.to_tree(self.span(tree))).collect()
    }

    fn to_tree(&self, span: Range<usize>) -> Tree {
        let root = span.start;
        let plain = |at: usize| {
            let (node, value) = (self.nodes[at], self.values[at]);
            if node.is_leaf() {
                return Node::Leaf { value };
            }
            let slot = self.slots.get(node.slot());
            let left = (at - root) as u32 + node.ahead();
            Node::Split {
                feature: slot.feature.into(),
                threshold: value,
                default_left: slot.missing_left,
                left,
                right: left + 1,
            }
        };
        Tree { nodes: span.map(plain).collect() }
    }
}
