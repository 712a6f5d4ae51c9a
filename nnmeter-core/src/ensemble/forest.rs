//! Forests as scikit-learn means them: the mean of trees with `f64` thresholds and leaves.
//!
//! [`Forest`] predicts scikit-learn's numbers to the last bit: a split goes left when
//! `f64::from(value) <= threshold`, a missing value goes where the split says, the `f64` sum adds
//! one leaf a tree in tree order and is divided by their number. [`PlainForest`] says exactly that
//! and is the oracle; the layout that inference runs on is the one of [`Ensemble`](super::Ensemble).
//!
//! Two observations make it fit. No `f32` lies between a threshold and the `f32` next above it, so
//! `x <= t` is `x < next_up(t rounded down)`; see [`Test::new`]. And a fitted forest has far fewer
//! different leaf values than leaves, so a leaf of the layout holds the index of its value.

use std::collections::HashMap;

use super::additive::{self, Additive};
use super::batch;
use super::flat::Layout;
use super::walker::{Node, Tree};
use crate::error::{Error, ErrorKind, Result};

/// Most different leaf values: `f32` holds every index up to here.
pub(super) const MAX_LEAVES: usize = 1 << f32::MANTISSA_DIGITS;

/// A node of a [`ForestTree`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ForestNode {
    /// The end of a walk.
    Leaf {
        /// What the tree predicts.
        value: f64,
    },
    /// A test of one feature: left when `f64::from(row[feature]) <= threshold`, else right.
    Split {
        /// The index of the feature in a row.
        feature: u32,
        /// What the feature is compared with.
        threshold: f64,
        /// Whether a missing value (NaN) goes left.
        missing_left: bool,
        /// The index in [`ForestTree::nodes`] of the left child.
        left: u32,
        /// The index in [`ForestTree::nodes`] of the right child.
        right: u32,
    },
}

/// A regression tree; the root is node 0.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ForestTree {
    /// The nodes, in any order after the root.
    pub nodes: Vec<ForestNode>,
}

/// A mean of trees as a reader finds it, with the obvious walk over them. Nothing is checked: a
/// walk over trees that [`Forest::new`] refuses may panic or not end.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PlainForest {
    /// The length of a row.
    pub n_features: usize,
    /// The trees, in the order in which they are added.
    pub trees: Vec<ForestTree>,
}

/// A validated forest, laid out for inference.
///
/// ```
/// use nnmeter_core::ensemble::{Forest, ForestNode, ForestTree, PlainForest};
///
/// let split = ForestNode::Split { feature: 0, threshold: 0.1, missing_left: false, left: 1, right: 2 };
/// let nodes = vec![split, ForestNode::Leaf { value: 1.0 }, ForestNode::Leaf { value: 2.0 }];
/// let forest = Forest::new(&PlainForest { n_features: 1, trees: vec![ForestTree { nodes }] })?;
/// assert_eq!(forest.predict_row(&[0.0]), 1.0);
/// // The f32 next to 0.1 is above the f64.
/// assert_eq!(forest.predict_row(&[0.1]), 2.0);
/// # Ok::<(), nnmeter_core::error::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Forest {
    pub(super) n_features: usize,
    /// Splits as in an ensemble; a leaf's value is an index into `leaves`.
    pub(super) layout: Layout,
    /// The different leaf values, ascending.
    pub(super) leaves: Vec<f64>,
}

impl ForestTree {
    /// The leaf that `row` falls into.
    pub fn walk(&self, row: &[f32]) -> f64 {
        let mut at = 0;
        loop {
            match self.nodes[at as usize] {
                ForestNode::Leaf { value } => return value,
                ForestNode::Split { feature, threshold, missing_left, left, right } => {
                    let value = row[feature as usize];
                    let go_left = match value.is_nan() {
                        true => missing_left,
                        false => f64::from(value) <= threshold,
                    };
                    at = if go_left { left } else { right };
                }
            }
        }
    }
}

impl PlainForest {
    /// Predicts one row, tree by tree.
    pub fn predict_row(&self, row: &[f32]) -> f64 {
        let sum = self.trees.iter().fold(0.0, |sum, tree| sum + tree.walk(row));
        sum / self.trees.len() as f64
    }
}

impl Forest {
    /// Checks `plain` and lays it out.
    ///
    /// # Errors
    /// [`ErrorKind::BadModel`] unless there is a tree and, in every tree, node 0 is the root, every
    /// other node is the child of exactly one split, every feature index is below `n_features`, no
    /// threshold is NaN and every leaf is finite; if there are more than 2^24 different leaf
    /// values; and for sizes beyond those of [`Ensemble::new`](super::Ensemble::new).
    pub fn new(plain: &PlainForest) -> Result<Self> {
        let leaves = different_leaves(&plain.trees)?;
        let places = leaves.iter().enumerate();
        let index: HashMap<u64, f32> =
            places.map(|(at, value)| (value.to_bits(), at as f32)).collect();
        let trees: Vec<Tree> = plain.trees.iter().map(|tree| lay(tree, &index)).collect();
        Self::from_parts(plain.n_features, &trees, leaves)
    }

    /// A forest of trees whose leaves are indices into `leaves`.
    pub(super) fn from_parts(n_features: usize, trees: &[Tree], leaves: Vec<f64>) -> Result<Self> {
        if trees.is_empty() {
            return Err(bad("no trees").expected("at least one"));
        }
        Ok(Self { n_features, layout: Layout::new(trees, n_features)?, leaves })
    }

