//! Budgets as arguments give them: a number with its unit.

use std::str::FromStr;

use nnmeter_hardware::package::Metric;

use crate::cost::Cost;
use crate::failure::Usage;

/// What a network may cost.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Budget {
    cost: Cost,
    /// In the cost's unit.
    value: f64,
}

/// Units with their cost and how many of the cost's unit one is; a suffix of another comes after it.
const UNITS: [(&str, Cost, f64); 12] = [
    ("macs", Cost::Macs, 1.0),
    ("flops", Cost::Flops, 1.0),
    ("params", Cost::Parameters, 1.0),
    ("parameters", Cost::Parameters, 1.0),
    ("us", Cost::Latency, 1e-3),
    ("\u{b5}s", Cost::Latency, 1e-3),
    ("ms", Cost::Latency, 1.0),
    ("s", Cost::Latency, 1e3),
    ("uJ", Cost::Energy, 1e-3),
    ("\u{b5}J", Cost::Energy, 1e-3),
    ("mJ", Cost::Energy, 1.0),
    ("J", Cost::Energy, 1e3),
];

/// Prefixes of the units of counts.
const PREFIXES: [(&str, f64); 3] = [("k", 1e3), ("M", 1e6), ("G", 1e9)];

/// A number with its unit, in the unit of its cost.
pub(crate) fn amount(text: &str) -> Result<(f64, Cost), String> {
    let expected = "expected a number with its unit, as in 30ms, 0.03s, 12mJ or 300Mmacs";
    let unit = UNITS.iter().find_map(|unit| Some((text.strip_suffix(unit.0)?, unit)));
    let (mut number, &(_, cost, mut factor)) = unit.ok_or(expected)?;
    let prefix = PREFIXES.iter().find_map(|(name, by)| Some((number.strip_suffix(name)?, *by)));
    if let Some(prefixed) = prefix.filter(|_| !cost.is_of_device()) {
        (number, factor) = prefixed;
    }
    let number: f64 = number.trim_end().parse().map_err(|_| expected)?;
    if number.is_finite() { Ok((number * factor, cost)) } else { Err(expected.to_owned()) }
}

impl FromStr for Budget {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (value, cost) = amount(text)?;
        if value > 0.0 {
            Ok(Self { cost, value })
        } else {
            Err("expected a budget above zero".to_owned())
        }
    }
}

impl Budget {
    /// The budget in the unit of `metric`.
    ///
    /// # Errors
    /// If it is of another metric.
    pub(crate) fn of(self, metric: Metric) -> anyhow::Result<f64> {
        let (own, asked) = (self.cost.name(), metric.name());
        if own == asked {
            return Ok(self.value);
        }
        let text = format!("--budget is of {own}, and {asked} is predicted; expected {asked} too");
        Err(Usage(text).into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_numbers_with_units() {
        for (text, cost, value) in [
            ("30ms", Cost::Latency, 30.0),
            ("0.03 s", Cost::Latency, 30.0),
            ("250us", Cost::Latency, 0.25),
            ("1e3\u{b5}s", Cost::Latency, 1.0),
            ("12mJ", Cost::Energy, 12.0),
            ("0.5J", Cost::Energy, 500.0),
            ("330Mmacs", Cost::Macs, 3.3e8),
            ("0.66 Gflops", Cost::Flops, 6.6e8),
            ("5e6params", Cost::Parameters, 5e6),
            ("500kparameters", Cost::Parameters, 5e5),
        ] {
            let budget: Budget = text.parse().expect(text);
            assert_eq!(budget.cost, cost);
            assert!((budget.value / value - 1.0).abs() < 1e-12, "{text}");
        }
        for text in ["", "30", "ms", "30 hours", "0ms", "-1ms", "NaNms", "infs", "3,5ms", "3Mms"] {
            assert!(text.parse::<Budget>().is_err(), "{text}");
        }
    }
}
