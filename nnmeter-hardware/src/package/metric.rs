//! Metrics: what a package can predict, and the models it does so with.
//!
//! A closed list, because names and units are written into packages; the unit types themselves are
//! the core crate's.

use nnmeter_core::kind::Kind;
use nnmeter_core::predict::{FittedModel, Predictor};
use nnmeter_core::uncertainty::Uncertainty;
use nnmeter_core::units::{Millijoules, Millis, Unit};

use super::RuleFile;

/// What can be predicted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Metric {
    /// Time, in milliseconds.
    Latency,
    /// Energy, in millijoules.
    Energy,
}

/// The models of one metric.
#[derive(Clone, Debug)]
pub struct MetricModels {
    /// How far totals are off, if anybody measured that.
    pub uncertainty: Option<Uncertainty>,
    /// A model for each kind of kernel; a kind comes once.
    pub kernels: Vec<(Kind, FittedModel)>,
}

impl Metric {
    /// All metrics.
    pub const ALL: &'static [Metric] = &[Metric::Latency, Metric::Energy];

    /// The name in packages and reports, with the unit: `latency_ms`.
    pub fn name(self) -> &'static str {
        match self {
            Metric::Latency => Millis::METRIC,
            Metric::Energy => Millijoules::METRIC,
        }
    }

    /// The unit as keys of JSON objects spell it: `ms`.
    pub fn unit(self) -> &'static str {
        match self {
            Metric::Latency => Millis::SUFFIX,
            Metric::Energy => Millijoules::SUFFIX,
        }
    }

    /// The metric called `name`.
    pub fn from_name(name: &str) -> Option<Metric> {
        Self::ALL.iter().copied().find(|metric| metric.name() == name)
    }

    /// Name of the part with its models.
    pub(super) fn part(self) -> String {
        format!("{}.json", self.name())
    }
}

impl MetricModels {
    /// The predictor that these models and `rules` make.
    pub fn into_predictor<U: Unit>(self, rules: &RuleFile) -> Predictor<U> {
        Predictor::new(rules.rules().clone(), self.kernels, self.uncertainty)
    }
}
