//! Linear kernel models from whole-model totals.
//!
//! A model's cost is the sum over its kernels of `rate x count` ([`terms`](super::terms)). Totals
//! alone leave rare terms open, so the fit has two steps: one coarse rate for each group of terms,
//! by non-negative least squares; then each term's rate as a multiple of it, `c = c0 x theta`, by
//! `min mean((S / y - 1)^2) + lambda |theta - 1|^2` with `theta >= theta_min`, so that a term
//! without data keeps the coarse rate. Both are solved in relative errors.
//!
//! Families differ by a few percent for reasons no kernel explains, and rare kernels would soak
//! that up. So each family has an effect while fitting: rounds alternate between fitting
//! `y x exp(-alpha)` and `alpha = kappa x median(log(y / S))`, centred over families. Predictions
//! have no such effect.

use crate::accuracy::{Pair, quantile};
use crate::fit::nnls::{Gram, solve};
use crate::fit::samples::Samples;
use crate::fit::terms::{Group, TermSpec};

/// Constants of the fit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Recipe {
    /// Weight of the prior: `lambda`.
    pub ridge: f64,
    /// Share of a family's median residual that counts as its effect: `kappa`.
    pub family_effect: f64,
    /// Rounds of fitting and estimating effects.
    pub rounds: usize,
    /// Least share of the mean model that a group's coarse rate explains.
    pub floor: f64,
    /// Least multiple of its coarse rate that a term may have: `theta_min`.
    pub least_multiple: f64,
    /// Rate of [`Group::Start`]: the cost of starting a kernel, in the metric's unit.
    pub start: f64,
}

impl Recipe {
    /// For one CPU core; times in ms.
    pub const CPU: Recipe = Recipe {
        ridge: 1e-6,
        family_effect: 0.5,
        rounds: 6,
        floor: 0.003,
        least_multiple: 0.1,
        start: 0.002,
    };
}

/// Samples seen through terms: how much of each term a model has, for each unit it costs.
#[derive(Clone, Debug)]
pub struct Problem<'a> {
    terms: &'a [TermSpec],
    rows: Vec<Vec<f64>>,
    measured: Vec<f64>,
    families: Vec<usize>,
    whole: Vec<Moments>,
}

/// Rates that were fitted.
#[derive(Clone, Debug, PartialEq)]
pub struct Fit {
    /// Rate of each term, in the metric's unit for each weighted million.
    pub rates: Vec<f64>,
    /// Coarse rate of each term's group.
    pub coarse: Vec<f64>,
    /// Effects of the families, as logs; zero for families that were not fitted on.
    pub effects: Vec<f64>,
}

impl<'a> Problem<'a> {
    /// The samples in the terms given. Kinds that no term prices count nothing: see
    /// [`check_priced`](super::check_priced).
    pub fn new(samples: &Samples, terms: &'a [TermSpec]) -> Self {
        let counts: Vec<Vec<f64>> = samples
            .workloads()
            .iter()
            .map(|work| terms.iter().map(|term| term.count(work)).collect())
            .collect();
        let row = |kernels: &[(u32, u32)], measured: f64| {
            let mut row = vec![0.0; terms.len()];
            for &(work, times) in kernels {
                let factor = f64::from(times) / measured;
                let counts = &counts[work as usize];
                row.iter_mut().zip(counts).for_each(|(sum, count)| *sum += factor * count);
            }
            row
        };
        let all = samples.samples();
        let empty = (0..samples.families().len()).map(|family| Moments::new(family, terms.len()));
        let mut problem = Self {
            terms,
            rows: all.iter().map(|sample| row(&sample.kernels, sample.measured)).collect(),
            measured: all.iter().map(|sample| sample.measured).collect(),
            families: all.iter().map(|sample| sample.family).collect(),
            whole: empty.collect(),
        };
        problem.whole = problem.moments(|_| true);
        problem
    }

