//! Fitting kernel models to whole-model measurements.
//!
//! [`samples`] turns a data set into counts of distinct workloads; [`terms`] says which terms the
//! models may have, [`recipe`] the constants of a fit; [`problem`] fits, rates first and then, where
//! the recipe has them, trees that correct them; [`protocol`] judges fits on models held out
//! ([`nested`] judges the choice of constants, too); [`intervals`] says how far totals will be off;
//! [`calibrate`] makes a device of another one and a few timings; and here a fit becomes the kernel
//! models of a predictor. All of it is single-threaded and deterministic: the same data give the
//! same bits.
//! Writing files is not its business.
//!
//! Trees need XGBoost, which feature `fit` builds; everything else works without it.

#[cfg(feature = "fit")]
mod boost;
pub mod calibrate;
mod conformal;
#[cfg(feature = "fit")]
mod correction;
pub mod intervals;
mod linear;
pub mod nested;
mod nnls;
pub mod problem;
pub mod protocol;
pub mod range;
pub mod recipe;
pub mod samples;
pub mod terms;

use nnmeter_core::kind::Kind;
use nnmeter_core::model::{KernelModel, Learned, Parametric, Term};
use nnmeter_core::predict::FittedModel;

use crate::error::{Error, ErrorKind, Result};
use problem::Fit;
use samples::{Sample, Samples};
use terms::TermSpec;

/// Checks that some term prices each kind of the samples: a fit that ignored a kind would blame
/// others for its cost.
///
/// # Errors
/// If a kind has no terms; the error names a model that has such kernels.
pub fn check_priced(samples: &Samples, terms: &[TermSpec]) -> Result<()> {
    let priced = |kind: &Kind| terms.iter().any(|term| term.kinds.contains(kind));
    let Some(kind) = samples.kinds().into_iter().find(|kind| !priced(kind)) else {
        return Ok(());
    };
    let has_kind = |work: &u32| samples.workloads()[*work as usize].kind == kind;
    let with_kind = |sample: &&Sample| sample.kernels.iter().any(|(work, _)| has_kind(work));
    let count = samples.samples().iter().filter(with_kind).count();
    let first = samples.samples().iter().find(with_kind).map_or("", |sample| &sample.id);
    let found = format!("has kernels of kind \"{kind}\" ({count} models have)");
    Err(Error::new(ErrorKind::BadData, format!("model \"{first}\""), found)
        .expected("kinds that the terms of the fit price"))
}

/// One model for each kind that occurs in the samples, with the region it was fitted on, in the
/// order of kinds.
///
/// # Errors
/// If a kind occurs that no term prices.
pub fn kernel_models(
    samples: &Samples,
    terms: &[TermSpec],
    fit: &Fit,
) -> Result<Vec<(Kind, FittedModel)>> {
    check_priced(samples, terms)?;
    let mut models = Vec::new();
    for kind in samples.kinds() {
        if let Some(range) = range::fitted_range(kind, samples.workloads()) {
            let linear = parametric(kind, terms, fit)?;
            let model = match fit.correction(kind) {
                Some(trees) => KernelModel::Corrected(linear, trees.clone()),
                None => KernelModel::Parametric(linear),
            };
            models.push((kind, FittedModel { model, range }));
        }
    }
    Ok(models)
}

impl Fit {
    /// What corrects the linear model of `kind`.
    pub fn correction(&self, kind: Kind) -> Option<&Learned> {
        self.corrections.iter().find(|(of, _)| *of == kind).map(|(_, learned)| learned)
    }
}

/// The model of one kind: its terms with their rates, in the metric's unit for each unit of the
/// feature.
fn parametric(kind: Kind, terms: &[TermSpec], fit: &Fit) -> Result<Parametric> {
    let of_kind = terms.iter().zip(&fit.rates).filter(|(term, _)| term.kinds.contains(&kind));
    let term = |(term, rate): (&TermSpec, &f64)| Term {
        feature: term.feature,
        window: term.window,
        rate: rate * term.unit(),
    };
    Ok(Parametric::new(of_kind.map(term).collect())?)
}

/// What stands for the trees where they cannot be fitted.
#[cfg(not(feature = "fit"))]
mod correction {
    use super::problem::{Fit, Moments, Problem};
    use super::recipe::Correction;
    use crate::error::{Error, ErrorKind, Result};

    pub(super) fn correct(
        _: &Problem<'_>,
        _: &Correction,
        _: &[&Moments],
        _: &mut Fit,
    ) -> Result<()> {
        Err(Error::new(ErrorKind::Fit, "recipe", "has trees, which this program cannot fit")
            .hint("build it with feature `fit` of nnmeter-hardware"))
    }
}

#[cfg(test)]
mod tests;
#[cfg(all(test, feature = "fit"))]
mod tests_trees;
