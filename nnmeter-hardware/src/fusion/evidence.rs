//! Evidence that a difference between paired figures is above or below zero, which may be looked at
//! after every round.
//!
//! A sign test, so that it takes nothing for granted of how noise is distributed: where the median
//! of a difference is not above zero, each sign is positive with a probability of at most one half.
//! Its sequential form is Robbins' mixture ("Statistical methods related to the law of the iterated
//! logarithm", Annals of Mathematical Statistics 41, 1970): the likelihood of the signs so far,
//! averaged over all probabilities above one half with equal weight, over their likelihood at one
//! half. Under the hypothesis this ratio is a supermartingale that begins at 1, so by Ville's
//! inequality it ever reaches `1/p` with a probability of at most `p`: whoever stops when they like
//! errs no more often than they say.

/// Signs of differences, and the evidence in them.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Evidence {
    above: u32,
    below: u32,
    /// Greatest logarithm of the likelihood ratio so far, in favour of each side.
    log_above: f64,
    log_below: f64,
}

impl Evidence {
    /// Adds the difference of a round. One that is zero, or no number, says nothing.
    pub fn add(&mut self, difference: f64) {
        if difference > 0.0 {
            self.above += 1;
        } else if difference < 0.0 {
            self.below += 1;
        }
        self.log_above = self.log_above.max(log_ratio(self.above, self.below));
        self.log_below = self.log_below.max(log_ratio(self.below, self.above));
    }

    /// The p-value of "the median is not above zero", at whatever round this is asked.
    pub fn p_above(&self) -> f64 {
        (-self.log_above).exp()
    }

    /// The p-value of "the median is not below zero".
    pub fn p_below(&self) -> f64 {
        (-self.log_below).exp()
    }
}

/// Logarithm of the likelihood ratio of `k` signs for and `m` against: with n = k + m,
/// `2^n 2 integral_{1/2}^1 t^k (1-t)^m dt = sum_{j<=k} C(n+1, j) / ((n+1) C(n, k))`.
fn log_ratio(k: u32, m: u32) -> f64 {
    let (n, k) = (f64::from(k + m), f64::from(k));
    // C(n+1, j) / C(n, k) from j = k down, with the sum kept in range.
    let (mut term, mut j) = ((n + 1.0) / (n + 1.0 - k), k);
    let (mut sum, mut log_scale) = (term, 0.0);
    while j > 0.0 && term > sum * f64::EPSILON {
        term *= j / (n + 2.0 - j);
        sum += term;
        j -= 1.0;
        if sum > 1e200 {
            (sum, term, log_scale) = (sum / 1e200, term / 1e200, log_scale + 1e200f64.ln());
        }
    }
    sum.ln() + log_scale - (n + 1.0).ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The integral, summed up in small steps.
    fn by_integration(k: u32, m: u32) -> f64 {
        let steps = 200_000;
        let step = 0.5 / f64::from(steps);
        let at = |index| 0.5 + (f64::from(index) + 0.5) * step;
        let density = |t: f64| (2.0 * t).powi(k as i32) * (2.0 - 2.0 * t).powi(m as i32);
        (0..steps).map(|index| 2.0 * density(at(index)) * step).sum::<f64>().ln()
    }

    #[test]
    fn the_sum_is_the_integral() {
        for (k, m) in [(0, 0), (1, 0), (0, 1), (3, 2), (20, 0), (0, 20), (13, 29), (60, 4)] {
            let (sum, integral) = (log_ratio(k, m), by_integration(k, m));
            assert!((sum - integral).abs() < 1e-6, "{k} {m}: {sum} {integral}");
        }
        assert!((log_ratio(4000, 0) - (4001.0 * 2f64.ln() - 4001f64.ln())).abs() < 1e-6);
    }

    /// Differences without a sign of their own, looked at after each of 200 rounds: one in twenty
    /// runs at most ever says otherwise at 0.05. The noise is skewed, as that of timings.
    #[test]
    fn looking_often_does_not_err_more_often() {
        let (runs, mut errors, mut random) = (4000, 0, Random(7));
        for _ in 0..runs {
            let mut evidence = Evidence::default();
            (0..200).for_each(|_| evidence.add(random.skewed() - 2f64.ln()));
            errors += usize::from(evidence.p_above() <= 0.05);
            errors += usize::from(evidence.p_below() <= 0.05);
        }
        // Two sides, each at most 0.05, and three standard deviations of the count.
        let most = 2.0 * (0.05 * f64::from(runs) + 3.0 * (0.05 * 0.95 * f64::from(runs)).sqrt());
        assert!(f64::from(errors as u32) < most, "{errors} of {runs}");
        assert!(errors > 0, "a test that never errs has no power");
    }

    #[test]
    fn clear_cases_are_told_soon() {
        let (mut told, mut random) = (0, Random(3));
        for _ in 0..200 {
            let mut evidence = Evidence::default();
            (0..60).for_each(|_| evidence.add(random.skewed() - 2f64.ln() + 0.8));
            told += usize::from(evidence.p_above() < 1e-4);
            assert!(evidence.p_below() > 0.01);
        }
        assert!(told > 180, "{told} of 200");
        let mut evidence = Evidence::default();
        (0..18).for_each(|_| evidence.add(-1.0));
        assert!(evidence.p_below() < 1e-4 && evidence.p_above() == 1.0);
    }

    /// A small generator of numbers that look random.
    struct Random(u64);

    impl Random {
        /// Exponentially distributed: its median is the logarithm of 2.
        fn skewed(&mut self) -> f64 {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let uniform = (self.0 >> 11) as f64 / (1u64 << 53) as f64;
            -(1.0 - uniform).ln()
        }
    }
}