    /// The terms.
    pub fn terms(&self) -> &'a [TermSpec] {
        self.terms
    }

    /// Number of samples.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there are no samples.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The family of a sample.
    pub fn family(&self, sample: usize) -> usize {
        self.families[sample]
    }

    /// The figure measured for a sample.
    pub fn measured(&self, sample: usize) -> f64 {
        self.measured[sample]
    }

    /// Predicted over measured for a sample.
    pub fn ratio(&self, fit: &Fit, sample: usize) -> f64 {
        dot(&self.rows[sample], &fit.rates)
    }

    /// What was measured and what `fit` predicts for a sample.
    pub fn pair(&self, fit: &Fit, sample: usize) -> Pair {
        let measured = self.measured[sample];
        Pair { measured, predicted: measured * self.ratio(fit, sample) }
    }

    /// What was measured and what `fit` predicts for the samples of a family.
    pub fn pairs_of(&self, fit: &Fit, family: usize) -> Vec<Pair> {
        let samples = self.whole.get(family).map_or(&[][..], |family| &family.samples);
        samples.iter().map(|&sample| self.pair(fit, sample)).collect()
    }

    /// Mean over families of the share of the measured cost that each term explains.
    pub fn shares(&self, fit: &Fit) -> Vec<f64> {
        let mut shares = vec![0.0; self.terms.len()];
        for family in &self.whole {
            let weight = 1.0 / (family.samples.len() * self.whole.len()) as f64;
            for (share, (sum, rate)) in shares.iter_mut().zip(family.sums.iter().zip(&fit.rates)) {
                *share += weight * sum * rate;
            }
        }
        shares
    }

    /// Fits the rates on the samples that `chosen` names.
    pub fn fit(&self, recipe: &Recipe, chosen: impl Fn(usize) -> bool) -> Fit {
        let moments = self.moments(chosen);
        self.fit_moments(recipe, &moments.iter().collect::<Vec<_>>())
    }

    /// Fits the rates on all samples of the families that `chosen` names.
    pub fn fit_families(&self, recipe: &Recipe, chosen: impl Fn(usize) -> bool) -> Fit {
        let moments: Vec<&Moments> =
            self.whole.iter().filter(|moments| chosen(moments.family)).collect();
        self.fit_moments(recipe, &moments)
    }

    fn fit_moments(&self, recipe: &Recipe, families: &[&Moments]) -> Fit {
        let families: Vec<&Moments> =
            families.iter().copied().filter(|family| !family.samples.is_empty()).collect();
        let mut effects = vec![0.0; families.len()];
        let mut fit = self.fit_round(recipe, &families, &effects);
        for _ in 1..recipe.rounds {
            effects = self.effects_of(recipe, &families, &fit);
            fit = self.fit_round(recipe, &families, &effects);
        }
        for (family, effect) in families.iter().zip(&effects) {
            fit.effects[family.family] = *effect;
        }
        fit
    }

    /// Sums over the chosen samples of each family.
    fn moments(&self, chosen: impl Fn(usize) -> bool) -> Vec<Moments> {
        let new = |family| Moments::new(family, self.terms.len());
        let mut moments: Vec<Moments> = (0..self.whole.len()).map(new).collect();
        for sample in (0..self.rows.len()).filter(|&sample| chosen(sample)) {
            let (row, family) = (&self.rows[sample], &mut moments[self.families[sample]]);
            family.gram.add_outer(row);
            family.sums.iter_mut().zip(row).for_each(|(sum, value)| *sum += value);
            family.samples.push(sample);
        }
        moments
    }

    fn fit_round(&self, recipe: &Recipe, families: &[&Moments], effects: &[f64]) -> Fit {
        let (gram, b) = pooled(families, effects, self.terms.len());
        let coarse = self.coarse(recipe, &gram, &b);
        let ridge = |i: usize, j: usize| if i == j { recipe.ridge } else { 0.0 };
        let scaled =
            Gram::from_fn(gram.size(), |i, j| coarse[i] * gram.at(i, j) * coarse[j] + ridge(i, j));
        let least = recipe.least_multiple;
        let at_least = scaled.times(&vec![least; coarse.len()]);
        let right: Vec<f64> =
            (0..coarse.len()).map(|j| coarse[j] * b[j] + recipe.ridge - at_least[j]).collect();
        let above = solve(&scaled, &right);
        let rates = coarse.iter().zip(&above).map(|(rate, above)| rate * (above + least)).collect();
        Fit { rates, coarse, effects: vec![0.0; self.whole.len()] }
    }

    /// One rate for each group, as a rate for each term; zero for a group without data (and so for
    /// terms that the data do not have).
    fn coarse(&self, recipe: &Recipe, gram: &Gram, b: &[f64]) -> Vec<f64> {
        let free = || Group::ALL.into_iter().filter(|&group| group != Group::Start);
        let members: Vec<Vec<f64>> = free().map(|group| self.members(group)).collect();
        let start = self.members(Group::Start);
        let products: Vec<Vec<f64>> = members.iter().map(|member| gram.times(member)).collect();
        let merged = Gram::from_fn(members.len(), |i, j| dot(&members[i], &products[j]));
        let sums: Vec<f64> = members.iter().map(|member| dot(member, b)).collect();
        let right: Vec<f64> = sums
            .iter()
            .zip(&products)
            .map(|(sum, product)| sum - recipe.start * dot(&start, product))
            .collect();
        let fitted = solve(&merged, &right);
        let floored = |(rate, sum): (&f64, &f64)| match *sum > 0.0 {
            true => rate.max(recipe.floor / sum),
            false => 0.0,
        };
        let rates: Vec<f64> = fitted.iter().zip(&sums).map(floored).collect();
        let rate_of = |group: Group| match free().position(|other| other == group) {
            Some(index) => rates[index],
            None => recipe.start,
        };
        self.terms.iter().map(|term| rate_of(term.group)).collect()
    }

    /// Ones for the terms of `group`.
    fn members(&self, group: Group) -> Vec<f64> {
        self.terms.iter().map(|term| f64::from(u8::from(term.group == group))).collect()
    }

    fn effects_of(&self, recipe: &Recipe, families: &[&Moments], fit: &Fit) -> Vec<f64> {
        let residual = |&sample: &usize| -self.ratio(fit, sample).max(1e-9).ln();
        let median = |family: &&Moments| {
            let residuals = family.samples.iter().map(residual).collect();
            quantile(residuals, 0.5).unwrap_or(0.0)
        };
        let effects: Vec<f64> =
            families.iter().map(|family| recipe.family_effect * median(family)).collect();
        let mean = effects.iter().sum::<f64>() / effects.len().max(1) as f64;
        effects.iter().map(|effect| effect - mean).collect()
    }
}

/// Sums over the samples of a family.
#[derive(Clone, Debug)]
struct Moments {
    family: usize,
    gram: Gram,
    sums: Vec<f64>,
    samples: Vec<usize>,
}

impl Moments {
    fn new(family: usize, terms: usize) -> Self {
        Self { family, gram: Gram::zeros(terms), sums: vec![0.0; terms], samples: Vec::new() }
    }
}

/// Means over all samples of the rows' products and of the rows, each family's figures freed from
/// its effect.
fn pooled(families: &[&Moments], effects: &[f64], terms: usize) -> (Gram, Vec<f64>) {
    let count: usize = families.iter().map(|family| family.samples.len()).sum();
    let (mut gram, mut sums) = (Gram::zeros(terms), vec![0.0; terms]);
    for (family, effect) in families.iter().zip(effects) {
        let factor = effect.exp();
        gram.add_scaled(&family.gram, factor * factor / count as f64);
        for (sum, add) in sums.iter_mut().zip(&family.sums) {
            *sum += factor * add / count as f64;
        }
    }
    (gram, sums)
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}
