//! `--nested`: families left out by fits whose constants were chosen without them.
//!
//! The candidates span what was open when the CPU's terms were designed: how slow a global mean is,
//! whether patches that leave the cache cost more, and the two weights of the fit.

use anyhow::{Context, Result};
use nnmeter_hardware::accuracy::Table;
use nnmeter_hardware::fit::nested::{Candidate, Nested, PairErrors, pairs};
use nnmeter_hardware::fit::problem::Problem;
use nnmeter_hardware::fit::recipe::Recipe;
use nnmeter_hardware::fit::samples::Samples;
use nnmeter_hardware::fit::terms::TermSpec;

use crate::fits::{Fits, in_parallel, samples_digest};
use crate::target::Target;

const MEAN_WEIGHTS: [f64; 4] = [1.0, 5.0, 10.0, 20.0];
const RIDGES: [f64; 5] = [1e-7, 1e-6, 3e-6, 1e-5, 3e-5];
const FAMILY_EFFECTS: [f64; 3] = [0.0, 0.5, 0.8];

/// Accuracies of left-out families, each by the candidate that did best without it.
pub(crate) fn table(samples: &Samples, target: &Target) -> Result<Table> {
    let terms = term_lists(target.terms);
    let problems: Vec<Problem<'_>> =
        terms.iter().map(|terms| Problem::new(samples, terms)).collect();
    let recipes = recipes(target.recipe);
    let digest = samples_digest(problems.first().context("no candidates")?)?;
    let ways = problems.iter().flat_map(|problem| recipes.iter().map(move |&way| (problem, way)));
    let fits: Vec<Fits<'_>> =
        ways.map(|(problem, recipe)| Fits::new(problem, recipe, &digest)).collect::<Result<_>>()?;
    let candidates: Vec<Candidate<'_>> =
        fits.iter().map(|fits| Candidate { problem: fits.problem, recipe: fits.recipe }).collect();
    let errors = pair_errors(&fits, &candidates)?;
    let fit = |best: usize, training: &_| fits[best].of(training);
    let nested = Nested::of(&candidates, &errors, fit)?.context("no candidates")?;
    nested.held_out.table(samples.families()).context("no models")
}

/// The errors of each candidate, under a bar.
fn pair_errors(fits: &[Fits<'_>], candidates: &[Candidate<'_>]) -> Result<Vec<PairErrors>> {
    let pairs = pairs(candidates[0].problem);
    let of = |index: usize, pair: [usize; 2]| -> Result<[f64; 2]> {
        let make = || Ok(candidates[index].errors_without(pair)?);
        fits[index].kept.get_or(&format!("errors without {pair:?}"), make)
    };
    let work: Vec<(usize, [usize; 2])> =
        (0..fits.len()).flat_map(|index| pairs.iter().map(move |&pair| (index, pair))).collect();
    in_parallel("choosing", &work, |&(index, pair)| of(index, pair).map(drop))?;
    let errors_of = |index: usize| -> Result<PairErrors> {
        let errors = pairs.iter().map(|&pair| Ok((pair, of(index, pair)?)));
        let errors = errors.collect::<Result<Vec<_>>>()?;
        Ok(PairErrors::of(candidates[index].problem.families(), errors))
    };
    (0..fits.len()).map(errors_of).collect()
}

/// The terms with each weight of the global mean, with and without the spill of patches.
fn term_lists(terms: &[TermSpec]) -> Vec<Vec<TermSpec>> {
    let reweighted = |term: &TermSpec, weight: f64| match term.name {
        "gap.in" => TermSpec { weight, ..*term },
        _ => *term,
    };
    let list = |weight: f64, spill: bool| -> Vec<TermSpec> {
        let kept = terms.iter().filter(|term| spill || term.name != "convk.spill");
        kept.map(|term| reweighted(term, weight)).collect()
    };
    MEAN_WEIGHTS.iter().flat_map(|&weight| [list(weight, false), list(weight, true)]).collect()
}

fn recipes(base: Recipe) -> Vec<Recipe> {
    let with = |ridge: f64| {
        FAMILY_EFFECTS.map(|family_effect| Recipe {
            ridge,
            family_effect,
            rounds: if family_effect > 0.0 { base.rounds } else { 1 },
            ..base
        })
    };
    RIDGES.iter().flat_map(|&ridge| with(ridge)).collect()
}
