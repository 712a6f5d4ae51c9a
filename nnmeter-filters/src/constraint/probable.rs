//! Limits on a probability: `P(measured cost <= budget) >= p`, through how far a device's predictions
//! are off.
//!
//! An [`Uncertainty`] has quantiles of `ln(measured / predicted)`, so the probability is at least `p`
//! where `predicted <= budget * exp(-quantile(p))`: a bound on the predicted cost. Networks outside of
//! what the models were fitted on have wider quantiles. A sample is outside if a kernel of it is, or if
//! its total lies beyond those of the networks fitted on. Where some sample of the space may be outside
//! and inside the budget, the smaller of the two bounds holds for all samples: no sample is let through
//! whose probability is below `p`, but some are kept out whose probability is not.

use std::sync::Arc;

use nnmeter_core::uncertainty::Uncertainty;

use super::{Limit, brief};
use crate::error::{Error, ErrorKind, Result};
use crate::table::CostTable;

impl Limit {
    /// Costs that measure at most `budget` with a probability of at least `probability`.
    ///
    /// `outside` is the table of [`OutsideRange`](crate::metric::OutsideRange) for the same device;
    /// without it, any sample may be outside.
    ///
    /// # Errors
    /// [`ErrorKind::BadConstraint`] if the budget is not finite and above 0, or the probability lies
    /// beyond the quantiles that the device has.
    pub fn probable(
        table: Arc<CostTable>,
        uncertainty: &Uncertainty,
        outside: Option<&CostTable>,
        budget: f64,
        probability: f64,
    ) -> Result<Self> {
        let unit = table.quantity().suffix;
        if !(budget > 0.0 && budget.is_finite()) {
            let subject = format!("limit of {}", table.quantity().metric);
            return Err(Error::new(ErrorKind::BadConstraint, subject, format!("is {budget}"))
                .expected("a finite number above 0"));
        }
        let kernels_inside = outside.is_some_and(never_outside);
        let bound = bound(uncertainty, kernels_inside, budget, probability)?;
        let mut limit = Self::at_most(table, bound)?;
        limit.meaning = Some(format!("{} {unit} with probability {probability}", brief(budget)));
        Ok(limit)
    }
}

/// Whether no sample has a kernel outside: such counts are never negative.
fn never_outside(table: &CostTable) -> bool {
    let costs = || table.factors().iter().flat_map(|factor| factor.costs());
    table.constant() == 0.0 && costs().all(|&count| count == 0.0)
}

fn bound(of: &Uncertainty, kernels_inside: bool, budget: f64, probability: f64) -> Result<f64> {
    let (inside, outside) = (of.inside().at(probability), of.outside().at(probability));
    if !(inside.is_finite() && outside.is_finite()) {
        let last = |points: &[(f64, f64)]| points.last().map_or(0.0, |point| point.0);
        let most = last(of.inside().points()).min(last(of.outside().points()));
        let found = "is beyond what is known of the device's errors";
        return Err(Error::new(
            ErrorKind::BadConstraint,
            format!("probability {probability}"),
            found,
        )
        .expected(format!("a probability of at most {most}, and not near 0")));
    }
    let (inside, outside) = (budget * (-inside).exp(), budget * (-outside).exp());
    let (smallest, largest) = (*of.totals().start(), *of.totals().end());
    // Totals below all of those fitted on are outside too: they must be below the outside bound.
    if kernels_inside && smallest <= outside {
        return Ok(inside.min(largest.max(outside)));
    }
    Ok(inside.min(outside))
}

#[cfg(test)]
mod tests {
    use super::*;
    use nnmeter_core::uncertainty::Quantiles;

    fn uncertainty(smallest: f64, largest: f64) -> Uncertainty {
        let quantiles = |width: f64| {
            Quantiles::new(vec![(0.05, -width), (0.5, 0.0), (0.95, width)]).expect("they rise")
        };
        Uncertainty::new(0.9, quantiles(0.1), quantiles(0.5), smallest..=largest).expect("valid")
    }

    #[test]
    fn the_bound_is_that_of_the_quantiles() {
        let (inside, outside) = (30.0 * (-0.1f64).exp(), 30.0 * (-0.5f64).exp());
        let bound = |of: &Uncertainty, kernels| bound(of, kernels, 30.0, 0.95).expect("a bound");
        assert_eq!(bound(&uncertainty(1.0, 100.0), true), inside);
        assert_eq!(bound(&uncertainty(1.0, 100.0), false), outside);
        // Larger totals than those fitted on are outside, and so are smaller ones.
        assert_eq!(bound(&uncertainty(1.0, 20.0), true), 20.0);
        assert_eq!(bound(&uncertainty(1.0, 10.0), true), outside);
        assert_eq!(bound(&uncertainty(25.0, 100.0), true), outside);
    }

    #[test]
    fn probabilities_beyond_the_quantiles_are_refused() {
        for probability in [0.0, 0.999, 1.0, f64::NAN] {
            let error = bound(&uncertainty(1.0, 2.0), true, 30.0, probability);
            assert_eq!(error.expect_err("refused").kind(), ErrorKind::BadConstraint);
        }
    }
}
