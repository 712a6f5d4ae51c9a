//! Tree ensembles: a sum of decision trees over `f32` features, with fast inference.
//!
//! [`Ensemble`] is what kernel models predict with, whichever library trained them. Its semantics
//! are those of XGBoost, bit for bit: the `f32` sum starts at the base score and adds one leaf a
//! tree in tree order; a split goes left when `value < threshold`; a missing value (NaN) goes in
//! the split's default direction; the [`Link`] maps the sum to the prediction.
//!
//! | file | holds |
//! |---|---|
//! | `walker.rs` | the plain trees and the obvious walk over them: the oracle |
//! | `flat.rs` | the validated layout that inference runs on, and the interleaved walk |
//! | `bytes.rs` | the compact binary form inside predictor packages |
//! | `xgboost.rs`, `ubj.rs` | the reader of XGBoost's model files, JSON and UBJ |
//!
//! This module does not train, does not know what the features mean, and does not hold models
//! that are not sums of trees. It is single-threaded: callers split the rows.

mod bytes;
mod flat;
mod ubj;
mod walker;
mod xgboost;

use crate::error::{Error, ErrorKind, Result};
use flat::{FlatNode, LANES, Layout, walk};

pub use walker::{Node, PlainEnsemble, Tree};

/// How many rows meet one tree before the next tree: few enough that their features stay in the
/// first-level cache, enough that the tree is fetched once for all of them.
const BLOCK: usize = 64;

/// How the sum of leaves becomes the prediction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Link {
    /// The prediction is the sum.
    #[default]
    Identity,
    /// The prediction is `exp(sum)`, in `f32` (objectives with a log link: gamma, Tweedie,
    /// Poisson).
    Exp,
}

impl Link {
    /// Maps the sum of leaves to the prediction.
    pub fn apply(self, sum: f32) -> f32 {
        match self {
            Self::Identity => sum,
            Self::Exp => sum.exp(),
        }
    }
}

/// A validated sum of decision trees, laid out for inference.
///
/// ```
/// use nnmeter_core::ensemble::{Ensemble, Node, PlainEnsemble, Tree};
///
/// let stump = Tree {
///     nodes: vec![
///         Node::Split { feature: 0, threshold: 0.5, default_left: true, left: 1, right: 2 },
///         Node::Leaf { value: 1.0 },
///         Node::Leaf { value: 2.0 },
///     ],
/// };
/// let plain = PlainEnsemble { base_score: 10.0, n_features: 1, trees: vec![stump], ..Default::default() };
/// let ensemble = Ensemble::new(&plain)?;
/// assert_eq!(ensemble.predict_row(&[0.4]), 11.0);
/// assert_eq!(ensemble.predict_row(&[0.5]), 12.0);
/// assert_eq!(ensemble.predict_row(&[f32::NAN]), 11.0);
/// # Ok::<(), nnmeter_core::error::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Ensemble {
    base_score: f32,
    link: Link,
    n_features: usize,
    feature_names: Option<Vec<String>>,
    layout: Layout,
}

impl Ensemble {
    /// Checks `plain` and lays it out.
    ///
    /// # Errors
    /// [`ErrorKind::BadModel`] unless, in every tree, node 0 is the root, every other node is the
    /// child of exactly one split, every feature index is below `n_features`, no threshold is NaN
    /// and every leaf is finite; unless the base score is finite; and unless there is one feature
    /// name a feature, if any.
    pub fn new(plain: &PlainEnsemble) -> Result<Self> {
        check_header(plain)?;
        Ok(Self {
            base_score: plain.base_score,
            link: plain.link,
            n_features: plain.n_features,
            feature_names: plain.feature_names.clone(),
            layout: Layout::new(&plain.trees, plain.n_features)?,
        })
    }

    /// The plain form: what [`Ensemble::new`] was given, with each tree's nodes in breadth-first
    /// order.
    pub fn to_plain(&self) -> PlainEnsemble {
        PlainEnsemble {
            base_score: self.base_score,
            link: self.link,
            n_features: self.n_features,
            feature_names: self.feature_names.clone(),
            trees: self.layout.to_trees(),
        }
    }

    /// Where the sum starts; before the link, so for [`Link::Exp`] a logarithm.
    pub fn base_score(&self) -> f32 {
        self.base_score
    }

    /// How the sum becomes the prediction.
    pub fn link(&self) -> Link {
        self.link
    }

