//! What is found out of a pair, and how it compares with what the runtime tells.

use crate::accuracy::quantile;
use crate::error::Error;

use super::{Evidence, Operator, Shape};

/// The share of a pass, or of the cheaper operator, that fusing has to save: nn-Meter's.
const SHARE: f64 = 0.5;

/// What the evidence says of a pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The second operator is fused into the first.
    Fused,
    /// Each is executed on its own.
    NotFused,
    /// The evidence does not suffice, or differs from shape to shape.
    Undecided,
}

impl Verdict {
    /// In words.
    pub fn name(self) -> &'static str {
        match self {
            Verdict::Fused => "fused",
            Verdict::NotFused => "not fused",
            Verdict::Undecided => "undecided",
        }
    }

    /// As fusion rules say it.
    pub fn obey(self) -> Option<bool> {
        match self {
            Verdict::Fused => Some(true),
            Verdict::NotFused => Some(false),
            Verdict::Undecided => None,
        }
    }
}

/// Two operators in sequence.
#[derive(Clone, Debug)]
pub struct Pair {
    /// The one that computes first.
    pub first: Operator,
    /// The one that reads its result.
    pub second: Operator,
    /// What was found, by shape.
    pub findings: Vec<Finding>,
}

impl Pair {
    /// The verdict over all shapes: that of those that are decided, if they agree.
    pub fn verdict(&self) -> Verdict {
        let verdicts = self.findings.iter().map(Finding::verdict);
        let mut decided = verdicts.filter(|verdict| *verdict != Verdict::Undecided);
        let Some(first) = decided.next() else { return Verdict::Undecided };
        if decided.all(|verdict| verdict == first) { first } else { Verdict::Undecided }
    }
}

/// What is found out of a pair at one shape.
#[derive(Clone, Debug)]
pub struct Finding {
    /// The shape.
    pub shape: Shape,
    /// Figures of the pair between convolutions, or why there are none.
    pub in_context: Result<InContext, Error>,
    /// Figures of the operators alone, or why there are none.
    pub alone: Result<Alone, Error>,
    /// Whether the runtime says that it fuses the pair between convolutions: that the second
    /// operator takes no kernel more. `None` if it says nothing.
    pub told: Option<bool>,
}

impl Finding {
    /// The verdict in context.
    pub fn verdict(&self) -> Verdict {
        self.in_context.as_ref().map_or(Verdict::Undecided, |figures| figures.verdict)
    }

    /// nn-Meter's verdict, from the operators alone.
    pub fn nn_meter(&self) -> Option<bool> {
        self.alone.as_ref().ok().map(Alone::nn_meter)
    }
}

/// Figures of a pair between convolutions.
#[derive(Clone, Debug, PartialEq)]
pub struct InContext {
    /// What fusing saves, in milliseconds; the median over the rounds.
    pub saving: f64,
    /// What a pass over the first operator's result costs, in milliseconds; likewise.
    pub pass: f64,
    /// The p-value of "it is not fused".
    pub p_fused: f64,
    /// The p-value of "it is fused".
    pub p_not_fused: f64,
    /// Number of rounds.
    pub rounds: usize,
    /// What follows from it.
    pub verdict: Verdict,
}

/// Times of the four networks of a pair, by rounds, in milliseconds, and of that which tells a pass.
pub(super) struct Times<'a> {
    pub(super) first: &'a [f64],
    pub(super) both: &'a [f64],
    pub(super) first_kept: &'a [f64],
    pub(super) both_kept: &'a [f64],
    pub(super) relu_kept: &'a [f64],
}

impl InContext {
    /// What the times of the rounds that all networks have say; verdicts are from `bound` on. Where
    /// the second operator hides the pass, it is never said not to be fused.
    pub(super) fn new(times: &Times<'_>, hides_pass: bool, bound: f64) -> Self {
        let Times { first, both, first_kept, both_kept, relu_kept } = times;
        let lengths = [first, both, first_kept, both_kept, relu_kept].map(|times| times.len());
        let rounds = lengths.into_iter().min().unwrap_or(0);
        let saving = |round| (both_kept[round] - first_kept[round]) - (both[round] - first[round]);
        let pass = |round| relu_kept[round] - first_kept[round];
        let (mut evidence, mut of_pass) = (Evidence::default(), Evidence::default());
        for round in 0..rounds {
            evidence.add(saving(round) - SHARE * pass(round));
            of_pass.add(pass(round));
        }
        let median = |values: Vec<f64>| quantile(values, 0.5).unwrap_or(f64::NAN);
        let (p_fused, p_not_fused) = (evidence.p_above(), evidence.p_below());
        // Where a pass cannot be told from nothing, there is nothing to compare with.
        let verdict = match of_pass.p_above() <= bound {
            true if p_fused <= bound && p_not_fused > bound => Verdict::Fused,
            true if p_not_fused <= bound && p_fused > bound && !hides_pass => Verdict::NotFused,
            _ => Verdict::Undecided,
        };
        let (saving, pass) =
            (median((0..rounds).map(saving).collect()), median((0..rounds).map(pass).collect()));
        Self { saving, pass, p_fused, p_not_fused, rounds, verdict }
    }
}

/// Least times of the operators alone, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Alone {
    /// The first one.
    pub first: f64,
    /// The second one.
    pub second: f64,
    /// One after the other.
    pub both: f64,
}

impl Alone {
    /// nn-Meter's rule.
    pub fn nn_meter(&self) -> bool {
        self.first + self.second - self.both > SHARE * self.first.min(self.second)
    }
}

/// How often verdicts are what the runtime tells, over all pairs and shapes of which it does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Agreement {
    /// Pairs and shapes of which the runtime tells.
    pub told: usize,
    /// Verdicts that are right.
    pub right: usize,
    /// Verdicts that are wrong.
    pub wrong: usize,
    /// Verdicts of nn-Meter's rule that are right.
    pub nn_meter_right: usize,
    /// Verdicts of nn-Meter's rule that are wrong.
    pub nn_meter_wrong: usize,
}

impl Agreement {
    /// That of these pairs.
    pub fn of(pairs: &[Pair]) -> Self {
        let mut agreement = Self::default();
        for finding in pairs.iter().flat_map(|pair| &pair.findings) {
            let Some(told) = finding.told else { continue };
            let is = |said: Option<bool>, right: bool| usize::from(said == Some(told == right));
            agreement.told += 1;
            agreement.right += is(finding.verdict().obey(), true);
            agreement.wrong += is(finding.verdict().obey(), false);
            agreement.nn_meter_right += is(finding.nn_meter(), true);
            agreement.nn_meter_wrong += is(finding.nn_meter(), false);
        }
        agreement
    }

    /// Pairs and shapes that are undecided.
    pub fn undecided(&self) -> usize {
        self.told - self.right - self.wrong
    }
}
