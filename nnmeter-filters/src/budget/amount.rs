//! Numbers with their units, as people write them: `30ms`, `0.5J`, `300Mmacs`.

use std::str::FromStr;

use super::Cost;
use crate::error::{Error, ErrorKind, Result};

/// So much of a cost.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Amount {
    /// What there is so much of.
    pub cost: Cost,
    /// How much, finite: milliseconds, millijoules, or a count.
    pub value: f64,
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

impl FromStr for Amount {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        read(text).ok_or_else(|| {
            let found = "is no number with its unit";
            Error::new(ErrorKind::BadBudget, format!("budget {text:?}"), found)
                .expected("one as in 30ms, 0.03s, 12mJ or 300Mmacs")
        })
    }
}

fn read(text: &str) -> Option<Amount> {
    let unit = UNITS.iter().find_map(|unit| Some((text.strip_suffix(unit.0)?, unit)));
    let (mut number, &(_, cost, mut factor)) = unit?;
    let prefix = PREFIXES.iter().find_map(|(name, by)| Some((number.strip_suffix(name)?, *by)));
    if let Some(prefixed) = prefix.filter(|_| !cost.is_of_device()) {
        (number, factor) = prefixed;
    }
    let value = number.trim().parse::<f64>().ok()? * factor;
    value.is_finite().then_some(Amount { cost, value })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_with_units_are_read() {
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
            let amount: Amount = text.parse().expect(text);
            assert_eq!(amount.cost, cost);
            assert!((amount.value / value - 1.0).abs() < 1e-12, "{text}");
        }
        for text in ["", "30", "ms", "30 hours", "NaNms", "infs", "1e308Gmacs", "3,5ms", "3Mms"] {
            assert!(text.parse::<Amount>().is_err(), "{text}");
        }
    }
}
