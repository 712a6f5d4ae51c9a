//! Building the layout, which is what validates a tree; nothing is checked again afterwards.
//!
//! Nodes come breadth first, so that the children of a tree's k-th split are its nodes 1 + 2k and
//! 2 + 2k: the binary form has them in that order, and plain trees are brought into it.

use super::flat::{FlatNode, Layout, MAX_SLOTS, MAX_TREE, Span};
use super::keys::{Slot, key};
use super::walker::{Node, Tree};
use crate::error::{Error, ErrorKind, Result};

/// Most features of a row.
const MAX_FEATURES: usize = 1 << u16::BITS;

/// A node whose children are known by its place.
#[derive(Clone, Copy)]
pub(super) enum NewNode {
    Leaf { value: f32 },
    Split { feature: u32, threshold: f32, default_left: bool },
}

/// A layout that grows by a node at a time.
pub(super) struct Builder {
    layout: Layout,
    n_features: usize,
    tree: Growing,
}

/// What is known of the tree that grows.
#[derive(Default)]
struct Growing {
    /// Its first node among all, and how many nodes it is to have.
    root: usize,
    n_nodes: usize,
    depth: u32,
    /// The place in the tree of the next split's left child, and where the present level ends.
    next_child: usize,
    level_end: usize,
}

impl Builder {
    /// A builder of trees over rows of `n_features`, with room for `n_nodes` in all.
    pub(super) fn new(n_features: usize, n_nodes: usize) -> Result<Self> {
        let max_nodes = u32::MAX as usize;
        if n_features > MAX_FEATURES || n_nodes > max_nodes {
            let found = format!("{n_nodes} nodes over {n_features} features");
            return Err(Error::new(ErrorKind::BadModel, "tree ensemble", found)
                .expected(format!("at most {max_nodes} over {MAX_FEATURES}")));
        }
        let mut layout = Layout::default();
        layout.nodes.reserve_exact(n_nodes);
        layout.values.reserve_exact(n_nodes);
        Ok(Self { layout, n_features, tree: Growing::default() })
    }

    /// Starts a tree of `n_nodes` nodes.
    pub(super) fn start_tree(&mut self, n_nodes: usize) -> Result<()> {
        let root = self.layout.nodes.len();
        self.tree = Growing { root, n_nodes, depth: 0, next_child: 1, level_end: 1 };
        match n_nodes {
            0 => Err(self.bad(0, "refers to node #0 of 0")),
            1..=MAX_TREE => Ok(()),
            _ => Err(self
                .bad(0, format!("is the root of {n_nodes} nodes"))
                .expected(format!("at most {MAX_TREE}"))),
        }
    }

    /// Ends a tree, all of whose nodes have been added.
    pub(super) fn end_tree(&mut self) {
        self.layout.trees.push(Span { root: self.tree.root as u32, depth: self.tree.depth });
    }

    /// The layout of the trees so far.
    pub(super) fn finish(self) -> Layout {
        self.layout
    }

    /// Adds the next node; `name` is what an error calls it.
    #[inline]
    pub(super) fn add(&mut self, name: u32, node: NewNode) -> Result<()> {
        let place = self.layout.nodes.len() - self.tree.root;
        if place == self.tree.level_end {
            self.tree.level_end = self.tree.next_child;
            self.tree.depth += 1;
        }
        if place >= self.tree.next_child {
            return Err(self.orphan(name));
        }
        let (flat, value) = match node {
            NewNode::Leaf { value } => (self.leaf(name, value)?, value),
            NewNode::Split { feature, threshold, default_left } => {
                let slot = self.slot(name, feature, default_left)?;
                (self.split(name, place, slot, threshold)?, threshold)
            }
        };
        self.layout.nodes.push(flat);
        self.layout.values.push(value);
        Ok(())
    }

    #[inline]
    fn leaf(&self, name: u32, value: f32) -> Result<FlatNode> {
        if value.is_finite() {
            return Ok(FlatNode::LEAF);
        }
        Err(self.bad(name, format!("leaf value is {value}")).expected("a finite number"))
    }

    #[inline]
    fn split(&mut self, name: u32, place: usize, slot: u16, threshold: f32) -> Result<FlatNode> {
        if threshold.is_nan() {
            return Err(self.bad(name, "threshold is NaN").expected("a number"));
        }
        let (left, n_nodes) = (self.tree.next_child, self.tree.n_nodes);
        if left + 1 >= n_nodes {
            return Err(self.bad(name, format!("refers to node #{} of {n_nodes}", left + 1)));
        }
        self.tree.next_child += 2;
        Ok(FlatNode::split(slot, key(threshold), (left - place) as u32))
    }

    #[inline]
    fn slot(&mut self, name: u32, feature: u32, missing_left: bool) -> Result<u16> {
        if feature as usize >= self.n_features {
            let error = self.bad(name, format!("splits on feature {feature}"));
            return Err(error.expected(format!("below {}", self.n_features)));
        }
        let place = self.layout.slots.place(Slot { feature: feature as u16, missing_left });
        if usize::from(place) < MAX_SLOTS {
            return Ok(place);
        }
        let found = format!("splits on feature {feature}, one too many");
        Err(self.bad(name, found).expected(format!("at most {MAX_SLOTS} features in all splits")))
    }

    fn orphan(&self, name: u32) -> Error {
        self.bad(name, "is no node's child")
            .expected("every node but the root to be the child of one split")
    }

    fn bad(&self, node: u32, found: impl Into<String>) -> Error {
        let tree = self.layout.trees.len();
        Error::new(ErrorKind::BadModel, format!("tree #{tree}, node #{node}"), found)
    }

    /// Adds a plain tree.
    fn add_tree(&mut self, nodes: &[Node]) -> Result<()> {
        self.start_tree(nodes.len())?;
        let mut seen = vec![false; nodes.len()];
        let mut order = Vec::with_capacity(nodes.len());
        seen[0] = true;
        order.push(0);
        let mut next = 0;
        while let Some(&name) = order.get(next) {
            next += 1;
            let node = match nodes[name as usize] {
                Node::Leaf { value } => NewNode::Leaf { value },
                Node::Split { feature, threshold, default_left, left, right } => {
                    for child in [left, right] {
                        take(&mut seen, child).map_err(|found| self.bad(name, found))?;
                        order.push(child);
                    }
                    NewNode::Split { feature, threshold, default_left }
                }
            };
            self.add(name, node)?;
        }
        if let Some(name) = seen.iter().position(|seen| !seen) {
            return Err(self.orphan(name as u32));
        }
        self.end_tree();
        Ok(())
    }
}

/// Takes a node for a child; says what is wrong with it if it is out of range or was taken before.
fn take(seen: &mut [bool], child: u32) -> Result<(), String> {
    let n_nodes = seen.len();
    match seen.get_mut(child as usize) {
        None => Err(format!("refers to node #{child} of {n_nodes}")),
        Some(true) => Err(format!("refers to node #{child}, which has a parent already")),
        Some(seen) => {
            *seen = true;
            Ok(())
        }
    }
}

impl Layout {
    /// Checks plain trees and lays them out.
    pub(super) fn new(trees: &[Tree], n_features: usize) -> Result<Self> {
        let n_nodes = trees.iter().map(|tree| tree.nodes.len()).sum();
        let mut builder = Builder::new(n_features, n_nodes)?;
        for tree in trees {
            builder.add_tree(&tree.nodes)?;
        }
        Ok(builder.finish())
    }
}
