//! Timings as one base sees them: by its rates, or by generic terms of the kernels that its fusion
//! rules make. What to choose is the business of [`choice`](super::choice).

use std::collections::BTreeMap;

use super::design::Design;
use super::strengths::{Moments, Start};
use crate::fit::samples::Samples;

/// Fewest families that are left out as such.
const FAMILIES: usize = 3;

/// One way to see timings: the rates of one of the bases, and the kernels by its fusion rules.
pub(super) struct Seen<'a> {
    pub(super) base: usize,
    pub(super) start: Start,
    pub(super) design: Design<'a>,
    pub(super) samples: &'a Samples,
}

/// The timings seen through a design.
pub(super) struct View {
    pub(super) base: usize,
    pub(super) start: Start,
    pub(super) groups: Vec<usize>,
    pub(super) rows: Vec<Vec<f64>>,
    /// Sums over the rows of each part.
    pub(super) parts: Vec<Moments>,
}

impl View {
    pub(super) fn new(seen: &Seen<'_>, part: &[usize], parts: usize) -> Self {
        let groups = seen.design.groups().to_vec();
        let rows = seen.design.rows(seen.samples);
        let mut moments = vec![Moments::zeros(groups.len()); parts];
        rows.iter().zip(part).for_each(|(row, part)| moments[*part].add_row(row));
        View { base: seen.base, start: seen.start, groups, rows, parts: moments }
    }
}

/// Whether what is left out together are families, and the unit of each timing: its family, or the
/// network.
pub(super) fn units(samples: &Samples) -> (bool, Vec<usize>) {
    let by_family = samples.families().len() >= FAMILIES;
    (by_family, if by_family { families(samples) } else { networks(samples) })
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
