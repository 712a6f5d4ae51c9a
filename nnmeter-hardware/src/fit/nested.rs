//! What leaving a family out gives when the choices of a fit are made without it, too.
//!
//! Choosing terms and constants by looking at figures of left-out families makes those figures
//! optimistic. Here the choice among candidates is made anew for each family left out, by the mean
//! RMSPE of leaving out one of the *others* in turn; the family itself is then predicted once. Only
//! choices that the candidates span are made honest by this; the list of terms is not.

use crate::accuracy::Pair;
use crate::fit::linear::{Problem, Recipe};
use crate::fit::protocol::HeldOut;

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
    /// For each family, the index of the candidate that was chosen without it.
    pub chosen: Vec<usize>,
}

/// A candidate's errors when each pair of families is left out:
/// `errors[f][g]` is the RMSPE on `g` of the fit without `f` and `g`.
#[derive(Clone, Debug, PartialEq)]
pub struct PairErrors(Vec<Vec<f64>>);

impl PairErrors {
    /// Fits without each pair of the families.
    pub fn of(candidate: &Candidate<'_>, families: usize) -> Self {
        let Candidate { problem, recipe } = candidate;
        let mut errors = vec![vec![0.0; families]; families];
        let pairs = (0..families * families).map(|pair| (pair / families, pair % families));
        for (f, g) in pairs.filter(|(f, g)| f < g) {
            let fit = problem.fit_families(recipe, |family| family != f && family != g);
            errors[f][g] = rmspe(&problem.pairs_of(&fit, g));
            errors[g][f] = rmspe(&problem.pairs_of(&fit, f));
        }
        Self(errors)
    }

    /// Sum of the RMSPE of the families other than `left_out`.
    fn sum_without(&self, left_out: usize) -> f64 {
        let others = self.0[left_out].iter().enumerate().filter(|(family, _)| *family != left_out);
        others.map(|(_, error)| error).sum::<f64>()
    }
}

impl Nested {
    /// Chooses among candidates for each family by their errors on the others ([`PairErrors`] of
    /// each candidate, in order), and predicts it; `None` if there are no candidates.
    pub fn of(
        candidates: &[Candidate<'_>],
        errors: &[PairErrors],
        families: usize,
    ) -> Option<Self> {
        let mut nested = Self {
            held_out: HeldOut { families: Vec::with_capacity(families) },
            chosen: Vec::with_capacity(families),
        };
        for family in 0..families {
            let scores = errors.iter().map(|errors| errors.sum_without(family));
            let (best, _) = scores.enumerate().min_by(|a, b| a.1.total_cmp(&b.1))?;
            let Candidate { problem, recipe } = candidates.get(best)?;
            let fit = problem.fit_families(recipe, |other| other != family);
            nested.held_out.families.push(problem.pairs_of(&fit, family));
            nested.chosen.push(best);
        }
        Some(nested)
    }
}

/// Root mean square of the relative errors.
fn rmspe(pairs: &[Pair]) -> f64 {
    let squares: f64 = pairs.iter().map(|pair| pair.relative_error().powi(2)).sum();
    (squares / pairs.len().max(1) as f64).sqrt()
}
