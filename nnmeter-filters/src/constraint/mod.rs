//! Constraints: what an architecture may cost, by one table or several, on one device or several.
//!
//! A [`Limit`] holds a cost table's sums between two bounds. A [`Constraints`] is some limits that all
//! have to hold; checking a sample gives the reason where one does not,
//! `over budget: 31.2 ms > 30 ms on adreno640gpu_tflite21`. Limits on a probability are limits on the
//! predicted cost ([`Limit::probable`]). Whether anything satisfies them is for [`crate::exact`] to say.

mod probable;

use std::fmt;
use std::sync::Arc;

use crate::error::{Error, ErrorKind, Result};
use crate::metric::Quantity;
use crate::space::Sample;
use crate::table::CostTable;

/// Bounds on the cost by one table.
#[derive(Clone, Debug)]
pub struct Limit {
    table: Arc<CostTable>,
    lower: Option<f64>,
    upper: Option<f64>,
    /// What the upper bound stands for, where it is not the budget itself.
    meaning: Option<String>,
}

impl Limit {
    /// Costs by `table` of at most `upper`, in its unit.
    ///
    /// # Errors
    /// [`ErrorKind::BadConstraint`] if the bound is not finite.
    pub fn at_most(table: Arc<CostTable>, upper: f64) -> Result<Self> {
        Self::between(table, None, Some(upper))
    }

    /// Costs by `table` between two bounds, in its unit; both are part of the window, either may be
    /// left out.
    ///
    /// # Errors
    /// [`ErrorKind::BadConstraint`] if a bound is not finite, or the lower one exceeds the upper one.
    pub fn between(table: Arc<CostTable>, lower: Option<f64>, upper: Option<f64>) -> Result<Self> {
        let subject = || format!("limit of {}", table.quantity().metric);
        if let Some(bound) = [lower, upper].into_iter().flatten().find(|bound| !bound.is_finite()) {
            return Err(Error::new(ErrorKind::BadConstraint, subject(), format!("is {bound}"))
                .expected("a finite number"));
        }
        if let (Some(low), Some(high)) = (lower, upper)
            && low > high
        {
            let found = format!("is from {low} to {high}");
            return Err(Error::new(ErrorKind::BadConstraint, subject(), found)
                .expected("a lower bound that does not exceed the upper one"));
        }
        Ok(Self { table, lower, upper, meaning: None })
    }

    /// The table of the costs that are bounded.
    pub fn table(&self) -> &CostTable {
        &self.table
    }

    /// The table, for another limit.
    pub(crate) fn shared_table(&self) -> Arc<CostTable> {
        Arc::clone(&self.table)
    }

    /// The least cost that is allowed, in the table's unit.
    pub fn lower(&self) -> Option<f64> {
        self.lower
    }

    /// The highest cost that is allowed, in the table's unit.
    pub fn upper(&self) -> Option<f64> {
        self.upper
    }

    /// Whether a cost is within the bounds.
    pub fn holds(&self, cost: f64) -> bool {
        self.lower.is_none_or(|low| cost >= low) && self.upper.is_none_or(|high| cost <= high)
    }

    /// Whether a cost is within the bounds, with the reason if it is not.
    ///
    /// # Errors
    /// The [`Violation`].
    pub fn check(&self, cost: f64) -> Result<(), Violation> {
        let (side, bound) = match (self.lower, self.upper) {
            _ if self.holds(cost) => return Ok(()),
            (Some(low), _) if cost < low => (Side::Under, low),
            (_, Some(high)) => (Side::Over, high),
            (Some(low), None) => (Side::Under, low),
            (None, None) => return Ok(()),
        };
        Err(Violation {
            side,
            cost,
            bound,
            quantity: self.table.quantity(),
            device: self.table.device().map(str::to_owned),
            meaning: self.meaning.clone().filter(|_| side == Side::Over),
        })
    }
}

/// Limits that all have to hold.
#[derive(Clone, Debug, Default)]
pub struct Constraints {
    limits: Vec<Limit>,
}

impl Constraints {
    /// These limits; none of them allows everything.
    pub fn new(limits: impl IntoIterator<Item = Limit>) -> Self {
        Self { limits: limits.into_iter().collect() }
    }

    /// The limits.
    pub fn limits(&self) -> &[Limit] {
        &self.limits
    }

    /// Whether a sample satisfies all limits.
    ///
    /// # Panics
    /// If the sample is of another space and does not fit the tables.
    pub fn allow(&self, sample: &Sample) -> bool {
        self.limits.iter().all(|limit| limit.holds(limit.table.cost(sample)))
    }

    /// Whether a sample satisfies all limits, with the first reason if it does not.
    ///
    /// # Errors
    /// The [`Violation`] of the first limit that does not hold.
    ///
    /// # Panics
    /// If the sample is of another space and does not fit the tables.
    pub fn check(&self, sample: &Sample) -> Result<(), Violation> {
        self.limits.iter().try_for_each(|limit| limit.check(limit.table.cost(sample)))
    }
}

/// The bound that was crossed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The cost is above the upper bound.
    Over,
    /// The cost is below the lower bound.
    Under,
}

/// Why a sample is not allowed. It prints as `over budget: 31.2 ms > 30 ms on some_device`.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub struct Violation {
    /// Which bound was crossed.
    pub side: Side,
    /// What the sample costs, in the unit of `quantity`.
    pub cost: f64,
    /// The bound.
    pub bound: f64,
    /// What the cost counts.
    pub quantity: Quantity,
    /// The device that the cost is for, if there is one.
    pub device: Option<String>,
    /// What the bound stands for, where it is not the budget itself.
    pub meaning: Option<String>,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (words, sign) = match self.side {
            Side::Over => ("over budget", '>'),
            Side::Under => ("under the lower bound", '<'),
        };
        let unit = self.quantity.suffix;
        let (cost, bound) = apart(self.cost, self.bound);
        write!(f, "{words}: {cost} {unit} {sign} {bound} {unit}")?;
        if let Some(device) = &self.device {
            write!(f, " on {device}")?;
        }
        self.meaning.as_ref().map_or(Ok(()), |meaning| write!(f, " ({meaning})"))
    }
}

/// Two numbers as texts that differ: with four significant digits if these suffice.
fn apart(a: f64, b: f64) -> (String, String) {
    let short = (brief(a), brief(b));
    if short.0 == short.1 { (a.to_string(), b.to_string()) } else { short }
}

/// A number with four significant digits, or all digits before the point if these are more.
pub(crate) fn brief(value: f64) -> String {
    let digits = if value == 0.0 { 0.0 } else { 3.0 - value.abs().log10().floor() };
    let text = format!("{value:.*}", digits.clamp(0.0, 12.0) as usize);
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_brief_but_tell_apart() {
        for (value, text) in [(31.21, "31.21"), (30.0, "30"), (0.0, "0"), (1234567.8, "1234568")] {
            assert_eq!(brief(value), text);
        }
        assert_eq!(brief(0.000123456), "0.0001235");
        assert_eq!(apart(30.0001, 30.0), ("30.0001".to_owned(), "30".to_owned()));
    }
}
