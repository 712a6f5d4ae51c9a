//! What is found out of a question, look by look.

use crate::accuracy::quantile;
use crate::error::Error;

use super::{Case, Evidence, Look};

/// What the evidence says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The second operator is fused into the kernel that ends in the first; a block is one kernel.
    Fused,
    /// It is not.
    NotFused,
    /// The evidence does not suffice, or differs from look to look.
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

    /// What several say together: what all that are decided say.
    fn of_all(verdicts: impl Iterator<Item = Verdict>) -> Verdict {
        let mut decided = verdicts.filter(|verdict| *verdict != Verdict::Undecided);
        let Some(first) = decided.next() else { return Verdict::Undecided };
        if decided.all(|verdict| verdict == first) { first } else { Verdict::Undecided }
    }

    fn of_told(fused: bool) -> Verdict {
        if fused { Verdict::Fused } else { Verdict::NotFused }
    }
}

/// A question with what was found out.
#[derive(Clone, Debug)]
pub struct Finding {
    /// The question.
    pub case: Case,
    /// What was found, by look.
    pub seen: Vec<Seen>,
    /// Least times of the two operators alone, for nn-Meter's rule, or why there are none; `None` where
    /// that rule has nothing to say.
    pub alone: Option<Result<Alone, Error>>,
}

impl Finding {
    /// The verdict over all looks.
    pub fn verdict(&self) -> Verdict {
        Verdict::of_all(self.seen.iter().map(Seen::verdict))
    }

    /// What the runtime tells; undecided if it tells nothing, or not the same in all looks.
    pub fn told(&self) -> Verdict {
        let told: Option<Vec<bool>> = self.seen.iter().map(|seen| seen.told).collect();
        Verdict::of_all(told.unwrap_or_default().into_iter().map(Verdict::of_told))
    }

    /// The verdict; if `told`, what the runtime tells, where it does.
    pub fn answer(&self, told: bool) -> Verdict {
        match self.told() {
            Verdict::Undecided => self.verdict(),
            verdict if told => verdict,
            _ => self.verdict(),
        }
    }

    /// nn-Meter's verdict, from the operators alone.
    pub fn nn_meter(&self) -> Option<bool> {
        self.alone.as_ref()?.as_ref().ok().map(Alone::nn_meter)
    }
}

/// What was found on one image.
#[derive(Clone, Debug)]
pub struct Seen {
    /// The image.
    pub look: Look,
    /// Figures, or why there are none; `None` where nothing was measured.
    pub figures: Option<Result<Figures, Error>>,
    /// Whether the runtime says that it is fused. `None` if it says nothing, or not the same of all
    /// places where the operators stand.
    pub told: Option<bool>,
}

impl Seen {
    /// The verdict of this look.
    pub fn verdict(&self) -> Verdict {
        match &self.figures {
            Some(Ok(figures)) => figures.verdict,
            _ => Verdict::Undecided,
        }
    }
}

/// Figures of a question on one image; milliseconds, medians over the rounds, of one operator.
#[derive(Clone, Debug, PartialEq)]
pub struct Figures {
    /// What the second operator costs where the question is about it.
    pub cost: f64,
    /// What it costs on its own; for a block, what one operator does.
    pub separate: f64,
    /// The p-value of "it costs more than the share up to which it is fused".
    pub p_fused: f64,
    /// The p-value of "it costs less than the share from which on it is not".
    pub p_not_fused: f64,
    /// Number of rounds.
    pub rounds: usize,
    /// What follows from it.
    pub verdict: Verdict,
    /// Whether further rounds may change that.
    pub(super) is_open: bool,
}

/// Times of the six networks of a question, by rounds, in milliseconds.
pub(super) struct Times {
    /// Without the second operator, and with it.
    pub(super) question: [Vec<f64>; 2],
    /// The same where the operator before it has to be kept.
    pub(super) kept: [Vec<f64>; 2],
    /// The same behind a pooling.
    pub(super) pooled: [Vec<f64>; 2],
    /// How many times the operator is in each.
    pub(super) units: usize,
}

impl Figures {
    /// What the times of the rounds that all networks have say of `case`; verdicts are from `bound` on.
    pub(super) fn new(times: &Times, case: Case, look: Look, bound: f64) -> Self {
        let difference = |[without, with]: &[Vec<f64>; 2]| -> Vec<f64> {
            let both = without.iter().zip(with);
            both.map(|(without, with)| (with - without) / times.units as f64).collect()
        };
        let [costs, kept, pooled] = [&times.question, &times.kept, &times.pooled].map(difference);
        let separate: Vec<f64> =
            kept.iter().zip(&pooled).map(|(&kept, &pooled)| separate(kept, pooled, look)).collect();
        let [most, least] = shares(case, look);
        let (mut fused, mut not_fused) = (Evidence::default(), Evidence::default());
        for (cost, separate) in costs.iter().zip(&separate) {
            fused.add(most * separate - cost);
            not_fused.add(cost - least * separate);
        }
        let (p_fused, p_not_fused) = (fused.p_above(), not_fused.p_above());
        let tells = look.tells_starts() || case.second().is_light();
        let verdict = match (p_fused <= bound, p_not_fused <= bound) {
            (true, false) => Verdict::Fused,
            (false, true) if tells => Verdict::NotFused,
            _ => Verdict::Undecided,
        };
        let rounds = costs.len().min(separate.len());
        let is_open = p_fused > bound && p_not_fused > bound;
        let median = |values| quantile(values, 0.5).unwrap_or(f64::NAN);
        let (cost, separate) = (median(costs), median(separate));
        Self { cost, separate, p_fused, p_not_fused, rounds, verdict, is_open }
    }
}

/// What an operator costs on its own. Behind a result that must be kept it is not fused, but it cannot
/// work in place either, which on images takes up to twice as long; behind a pooling it can, but it
/// might be fused.
fn separate(kept: f64, pooled: f64, look: Look) -> f64 {
    if look.tells_starts() { kept } else { pooled.max(kept / 2.0) }
}

/// The shares of one operator's cost that decide; a block is one kernel if it costs what one operator
/// does, and not what two do.
fn shares(case: Case, look: Look) -> [f64; 2] {
    match case {
        Case::Pair(..) => look.shares(),
        Case::Block(_) => [1.4, 1.6],
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
    /// nn-Meter's rule: fused if the time saved is more than half of the cheaper operator's.
    pub fn nn_meter(&self) -> bool {
        self.first + self.second - self.both > 0.5 * self.first.min(self.second)
    }
}

/// How often verdicts are what the runtime tells, over all questions of which it does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Agreement {
    /// Questions of which the runtime tells.
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
    /// That of these findings.
    pub fn of<'a>(findings: impl IntoIterator<Item = &'a Finding>) -> Self {
        let mut agreement = Self::default();
        for finding in findings {
            let Some(told) = finding.told().obey() else { continue };
            let is = |said: Option<bool>, right: bool| usize::from(said == Some(told == right));
            agreement.told += 1;
            agreement.right += is(finding.verdict().obey(), true);
            agreement.wrong += is(finding.verdict().obey(), false);
            agreement.nn_meter_right += is(finding.nn_meter(), true);
            agreement.nn_meter_wrong += is(finding.nn_meter(), false);
        }
        agreement
    }

    /// Questions that are undecided.
    pub fn undecided(&self) -> usize {
        self.told - self.right - self.wrong
    }
}
