//! How far a calibration follows the timings and how far what it starts from: the multiples of
//! rates that a few timings call for.
//!
//! In three steps, each of which may be left out: one scale for all rates; a scale for each class of
//! them, pulled towards it; a multiple of each rate, pulled towards its class. Each minimises
//! `mean((predicted / measured - 1)^2) + strength x |multiple - 1|^2` with multiples not below
//! [`LEAST`], so what the timings do not tell stays as it was.

use std::collections::BTreeSet;
use std::fmt;

use crate::fit::nnls::{Gram, solve_from};

/// Least multiple of what a step starts from.
const LEAST: f64 = 0.1;

/// Whose rates are multiplied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// The base's, with the tree ensembles that correct them if it has any.
    Base,
    /// The base's without their corrections.
    Rates,
    /// Those of a made-up device whose kernels cost what they compute and move, for devices that
    /// the base says nothing of.
    Generic,
}

impl Start {
    /// All of them, what is taken by default first.
    pub const ALL: [Start; 3] = [Start::Base, Start::Rates, Start::Generic];

    /// Whether the rates are the base's.
    pub fn follows_base(self) -> bool {
        match self {
            Start::Base | Start::Rates => true,
            Start::Generic => false,
        }
    }
}

/// How strongly multiples are pulled; `None` leaves the step out.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Strengths {
    /// Whose rates are multiplied.
    pub start: Start,
    /// Of classes towards the scale of all.
    pub classes: Option<f64>,
    /// Of rates towards the scale of their class.
    pub rates: Option<f64>,
}

/// Strengths to choose from for the classes of a base.
const CLASSES: &[Option<f64>] = &[None, Some(1e-2), Some(1e-4)];
/// Strengths to choose from for the rates of a base.
const RATES: &[Option<f64>] = &[None, Some(1e-2), Some(1e-3), Some(1e-4), Some(1e-5), Some(1e-6)];
/// Strengths to choose from for what generic terms use up.
const GENERIC_CLASSES: &[Option<f64>] = &[Some(1e-2), Some(1e-3), Some(1e-4), Some(1e-5)];
/// Strengths to choose from for generic rates.
const GENERIC_RATES: &[Option<f64>] = &[Some(1e-3), Some(1e-4), Some(1e-5), Some(1e-6), Some(1e-7)];

impl Strengths {
    /// What is taken unless the timings clearly speak for another choice: each rate of the base by
    /// itself, held to one scale.
    pub const DEFAULT: Strengths =
        Strengths { start: Start::Base, classes: None, rates: Some(1e-3) };

    /// What is taken of `start` unless the timings clearly speak for another choice.
    pub(super) fn default_of(start: Start) -> Self {
        match start {
            Start::Base | Start::Rates => Self { start, ..Self::DEFAULT },
            Start::Generic => Self::GENERIC,
        }
    }

    /// What is taken of generic terms unless the timings speak for another choice.
    pub(super) const GENERIC: Strengths =
        Strengths { start: Start::Generic, classes: Some(1e-3), rates: Some(1e-4) };

    /// One scale for everything.
    pub(super) const ONE_SCALE: Strengths =
        Strengths { start: Start::Base, classes: None, rates: None };

    /// All that is chosen from for rates of `start`.
    pub(super) fn candidates(start: Start) -> Vec<Self> {
        let (classes, rates) = match start {
            Start::Base | Start::Rates => (CLASSES, RATES),
            Start::Generic => (GENERIC_CLASSES, GENERIC_RATES),
        };
        let with = |&rates: &Option<f64>| {
            classes.iter().map(move |&classes| Self { start, classes, rates })
        };
        rates.iter().flat_map(with).collect()
    }

    /// The multiple of each column; `classes` are theirs, by number. `None` where nothing of what
    /// was timed has a price.
    pub(super) fn multiples(&self, moments: &Moments, classes: &[usize]) -> Option<Vec<f64>> {
        let (gram, sums) = moments.means()?;
        let ones = vec![1.0; classes.len()];
        let all = dot(&ones, &sums) / dot(&ones, &gram.times(&ones));
        if !(all.is_finite() && all > 0.0) {
            return None;
        }
        let mut multiples = vec![all; classes.len()];
        if let Some(strength) = self.classes {
            let (members, scales) = of_classes(&gram, &sums, classes, all, strength);
            for (multiple, class) in multiples.iter_mut().zip(classes) {
                let scale = members.iter().position(|member| member == class);
                *multiple *= scale.map_or(1.0, |at| scales[at]);
            }
        }
        if let Some(strength) = self.rates {
            let start = |i: usize, j: usize| multiples[i] * gram.at(i, j) * multiples[j];
            let gram = Gram::from_fn(classes.len(), start);
            let sums: Vec<f64> = sums.iter().zip(&multiples).map(|(sum, m)| sum * m).collect();
            let own = pulled(&gram, &sums, strength);
            multiples.iter_mut().zip(&own).for_each(|(multiple, own)| *multiple *= own);
        }
        Some(multiples)
    }
}

