//! `--nested`: families left out by fits whose constants were chosen without them.
//!
//! The candidates span what was open when the CPU's terms were designed: how slow a global mean is,
//! whether patches that leave the cache cost more, and the two weights of the fit.

use anyhow::{Context, Result};
use nnmeter_hardware::accuracy::Table;
use nnmeter_hardware::dataset::parallel;
use nnmeter_hardware::fit::linear::{Problem, Recipe};
use nnmeter_hardware::fit::nested::{Candidate, Nested, PairErrors};
use nnmeter_hardware::fit::samples::Samples;
use nnmeter_hardware::fit::terms::TermSpec;

use crate::fitting::bar;
use crate::target::Target;

const MEAN_WEIGHTS: [f64; 4] = [1.0, 5.0, 10.0, 20.0];
const RIDGES: [f64; 5] = [1e-7, 1e-6, 3e-6, 1e-5, 3e-5];
const FAMILY_EFFECTS: [f64; 3] = [0.0, 0.5, 0.8];

/// Accuracies of left-out families, each by the candidate that did best without it.
pub(crate) fn table(samples: &Samples, target: &Target) -> Result<Table> {
    let families = samples.families();
    let terms = term_lists(target.terms);
    let problems: Vec<Problem<'_>> =
        terms.iter().map(|terms| Problem::new(samples, terms)).collect();
    let recipes = recipes(target.recipe);
    let candidates: Vec<Candidate<'_>> = problems
        .iter()
        .flat_map(|problem| recipes.iter().map(|&recipe| Candidate { problem, recipe }))
        .collect();
    let bar = bar(candidates.len() as u64, "choosing");
    let mut errors = Vec::with_capacity(candidates.len());
    parallel::ordered(
        candidates.iter(),
        None,
        |candidate| PairErrors::of(candidate, families.len()),
        |of_candidate| {
            bar.inc(1);
            errors.push(of_candidate);
        },
    );
    bar.finish_and_clear();
    let nested = Nested::of(&candidates, &errors, families.len()).context("no candidates")?;
    nested.held_out.table(families).context("no models")
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
