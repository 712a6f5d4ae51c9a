//! A device whose package has been opened: its card, and a predictor a metric.
//!
//! The models of a [`Package`] are moved into predictors here; what they predict is the core
//! crate's business.

use nnmeter_core::predict::Predictor;
use nnmeter_core::rules::FusionRules;
use nnmeter_core::units::{Millijoules, Millis, Unit};

use crate::device::{AccuracyTable, Device, Provenance};
use crate::error::{Error, Result};
use crate::package::{Metric, Package, RuleFile, no_metric};
use crate::registry::Origin;
use crate::version::Version;

/// A device, ready to predict.
#[derive(Clone, Debug)]
pub struct OpenDevice {
    device: Device,
    version: Version,
    provenance: Provenance,
    accuracy: Vec<AccuracyTable>,
    rules: RuleFile,
    origin: Origin,
    latency: Option<Predictor<Millis>>,
    energy: Option<Predictor<Millijoules>>,
}

impl OpenDevice {
    /// Makes predictors of the models of `package`.
    pub fn new(package: Package, origin: Origin) -> Self {
        let Package { device, version, provenance, accuracy, rules, latency, energy } = package;
        Self {
            device,
            version,
            provenance,
            accuracy,
            latency: latency.map(|models| models.into_predictor(&rules)),
            energy: energy.map(|models| models.into_predictor(&rules)),
            rules,
            origin,
        }
    }

    /// The device.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// Version of its predictor.
    pub fn version(&self) -> Version {
        self.version
    }

    /// What its models were fitted to.
    pub fn provenance(&self) -> &Provenance {
        &self.provenance
    }

    /// How far predictions were off on networks held out of the fit.
    pub fn accuracy(&self) -> &[AccuracyTable] {
        &self.accuracy
    }

    /// What the runtime fuses.
    pub fn rules(&self) -> &FusionRules {
        self.rules.rules()
    }

    /// The fusion rules as JSON, as in nn-Meter's files.
    pub fn rules_json(&self) -> &str {
        self.rules.json()
    }

    /// Where its package came from.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// The predictor of latency.
    ///
    /// # Errors
    /// [`crate::error::ErrorKind::UnknownMetric`] if the package has no models of it.
    pub fn latency(&self) -> Result<&Predictor<Millis>> {
        self.latency.as_ref().ok_or_else(|| self.no_metric(Millis::METRIC))
    }

    /// The predictor of energy.
    ///
    /// # Errors
    /// [`crate::error::ErrorKind::UnknownMetric`] if the package has no models of it.
    pub fn energy(&self) -> Result<&Predictor<Millijoules>> {
        self.energy.as_ref().ok_or_else(|| self.no_metric(Millijoules::METRIC))
    }

    /// The metrics that the device has models of.
    pub fn metrics(&self) -> impl Iterator<Item = Metric> {
        let latency = self.latency.as_ref().map(|_| Metric::Latency);
        latency.into_iter().chain(self.energy.as_ref().map(|_| Metric::Energy))
    }

    fn no_metric(&self, metric: &str) -> Error {
        no_metric(&self.device.name, metric, self.metrics())
    }
}
