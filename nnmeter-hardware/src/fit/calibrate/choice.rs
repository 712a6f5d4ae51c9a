//! Choosing how to calibrate by cross-validation on the timings, and judging the choice on
//! timings that had no part in it.
//!
//! The parts that are left out in turn are families of networks where there are three or more:
//! what holds for more networks of the same families need not hold for others. With fewer, they are
//! networks; equal ones stay together.
//!
//! What to start from is chosen first: of several bases, the one whose default is closest; then
//! between that and the default of generic terms. So few candidates ten timings can tell apart. How
//! strongly to hold to what was chosen comes second, and only that is asked of other strengths.

use std::collections::BTreeSet;

use super::strengths::{Moments, Start, Strengths, dot};
use super::view::{Seen, View, units};

/// Most parts; more networks or families share some.
const PARTS: usize = 20;
/// Fewest parts by which anything is chosen: one to judge on without another.
const PARTS_TO_CHOOSE: usize = 3;
/// By so many standard errors other strengths must be better than the default. With less, choices
/// from ten timings were worse than none on nn-Meter's devices.
const STANDARD_ERRORS: f64 = 2.0;
/// The same for generic terms, whose default is no device's and means less.
const GENERIC_STANDARD_ERRORS: f64 = 1.0;
/// Fewest timings of which standard errors tell anything.
pub(super) const FEWEST: usize = 8;

/// The timings as cross-validation sees them.
pub(super) struct Timings {
    views: Vec<View>,
    /// The part of each timing.
    part: Vec<usize>,
    parts: usize,
    /// The unit of exchange of each timing: its family, or the network.
    pub(super) unit: Vec<usize>,
    /// Whether that is its family.
    pub(super) by_family: bool,
    /// What is chosen from, first the defaults of what to start from.
    candidates: Vec<Candidate>,
    defaults: usize,
}

/// What was chosen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Choice {
    pub(super) base: usize,
    pub(super) strengths: Strengths,
}

/// What may be chosen, and how far it is off.
struct Candidate {
    choice: Choice,
    /// For each timing and each part, predicted over measured by the fit without that part and the
    /// timing's own.
    ratios: Vec<Vec<f64>>,
}

