//! Constraints as arguments give them: `latency@cortexA76cpu_tflite21<=30ms`, `macs<=300e6`.
//!
//! What a constraint means, and whether anything satisfies it, is said by `nnmeter-filters`.

use std::str::FromStr;
use std::sync::Arc;

use nnmeter_filters::constraint::Limit;
use nnmeter_filters::metric::{FlopCount, Macs, Parameters};
use nnmeter_filters::space::SearchSpace;
use nnmeter_filters::table::{CompileOptions, CostTable};
use nnmeter_hardware::registry::Registry;

use super::error::{Error, ErrorKind, Result};

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Metric {
    Latency,
    Energy,
    Macs,
    Flops,
    Parameters,
}

const METRICS: [(&str, Metric); 5] = [
    ("latency", Metric::Latency),
    ("energy", Metric::Energy),
    ("macs", Metric::Macs),
    ("flops", Metric::Flops),
    ("parameters", Metric::Parameters),
];

/// Units, with how many of a table's unit one is.
const UNITS: [(&str, Metric, f64); 6] = [
    ("us", Metric::Latency, 1e-3),
    ("ms", Metric::Latency, 1.0),
    ("s", Metric::Latency, 1e3),
    ("uJ", Metric::Energy, 1e-3),
    ("mJ", Metric::Energy, 1.0),
    ("J", Metric::Energy, 1e3),
];

/// A cost, and the bound that it has, if it has one: without, it is predicted and told all the same.
#[derive(Clone, Debug, PartialEq)]
pub struct Constraint {
    metric: Metric,
    device: Option<String>,
    bound: Option<Bound>,
}

/// A bound, in the unit of the metric's tables.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Bound {
    AtMost(f64),
    AtLeast(f64),
}

impl FromStr for Constraint {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let split = ["<=", ">="].iter().find_map(|sign| Some((text.split_once(sign)?, *sign)));
        let (cost, bound) = match split {
            Some(((cost, bound), sign)) => (cost.trim(), Some((sign, bound.trim()))),
            None => (text.trim(), None),
        };
        let (name, device) = match cost.split_once('@') {
            Some((name, device)) => (name.trim(), Some(device.trim().to_owned())),
            None => (cost, None),
        };
        let known = METRICS.iter().find(|(known, _)| *known == name);
        let metric = known.ok_or_else(|| bad(text, &format!("is of {name:?}")))?.1;
        let needs_device = matches!(metric, Metric::Latency | Metric::Energy);
        if needs_device != device.as_ref().is_some_and(|device| !device.is_empty()) {
            let found = if needs_device { "has no device" } else { "has a device, and needs none" };
            return Err(bad(text, found));
        }
        let bound = match bound {
            None => None,
            Some(("<=", number)) => Some(Bound::AtMost(value(text, metric, number)?)),
            Some((_, number)) => Some(Bound::AtLeast(value(text, metric, number)?)),
        };
        Ok(Self { metric, device, bound })
    }
}

fn value(text: &str, metric: Metric, number: &str) -> Result<f64> {
    let unit = UNITS.iter().find_map(|unit| Some((number.strip_suffix(unit.0)?, unit)));
    let (number, factor) = match unit {
        Some((_, unit)) if unit.1 != metric => return Err(bad(text, "has a unit of another cost")),
        Some((number, unit)) => (number, unit.2),
        None if matches!(metric, Metric::Latency | Metric::Energy) => {
            return Err(bad(text, "has no unit"));
        }
        None => (number, 1.0),
    };
    let parsed: Option<f64> = number.trim_end().parse().ok();
    let value = parsed.map(|number| number * factor).filter(|value| value.is_finite());
    value.ok_or_else(|| bad(text, "has no number"))
}

fn bad(text: &str, found: &str) -> Error {
    Error::new(ErrorKind::BadOption, format!("constraint {text:?}"), found).expected(
        "COST, COST<=BOUND or COST>=BOUND, where COST is latency@DEVICE, energy@DEVICE, macs, flops \
         or parameters, and BOUND has a unit for latency (us, ms, s) and energy (uJ, mJ, J)",
    )
}

impl Constraint {
    /// What the architectures of a space cost.
    ///
    /// # Errors
    /// If the device is unknown, or has no price for a kernel of the space.
    pub fn table(&self, space: &SearchSpace, registry: &Registry) -> Result<Arc<CostTable>> {
        let mut options = CompileOptions::default();
        let table = match (self.metric, &self.device) {
            (Metric::Macs, _) => CostTable::compile(space, &Macs, &options),
            (Metric::Flops, _) => CostTable::compile(space, &FlopCount, &options),
            (Metric::Parameters, _) => CostTable::compile(space, &Parameters, &options),
            (Metric::Latency | Metric::Energy, device) => {
                let device = registry.open(device.as_deref().unwrap_or_default())?;
                options.device = Some(device.device().name.clone());
                match self.metric {
                    Metric::Energy => CostTable::compile(space, device.energy()?, &options),
                    _ => CostTable::compile(space, device.latency()?, &options),
                }
            }
        };
        Ok(Arc::new(table?))
    }

    /// The limit on the costs by that table, if there is one.
    ///
    /// # Errors
    /// If the bound is none that costs can have.
    pub fn limit(&self, table: &Arc<CostTable>) -> Result<Option<Limit>> {
        let table = Arc::clone(table);
        Ok(match self.bound {
            None => None,
            Some(Bound::AtMost(bound)) => Some(Limit::at_most(table, bound)?),
            Some(Bound::AtLeast(bound)) => Some(Limit::between(table, Some(bound), None)?),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constraints_are_read_with_their_units() {
        let read = |text: &str| text.parse::<Constraint>();
        let expected = Constraint {
            metric: Metric::Latency,
            device: Some("phone@1.0".to_owned()),
            bound: Some(Bound::AtMost(30.0)),
        };
        assert_eq!(read("latency@phone@1.0 <= 0.03 s").expect("valid"), expected);
        assert_eq!(read("macs>=3e8").expect("valid").bound, Some(Bound::AtLeast(3e8)));
        assert_eq!(read("energy@phone").expect("valid").bound, None);
        for text in [
            "",
            "latency<=30ms",
            "latency@<=30ms",
            "latency@phone<=30",
            "latency@phone<=30mJ",
            "macs@phone<=3",
            "time@phone<=3ms",
            "macs<=many",
            "macs<=inf",
        ] {
            assert_eq!(read(text).expect_err(text).kind(), ErrorKind::BadOption);
        }
    }
}
