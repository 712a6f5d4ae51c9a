//! How a fit is judged: on models that it did not see.
//!
//! Two ways to hold models out. *Random* asks about more models of known families: 15 % of the
//! groups of models with equal kernels, so that no model is judged by its twin.
//! *Leave one family out* asks about families that nobody measured, which is what users have; a
//! random split flatters. Both are deterministic.

use std::collections::BTreeMap;

use nnmeter_core::random::Random;

use crate::accuracy::{Pair, Table};
use crate::error::Result;
use crate::fit::problem::{Fit, Problem};
use crate::fit::recipe::Recipe;
use crate::fit::samples::Samples;

/// Share of the groups that a random split holds out.
pub const HELD_OUT: f64 = 0.15;

/// Predictions for models that the fit behind each did not see.
#[derive(Clone, Debug, PartialEq)]
pub struct HeldOut {
    /// By family, in the order of the samples' families; empty for a family without any.
    pub families: Vec<Vec<Pair>>,
}

/// Which samples a fit learns from.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Training {
    /// All.
    All,
    /// All but those of some families.
    Without(Vec<usize>),
    /// A random 85 % of the groups of models with equal kernels.
    RandomSplit {
        /// What the random numbers start from.
        seed: u64,
    },
}

impl Problem<'_> {
    /// Fits on the samples that `training` says.
    ///
    /// # Errors
    /// As [`Problem::fit`].
    pub fn fit_on(&self, recipe: &Recipe, training: &Training) -> Result<Fit> {
        match training {
            Training::All => self.fit_families(recipe, |_| true),
            Training::Without(left_out) => {
                self.fit_families(recipe, |family| !left_out.contains(&family))
            }
            &Training::RandomSplit { seed } => {
                let held = random_groups(self.samples(), seed);
                self.fit(recipe, |sample| !held[sample])
            }
        }
    }
}

impl HeldOut {
    /// Predicts each family by the fit on all others, which `fit` makes (or has); nothing where
    /// there is no other family. Families of single kernels are always fitted on.
    ///
    /// # Errors
    /// Those of `fit`.
    pub fn leave_one_family_out<E>(
        problem: &Problem<'_>,
        mut fit: impl FnMut(&Training) -> Result<Fit, E>,
    ) -> Result<Self, E> {
        let mut families = vec![Vec::new(); problem.families()];
        for family in left_out(problem.samples()) {
            let fit = fit(&Training::Without(vec![family]))?;
            families[family] = problem.pairs_of(&fit, family);
        }
        Ok(Self { families })
    }

    /// Predicts a random 15 % of the groups of models with equal kernels by the fit on the others,
    /// which `fit` makes (or has).
    ///
    /// # Errors
    /// Those of `fit`.
    pub fn random_split<E>(
        problem: &Problem<'_>,
        seed: u64,
        fit: impl FnOnce(&Training) -> Result<Fit, E>,
    ) -> Result<Self, E> {
        let held = random_groups(problem.samples(), seed);
        let fit = fit(&Training::RandomSplit { seed })?;
        let mut families = vec![Vec::new(); problem.families()];
        let samples: Vec<usize> = (0..problem.len()).filter(|&sample| held[sample]).collect();
        for (&sample, pair) in samples.iter().zip(problem.pairs(&fit, &samples)) {
            families[problem.family(sample)].push(pair);
        }
        Ok(Self { families })
    }

    /// Accuracies by family, under the names given; `None` if nothing was held out.
    pub fn table(&self, names: &[String]) -> Option<Table> {
        let named = names.iter().zip(&self.families);
        Table::of(named.flat_map(|(name, pairs)| pairs.iter().map(move |pair| (&**name, *pair))))
    }
}

/// The families that are left out in turn: those of whole models, if there are several.
pub fn left_out(samples: &Samples) -> Vec<usize> {
    let families = 0..samples.families().len();
    let whole: Vec<usize> = families.filter(|&family| !samples.is_of_kernels(family)).collect();
    if whole.len() > 1 { whole } else { Vec::new() }
}

/// Which samples a random split holds out. Models of equal kernels are on the same side; single
/// kernels are never held out.
fn random_groups(samples: &Samples, seed: u64) -> Vec<bool> {
    let mut groups: BTreeMap<&[(u32, u32)], usize> = BTreeMap::new();
    let mut group_of = Vec::with_capacity(samples.samples().len());
    for sample in samples.samples() {
        let next = groups.len();
        let of_model = !samples.is_of_kernels(sample.family);
        group_of.push(of_model.then(|| *groups.entry(&sample.kernels).or_insert(next)));
    }
    let mut order: Vec<usize> = (0..groups.len()).collect();
    Random::new(seed).shuffle(&mut order);
    let mut held = vec![false; groups.len()];
    let count = (HELD_OUT * groups.len() as f64) as usize;
    order.into_iter().take(count).for_each(|group| held[group] = true);
    group_of.into_iter().map(|group| group.is_some_and(|group| held[group])).collect()
}
