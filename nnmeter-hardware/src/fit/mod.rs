//! Fitting kernel models to whole-model measurements.
//!
//! [`samples`] turns a data set into counts of distinct workloads; [`terms`] says which terms the
//! models may have; [`linear`] finds their rates; [`protocol`] judges them on models held out
//! ([`nested`] judges the choice of constants, too); [`intervals`] says how far totals will be off;
//! [`calibrate`] makes a device of another one and a few timings; and here the rates become the kernel models of
//! a predictor. All of it is single-threaded and deterministic: the same data give the same bits.
//! Writing files is not its business.

pub mod calibrate;
mod conformal;
pub mod intervals;
pub mod linear;
pub mod nested;
mod nnls;
pub mod protocol;
pub mod range;
pub mod samples;
pub mod terms;

use nnmeter_core::kind::Kind;
use nnmeter_core::model::{KernelModel, Parametric, Term};
use nnmeter_core::predict::FittedModel;

use crate::error::{Error, ErrorKind, Result};
use linear::Fit;
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
            let model = KernelModel::Parametric(parametric(kind, terms, fit)?);
            models.push((kind, FittedModel { model, range }));
        }
    }
    Ok(models)
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

#[cfg(test)]
mod tests;
