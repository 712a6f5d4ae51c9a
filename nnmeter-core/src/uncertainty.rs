//! How far a predicted total is off, as a distribution: intervals at any level and the probability
//! that a cost stays within a budget are read off it.
//!
//! An error is `ln(measured / predicted)`, signed: positive where the device took more than
//! predicted. How the distribution was estimated is the business of whoever fits; see the crate
//! `nnmeter-hardware`, `fit/intervals.rs`.

use std::ops::RangeInclusive;

use crate::error::{Error, ErrorKind, Result};

/// By how much probabilities that are meant to be equal may differ.
const ROUNDING: f64 = 1e-9;

/// Quantiles of the error of one class of networks, linear between the points that are given.
///
/// Beyond the first and the last point nothing is claimed: a quantile there is infinite.
#[derive(Clone, Debug, PartialEq)]
pub struct Quantiles {
    points: Vec<(f64, f64)>,
}

/// How far the totals of a device are off.
#[derive(Clone, Debug, PartialEq)]
pub struct Uncertainty {
    level: f64,
    inside: Quantiles,
    outside: Quantiles,
    totals: RangeInclusive<f64>,
}

/// Why a network lies outside of what a device's models were fitted on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum OutsideFit {
    /// Some kernel lies outside of the region that its model was fitted on.
    Kernels,
    /// The total is smaller than that of any network fitted on.
    SmallTotal,
    /// The total is larger than that of any network fitted on.
    LargeTotal,
}

impl Quantiles {
    /// The quantile function through `points`, each a probability and the error that is not
    /// exceeded with it.
    ///
    /// # Errors
    /// If there are fewer than two points, probabilities do not rise between 0 and 1 (both
    /// excluded), or errors fall or are not finite.
    pub fn new(points: Vec<(f64, f64)>) -> Result<Self> {
        let in_reach = |&(p, error): &(f64, f64)| 0.0 < p && p < 1.0 && error.is_finite();
        let rises = |pair: &[(f64, f64)]| pair[0].0 < pair[1].0 && pair[0].1 <= pair[1].1;
        if points.len() >= 2 && points.iter().all(in_reach) && points.windows(2).all(rises) {
            return Ok(Self { points });
        }
        let wrong = points.windows(2).find(|pair| !pair.iter().all(in_reach) || !rises(pair));
        let found = match wrong {
            Some([(p, a), (q, b)]) => format!("go from {a} at {p} to {b} at {q}"),
            _ => format!("are {} points", points.len()),
        };
        Err(Error::new(ErrorKind::BadModel, "quantiles of errors", found).expected(
            "two or more, of probabilities that rise between 0 and 1 and errors that do not fall",
        ))
    }

    /// The points.
    pub fn points(&self) -> &[(f64, f64)] {
        &self.points
    }

    /// The error that is not exceeded with `probability`; infinite beyond the points.
    pub fn at(&self, probability: f64) -> f64 {
        let above = self.points.partition_point(|point| point.0 < probability - ROUNDING);
        match (above.checked_sub(1).map(|below| self.points[below]), self.points.get(above)) {
            (_, Some(&(p, error))) if p <= probability + ROUNDING => error,
            (Some((p, low)), Some(&(q, high))) => low + (high - low) * (probability - p) / (q - p),
            (None, _) => f64::NEG_INFINITY,
            (_, None) => f64::INFINITY,
        }
    }

    /// The errors between which the share `level` lies, as much of the rest below as above.
    pub fn ends(&self, level: f64) -> (f64, f64) {
        (self.at(0.5 - level / 2.0), self.at(0.5 + level / 2.0))
    }

    /// Probability that the error is at most `error`: never less than that of the first point, and
    /// never more than that of the last.
    pub fn probability_of_at_most(&self, error: f64) -> f64 {
        let above = self.points.partition_point(|point| point.1 <= error);
        match (above.checked_sub(1).map(|below| self.points[below]), self.points.get(above)) {
            (Some((p, low)), Some(&(q, high))) => p + (q - p) * (error - low) / (high - low),
            (Some((p, _)), None) | (None, Some(&(p, _))) => p,
            (None, None) => 0.0, // there are two points at least
        }
    }
}

impl Uncertainty {
    /// Errors of networks `inside` of what the models were fitted on and `outside` of it, where
    /// the networks fitted on cost `totals`; intervals hold the share `level` of networks.
    ///
    /// # Errors
    /// If `level` is not above 0 or beyond what the quantiles reach, or `totals` are not two
    /// numbers of which the smaller is first and not negative.
    pub fn new(
        level: f64,
        inside: Quantiles,
        outside: Quantiles,
        totals: RangeInclusive<f64>,
    ) -> Result<Self> {
        let wrong = |found: String| Error::new(ErrorKind::BadModel, "uncertainty", found);
        let (low, high) = (*totals.start(), *totals.end());
        if !(0.0 <= low && low <= high && high.is_finite()) {
            return Err(wrong(format!("has totals from {low} to {high}"))
                .expected("two numbers from 0 on, the smaller first"));
        }
        let reaches = |quantiles: &Quantiles| {
            let (low, high) = quantiles.ends(level);
            low.is_finite() && high.is_finite()
        };
        if level > 0.0 && reaches(&inside) && reaches(&outside) {
            return Ok(Self { level, inside, outside, totals });
        }
        Err(wrong(format!("has the level {level}"))
            .expected("a level above 0 that the quantiles reach"))
    }

