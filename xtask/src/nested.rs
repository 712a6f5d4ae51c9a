//! `--nested`: families left out by fits whose constants were chosen without them, among the
//! candidates that a device has.

use anyhow::{Context, Result};
use nnmeter_hardware::accuracy::Table;
use nnmeter_hardware::fit::nested::{Candidate, Nested, PairErrors, pairs};
use nnmeter_hardware::fit::problem::Problem;
use nnmeter_hardware::fit::samples::Samples;

use crate::fits::{Fits, in_parallel, samples_digest};
use crate::target::Target;

/// Accuracies of left-out families, each by the candidate that did best without it.
pub(crate) fn table(samples: &Samples, target: &Target) -> Result<(&'static str, Table)> {
    let choices = target.choices.as_ref().with_context(|| {
        format!("device \"{}\" has no candidates to choose among", target.device.name)
    })?;
    let terms = (choices.terms)(target.terms);
    let problems: Vec<Problem<'_>> =
        terms.iter().map(|terms| Problem::new(samples, terms)).collect();
    let recipes = (choices.recipes)(target.recipe);
    let digest = samples_digest(problems.first().context("no candidates")?)?;
    let ways = problems.iter().flat_map(|problem| recipes.iter().map(move |&way| (problem, way)));
    let fits: Vec<Fits<'_>> =
        ways.map(|(problem, recipe)| Fits::new(problem, recipe, &digest)).collect::<Result<_>>()?;
    let candidates: Vec<Candidate<'_>> =
        fits.iter().map(|fits| Candidate { problem: fits.problem, recipe: fits.recipe }).collect();
    let errors = pair_errors(&fits, &candidates)?;
    let fit = |best: usize, training: &_| fits[best].of(training);
    let nested = Nested::of(&candidates, &errors, fit)?.context("no candidates")?;
    Ok((choices.says, nested.held_out.table(samples.families()).context("no models")?))
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
