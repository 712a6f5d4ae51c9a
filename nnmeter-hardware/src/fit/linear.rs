//! The linear part of a fit: rates from whole-model totals.
//!
//! A model's cost is the sum over its kernels of `rate x count` ([`terms`](super::terms)). Totals
//! alone leave rare terms open, so the fit has two steps: one coarse rate for each group of terms,
//! by non-negative least squares; then each term's rate as a multiple of it, `c = c0 x theta`, by
//! `min mean((S / y - 1)^2) + lambda |theta - 1|^2` with `theta >= theta_min`, so that a term
//! without data keeps the coarse rate. Both are solved in relative errors. A group without data
//! takes its rate from the others, by the prior of the recipe.
//!
//! Families differ by a few percent for reasons no kernel explains, and rare kernels would soak
//! that up. So each family has an effect while fitting: rounds alternate between fitting
//! `y x exp(-alpha)` and `alpha = kappa x median(log(y / S))`, centred over families. Predictions
//! have no such effect.

use crate::accuracy::quantile;
use crate::fit::nnls::{Gram, solve};
use crate::fit::problem::{Fit, Moments, Problem, dot};
use crate::fit::recipe::Recipe;
use crate::fit::terms::{Group, TermSpec};

/// Fits the rates on the chosen samples of some families, of which each has one at least.
pub(super) fn fit(problem: &Problem<'_>, recipe: &Recipe, families: &[&Moments]) -> Fit {
    let mut effects = vec![0.0; families.len()];
    let mut fit = fit_round(problem, recipe, families, &effects);
    for _ in 1..recipe.rounds {
        let residuals = families.iter().map(|family| problem.linear_residuals(&fit, family));
        effects = family_effects(recipe.family_effect, residuals);
        fit = fit_round(problem, recipe, families, &effects);
    }
    set_effects(&mut fit, families, &effects);
    fit
}

/// Writes down the effects of the families that were fitted on.
pub(super) fn set_effects(fit: &mut Fit, families: &[&Moments], effects: &[f64]) {
    for (family, effect) in families.iter().zip(effects) {
        fit.effects[family.family] = *effect;
    }
}

/// Effects of families by their logs of measured over predicted: `share` of the median, centred.
pub(super) fn family_effects(share: f64, residuals: impl Iterator<Item = Vec<f64>>) -> Vec<f64> {
    let effect = |residuals| share * quantile(residuals, 0.5).unwrap_or(0.0);
    let effects: Vec<f64> = residuals.map(effect).collect();
    let mean = effects.iter().sum::<f64>() / effects.len().max(1) as f64;
    effects.iter().map(|effect| effect - mean).collect()
}

fn fit_round(
    problem: &Problem<'_>,
    recipe: &Recipe,
    families: &[&Moments],
    effects: &[f64],
) -> Fit {
    let (gram, b) = pooled(families, effects, problem.terms().len());
    let coarse = coarse(problem.terms(), recipe, &gram, &b);
    let ridge = |i: usize, j: usize| if i == j { recipe.ridge } else { 0.0 };
    let scaled =
        Gram::from_fn(gram.size(), |i, j| coarse[i] * gram.at(i, j) * coarse[j] + ridge(i, j));
    let least = recipe.least_multiple;
    let at_least = scaled.times(&vec![least; coarse.len()]);
    let right: Vec<f64> =
        (0..coarse.len()).map(|j| coarse[j] * b[j] + recipe.ridge - at_least[j]).collect();
    let above = solve(&scaled, &right);
    let rates = coarse.iter().zip(&above).map(|(rate, above)| rate * (above + least)).collect();
    let effects = vec![0.0; problem.families()];
    Fit { rates, coarse, effects, corrections: Vec::new() }
}

/// One rate for each group, as a rate for each term.
fn coarse(terms: &[TermSpec], recipe: &Recipe, gram: &Gram, b: &[f64]) -> Vec<f64> {
    let free = || Group::ALL.into_iter().filter(|&group| group != Group::Start);
    let members: Vec<Vec<f64>> = free().map(|group| members(terms, group)).collect();
    let start = self::members(terms, Group::Start);
    let products: Vec<Vec<f64>> = members.iter().map(|member| gram.times(member)).collect();
    let merged = Gram::from_fn(members.len(), |i, j| dot(&members[i], &products[j]));
    let sums: Vec<f64> = members.iter().map(|member| dot(member, b)).collect();
    let right: Vec<f64> = sums
        .iter()
        .zip(&products)
        .map(|(sum, product)| sum - recipe.start * dot(&start, product))
        .collect();
    let fitted = solve(&merged, &right);
    let priors: Vec<f64> = free().map(|group| recipe.prior.of(group)).collect();
    let rates = completed(recipe.floor, &fitted, &sums, &priors);
    let rate_of = |group: Group| match free().position(|other| other == group) {
        Some(index) => rates[index],
        None => recipe.start,
    };
    terms.iter().map(|term| rate_of(term.group)).collect()
}

/// The rates of groups, each at least what explains the share `floor` of the mean model. Groups
/// without data have their prior's, scaled so that the prior would explain as much as the fit does
/// where there are data.
fn completed(floor: f64, fitted: &[f64], sums: &[f64], priors: &[f64]) -> Vec<f64> {
    let floored = |(rate, sum): (&f64, &f64)| rate.max(floor / sum);
    let rates: Vec<f64> = fitted.iter().zip(sums).map(floored).collect();
    let has_data = |group: &usize| sums[*group] > 0.0;
    let explained = |rates: &[f64]| -> f64 {
        (0..sums.len()).filter(has_data).map(|group| rates[group] * sums[group]).sum()
    };
    let by_prior = explained(priors);
    let scale = if by_prior > 0.0 { explained(&rates) / by_prior } else { 1.0 };
    let rate = |group: usize| if has_data(&group) { rates[group] } else { scale * priors[group] };
    (0..sums.len()).map(rate).collect()
}

/// Ones for the terms of `group`.
fn members(terms: &[TermSpec], group: Group) -> Vec<f64> {
    terms.iter().map(|term| f64::from(u8::from(term.group == group))).collect()
}

/// Means over all samples of the rows' products and of the rows, each family's figures freed from
/// its effect.
fn pooled(families: &[&Moments], effects: &[f64], terms: usize) -> (Gram, Vec<f64>) {
    let weight: f64 = families.iter().map(|family| family.weight).sum();
    let (mut gram, mut sums) = (Gram::zeros(terms), vec![0.0; terms]);
    for (family, effect) in families.iter().zip(effects) {
        let factor = effect.exp();
        gram.add_scaled(&family.gram, factor * factor / weight);
        for (sum, add) in sums.iter_mut().zip(&family.sums) {
            *sum += factor * add / weight;
        }
    }
    (gram, sums)
}
