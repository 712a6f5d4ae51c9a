//! The fits that a command needs: made in all cores under a progress bar, and kept.

use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, Result};
use nnmeter_core::ensemble::Ensemble;
use nnmeter_core::feature::Feature;
use nnmeter_core::kind::Kind;
use nnmeter_core::model::Learned;
use nnmeter_hardware::dataset::parallel;
use nnmeter_hardware::fit::problem::{Fit, Problem};
use nnmeter_hardware::fit::protocol::Training;
use nnmeter_hardware::fit::recipe::Recipe;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::fitting::bar;
use crate::kept::{Kept, digest, from_hex, hex};
use crate::shell;

/// Fits of one problem by one recipe.
pub(crate) struct Fits<'a> {
    pub(crate) problem: &'a Problem<'a>,
    pub(crate) recipe: Recipe,
    pub(crate) kept: Kept,
}

impl<'a> Fits<'a> {
    /// `samples` is [`samples_digest`] of the problem's.
    pub(crate) fn new(problem: &'a Problem<'a>, recipe: Recipe, samples: &str) -> Result<Self> {
        let identity = digest(&[&samples, &problem.terms(), &recipe]);
        let kept = Kept::open(&shell::target().join("fits"), &identity)?;
        Ok(Self { problem, recipe, kept })
    }

    /// Makes those of `trainings` that are not there yet.
    pub(crate) fn make(&self, trainings: &[Training]) -> Result<()> {
        let missing: Vec<&Training> =
            trainings.iter().filter(|training| !self.kept.has(&name(training))).collect();
        in_parallel("fitting", &missing, |training| self.of(training).map(drop))
    }

    /// The fit on the samples that `training` says.
    pub(crate) fn of(&self, training: &Training) -> Result<Fit> {
        let make = || Ok(Part::of(&self.problem.fit_on(&self.recipe, training)?));
        self.kept.get_or(&name(training), make)?.into_fit().context("kept fit")
    }
}

/// What identifies measurements, and the program that fits them.
pub(crate) fn samples_digest(problem: &Problem<'_>) -> Result<String> {
    let program = std::env::current_exe().and_then(std::fs::read).context("reading itself")?;
    let samples = problem.samples();
    let families = samples.families().iter().enumerate();
    let families = families.map(|(index, name)| (name, samples.is_of_kernels(index)));
    Ok(digest(&[
        &hex(&Sha256::digest(&program)),
        &families.collect::<Vec<_>>(),
        &samples.samples(),
        &samples.workloads(),
    ]))
}

/// Calls `work` on each of `items` in all cores, under a bar; stops at the first error.
pub(crate) fn in_parallel<T: Sync>(
    what: &'static str,
    items: &[T],
    work: impl Fn(&T) -> Result<()> + Sync,
) -> Result<()> {
    let bar = bar(items.len() as u64, what, "{pos} of {len}");
    let mut outcome = Ok(());
    let failed = AtomicBool::new(false);
    let work = |item: &T| if failed.load(Ordering::Relaxed) { Ok(()) } else { work(item) };
    parallel::ordered(items.iter(), None, work, |result: Result<()>| {
        bar.inc(1);
        if outcome.is_ok() && result.is_err() {
            failed.store(true, Ordering::Relaxed);
            outcome = result;
        }
    });
    bar.finish_and_clear();
    outcome
}

fn name(training: &Training) -> String {
    format!("{training:?}")
}

/// A fit as it is kept.
#[derive(Serialize, Deserialize)]
struct Part {
    rates: Vec<f64>,
    coarse: Vec<f64>,
    effects: Vec<f64>,
    corrections: Vec<(String, Vec<String>, String)>,
}

impl Part {
    fn of(fit: &Fit) -> Self {
        let correction = |(kind, learned): &(Kind, Learned)| {
            let features = learned.features().iter().map(|feature| feature.name().to_owned());
            (kind.name().to_owned(), features.collect(), hex(&learned.ensemble().to_bytes()))
        };
        Self {
            rates: fit.rates.clone(),
            coarse: fit.coarse.clone(),
            effects: fit.effects.clone(),
            corrections: fit.corrections.iter().map(correction).collect(),
        }
    }

    fn into_fit(self) -> Option<Fit> {
        let correction = |(kind, features, trees): (String, Vec<String>, String)| {
            let features = features.iter().map(|name| Feature::from_name(name));
            let ensemble = Ensemble::from_bytes(&from_hex(&trees)?).ok()?;
            let learned = Learned::new(features.collect::<Option<_>>()?, ensemble).ok()?;
            Some((Kind::from_name(&kind)?, learned))
        };
        Some(Fit {
            rates: self.rates,
            coarse: self.coarse,
            effects: self.effects,
            corrections: self.corrections.into_iter().map(correction).collect::<Option<_>>()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use nnmeter_core::ensemble::{Node, PlainEnsemble, Tree};

    use super::*;

    #[test]
    fn a_kept_fit_is_the_fit_to_the_bit() {
        let split =
            Node::Split { feature: 1, threshold: 0.1, default_left: true, left: 1, right: 2 };
        let nodes = vec![split, Node::Leaf { value: 0.3 }, Node::Leaf { value: -1e-20 }];
        let trees = vec![Tree { nodes }];
        let plain = PlainEnsemble { base_score: 0.7, n_features: 2, trees, ..Default::default() };
        let ensemble = Ensemble::new(&plain).expect("a stump");
        let learned = Learned::new(vec![Feature::Cin, Feature::Height], ensemble).expect("two");
        let fit = Fit {
            rates: vec![0.1, 1.0 / 3.0, 5e-324],
            coarse: vec![1e300, 0.0, 0.2],
            effects: vec![-0.0, f64::MIN_POSITIVE],
            corrections: vec![(Kind::DwConv, learned)],
        };
        let text = serde_json::to_string(&Part::of(&fit)).expect("JSON");
        let part: Part = serde_json::from_str(&text).expect("the same part");
        let read = part.into_fit().expect("the same fit");
        assert_eq!(read, fit);
        let bits =
            |fit: &Fit| fit.effects.iter().map(|effect| effect.to_bits()).collect::<Vec<_>>();
        assert_eq!(bits(&read), bits(&fit));
    }

    #[test]
    fn an_error_is_passed_on() {
        let items: Vec<usize> = (0..1000).collect();
        let outcome = in_parallel("failing", &items, |&item| {
            anyhow::ensure!(item != 3, "item {item}");
            Ok(())
        });
        assert_eq!(outcome.expect_err("one failed").to_string(), "item 3");
    }
}
