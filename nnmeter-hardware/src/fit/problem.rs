//! Samples seen through terms: what the fits share, and what they say of each sample.
//!
//! A model's cost is the sum over its kernels of `rate x count`, times a correction of each kind
//! where there are trees. How rates and trees are found is the business of `linear.rs` and
//! `correction.rs`.

use nnmeter_core::ensemble::Ensemble;
use nnmeter_core::feature::{Examined, Feature};
use nnmeter_core::kind::Kind;
use nnmeter_core::model::Learned;
use nnmeter_core::workload::Workload;

use crate::accuracy::Pair;
use crate::error::Result;
use crate::fit::nnls::Gram;
use crate::fit::recipe::Recipe;
use crate::fit::samples::Samples;
use crate::fit::terms::TermSpec;
use crate::fit::{correction, linear};

/// Samples seen through terms: how much of each term a model has, for each unit it costs.
#[derive(Clone, Debug)]
pub struct Problem<'a> {
    terms: &'a [TermSpec],
    samples: &'a Samples,
    /// What each distinct workload has of each term; terms that it does not have are left out.
    counts: Vec<Vec<(u32, f64)>>,
    rows: Vec<Vec<f64>>,
    whole: Vec<Moments>,
}

/// What was fitted.
#[derive(Clone, Debug, PartialEq)]
pub struct Fit {
    /// Rate of each term, in the metric's unit for each weighted million.
    pub rates: Vec<f64>,
    /// Coarse rate of each term's group.
    pub coarse: Vec<f64>,
    /// Effects of the families, as logs; zero for families that were not fitted on.
    pub effects: Vec<f64>,
    /// Logs of what corrects the linear models of some kinds, in the order of kinds.
    pub corrections: Vec<(Kind, Learned)>,
}

impl<'a> Problem<'a> {
    /// The samples in the terms given. Kinds that no term prices count nothing: see
    /// [`check_priced`](super::check_priced).
    pub fn new(samples: &'a Samples, terms: &'a [TermSpec]) -> Self {
        let counts = samples.workloads().iter().map(|work| counts_of(work, terms)).collect();
        let mut problem = Self { terms, samples, counts, rows: Vec::new(), whole: Vec::new() };
        problem.rows = (0..problem.len()).map(|sample| problem.row(sample)).collect();
        problem.whole = problem.moments(|_| true);
        problem
    }

    /// Counts of each term in a sample, over what was measured.
    fn row(&self, sample: usize) -> Vec<f64> {
        let sample = &self.samples.samples()[sample];
        let mut row = vec![0.0; self.terms.len()];
        for &(work, times) in &sample.kernels {
            let factor = f64::from(times) / sample.measured;
            for &(term, count) in &self.counts[work as usize] {
                row[term as usize] += factor * count;
            }
        }
        row
    }

