//! The variance of the cost of a random architecture.
//!
//! Choices are independent, so given the choices that two factors share, the factors are, too. So
//! their covariance is that of their expectations given the shared choices, a sum over these alone;
//! factors that share none have none. The tables are centred first, so nothing is lost where the
//! spread is small beside the cost.

use super::contract::given;
use super::{Axes, ExpectedCost};
use crate::table::Factor;

/// A factor less its expectation.
struct Centred<'t, 'p> {
    factor: &'t Factor,
    axes: Axes<'p>,
    costs: Vec<f64>,
}

/// The variance under independent choices with the probabilities `values`.
pub(super) fn variance(expected: &ExpectedCost<'_>, values: &[f64]) -> f64 {
    let table = expected.table;
    let centred = |factor| Centred::new(factor, expected.axes(factor, values));
    let factors: Vec<Centred<'_, '_>> = table.factors().iter().map(centred).collect();
    let mut sum = 0.0;
    for (first, factor) in factors.iter().enumerate() {
        sum += factor.covariance(factor);
        let choices = factor.factor.choices().iter();
        let mut others: Vec<usize> =
            choices.flat_map(|&choice| table.factors_of(choice)).copied().collect();
        others.sort_unstable();
        others.dedup();
        let later = others.into_iter().filter(|&other| other > first);
        sum += 2.0 * later.map(|other| factor.covariance(&factors[other])).sum::<f64>();
    }
    sum.max(0.0)
}

impl<'t, 'p> Centred<'t, 'p> {
    fn new(factor: &'t Factor, axes: Axes<'p>) -> Self {
        let mean = given(factor.costs(), &axes, |_| false).first().copied().unwrap_or(0.0);
        let costs = factor.costs().iter().map(|cost| cost - mean).collect();
        Self { factor, axes, costs }
    }

    fn covariance(&self, other: &Self) -> f64 {
        let shared = |choice: &usize| other.factor.choices().contains(choice);
        let choices = self.factor.choices().iter();
        let mut weights = vec![1.0];
        for (_, &axis) in choices.zip(&self.axes).filter(|(choice, _)| shared(choice)) {
            weights = weights.iter().flat_map(|w| axis.iter().map(move |p| w * p)).collect();
        }
        let (mine, others) = (self.given(other.factor), other.given(self.factor));
        weights.iter().zip(mine).zip(others).map(|((weight, a), b)| weight * a * b).sum()
    }

    /// What is expected given the choices that are also `other`'s.
    fn given(&self, other: &Factor) -> Vec<f64> {
        let shared = |place: usize| other.choices().contains(&self.factor.choices()[place]);
        given(&self.costs, &self.axes, shared)
    }
}