    /// The length of a row.
    pub fn n_features(&self) -> usize {
        self.n_features
    }

    /// The names of the features in row order, if the model carries them.
    pub fn feature_names(&self) -> Option<&[String]> {
        self.feature_names.as_deref()
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
    /// If `row` has another length than [`Ensemble::n_features`].
    pub fn predict_row(&self, row: &[f32]) -> f32 {
        assert_eq!(row.len(), self.n_features, "features in the row");
        self.predict_checked_row(row)
    }

    /// Predicts `out.len()` rows, which lie one after another in `rows`, `n_features` values
    /// each. Gives the same bits as [`Ensemble::predict_row`] on each row, faster.
    ///
    /// # Panics
    /// If `n_features` is not [`Ensemble::n_features`], or `rows` does not hold
    /// `out.len() * n_features` values.
    pub fn predict_rows(&self, rows: &[f32], n_features: usize, out: &mut [f32]) {
        assert_eq!(n_features, self.n_features, "features in a row");
        assert_eq!(Some(rows.len()), out.len().checked_mul(n_features), "values in the rows");
        if n_features == 0 {
            out.fill(self.predict_checked_row(&[]));
            return;
        }
        for (rows, out) in rows.chunks(BLOCK * n_features).zip(out.chunks_mut(BLOCK)) {
            self.predict_block(rows, out);
        }
    }

    /// One row, with the trees interleaved.
    fn predict_checked_row(&self, row: &[f32]) -> f32 {
        let sum = if row.iter().any(|value| value.is_nan()) {
            self.sum_row::<true>(row)
        } else {
            self.sum_row::<false>(row)
        };
        self.link.apply(sum)
    }

    fn sum_row<const MISSING: bool>(&self, row: &[f32]) -> f32 {
        let nodes = &self.layout.nodes;
        let (groups, rest) = self.layout.trees.as_chunks::<LANES>();
        let mut sum = self.base_score;
        for group in groups {
            let depth = group.iter().map(|tree| tree.depth).max().unwrap_or(0);
            let roots = group.map(|tree| tree.root);
            for leaf in walk::<LANES, MISSING>(nodes, roots, depth, row, 0) {
                sum += leaf;
            }
        }
        for tree in rest {
            sum += walk::<1, MISSING>(nodes, [tree.root], tree.depth, row, 0)[0];
        }
        sum
    }

    /// A block of rows: whole groups of lanes with the rows interleaved, the rest row by row.
    fn predict_block(&self, rows: &[f32], out: &mut [f32]) {
        let in_lanes = out.len() / LANES * LANES;
        let (lanes_out, rest_out) = out.split_at_mut(in_lanes);
        let (lanes_rows, rest_rows) = rows.split_at(in_lanes * self.n_features);
        lanes_out.fill(self.base_score);
        if lanes_rows.iter().any(|value| value.is_nan()) {
            self.add_leaves::<true>(lanes_rows, lanes_out);
        } else {
            self.add_leaves::<false>(lanes_rows, lanes_out);
        }
        for sum in lanes_out {
            *sum = self.link.apply(*sum);
        }
        for (row, out) in rest_rows.chunks(self.n_features).zip(rest_out) {
            *out = self.predict_checked_row(row);
        }
    }

    fn add_leaves<const MISSING: bool>(&self, rows: &[f32], sums: &mut [f32]) {
        let nodes: &[FlatNode] = &self.layout.nodes;
        for tree in &self.layout.trees {
            let groups = rows.chunks_exact(LANES * self.n_features);
            for (rows, sums) in groups.zip(sums.chunks_exact_mut(LANES)) {
                let roots = [tree.root; LANES];
                let leaves =
                    walk::<LANES, MISSING>(nodes, roots, tree.depth, rows, self.n_features);
                for (sum, leaf) in sums.iter_mut().zip(leaves) {
                    *sum += leaf;
                }
            }
        }
    }
}

/// Checks all but the trees.
fn check_header(plain: &PlainEnsemble) -> Result<()> {
    let bad = |found: String| Error::new(ErrorKind::BadModel, "tree ensemble", found);
    if !plain.base_score.is_finite() {
        return Err(bad(format!("base score is {}", plain.base_score)).expected("a finite number"));
    }
    match &plain.feature_names {
        Some(names) if names.len() != plain.n_features => {
            Err(bad(format!("{} feature names", names.len()))
                .expected(format!("{}, one a feature", plain.n_features)))
        }
        _ => Ok(()),
    }
}