impl fmt::Display for Strengths {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whose, class) = match self.start {
            Start::Base | Start::Rates => ("of the base", "class of kernels"),
            Start::Generic => ("of generic terms, whatever the base", "resource"),
        };
        match (self.classes, self.rates) {
            (None, None) => write!(f, "one scale for all rates {whose}")?,
            (Some(classes), None) => write!(
                f,
                "a scale for each {class} {whose}, pulled towards one for all (strength {classes})"
            )?,
            (None, Some(rates)) => write!(
                f,
                "a multiple of each rate {whose}, pulled towards one scale (strength {rates})"
            )?,
            (Some(classes), Some(rates)) => write!(
                f,
                "a scale for each {class} {whose}, pulled towards one for all (strength \
                 {classes}), and a multiple of each rate, pulled towards that (strength {rates})"
            )?,
        }
        f.write_str(match self.start {
            Start::Rates => ", without the base's tree corrections",
            Start::Base | Start::Generic => "",
        })
    }
}

/// The classes that occur, and their multiples of the scale `all`.
fn of_classes(
    gram: &Gram,
    sums: &[f64],
    classes: &[usize],
    all: f64,
    strength: f64,
) -> (Vec<usize>, Vec<f64>) {
    let members: Vec<usize> =
        classes.iter().copied().collect::<BTreeSet<_>>().into_iter().collect();
    let columns: Vec<Vec<f64>> = members
        .iter()
        .map(|member| classes.iter().map(|class| f64::from(u8::from(class == member))).collect())
        .collect();
    let products: Vec<Vec<f64>> = columns.iter().map(|column| gram.times(column)).collect();
    let merged = Gram::from_fn(members.len(), |i, j| all * all * dot(&columns[i], &products[j]));
    let sums: Vec<f64> = columns.iter().map(|column| all * dot(column, sums)).collect();
    let scales = pulled(&merged, &sums, strength);
    (members, scales)
}

/// The multiples, pulled towards 1, that bring rows with these means closest to 1.
fn pulled(gram: &Gram, sums: &[f64], strength: f64) -> Vec<f64> {
    let ridge = |i: usize, j: usize| gram.at(i, j) + if i == j { strength } else { 0.0 };
    let gram = Gram::from_fn(gram.size(), ridge);
    let at_least = gram.times(&vec![LEAST; sums.len()]);
    let right: Vec<f64> =
        sums.iter().zip(&at_least).map(|(sum, least)| sum + strength - least).collect();
    let guess = vec![1.0 - LEAST; right.len()];
    solve_from(&gram, &right, &guess).iter().map(|above| above + LEAST).collect()
}

/// Sums over rows of their products and of the rows.
#[derive(Clone, Debug)]
pub(super) struct Moments {
    gram: Gram,
    sums: Vec<f64>,
    rows: f64,
}

impl Moments {
    /// Of no rows of `columns` columns.
    pub(super) fn zeros(columns: usize) -> Self {
        Self { gram: Gram::zeros(columns), sums: vec![0.0; columns], rows: 0.0 }
    }

    /// Adds a row.
    pub(super) fn add_row(&mut self, row: &[f64]) {
        self.gram.add_outer(row, 1.0);
        self.sums.iter_mut().zip(row).for_each(|(sum, value)| *sum += value);
        self.rows += 1.0;
    }

    /// Adds the rows of another.
    pub(super) fn add(&mut self, other: &Self) {
        self.gram.add_scaled(&other.gram, 1.0);
        self.sums.iter_mut().zip(&other.sums).for_each(|(sum, add)| *sum += add);
        self.rows += other.rows;
    }

    fn means(&self) -> Option<(Gram, Vec<f64>)> {
        let mut gram = Gram::zeros(self.sums.len());
        gram.add_scaled(&self.gram, 1.0 / self.rows);
        let sums = self.sums.iter().map(|sum| sum / self.rows).collect();
        (self.rows > 0.0).then_some((gram, sums))
    }
}

pub(super) fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}