    /// Share of networks that an interval holds unless another is asked for, 0 to 1.
    pub fn level(&self) -> f64 {
        self.level
    }

    /// Errors of networks inside of what the models were fitted on.
    pub fn inside(&self) -> &Quantiles {
        &self.inside
    }

    /// Errors of networks outside of it.
    pub fn outside(&self) -> &Quantiles {
        &self.outside
    }

    /// Errors of networks that lie outside of what the models were fitted on, or inside of it.
    pub fn errors(&self, outside: bool) -> &Quantiles {
        if outside { &self.outside } else { &self.inside }
    }

    /// The smallest and the largest cost of the networks fitted on, in the metric's unit.
    pub fn totals(&self) -> &RangeInclusive<f64> {
        &self.totals
    }

    /// Why a total lies outside of those of the networks fitted on, if it does.
    pub fn outside_totals(&self, total: f64) -> Option<OutsideFit> {
        match total {
            total if total < *self.totals.start() => Some(OutsideFit::SmallTotal),
            total if total > *self.totals.end() => Some(OutsideFit::LargeTotal),
            _ => None,
        }
    }
}

impl OutsideFit {
    /// The name in reports: `kernels`.
    pub fn name(self) -> &'static str {
        match self {
            OutsideFit::Kernels => "kernels",
            OutsideFit::SmallTotal => "small_total",
            OutsideFit::LargeTotal => "large_total",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quantiles() -> Quantiles {
        let points = [(0.01, -0.4), (0.05, -0.1), (0.5, 0.02), (0.6, 0.02), (0.95, 0.2)];
        Quantiles::new(points.to_vec()).expect("they rise")
    }

    #[test]
    fn reads_between_the_points_both_ways() {
        let quantiles = quantiles();
        assert_eq!((quantiles.at(0.05), quantiles.at(0.5 - 0.9 / 2.0)), (-0.1, -0.1));
        assert!((quantiles.at(0.03) + 0.25).abs() < 1e-12);
        assert_eq!((quantiles.at(0.009), quantiles.at(0.951)), (f64::NEG_INFINITY, f64::INFINITY));
        for p in [0.01, 0.03, 0.2, 0.7, 0.95] {
            let back = quantiles.probability_of_at_most(quantiles.at(p));
            assert!((back - p).abs() < 1e-12, "{p} {back}");
        }
        assert_eq!(quantiles.probability_of_at_most(0.02), 0.6);
        assert_eq!(quantiles.probability_of_at_most(-9.0), 0.01);
        assert_eq!(quantiles.probability_of_at_most(9.0), 0.95);
    }

    #[test]
    fn probabilities_never_fall() {
        let quantiles = quantiles();
        let probabilities: Vec<f64> =
            (-60..60).map(|i| quantiles.probability_of_at_most(0.01 * f64::from(i))).collect();
        assert!(probabilities.windows(2).all(|pair| pair[0] <= pair[1]), "{probabilities:?}");
    }

    #[test]
    fn refuses_what_is_no_distribution() {
        let refusal = |points: &[(f64, f64)]| {
            Quantiles::new(points.to_vec()).expect_err("must be refused").to_string()
        };
        expect_test::expect!["quantiles of errors: are 1 points; expected two or more, of probabilities that rise between 0 and 1 and errors that do not fall"]
            .assert_eq(&refusal(&[(0.5, 0.0)]));
        for points in [
            [(0.1, 0.0), (0.1, 0.1)],
            [(0.1, 0.1), (0.2, 0.0)],
            [(0.0, 0.0), (0.2, 0.0)],
            [(0.1, 0.0), (1.0, 0.0)],
            [(0.1, f64::NEG_INFINITY), (0.2, 0.0)],
            [(0.1, 0.0), (0.2, f64::NAN)],
            [(f64::NAN, 0.0), (0.2, 0.0)],
        ] {
            assert!(refusal(&points).contains("go from"), "{points:?}");
        }
        let uncertainty = |level, totals| Uncertainty::new(level, quantiles(), quantiles(), totals);
        assert!(uncertainty(0.9, 1.0..=2.0).is_ok());
        for (level, totals) in [
            (0.95, 1.0..=2.0),
            (0.0, 1.0..=2.0),
            (f64::NAN, 1.0..=2.0),
            (0.9, 2.0..=1.0),
            (0.9, -1.0..=1.0),
            (0.9, 0.0..=f64::INFINITY),
            (0.9, f64::NAN..=1.0),
        ] {
            assert!(uncertainty(level, totals.clone()).is_err(), "{level} {totals:?}");
        }
    }
}