    /// The plain form: a forest of the same predictions as the one that [`Forest::new`] was given,
    /// with each tree's nodes in breadth-first order and each threshold the largest `f32` that
    /// goes left.
    pub fn to_plain(&self) -> PlainForest {
        let trees = self.layout.to_trees().into_iter();
        let plain = |tree: Tree| ForestTree {
            nodes: tree.nodes.into_iter().map(|node| self.plain_node(node)).collect(),
        };
        PlainForest { n_features: self.n_features, trees: trees.map(plain).collect() }
    }

    fn plain_node(&self, node: Node) -> ForestNode {
        match node {
            Node::Leaf { value } => ForestNode::Leaf { value: self.leaves[value as usize] },
            Node::Split { feature, threshold, default_left, left, right } => {
                let test = Test { threshold, missing_left: default_left, swapped: false };
                let (threshold, missing_left, swapped) = test.plain();
                let (left, right) = if swapped { (right, left) } else { (left, right) };
                ForestNode::Split { feature, threshold, missing_left, left, right }
            }
        }
    }

    /// The length of a row.
    pub fn n_features(&self) -> usize {
        self.n_features
    }

    /// The number of trees.
    pub fn n_trees(&self) -> usize {
        self.layout.trees.len()
    }

    /// The number of nodes, leaves included, in all trees.
    pub fn n_nodes(&self) -> usize {
        self.layout.nodes.len()
    }

    /// Predicts one row; NaN is a missing value.
    ///
    /// # Panics
    /// If `row` has another length than [`Forest::n_features`].
    pub fn predict_row(&self, row: &[f32]) -> f64 {
        additive::predict_row(self, row)
    }

    /// Predicts `out.len()` rows, which lie one after another in `rows`. Gives the same bits as
    /// [`Forest::predict_row`] on each row, faster.
    ///
    /// # Panics
    /// If `n_features` is not [`Forest::n_features`], or `rows` does not hold
    /// `out.len() * n_features` values.
    pub fn predict_rows(&self, rows: &[f32], n_features: usize, out: &mut [f64]) {
        assert_eq!(n_features, self.n_features, "features in a row");
        batch::predict_rows(self, rows, out);
    }
}

impl Additive for Forest {
    type Sum = f64;

    fn layout(&self) -> &Layout {
        &self.layout
    }

    fn row_len(&self) -> usize {
        self.n_features
    }

    fn start(&self) -> f64 {
        0.0
    }

    fn leaf(&self, value: f32) -> f64 {
        self.leaves[value as usize]
    }

    fn finish(&self, sum: f64) -> f64 {
        sum / self.layout.trees.len() as f64
    }
}

/// The test of a split as the layout has it: left when `value < threshold`.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Test {
    threshold: f32,
    missing_left: bool,
    /// Whether the children change places.
    swapped: bool,
}

impl Test {
    /// The test that holds for the same `f32`s as `f64::from(value) <= threshold`.
    ///
    /// Above infinity there is no `f32` to be less than: a test that all numbers pass becomes one
    /// that none pass, and the children change places.
    fn new(threshold: f64, missing_left: bool) -> Self {
        if threshold == f64::INFINITY {
            let none = f32::NEG_INFINITY;
            return Self { threshold: none, missing_left: !missing_left, swapped: true };
        }
        let near = threshold as f32;
        let below = if f64::from(near) > threshold { near.next_down() } else { near };
        Self { threshold: below.next_up(), missing_left, swapped: false }
    }

    /// What [`Test::new`] may have been given, and whether the children are to change places.
    fn plain(self) -> (f64, bool, bool) {
        if self.threshold == f32::NEG_INFINITY {
            return (f64::INFINITY, !self.missing_left, true);
        }
        (self.threshold.next_down().into(), self.missing_left, false)
    }
}

/// A tree with the layout's tests, and leaves by their index.
fn lay(tree: &ForestTree, leaves: &HashMap<u64, f32>) -> Tree {
    let node = |node: &ForestNode| match *node {
        ForestNode::Leaf { value } => Node::Leaf { value: leaves[&value.to_bits()] },
        ForestNode::Split { feature, threshold, missing_left, left, right } => {
            let test = Test::new(threshold, missing_left);
            let (left, right) = if test.swapped { (right, left) } else { (left, right) };
            let Test { threshold, missing_left: default_left, .. } = test;
            Node::Split { feature, threshold, default_left, left, right }
        }
    };
    Tree { nodes: tree.nodes.iter().map(node).collect() }
}

/// The different leaf values, ascending; checks that they are numbers and not too many.
fn different_leaves(trees: &[ForestTree]) -> Result<Vec<f64>> {
    let mut leaves = Vec::new();
    for (index, node) in trees.iter().flat_map(|tree| &tree.nodes).enumerate() {
        match *node {
            ForestNode::Leaf { value } if value.is_finite() => leaves.push(value),
            ForestNode::Leaf { value } => {
                return Err(
                    bad(&format!("node #{index} in order is {value}")).expected("a finite number")
                );
            }
            ForestNode::Split { .. } => {}
        }
    }
    leaves.sort_unstable_by(f64::total_cmp);
    leaves.dedup_by_key(|value| value.to_bits());
    if leaves.len() > MAX_LEAVES {
        let found = format!("{} different leaf values", leaves.len());
        return Err(bad(&found).expected(format!("at most {MAX_LEAVES}")));
    }
    Ok(leaves)
}

pub(super) fn bad(found: &str) -> Error {
    Error::new(ErrorKind::BadModel, "forest", found)
}
