//! What leaving a family out gives when the choices of a fit are made without it, too.
//!
//! Choosing terms and constants by looking at figures of left-out families makes those figures
//! optimistic. Here the choice among candidates is made anew for each family left out, by the mean
//! RMSPE of leaving out one of the *others* in turn; the family itself is then predicted once. Only
//! choices that the candidates span are made honest by this; the list of terms is not.

use crate::accuracy::Pair;
use crate::error::Result;
use crate::fit::problem::{Fit, Problem};
use crate::fit::protocol::{HeldOut, Training, left_out};
use crate::fit::recipe::Recipe;

/// One way to fit: the samples seen through some terms, and the constants.
#[derive(Clone, Copy, Debug)]
pub struct Candidate<'a> {
    /// Samples and terms; all candidates have the same samples.
    pub problem: &'a Problem<'a>,
    /// Constants.
    pub recipe: Recipe,
}

/// Families predicted by fits that were chosen without them.
#[derive(Clone, Debug, PartialEq)]
pub struct Nested {
    /// The predictions.
    pub held_out: HeldOut,
    /// For each family that is left out, the index of the candidate that was chosen without it.
    pub chosen: Vec<usize>,
}

/// A candidate's errors when each pair of families is left out:
/// `errors[f][g]` is the RMSPE on `g` of the fit without `f` and `g`.
#[derive(Clone, Debug, PartialEq)]
pub struct PairErrors(Vec<Vec<f64>>);

/// The pairs of families that are left out together, the smaller first.
pub fn pairs(problem: &Problem<'_>) -> Vec<[usize; 2]> {
    let families = left_out(problem.samples());
    let pairs = families.iter().flat_map(|&f| families.iter().map(move |&g| [f, g]));
    pairs.filter(|[f, g]| f < g).collect()
}

impl Candidate<'_> {
    /// RMSPE on `f` and on `g` of the fit without both.
    ///
    /// # Errors
    /// As [`Problem::fit`].
    pub fn errors_without(&self, [f, g]: [usize; 2]) -> Result<[f64; 2]> {
        let fit = self.problem.fit_on(&self.recipe, &Training::Without(vec![f, g]))?;
        Ok([f, g].map(|family| rmspe(&self.problem.pairs_of(&fit, family))))
    }
}

impl PairErrors {
    /// From what [`Candidate::errors_without`] says of each of [`pairs`].
    pub fn of(families: usize, errors: impl IntoIterator<Item = ([usize; 2], [f64; 2])>) -> Self {
        let mut matrix = vec![vec![0.0; families]; families];
        for ([f, g], [on_f, on_g]) in errors {
            matrix[f][g] = on_g;
            matrix[g][f] = on_f;
        }
        Self(matrix)
    }

    /// Sum of the RMSPE of the families other than `left_out`.
    fn sum_without(&self, left_out: usize) -> f64 {
        self.0[left_out].iter().sum()
    }
}

impl Nested {
    /// Chooses among candidates for each family by their errors on the others ([`PairErrors`] of
    /// each candidate, in order), and predicts it by the fit that `fit` makes (or has) of the
    /// candidate of that index; `None` if there are no candidates.
    ///
    /// # Errors
    /// Those of `fit`.
    pub fn of<E>(
        candidates: &[Candidate<'_>],
        errors: &[PairErrors],
        mut fit: impl FnMut(usize, &Training) -> Result<Fit, E>,
    ) -> Result<Option<Self>, E> {
        let Some(Candidate { problem, .. }) = candidates.first() else {
            return Ok(None);
        };
        let mut nested = Self {
            held_out: HeldOut { families: vec![Vec::new(); problem.families()] },
            chosen: Vec::new(),
        };
        for family in left_out(problem.samples()) {
            let scores = errors.iter().map(|errors| errors.sum_without(family)).enumerate();
            let best = scores.min_by(|a, b| a.1.total_cmp(&b.1)).map_or(0, |(best, _)| best);
            let fit = fit(best, &Training::Without(vec![family]))?;
            nested.held_out.families[family] = candidates[best].problem.pairs_of(&fit, family);
            nested.chosen.push(best);
        }
        Ok(Some(nested))
    }
}

/// Root mean square of the relative errors.
fn rmspe(pairs: &[Pair]) -> f64 {
    let squares: f64 = pairs.iter().map(|pair| pair.relative_error().powi(2)).sum();
    (squares / pairs.len().max(1) as f64).sqrt()
}
