//! Quantiles of errors with families as the exchangeable unit: the arithmetic of
//! [`intervals`](super::intervals), which says where it comes from.
//!
//! Quantiles are kept as pairs of tails, below and above, at the probabilities [`TAIL`]; each is
//! rounded outwards to an error that was seen.

use nnmeter_core::uncertainty::Quantiles;

use crate::error::Result;

/// Probabilities of the quantiles below the median; those above mirror them.
pub(super) const TAIL: [f64; 15] =
    [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45];

/// The outer of two tails, on either side.
pub(super) fn wider(a: &[(f64, f64)], b: &[(f64, f64)]) -> Vec<(f64, f64)> {
    a.iter().zip(b).map(|(a, b)| (a.0.min(b.0), a.1.max(b.1))).collect()
}

/// The quantile function whose lower and upper tails at [`TAIL`] are given.
pub(super) fn quantiles(tails: Vec<(f64, f64)>) -> Result<Quantiles> {
    let lower = TAIL.iter().zip(&tails).map(|(&p, (low, _))| (p, *low));
    let upper = TAIL.iter().zip(&tails).rev().map(|(&p, (_, high))| (1.0 - p, *high));
    Ok(Quantiles::new(lower.chain(upper).collect())?)
}

/// Errors with the weights of their families.
pub(super) struct Errors {
    /// Errors and their weights, ascending.
    weighted: Vec<(f64, f64)>,
    /// Weight of what lies beyond all errors, at either end.
    beyond: f64,
}

impl Errors {
    /// Of families, each of the same weight however many errors it has.
    pub(super) fn of(families: &[Vec<f64>]) -> Self {
        let filled = families.iter().filter(|family| !family.is_empty());
        let weight = 1.0 / (filled.clone().count() + 1) as f64;
        let each = |family: &Vec<f64>| weight / family.len() as f64;
        let mut weighted: Vec<(f64, f64)> =
            filled.flat_map(|family| family.iter().map(|&error| (error, each(family)))).collect();
        weighted.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
        Self { weighted, beyond: weight / 2.0 }
    }

    /// Half of the range of the errors.
    pub(super) fn half_range(&self) -> f64 {
        let ends = self.weighted.first().zip(self.weighted.last());
        ends.map_or(0.0, |(first, last)| (last.0 - first.0) / 2.0)
    }

    /// For each probability of [`TAIL`], the errors below and above which no more lie than that;
    /// beyond all errors, of an exponential tail of `scale`.
    pub(super) fn tails(&self, scale: f64) -> Vec<(f64, f64)> {
        let mirrored: Vec<(f64, f64)> = self.weighted.iter().map(|(e, w)| (-e, *w)).collect();
        let low = |p: f64| -self.tail(p, scale, mirrored.iter());
        let high = |p: f64| self.tail(p, scale, self.weighted.iter().rev());
        TAIL.iter().map(|&p| (low(p), high(p))).collect()
    }

    /// The smallest error above which lies no more than `p`, of errors in descending order.
    fn tail<'a>(
        &self,
        p: f64,
        scale: f64,
        descending: impl Iterator<Item = &'a (f64, f64)> + Clone,
    ) -> f64 {
        if p < self.beyond {
            let largest = descending.clone().next().map_or(0.0, |(error, _)| *error);
            return largest + scale * (self.beyond / p).ln();
        }
        let mut above = self.beyond;
        let mut last = 0.0;
        for &(error, weight) in descending {
            last = error;
            above += weight;
            if above > p {
                break;
            }
        }
        last
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_error_a_family_is_split_conformal() {
        // Of 19 errors, the smallest and the largest hold 90 % of what comes.
        let families: Vec<Vec<f64>> = (0..19).map(|error| vec![f64::from(error)]).collect();
        let errors = Errors::of(&families);
        let errors = quantiles(errors.tails(errors.half_range())).expect("finite errors");
        assert_eq!((errors.at(0.05), errors.at(0.95), errors.at(0.85)), (0.0, 18.0, 16.0));
        // Beyond them: an exponential tail of scale 9.
        let far = 18.0 + 9.0 * (0.025_f64 / 0.01).ln();
        assert!((errors.at(0.99) - far).abs() < 1e-9);
    }

    #[test]
    fn a_family_counts_once_however_large() {
        let large: Vec<f64> = (0..1000).map(|_| 1.0).collect();
        let mut families: Vec<Vec<f64>> = (0..30).map(|error| vec![f64::from(error)]).collect();
        families.push(large);
        let errors = quantiles(Errors::of(&families).tails(1.0)).expect("finite errors");
        assert!(errors.at(0.55) > 10.0, "{}", errors.at(0.55));
    }

    #[test]
    fn of_no_errors_only_the_tail_is_left() {
        let errors = quantiles(Errors::of(&[]).tails(2.0)).expect("finite errors");
        let far = 2.0 * (0.5_f64 / 0.05).ln();
        assert!((errors.at(0.95) - far).abs() < 1e-9 && (errors.at(0.05) + far).abs() < 1e-9);
    }
}
