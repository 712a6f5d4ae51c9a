//! Tree ensembles: a sum of decision trees over `f32` features, with fast inference.
//!
//! [`Ensemble`] is what kernel models predict with, whichever library trained them. Its semantics
//! are those of XGBoost, bit for bit: the `f32` sum starts at the base score and adds one leaf a
//! tree in tree order; a split goes left when `value < threshold`; a missing value (NaN) goes in
//! the split's default direction; the [`Link`] maps the sum to the prediction. [`Forest`] is the mean
//! of trees with scikit-learn's semantics, in `f64`.
//!
//! | file | holds |
//! |---|---|
//! | `additive.rs` | what ensembles and forests share |
//! | `walker.rs` | the plain trees and the obvious walk over them: the oracle |
//! | `keys.rs` | feature values as integers, missing ones included |
//! | `flat.rs` | the layout that inference runs on, and the interleaved walk |
//! | `build.rs` | building the layout, which validates the trees |
//! | `masks.rs` | small trees as bit masks, for many rows at once |
//! | `batch.rs` | the prediction of many rows |
//! | `bytes.rs` | the compact binary form inside predictor packages |
//! | `xgboost.rs`, `ubj.rs` | the reader of XGBoost's model files, JSON and UBJ |
//! | `forest.rs`, `forest_bytes.rs` | [`Forest`]: scikit-learn's semantics in `f64`; its binary form |
//! | `sklearn.rs` | the reader of scikit-learn's pickles |
//!
//! This module does not train, does not know what the features mean, and does not hold models
//! that are not sums of trees. It is single-threaded: callers split the rows.

mod additive;
mod batch;
mod build;
mod bytes;
mod flat;
mod forest;
mod forest_bytes;
mod keys;
mod masks;
mod sklearn;
mod ubj;
mod walker;
mod xgboost;

use crate::error::{Error, ErrorKind, Result};
use additive::Additive;
use flat::Layout;

pub use forest::{Forest, ForestNode, ForestTree, PlainForest};
pub use walker::{Node, PlainEnsemble, Tree};

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
    /// name a feature, if any. Also if there are more than 65,536 features, splits on more than
    /// 1,024 (a feature counts twice if its splits differ in where missing values go), or more than
    /// 2^22 nodes in a tree.
    pub fn new(plain: &PlainEnsemble) -> Result<Self> {
        check_header(plain)?;
        Ok(Self::with_layout(plain, Layout::new(&plain.trees, plain.n_features)?))
    }

    /// The ensemble of `layout`'s trees, and of all of `head` but its trees.
    fn with_layout(head: &PlainEnsemble, layout: Layout) -> Self {
        Self {
            base_score: head.base_score,
            link: head.link,
            n_features: head.n_features,
            feature_names: head.feature_names.clone(),
            layout,
        }
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
        additive::predict_row(self, row)
    }

    /// Predicts `out.len()` rows, which lie one after another in `rows`, `n_features` values
    /// each. Gives the same bits as [`Ensemble::predict_row`] on each row, faster.
    ///
    /// # Panics
    /// If `n_features` is not [`Ensemble::n_features`], or `rows` does not hold
    /// `out.len() * n_features` values.
    pub fn predict_rows(&self, rows: &[f32], n_features: usize, out: &mut [f32]) {
        assert_eq!(n_features, self.n_features, "features in a row");
        batch::predict_rows(self, rows, out);
    }
}

impl Additive for Ensemble {
    type Sum = f32;

    fn layout(&self) -> &Layout {
        &self.layout
    }

    fn row_len(&self) -> usize {
        self.n_features
    }

    fn start(&self) -> f32 {
        self.base_score
    }

    fn leaf(&self, value: f32) -> f32 {
        value
    }

    fn finish(&self, sum: f32) -> f32 {
        self.link.apply(sum)
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