    /// The terms.
    pub fn terms(&self) -> &'a [TermSpec] {
        self.terms
    }

    /// The samples.
    pub fn samples(&self) -> &'a Samples {
        self.samples
    }

    /// Number of samples.
    pub fn len(&self) -> usize {
        self.samples.samples().len()
    }

    /// Whether there are no samples.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Number of families.
    pub fn families(&self) -> usize {
        self.samples.families().len()
    }

    /// The family of a sample.
    pub fn family(&self, sample: usize) -> usize {
        self.samples.samples()[sample].family
    }

    /// The figure measured for a sample.
    pub fn measured(&self, sample: usize) -> f64 {
        self.samples.samples()[sample].measured
    }

    /// What was measured and what `fit` predicts for each of `samples`.
    pub fn pairs(&self, fit: &Fit, samples: &[usize]) -> Vec<Pair> {
        let pair = |&sample: &usize, predicted: f64| {
            let measured = self.measured(sample);
            Pair { measured, predicted }
        };
        if fit.corrections.is_empty() {
            let predicted = |sample: &usize| dot(&self.rows[*sample], &fit.rates);
            let scaled = |sample| pair(sample, self.measured(*sample) * predicted(sample));
            return samples.iter().map(scaled).collect();
        }
        let costs = self.costs(fit, samples);
        samples.iter().map(|sample| pair(sample, self.total(*sample, &costs))).collect()
    }

    /// What was measured and what `fit` predicts for the samples of a family.
    pub fn pairs_of(&self, fit: &Fit, family: usize) -> Vec<Pair> {
        self.pairs(fit, self.whole.get(family).map_or(&[], |family| &family.samples))
    }

    /// Sum of the costs of a sample's kernels, given that of each workload.
    pub(super) fn total(&self, sample: usize, costs: &[f64]) -> f64 {
        let kernels = self.samples.samples()[sample].kernels.iter();
        kernels.map(|&(work, times)| f64::from(times) * costs[work as usize]).sum()
    }

    /// What `fit` says each workload of `samples` costs; zero for other workloads.
    fn costs(&self, fit: &Fit, samples: &[usize]) -> Vec<f64> {
        let mut costs = self.linear_costs(fit, samples);
        for (kind, learned) in &fit.corrections {
            let works = self.workloads_of(*kind, &costs);
            for (&work, log) in works.iter().zip(self.logs(learned, &works)) {
                costs[work as usize] *= f64::from(log).exp();
            }
        }
        costs
    }

    /// As [`Problem::costs`], without corrections.
    pub(super) fn linear_costs(&self, fit: &Fit, samples: &[usize]) -> Vec<f64> {
        let mut costs = vec![0.0; self.counts.len()];
        for &sample in samples {
            for &(work, _) in &self.samples.samples()[sample].kernels {
                let counts = self.counts[work as usize].iter();
                let cost = |&(term, count): &(u32, f64)| fit.rates[term as usize] * count;
                costs[work as usize] = counts.map(cost).sum();
            }
        }
        costs
    }

    /// Workloads of `kind` that cost something.
    pub(super) fn workloads_of(&self, kind: Kind, costs: &[f64]) -> Vec<u32> {
        let works = self.samples.workloads().iter().zip(costs).zip(0..);
        works
            .filter(|((work, cost), _)| work.kind == kind && **cost > 0.0)
            .map(|(_, index)| index)
            .collect()
    }

    /// What `learned` says of some workloads.
    fn logs(&self, learned: &Learned, works: &[u32]) -> Vec<f32> {
        predict(learned.ensemble(), &self.feature_rows(learned.features(), works), works.len())
    }

    /// The values of `features` for each of `works`, one workload after another.
    pub(super) fn feature_rows(&self, features: &[Feature], works: &[u32]) -> Vec<f32> {
        let mut rows = Vec::with_capacity(works.len() * features.len());
        for &work in works {
            let work = Examined::new(&self.samples.workloads()[work as usize]);
            rows.extend(features.iter().map(|feature| feature.at(&work) as f32));
        }
        rows
    }

    /// Mean over families of models of the share of the measured cost that each term explains,
    /// before corrections.
    pub fn shares(&self, fit: &Fit) -> Vec<f64> {
        let of_models =
            |family: &&Moments| family.weight > 0.0 && !self.samples.is_of_kernels(family.family);
        let families: Vec<&Moments> = self.whole.iter().filter(of_models).collect();
        let mut shares = vec![0.0; self.terms.len()];
        for family in &families {
            let scale = 1.0 / (family.weight * families.len() as f64);
            for (share, (sum, rate)) in shares.iter_mut().zip(family.sums.iter().zip(&fit.rates)) {
                *share += scale * sum * rate;
            }
        }
        shares
    }

    /// Fits on the samples that `chosen` names.
    ///
    /// # Errors
    /// If the recipe has trees, and this program was built without feature `fit` or XGBoost
    /// refuses.
    pub fn fit(&self, recipe: &Recipe, chosen: impl Fn(usize) -> bool) -> Result<Fit> {
        let moments = self.moments(chosen);
        self.fit_moments(recipe, moments.iter().collect())
    }

    /// Fits on all samples of the families that `chosen` names.
    ///
    /// # Errors
    /// As [`Problem::fit`].
    pub fn fit_families(&self, recipe: &Recipe, chosen: impl Fn(usize) -> bool) -> Result<Fit> {
        let families = self.whole.iter().filter(|moments| chosen(moments.family));
        self.fit_moments(recipe, families.collect())
    }

    fn fit_moments(&self, recipe: &Recipe, mut families: Vec<&Moments>) -> Result<Fit> {
        families.retain(|family| family.weight > 0.0);
        let mut fit = linear::fit(self, recipe, &families);
        if let Some(correction) = &recipe.correction {
            correction::correct(self, correction, &families, &mut fit)?;
        }
        Ok(fit)
    }

    /// Sums over the chosen samples of each family.
    fn moments(&self, chosen: impl Fn(usize) -> bool) -> Vec<Moments> {
        let new = |family| Moments::new(family, self.terms.len());
        let mut moments: Vec<Moments> = (0..self.families()).map(new).collect();
        for sample in (0..self.len()).filter(|&sample| chosen(sample)) {
            let weight = self.samples.samples()[sample].weight;
            moments[self.family(sample)].add(sample, weight, &self.rows[sample]);
        }
        moments
    }

    /// Log of measured over what the linear part of `fit` predicts, for each sample of a family.
    pub(super) fn linear_residuals(&self, fit: &Fit, family: &Moments) -> Vec<f64> {
        let ratio = |&sample: &usize| dot(&self.rows[sample], &fit.rates);
        family.samples.iter().map(|sample| -ratio(sample).max(1e-9).ln()).collect()
    }
}

/// Sums over the samples of a family, each as often as its weight says.
#[derive(Clone, Debug)]
pub(super) struct Moments {
    pub(super) family: usize,
    pub(super) gram: Gram,
    pub(super) sums: Vec<f64>,
    pub(super) weight: f64,
    pub(super) samples: Vec<usize>,
}

impl Moments {
    fn new(family: usize, terms: usize) -> Self {
        let (gram, sums) = (Gram::zeros(terms), vec![0.0; terms]);
        Self { family, gram, sums, weight: 0.0, samples: Vec::new() }
    }

    fn add(&mut self, sample: usize, weight: f64, row: &[f64]) {
        self.gram.add_outer(row, weight);
        self.sums.iter_mut().zip(row).for_each(|(sum, value)| *sum += weight * value);
        self.weight += weight;
        self.samples.push(sample);
    }
}

fn counts_of(work: &Workload, terms: &[TermSpec]) -> Vec<(u32, f64)> {
    let counts = (0..).zip(terms).map(|(index, term)| (index, term.count(work)));
    counts.filter(|(_, count)| *count != 0.0).collect()
}

/// The predictions for `count` rows that lie one after another.
pub(super) fn predict(ensemble: &Ensemble, rows: &[f32], count: usize) -> Vec<f32> {
    let mut out = vec![0.0; count];
    ensemble.predict_rows(rows, ensemble.n_features(), &mut out);
    out
}

pub(super) fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}
