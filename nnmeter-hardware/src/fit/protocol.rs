//! How a fit is judged: on models that it did not see.
//!
//! Two ways to hold models out. *Random* asks about more models of known families: 15 % of the
//! groups of models with equal kernels, so that no model is judged by its twin.
//! *Leave one family out* asks about families that nobody measured, which is what users have; a
//! random split flatters. Both are deterministic.

use std::collections::BTreeMap;

use crate::accuracy::{Pair, Table};
use crate::fit::linear::{Problem, Recipe};
use crate::fit::samples::Samples;

/// Share of the groups that a random split holds out.
pub const HELD_OUT: f64 = 0.15;

/// Predictions for models that the fit behind each did not see.
#[derive(Clone, Debug, PartialEq)]
pub struct HeldOut {
    /// By family, in the order of the samples' families; empty for a family without any.
    pub families: Vec<Vec<Pair>>,
}

impl HeldOut {
    /// Fits on all families but one, for each family in turn, and predicts that one; nothing where
    /// there is no other family.
    pub fn leave_one_family_out(problem: &Problem<'_>, recipe: &Recipe, families: usize) -> Self {
        let pairs = (0..families).map(|family| {
            let fit = problem.fit_families(recipe, |other| other != family);
            if families > 1 { problem.pairs_of(&fit, family) } else { Vec::new() }
        });
        Self { families: pairs.collect() }
    }

    /// Fits on a random 85 % of the groups of models with equal kernels, and predicts the rest.
    pub fn random_split(
        problem: &Problem<'_>,
        recipe: &Recipe,
        samples: &Samples,
        seed: u64,
    ) -> Self {
        let held = random_groups(samples, seed);
        let fit = problem.fit(recipe, |sample| !held[sample]);
        let mut families = vec![Vec::new(); samples.families().len()];
        for sample in (0..problem.len()).filter(|&sample| held[sample]) {
            families[problem.family(sample)].push(problem.pair(&fit, sample));
        }
        Self { families }
    }

    /// Accuracies by family, under the names given; `None` if nothing was held out.
    pub fn table(&self, names: &[String]) -> Option<Table> {
        let named = names.iter().zip(&self.families);
        Table::of(named.flat_map(|(name, pairs)| pairs.iter().map(move |pair| (&**name, *pair))))
    }
}

/// Which samples a random split holds out. Models of equal kernels are on the same side.
fn random_groups(samples: &Samples, seed: u64) -> Vec<bool> {
    let mut groups: BTreeMap<&[(u32, u32)], usize> = BTreeMap::new();
    let mut group_of = Vec::with_capacity(samples.samples().len());
    for sample in samples.samples() {
        let next = groups.len();
        group_of.push(*groups.entry(&sample.kernels).or_insert(next));
    }
    let mut order: Vec<usize> = (0..groups.len()).collect();
    shuffle(&mut order, seed);
    let mut held = vec![false; groups.len()];
    let count = (HELD_OUT * groups.len() as f64) as usize;
    order.into_iter().take(count).for_each(|group| held[group] = true);
    group_of.into_iter().map(|group| held[group]).collect()
}

/// Fisher and Yates' shuffle with the generator SplitMix64 (Steele, Lea and Flood 2014).
fn shuffle(items: &mut [usize], seed: u64) {
    let mut state = seed;
    let mut next = move || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    };
    for last in (1..items.len()).rev() {
        let other = (u128::from(next()) * (last as u128 + 1)) >> 64;
        items.swap(last, other as usize);
    }
}
