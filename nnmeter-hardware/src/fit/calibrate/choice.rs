//! Choosing how to calibrate by cross-validation on the timings, and judging the choice on
//! timings that had no part in it.
//!
//! The parts that are left out in turn are families of networks where there are three or more:
//! what holds for more networks of the same families need not hold for others. With fewer, they are
//! networks; equal ones stay together.
//!
//! What to start from is chosen first, between the default of the base and that of generic terms:
//! two candidates, so that ten timings can tell. How strongly to hold to it comes second.

use std::collections::BTreeMap;

use super::design::Design;
use super::strengths::{Moments, Start, Strengths, dot};
use crate::fit::samples::Samples;

/// Most parts; more networks or families share some.
const PARTS: usize = 20;
/// Fewest parts by which anything is chosen: one to judge on without another.
const PARTS_TO_CHOOSE: usize = 3;
/// Fewest families that are left out as such.
const FAMILIES: usize = 3;
/// By so many standard errors other strengths must be better than the default. With less, choices
/// from ten timings were worse than none on nn-Meter's devices.
const STANDARD_ERRORS: f64 = 2.0;
/// The same for generic terms, whose default is no device's and means less.
const GENERIC_STANDARD_ERRORS: f64 = 1.0;
/// Fewest timings of which standard errors tell anything.
const FEWEST: usize = 8;

/// The timings seen through a design.
struct View {
    start: Start,
    groups: Vec<usize>,
    rows: Vec<Vec<f64>>,
    parts: Vec<Moments>,
}

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
    /// What is chosen from, the default first.
    candidates: Vec<Candidate>,
}

/// What may be chosen, and how far it is off.
struct Candidate {
    strengths: Strengths,
    /// For each timing and each part, predicted over measured by the fit without that part and the
    /// timing's own.
    ratios: Vec<Vec<f64>>,
}

impl Timings {
    pub(super) fn new(designs: &[(Start, Design<'_>)], samples: &Samples) -> Self {
        let by_family = samples.families().len() >= FAMILIES;
        let unit = if by_family { families(samples) } else { networks(samples) };
        let units = unit.iter().max().map_or(0, |last| last + 1);
        let parts = units.min(PARTS);
        let part: Vec<usize> = unit.iter().map(|unit| unit % parts.max(1)).collect();
        let view = |(start, design): &(Start, Design<'_>)| {
            let rows = design.rows(samples);
            let mut moments = vec![Moments::zeros(design.groups().len()); parts];
            rows.iter().zip(&part).for_each(|(row, part)| moments[*part].add_row(row));
            View { start: *start, groups: design.groups().to_vec(), rows, parts: moments }
        };
        let views = designs.iter().map(view).collect();
        let mut timings = Self { views, part, parts, unit, by_family, candidates: Vec::new() };
        timings.candidates = timings.judged();
        timings
    }

    /// All candidates that can be fitted without any two parts; with too few parts to choose by,
    /// the default alone.
    fn judged(&self) -> Vec<Candidate> {
        let default = self.default_strengths();
        let others = self.views.iter().flat_map(|view| Strengths::candidates(view.start));
        let others =
            others.filter(|strengths| *strengths != default && self.parts >= PARTS_TO_CHOOSE);
        let all = std::iter::once(default).chain(others);
        let judged = |strengths| Some(Candidate { strengths, ratios: self.ratios(strengths)? });
        all.filter_map(judged).collect()
    }

    fn default_strengths(&self) -> Strengths {
        Strengths::default_of(self.views[0].start)
    }

    /// See [`Candidate::ratios`]; `None` if there are too few parts.
    fn ratios(&self, strengths: Strengths) -> Option<Vec<Vec<f64>>> {
        let view = self.view(strengths);
        let mut ratios = vec![vec![0.0; self.parts]; self.part.len()];
        for a in 0..self.parts {
            let last = if self.parts < PARTS_TO_CHOOSE { a + 1 } else { self.parts };
            for b in a..last {
                let multiples = self.fit(strengths, &[a, b])?;
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

    /// The multiples by `strengths` of the timings of all parts but those in `without`.
    fn fit(&self, strengths: Strengths, without: &[usize]) -> Option<Vec<f64>> {
        let view = self.view(strengths);
        let mut moments = Moments::zeros(view.groups.len());
        let kept = view.parts.iter().enumerate().filter(|(part, _)| !without.contains(part));
        kept.for_each(|(_, part)| moments.add(part));
        strengths.multiples(&moments, &view.groups)
    }

    /// The multiples by `strengths` of all timings; `None` if nothing of them has a price.
    pub(super) fn fit_all(&self, strengths: Strengths) -> Option<Vec<f64>> {
        self.fit(strengths, &[])
    }

    fn view(&self, strengths: Strengths) -> &View {
        let found = self.views.iter().find(|view| view.start == strengths.start);
        found.unwrap_or(&self.views[0])
    }

    /// The strengths that the timings call for.
    pub(super) fn choose(&self) -> Strengths {
        self.best(None).map_or(self.default_strengths(), |best| best.strengths)
    }

    /// The candidate that all parts but `without` call for; `None` if there are too few parts.
    fn best(&self, without: Option<usize>) -> Option<&Candidate> {
        let default = self.default(without)?;
        let may_leave_base = !default.strengths.start.follows_base();
        let follows_base = |of: &Candidate| of.strengths.start.follows_base();
        let rivals = self.candidates.iter().filter(|of| may_leave_base || follows_base(of));
        let (best, _) = rivals
            .map(|rival| (rival, mean(&self.distances(rival, without))))
            .min_by(|a, b| a.1.total_cmp(&b.1))?;
        let bar = if follows_base(best) { STANDARD_ERRORS } else { GENERIC_STANDARD_ERRORS };
        let gain = self.gain(best, default, without);
        Some(if gain.is_some_and(|gain| gain > bar) { best } else { default })
    }

    /// The default of what to start from.
    fn default(&self, without: Option<usize>) -> Option<&Candidate> {
        let first = self.candidates.first()?;
        let generic = self.candidates.iter().find(|of| of.strengths == Strengths::GENERIC);
        let gain = |generic: &&Candidate| self.gain(generic, first, without);
        Some(
            generic.filter(|generic| gain(generic).is_some_and(|gain| gain > 0.0)).unwrap_or(first),
        )
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

fn families(samples: &Samples) -> Vec<usize> {
    samples.samples().iter().map(|sample| sample.family).collect()
}

/// Which network each sample is; equal ones are the same.
fn networks(samples: &Samples) -> Vec<usize> {
    let mut networks: BTreeMap<&[(u32, u32)], usize> = BTreeMap::new();
    let mut units = Vec::with_capacity(samples.samples().len());
    for sample in samples.samples() {
        let next = networks.len();
        units.push(*networks.entry(&sample.kernels).or_insert(next));
    }
    units
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
}
