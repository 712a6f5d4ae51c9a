//! The layout that inference runs on: all trees in one array of 16-byte nodes, breadth first,
//! siblings adjacent, leaves looping to themselves.
//!
//! A step of the walk is `at = left + !(value < split)`, without a branch, so several walks run
//! interleaved and hide each other's latency. A leaf is a node whose test never holds and whose
//! right child is itself: a walk that arrives early waits there, and steps past the deepest leaf
//! do no harm. Building the layout is what validates a tree; nothing is checked again afterwards.
//! Which rows and trees are interleaved is the callers' choice.

use super::masks::{MaskTree, Masks};
use super::walker::{Node, Tree};
use crate::error::{Error, ErrorKind, Result};

/// How many walks run interleaved.
pub(super) const LANES: usize = 8;

/// How many steps are taken before looking whether all walks have arrived.
const STRIDE: u32 = 8;

/// The bit of [`FlatNode::feature`] that sends a missing value left.
pub(super) const DEFAULT_LEFT: u32 = 1 << 31;

/// A split, or a leaf: `left` is one less than its own index, `split` is below every value.
#[derive(Clone, Copy, Debug, PartialEq)]
#[repr(C, align(16))]
pub(super) struct FlatNode {
    pub(super) split: f32,
    pub(super) feature: u32,
    pub(super) left: u32,
    pub(super) value: f32,
}

/// Where a tree starts among the nodes, how many steps reach its deepest leaf, and its mask form
/// if it is small.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Span {
    pub(super) root: u32,
    pub(super) depth: u32,
    pub(super) masks: Option<MaskTree>,
}

/// The trees of an ensemble.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Layout {
    pub(super) nodes: Vec<FlatNode>,
    pub(super) trees: Vec<Span>,
    pub(super) masks: Masks,
}

impl FlatNode {
    fn leaf(at: u32, value: f32) -> Self {
        Self { split: f32::NEG_INFINITY, feature: 0, left: at.wrapping_sub(1), value }
    }

    pub(super) fn is_leaf(self, at: u32) -> bool {
        self.left.wrapping_add(1) == at
    }

    /// The node that follows for a feature's value. `MISSING` says whether it may be NaN.
    #[inline(always)]
    fn next<const MISSING: bool>(self, value: f32) -> u32 {
        let mut left = value < self.split;
        if MISSING {
            left |= value.is_nan() & (self.feature & DEFAULT_LEFT != 0);
        }
        self.left.wrapping_add(u32::from(!left))
    }

    #[inline(always)]
    fn feature(self) -> usize {
        (self.feature & !DEFAULT_LEFT) as usize
    }
}

/// Walks `N` trees or rows at once, each from its own root, and gives the leaves' values.
/// `value(i, feature)` is what walk `i` tests; `depth` is that of the deepest tree.
#[inline(always)]
pub(super) fn walk<const N: usize, const MISSING: bool>(
    nodes: &[FlatNode],
    mut at: [u32; N],
    depth: u32,
    value: impl Fn(usize, usize) -> f32,
) -> [f32; N] {
    let mut to_go = depth;
    while to_go > 0 {
        let steps = to_go.min(STRIDE);
        let before = at;
        for _ in 0..steps {
            for (lane, at) in at.iter_mut().enumerate() {
                let node = nodes[*at as usize];
                *at = node.next::<MISSING>(value(lane, node.feature()));
            }
        }
        if at == before {
            break;
        }
        to_go -= steps;
    }
    at.map(|at| nodes[at as usize].value)
}

impl Layout {
    /// Checks the trees and lays them out.
    pub(super) fn new(trees: &[Tree], n_features: usize) -> Result<Self> {
        let total: usize = trees.iter().map(|tree| tree.nodes.len()).sum();
        let limit = DEFAULT_LEFT as usize;
        if total > limit || n_features > limit {
            let found = format!("{total} nodes over {n_features} features");
            return Err(Error::new(ErrorKind::BadModel, "tree ensemble", found)
                .expected(format!("at most {limit} of either")));
        }
        let mut layout = Self { nodes: Vec::with_capacity(total), ..Self::default() };
        for (index, tree) in trees.iter().enumerate() {
            let root = layout.nodes.len() as u32;
            let depth = layout.push(index, &tree.nodes, n_features)?;
            let masks = layout.masks.add(&layout.nodes, root);
            layout.trees.push(Span { root, depth, masks });
        }
        Ok(layout)
    }