impl Timings {
    /// The timings in the ways given, the default first.
    pub(super) fn new(seen: &[Seen<'_>]) -> Self {
        let (by_family, unit) =
            seen.first().map_or((false, Vec::new()), |first| units(first.samples));
        let units = unit.iter().max().map_or(0, |last| last + 1);
        let parts = units.min(PARTS);
        let part: Vec<usize> = unit.iter().map(|unit| unit % parts.max(1)).collect();
        let views = seen.iter().map(|seen| View::new(seen, &part, parts)).collect();
        let mut timings =
            Self { views, part, parts, unit, by_family, candidates: Vec::new(), defaults: 0 };
        timings.candidates = timings.judged(timings.defaults());
        timings.defaults = timings.candidates.len();
        if timings.can_choose() {
            timings.candidates.extend(timings.judged(timings.rivals_of_defaults()));
        }
        timings
    }

    /// Whether there are enough parts to choose by.
    pub(super) fn can_choose(&self) -> bool {
        self.parts >= PARTS_TO_CHOOSE
    }

    /// The default of each base and of generic terms; with too few parts to choose by, the first.
    fn defaults(&self) -> Vec<Choice> {
        let mut seen = BTreeSet::new();
        let firsts = self.views.iter().filter(|of| seen.insert((of.base, of.start.follows_base())));
        let most = if self.can_choose() { self.views.len() } else { 1 };
        let default = |view: &View| Choice::default_of(view);
        firsts.take(most).map(default).collect()
    }

    /// What else may be chosen, given which defaults may be.
    fn rivals_of_defaults(&self) -> Vec<Choice> {
        let withouts = std::iter::once(None).chain((0..self.parts).map(Some));
        let defaults: Vec<&Candidate> =
            withouts.filter_map(|without| self.default(without)).collect();
        let is_rival = |view: &&View| defaults.iter().any(|of| of.has_rival(view.base, view.start));
        let rivals = self.views.iter().filter(is_rival).flat_map(|view| {
            Strengths::candidates(view.start)
                .into_iter()
                .map(|strengths| Choice { base: view.base, strengths })
        });
        rivals.filter(|choice| self.candidates.iter().all(|of| of.choice != *choice)).collect()
    }

    /// Those that can be fitted without any two parts.
    fn judged(&self, choices: Vec<Choice>) -> Vec<Candidate> {
        let judged = |choice| Some(Candidate { choice, ratios: self.ratios(choice)? });
        choices.into_iter().filter_map(judged).collect()
    }

    /// See [`Candidate::ratios`]; `None` if there are too few parts.
    fn ratios(&self, choice: Choice) -> Option<Vec<Vec<f64>>> {
        let view = self.view(choice);
        let mut ratios = vec![vec![0.0; self.parts]; self.part.len()];
        for a in 0..self.parts {
            let last = if self.can_choose() { self.parts } else { a + 1 };
            for b in a..last {
                let multiples = self.fit(choice, &[a, b])?;
                for (row, (ratios, &part)) in
                    view.rows.iter().zip(ratios.iter_mut().zip(&self.part))
                {
                    if part == a {
                        ratios[b] = dot(row, &multiples);
                    } else if part == b {
                        ratios[a] = dot(row, &multiples);
                    }
                }
            }
        }
        Some(ratios)
    }

    /// The multiples by `choice` of the timings of all parts but those in `without`.
    fn fit(&self, choice: Choice, without: &[usize]) -> Option<Vec<f64>> {
        let view = self.view(choice);
        let mut moments = Moments::zeros(view.groups.len());
        let kept = view.parts.iter().enumerate().filter(|(part, _)| !without.contains(part));
        kept.for_each(|(_, part)| moments.add(part));
        choice.strengths.multiples(&moments, &view.groups)
    }

    /// The multiples by `choice` of all timings; `None` if nothing of them has a price.
    pub(super) fn fit_all(&self, choice: Choice) -> Option<Vec<f64>> {
        self.fit(choice, &[])
    }

    /// Which of the ways to see timings `choice` is about.
    pub(super) fn seen(&self, choice: Choice) -> usize {
        let is_it = |view: &View| (view.base, view.start) == (choice.base, choice.strengths.start);
        self.views.iter().position(is_it).unwrap_or_default()
    }

    fn view(&self, choice: Choice) -> &View {
        &self.views[self.seen(choice)]
    }

    /// What the timings call for.
    pub(super) fn choose(&self) -> Choice {
        let default = || Choice::default_of(&self.views[0]);
        self.best(None).map_or_else(default, |best| best.choice)
    }

    /// The candidate that all parts but `without` call for; `None` if there are too few parts.
    fn best(&self, without: Option<usize>) -> Option<&Candidate> {
        let default = self.default(without)?;
        let is_rival =
            |of: &&Candidate| default.has_rival(of.choice.base, of.choice.strengths.start);
        let rivals = self.candidates.iter().filter(is_rival);
        let best = self.closest(rivals, without)?;
        let bar = if best.follows_base() { STANDARD_ERRORS } else { GENERIC_STANDARD_ERRORS };
        let gain = self.gain(best, default, without);
        Some(if gain.is_some_and(|gain| gain > bar) { best } else { default })
    }

    /// The default of what to start from.
    fn default(&self, without: Option<usize>) -> Option<&Candidate> {
        let closest = |own: bool| {
            self.closest(self.of_defaults().filter(|of| of.follows_base() == own), without)
        };
        match (closest(true), closest(false)) {
            (Some(base), Some(generic)) => {
                let is_closer = self.gain(generic, base, without).is_some_and(|gain| gain > 0.0);
                Some(if is_closer { generic } else { base })
            }
            (base, generic) => base.or(generic),
        }
    }

    fn of_defaults(&self) -> impl Iterator<Item = &Candidate> {
        self.candidates[..self.defaults].iter()
    }

    /// How the defaults of all ways to start compare: their choices, and how far networks left out
    /// are off on average, as a log.
    pub(super) fn compared(&self) -> Vec<(Choice, f64)> {
        let error = |of: &Candidate| mean(&self.distances(of, None));
        self.of_defaults().map(|of| (of.choice, error(of))).collect()
    }

    fn closest<'t>(
        &self,
        among: impl Iterator<Item = &'t Candidate>,
        without: Option<usize>,
    ) -> Option<&'t Candidate> {
        let all = among.map(|of| (of, mean(&self.distances(of, without))));
        Some(all.min_by(|a, b| a.1.total_cmp(&b.1))?.0)
    }

    /// By how many standard errors `one` is closer to the timings than `other`; `None` if there are
    /// too few to tell.
    fn gain(&self, one: &Candidate, other: &Candidate, without: Option<usize>) -> Option<f64> {
        let (one, other) = (self.distances(one, without), self.distances(other, without));
        let gains: Vec<f64> = other.iter().zip(&one).map(|(other, one)| other - one).collect();
        let gain = mean(&gains);
        let squares: f64 = gains.iter().map(|own| (own - gain).powi(2)).sum();
        let count = gains.len() as f64;
        (gains.len() >= FEWEST).then(|| gain / (squares / (count * (count - 1.0))).sqrt())
    }

    /// How far each timing but those of the part `without` is predicted off, as
    /// `|ln(predicted / measured)|`, by a fit without its part and `without`.
    fn distances(&self, candidate: &Candidate, without: Option<usize>) -> Vec<f64> {
        let all = candidate.ratios.iter().zip(&self.part);
        let others = all.filter(|(_, part)| Some(**part) != without);
        others
            .map(|(ratios, part)| {
                ratios[without.unwrap_or(*part)].max(f64::MIN_POSITIVE).ln().abs()
            })
            .collect()
    }

    /// Predicted over measured for each timing, by a fit and a choice that its part had no share
    /// in; `None` if there are too few parts.
    pub(super) fn held_out(&self) -> Option<Vec<f64>> {
        let best: Vec<&Candidate> =
            (0..self.parts).map(|part| self.best(Some(part))).collect::<Option<_>>()?;
        let ratio = |(row, &part): (usize, &usize)| best[part].ratios[row][part];
        (self.parts > 1).then(|| self.part.iter().enumerate().map(ratio).collect())
    }
}

impl Choice {
    fn default_of(view: &View) -> Self {
        Self { base: view.base, strengths: Strengths::default_of(view.start) }
    }
}

impl Candidate {
    fn follows_base(&self) -> bool {
        self.choice.strengths.start.follows_base()
    }

    /// Whether another candidate may be chosen where this one is the default: one of the same base,
    /// and none of generic terms if this one is not.
    fn has_rival(&self, base: usize, start: Start) -> bool {
        base == self.choice.base && (start.follows_base() || !self.follows_base())
    }
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
}
