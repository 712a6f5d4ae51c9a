//! Scores of operators: how much representation capacity they have for their latency.
//!
//! `score = MACs^a * parameters^b / latency^c`, divided by the best of the layer on that device. Zhang et
//! al., "Fast Hardware-Aware Neural Architecture Search" (CVPR Workshops 2020), choose the operators of a
//! space by such a measure; their formula was not at hand, so this one, and its exponents, are ours. With
//! the default ones an operator of twice the size at twice the latency has the same score.

use super::survey::Figures;
use crate::error::{Error, ErrorKind, Result};

/// Exponents of the score.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Exponents {
    /// Of multiply-accumulates.
    pub macs: f64,
    /// Of parameters.
    pub parameters: f64,
    /// Of milliseconds.
    pub latency: f64,
}

impl Default for Exponents {
    /// The geometric mean of multiply-accumulates and parameters, by the latency.
    fn default() -> Self {
        Self { macs: 0.5, parameters: 0.5, latency: 1.0 }
    }
}

/// What scores on several devices are together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Across {
    /// The least of them: an operator is as good as on the device where it is furthest behind.
    #[default]
    Worst,
    /// Their geometric mean.
    Mean,
}

impl Exponents {
    /// Checks that scores can be computed.
    pub(super) fn check(&self) -> Result<()> {
        let all = [self.macs, self.parameters, self.latency];
        match all.iter().find(|value| !(0.0..=100.0).contains(*value)) {
            None => Ok(()),
            Some(value) => {
                Err(Error::new(ErrorKind::BadConstraint, "exponent", format!("is {value}"))
                    .expected("0 to 100"))
            }
        }
    }

    /// The score on a device, not yet divided by the best: its logarithm, which does not overflow.
    fn logarithm(&self, figures: &Figures, device: usize) -> f64 {
        let power = |base: f64, exponent: f64| match exponent == 0.0 {
            true => 0.0,
            false => exponent * base.ln(),
        };
        power(figures.macs, self.macs) + power(figures.parameters, self.parameters)
            - power(figures.costs_ms[device], self.latency)
    }
}

impl Across {
    /// Scores of the operators of a layer, from 0 to 1.
    pub(super) fn scores(self, exponents: &Exponents, figures: &[&Figures]) -> Vec<f64> {
        let devices = figures.first().map_or(0, |figures| figures.costs_ms.len());
        let mut scores = vec![1.0f64; figures.len()];
        for device in 0..devices {
            let all: Vec<f64> = figures.iter().map(|f| exponents.logarithm(f, device)).collect();
            let best = all.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            for (score, own) in scores.iter_mut().zip(all) {
                // All of them are without capacity where the best is.
                let relative = if best.is_finite() { (own - best).exp() } else { 0.0 };
                *score = match self {
                    Across::Worst => score.min(relative),
                    Across::Mean => *score * relative.powf(1.0 / devices as f64),
                };
            }
        }
        scores
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figures(macs: f64, parameters: f64, costs_ms: &[f64]) -> Figures {
        let outside = vec![false; costs_ms.len()];
        Figures { macs, parameters, costs_ms: costs_ms.to_vec(), outside }
    }

    #[test]
    fn scores_are_shares_of_the_best() {
        let (a, b) = (figures(4e6, 1e4, &[2.0, 1.0]), figures(1e6, 1e4, &[1.0, 4.0]));
        let both = [&a, &b];
        let exponents = Exponents::default();
        // On the first device both have a score of 1e5; on the second, 2e5 and 0.25e5.
        let worst = Across::Worst.scores(&exponents, &both);
        assert!((worst[0] - 1.0).abs() < 1e-12 && (worst[1] - 0.125).abs() < 1e-12, "{worst:?}");
        let mean = Across::Mean.scores(&exponents, &both);
        assert!((mean[1] - 0.125f64.sqrt()).abs() < 1e-12, "{mean:?}");
    }

    #[test]
    fn operators_without_capacity_score_nothing() {
        let (a, b) = (figures(0.0, 0.0, &[2.0]), figures(1e6, 1e4, &[1.0]));
        assert_eq!(Across::Worst.scores(&Exponents::default(), &[&a, &b]), [0.0, 1.0]);
        assert_eq!(Across::Worst.scores(&Exponents::default(), &[&a]), [0.0]);
        let by_latency = Exponents { macs: 0.0, parameters: 0.0, latency: 1.0 };
        assert_eq!(Across::Worst.scores(&by_latency, &[&a, &b]), [0.5, 1.0]);
    }
}
