//! Boosting by XGBoost, a tree at a time, from gradients that the caller has.
//!
//! `xgboost-rs` takes a custom objective as a plain function of the matrix, so gradients and
//! curvatures travel as the matrix's labels and weights. XGBoost also weighs rows by them when it
//! places its bins, once, before the first tree: bins are fine where the cost is. Everything runs
//! in one thread, for the same bits every time. What the rows mean is the caller's business.

use std::collections::HashMap;
use std::fmt::Display;

use nnmeter_core::ensemble::Ensemble;
use xgboost_rs::{DMatrix, XGBResult};

use crate::error::{Error, ErrorKind, Result};
use crate::fit::problem::predict;
use crate::fit::recipe::{Correction, Trend};

/// A booster and the rows it learns from.
pub(super) struct Booster {
    inner: xgboost_rs::Booster,
    matrix: DMatrix,
}

impl Booster {
    /// No trees yet. `rows` lie one after another, a value for each of `trends`.
    pub(super) fn new(correction: &Correction, rows: &[f32], trends: &[Trend]) -> Result<Self> {
        let (columns, size) = (trends.len(), size_of::<f32>());
        let count = rows.len() / columns.max(1);
        let matrix =
            DMatrix::from_col_major_f32(rows, columns * size, size, count, columns, 1, f32::NAN);
        let matrix = matrix.map_err(failed)?;
        let parameters = parameters(correction, trends);
        let inner = xgboost_rs::Booster::new_with_json_config(&[&matrix], parameters);
        Ok(Self { inner: inner.map_err(failed)?, matrix })
    }

    /// Adds the tree that lowers the loss most, by its derivative and curvature in each row.
    pub(super) fn step(&mut self, gradients: &[f32], curvatures: &[f32]) -> Result<()> {
        self.try_step(gradients, curvatures).map_err(failed)
    }

    fn try_step(&mut self, gradients: &[f32], curvatures: &[f32]) -> XGBResult<()> {
        self.matrix.set_labels(gradients)?;
        self.matrix.set_weights(curvatures)?;
        self.inner.update_custom(&self.matrix, |_, matrix| {
            let carried = |values: XGBResult<&[f32]>| values.unwrap_or_default().to_vec();
            (carried(matrix.get_labels()), carried(matrix.get_weights()))
        })
    }

    /// The sum of leaves for each row.
    pub(super) fn predict(&self) -> Result<Vec<f32>> {
        self.inner.predict_margin(&self.matrix).map_err(failed)
    }

    /// The trees, read back from XGBoost's own file and found to predict `rows`, those it learnt
    /// from, to the same bits.
    pub(super) fn ensemble(&self, rows: &[f32]) -> Result<Ensemble> {
        let folder = tempfile::tempdir().map_err(failed)?;
        let path = folder.path().join("trees.ubj");
        self.inner.save(&path).map_err(failed)?;
        let ensemble = Ensemble::from_xgboost(&std::fs::read(&path).map_err(failed)?)?;
        let theirs = self.predict()?;
        let same = |(ours, theirs): (&f32, &f32)| ours.to_bits() == theirs.to_bits();
        match predict(&ensemble, rows, theirs.len()).iter().zip(&theirs).all(same) {
            true => Ok(ensemble),
            false => Err(failed("its file predicts otherwise than it does")),
        }
    }
}

fn parameters(correction: &Correction, trends: &[Trend]) -> HashMap<String, String> {
    let signs: Vec<&str> = trends
        .iter()
        .map(|trend| match trend {
            Trend::Free => "0",
            Trend::Rising => "1",
            Trend::Falling => "-1",
        })
        .collect();
    [
        ("booster", "gbtree".to_owned()),
        ("objective", "reg:squarederror".to_owned()),
        ("base_score", "0".to_owned()),
        ("tree_method", "hist".to_owned()),
        ("nthread", "1".to_owned()),
        ("verbosity", "0".to_owned()),
        ("max_depth", correction.depth.to_string()),
        ("eta", correction.step.to_string()),
        ("lambda", correction.ridge.to_string()),
        ("min_child_weight", correction.least_leaf.to_string()),
        ("max_bin", correction.bins.to_string()),
        ("monotone_constraints", format!("({})", signs.join(","))),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into()
}

fn failed(error: impl Display) -> Error {
    Error::new(ErrorKind::Fit, "XGBoost", error.to_string())
}
