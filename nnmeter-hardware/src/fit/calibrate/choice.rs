//! Choosing how to calibrate by cross-validation on the timings, and judging the choice on
//! timings that had no part in it.
//!
//! The parts that are left out in turn are families of networks where there are three or more:
//! what holds for more networks of the same families need not hold for others. With fewer, they are
//! networks; equal ones stay together.

use std::collections::BTreeMap;

use super::class::Class;
use super::design::Design;
use super::strengths::{Moments, Strengths, dot};
use crate::fit::samples::Samples;

/// Most parts; more networks or families share some.
const PARTS: usize = 20;
/// Fewest families that are left out as such.
const FAMILIES: usize = 3;
/// Another choice than the default must be better by so many standard errors. With less, choices
/// from ten timings were worse than none on nn-Meter's devices.
const STANDARD_ERRORS: f64 = 2.0;
/// Fewest timings of which standard errors tell anything.
const FEWEST: usize = 8;

/// Whether the base's tree corrections are kept, and the timings seen so.
pub(super) struct View {
    corrected: bool,
    classes: Vec<Class>,
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
}

impl Timings {
    /// `designs` are the base with its corrections and, if it has any, without.
    pub(super) fn new(designs: &[Design<'_>], samples: &Samples) -> Self {
        let by_family = samples.families().len() >= FAMILIES;
        let unit = if by_family { families(samples) } else { networks(samples) };
        let units = unit.iter().max().map_or(0, |last| last + 1);
        let parts = units.min(PARTS);
        let part: Vec<usize> = unit.iter().map(|unit| unit % parts.max(1)).collect();
        let view = |(at, design): (usize, &Design<'_>)| {
            let rows = design.rows(samples);
            let mut moments = vec![Moments::zeros(design.classes().len()); parts];
            rows.iter().zip(&part).for_each(|(row, part)| moments[*part].add_row(row));
            View { corrected: at == 0, classes: design.classes().to_vec(), rows, parts: moments }
        };
        Self { views: designs.iter().enumerate().map(view).collect(), part, parts, unit, by_family }
    }

    /// The multiples by `strengths` of the timings of all parts but those in `without`.
    fn fit(&self, strengths: Strengths, without: &[usize]) -> Option<Vec<f64>> {
        let view = self.view(strengths);
        let mut moments = Moments::zeros(view.classes.len());
        let kept = view.parts.iter().enumerate().filter(|(part, _)| !without.contains(part));
        kept.for_each(|(_, part)| moments.add(part));
        strengths.multiples(&moments, &view.classes)
    }

    /// The multiples by `strengths` of all timings; `None` if the base prices nothing of them.
    pub(super) fn fit_all(&self, strengths: Strengths) -> Option<Vec<f64>> {
        self.fit(strengths, &[])
    }

    fn view(&self, strengths: Strengths) -> &View {
        let found = self.views.iter().find(|view| view.corrected == strengths.corrected);
        found.unwrap_or(&self.views[0])
    }

    /// The strengths that all parts but those in `without` call for.
    pub(super) fn choose(&self, without: &[usize]) -> Strengths {
        let default = self.distances(Strengths::DEFAULT, without);
        let candidates = Strengths::candidates(self.views.len() > 1).into_iter();
        let best = candidates
            .filter_map(|candidate| Some((candidate, self.distances(candidate, without)?)))
            .min_by(|a, b| mean(&a.1).total_cmp(&mean(&b.1)));
        match (best, default) {
            (Some((best, distances)), Some(default)) if is_better(&distances, &default) => best,
            _ => Strengths::DEFAULT,
        }
    }

    /// How far each timing is predicted off, as `|ln(predicted / measured)|`, by a fit without its
    /// part and those in `without`; `None` if there are too few parts.
    fn distances(&self, strengths: Strengths, without: &[usize]) -> Option<Vec<f64>> {
        let mut distances = Vec::with_capacity(self.part.len());
        for part in (0..self.parts).filter(|part| !without.contains(part)) {
            let left_out: Vec<usize> = without.iter().copied().chain([part]).collect();
            let multiples = self.fit(strengths, &left_out)?;
            let rows = self.view(strengths).rows.iter().zip(&self.part);
            let own = rows.filter(|(_, of)| **of == part).map(|(row, _)| dot(row, &multiples));
            distances.extend(own.map(|ratio| ratio.max(f64::MIN_POSITIVE).ln().abs()));
        }
        Some(distances)
    }

    /// Predicted over measured for each timing, by a fit and a choice that its part had no share
    /// in; `None` if there are too few parts.
    pub(super) fn held_out(&self) -> Option<Vec<f64>> {
        let mut ratios = vec![0.0; self.part.len()];
        for part in 0..self.parts {
            let strengths = self.choose(&[part]);
            let multiples = self.fit(strengths, &[part])?;
            let rows = self.view(strengths).rows.iter();
            for (ratio, (row, _)) in
                ratios.iter_mut().zip(rows.zip(&self.part)).filter(|(_, (_, of))| **of == part)
            {
                *ratio = dot(row, &multiples);
            }
        }
        (self.parts > 1).then_some(ratios)
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

/// Whether errors are smaller than others of the same timings by more than chance.
fn is_better(errors: &[f64], others: &[f64]) -> bool {
    let gains: Vec<f64> = others.iter().zip(errors).map(|(other, error)| other - error).collect();
    let gain = mean(&gains);
    let squares: f64 = gains.iter().map(|own| (own - gain).powi(2)).sum();
    let count = gains.len() as f64;
    gains.len() >= FEWEST && gain > STANDARD_ERRORS * (squares / (count * (count - 1.0))).sqrt()
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
}
