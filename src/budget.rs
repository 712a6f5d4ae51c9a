//! Budgets as arguments give them: a number with its unit.

use std::str::FromStr;

use nnmeter_hardware::package::Metric;

use crate::failure::Usage;

/// What a network may cost.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Budget {
    metric: Metric,
    /// In the metric's unit.
    value: f64,
}

/// Units with their metric and how many of the metric's unit one is; a suffix of another comes
/// after it.
const UNITS: [(&str, Metric, f64); 8] = [
    ("us", Metric::Latency, 1e-3),
    ("\u{b5}s", Metric::Latency, 1e-3),
    ("ms", Metric::Latency, 1.0),
    ("s", Metric::Latency, 1e3),
    ("uJ", Metric::Energy, 1e-3),
    ("\u{b5}J", Metric::Energy, 1e-3),
    ("mJ", Metric::Energy, 1.0),
    ("J", Metric::Energy, 1e3),
];

impl FromStr for Budget {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let split = UNITS.iter().find_map(|unit| Some((text.strip_suffix(unit.0)?, unit)));
        let expected = "expected a number with its unit, as in 30ms, 0.03s or 12mJ";
        let (number, (_, metric, factor)) = split.ok_or(expected)?;
        let number: f64 = number.trim_end().parse().map_err(|_| expected)?;
        let value = number * factor;
        if value > 0.0 && value.is_finite() {
            return Ok(Self { metric: *metric, value });
        }
        Err("expected a budget above zero".to_owned())
    }
}

impl Budget {
    /// The budget in the unit of `metric`.
    ///
    /// # Errors
    /// If it is of another metric.
    pub(crate) fn of(self, metric: Metric) -> anyhow::Result<f64> {
        if self.metric == metric {
            return Ok(self.value);
        }
        let (own, asked) = (self.metric.name(), metric.name());
        let text = format!("--budget is of {own}, and {asked} is predicted; expected {asked} too");
        Err(Usage(text).into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_numbers_with_units() {
        for (text, metric, value) in [
            ("30ms", Metric::Latency, 30.0),
            ("0.03 s", Metric::Latency, 30.0),
            ("250us", Metric::Latency, 0.25),
            ("1e3\u{b5}s", Metric::Latency, 1.0),
            ("12mJ", Metric::Energy, 12.0),
            ("0.5J", Metric::Energy, 500.0),
        ] {
            let budget: Budget = text.parse().expect(text);
            assert_eq!(budget.metric, metric);
            assert!((budget.value - value).abs() < 1e-12, "{text}");
        }
        for text in ["", "30", "ms", "30 hours", "0ms", "-1ms", "NaNms", "infs", "3,5ms"] {
            assert!(text.parse::<Budget>().is_err(), "{text}");
        }
    }
}
