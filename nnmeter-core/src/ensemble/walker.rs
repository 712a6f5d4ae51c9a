//! Plain decision trees and the obvious walk over them: the oracle of the fast path.
//!
//! This is also the form that readers build and [`Ensemble::new`](super::Ensemble::new) checks.
//! Nothing here is checked or tuned: a walk over a tree that `Ensemble::new` refuses may panic or
//! not end.

use super::Link;

/// A node of a [`Tree`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Node {
    /// The end of a walk.
    Leaf {
        /// What the tree adds to the sum.
        value: f32,
    },
    /// A test of one feature: left when `row[feature] < threshold`, else right.
    Split {
        /// The index of the feature in a row.
        feature: u32,
        /// What the feature is compared with.
        threshold: f32,
        /// Where a missing value (NaN) goes.
        default_left: bool,
        /// The index in [`Tree::nodes`] of the left child.
        left: u32,
        /// The index in [`Tree::nodes`] of the right child.
        right: u32,
    },
}

/// A binary decision tree; the root is node 0.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tree {
    /// The nodes, in any order after the root.
    pub nodes: Vec<Node>,
}

/// A sum of decision trees as a reader finds it; see [`Ensemble`](super::Ensemble) for what it
/// means.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PlainEnsemble {
    /// Where the sum starts, before the link.
    pub base_score: f32,
    /// How the sum becomes the prediction.
    pub link: Link,
    /// The length of a row.
    pub n_features: usize,
    /// The names of the features in row order, if known.
    pub feature_names: Option<Vec<String>>,
    /// The trees, in the order in which their leaves are added.
    pub trees: Vec<Tree>,
}

impl Tree {
    /// The leaf that `row` falls into.
    pub fn walk(&self, row: &[f32]) -> f32 {
        let mut at = 0;
        loop {
            match self.nodes[at as usize] {
                Node::Leaf { value } => return value,
                Node::Split { feature, threshold, default_left, left, right } => {
                    let value = row[feature as usize];
                    let go_left = if value.is_nan() { default_left } else { value < threshold };
                    at = if go_left { left } else { right };
                }
            }
        }
    }
}

impl PlainEnsemble {
    /// Predicts one row, tree by tree.
    pub fn predict_row(&self, row: &[f32]) -> f32 {
        let mut sum = self.base_score;
        for tree in &self.trees {
            sum += tree.walk(row);
        }
        self.link.apply(sum)
    }
}