    /// Lays out one tree breadth first and gives its depth.
    fn push(&mut self, tree: usize, nodes: &[Node], n_features: usize) -> Result<u32> {
        let bad = |node: u32, found: String| {
            Error::new(ErrorKind::BadModel, format!("tree #{tree}, node #{node}"), found)
        };
        let root = self.nodes.len() as u32;
        let mut queue = Queue::new(nodes.len()).map_err(|found| bad(0, found))?;
        while let Some(index) = queue.pop() {
            let at = self.nodes.len() as u32;
            let node = match nodes[index as usize] {
                Node::Leaf { value } if value.is_finite() => FlatNode::leaf(at, value),
                Node::Leaf { value } => {
                    let found = format!("leaf value is {value}");
                    return Err(bad(index, found).expected("a finite number"));
                }
                Node::Split { feature, threshold, default_left, left, right } => {
                    if feature as usize >= n_features {
                        let found = format!("splits on feature {feature}");
                        return Err(bad(index, found).expected(format!("below {n_features}")));
                    }
                    if threshold.is_nan() {
                        return Err(bad(index, "threshold is NaN".into()).expected("a number"));
                    }
                    let first = root + queue.order.len() as u32;
                    queue.add(left).map_err(|found| bad(index, found))?;
                    queue.add(right).map_err(|found| bad(index, found))?;
                    let flag = if default_left { DEFAULT_LEFT } else { 0 };
                    FlatNode { split: threshold, feature: feature | flag, left: first, value: 0.0 }
                }
            };
            self.nodes.push(node);
        }
        match queue.seen.iter().position(|seen| !seen) {
            Some(index) => Err(bad(index as u32, "is no node's child".into())
                .expected("every node but the root to be the child of one split")),
            None => Ok(queue.depth),
        }
    }

    /// The trees in plain form, nodes in breadth-first order.
    pub(super) fn to_trees(&self) -> Vec<Tree> {
        let ends = self.trees.iter().skip(1).map(|tree| tree.root).chain([self.nodes.len() as u32]);
        let spans = self.trees.iter().map(|tree| tree.root).zip(ends);
        spans.map(|(root, end)| self.to_tree(root, end)).collect()
    }

    fn to_tree(&self, root: u32, end: u32) -> Tree {
        let plain = |at: u32| {
            let node = self.nodes[at as usize];
            if node.is_leaf(at) {
                return Node::Leaf { value: node.value };
            }
            Node::Split {
                feature: node.feature() as u32,
                threshold: node.split,
                default_left: node.feature & DEFAULT_LEFT != 0,
                left: node.left - root,
                right: node.left - root + 1,
            }
        };
        Tree { nodes: (root..end).map(plain).collect() }
    }
}

/// The breadth-first order of a tree's nodes, which is also its queue.
struct Queue {
    order: Vec<u32>,
    seen: Vec<bool>,
    next: usize,
    level_end: usize,
    depth: u32,
}

impl Queue {
    fn new(n_nodes: usize) -> Result<Self, String> {
        let mut queue = Self {
            order: Vec::with_capacity(n_nodes),
            seen: vec![false; n_nodes],
            next: 0,
            level_end: 1,
            depth: 0,
        };
        queue.add(0)?;
        Ok(queue)
    }

    /// The next node, in order.
    fn pop(&mut self) -> Option<u32> {
        let index = *self.order.get(self.next)?;
        if self.next == self.level_end {
            self.level_end = self.order.len();
            self.depth += 1;
        }
        self.next += 1;
        Some(index)
    }

    /// Adds a node; says what is wrong with it if it is out of range or was there before.
    fn add(&mut self, index: u32) -> Result<(), String> {
        match self.seen.get_mut(index as usize) {
            None => Err(format!("refers to node #{index} of {}", self.seen.len())),
            Some(true) => Err(format!("refers to node #{index}, which has a parent already")),
            Some(seen) => {
                *seen = true;
                self.order.push(index);
                Ok(())
            }
        }
    }
}
