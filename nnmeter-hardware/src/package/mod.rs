//! Predictor packages: everything known about one device, in one file that can be passed around.
//!
//! A package (`NAME@VERSION.nnmeter`) is a ZIP archive of these parts, and no others:
//!
//! | part | holds |
//! |---|---|
//! | `manifest.json` | version of the format, device, version of its predictor, provenance, accuracy, which metrics there are, and size and SHA-256 of every other part |
//! | `rules.json` | fusion rules in nn-Meter's format, verdicts only |
//! | `latency_ms.json` | `uncertainty` (or null) and, for each kind of kernel, `model` (`parametric`, `learned`, `corrected` or `nn_meter`) and `range` |
//! | `latency_ms/KIND.trees` | the tree ensemble of a learned or corrected model, in [`Ensemble`]'s binary form |
//! | `latency_ms/KIND.forest` | the forest of an `nn_meter` model, in [`Forest`]'s binary form |
//! | `energy_mj.json`, `energy_mj/KIND.*` | the same for energy; optional, as latency is |
//!
//! ```json
//! {"uncertainty": {"level": 0.9, "totals": [0.5, 900.0],
//!    "inside": [[0.05, -0.1], [0.95, 0.1]], "outside": [[0.05, -0.3], [0.95, 0.3]]},
//!  "kernels": {"conv": {
//!    "model": {"corrected": {
//!      "parametric": [{"feature": "macs", "window": "pointwise", "rate": 1e-7}],
//!      "learned": {"features": ["cin", "cout"], "ensemble": "latency_ms/conv.trees"}}},
//!    "range": {"cin": [3.0, 2048.0]}}}}
//! ```
//!
//! `totals` are the least and the greatest cost of the networks fitted on; `inside` and `outside` are
//! quantiles of `ln(measured / predicted)`, each a probability and a value ([`Uncertainty`]).
//!
//! The same package gives the same bytes. Bytes that are not wholly as described are refused with
//! the name of the part that is wrong; nothing is guessed. A package carries no code, and nothing in
//! it says how the models were fitted beyond a sentence.
//!
//! [`Ensemble`]: nnmeter_core::ensemble::Ensemble
//! [`Forest`]: nnmeter_core::ensemble::Forest
//! [`Uncertainty`]: nnmeter_core::uncertainty::Uncertainty

mod archive;
mod card;
mod entries;
mod file;
mod manifest;
mod metric;
mod models;
mod rules;

use nnmeter_core::predict::Predictor;
use nnmeter_core::units::Unit;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::device::{AccuracyTable, Device, Provenance};
use crate::error::{Error, ErrorKind, Result};
use crate::version::Version;
use archive::{Parts, part_subject};
use card::Table;
use manifest::Manifest;

pub use file::{EXTENSION, read_all, read_file, write_bytes};
pub use manifest::PartDigest;
pub use metric::{Metric, MetricModels};
pub use rules::RuleFile;

/// Name of the part with the fusion rules.
const RULES: &str = "rules.json";

/// All that is known of a device.
#[derive(Clone, Debug)]
pub struct Package {
    /// The device.
    pub device: Device,
    /// Version of its predictor.
    pub version: Version,
    /// What the models were fitted to.
    pub provenance: Provenance,
    /// How far predictions were off on networks held out.
    pub accuracy: Vec<AccuracyTable>,
    /// What the runtime fuses.
    pub rules: RuleFile,
    /// Models of latency in milliseconds.
    pub latency: Option<MetricModels>,
    /// Models of energy in millijoules.
    pub energy: Option<MetricModels>,
}

impl Package {
    /// A package of version 1.0 that has no models yet: they are put into `latency` and `energy`.
    pub fn new(device: Device, provenance: Provenance, rules: RuleFile) -> Self {
        let version = Version::FIRST;
        Self { device, version, provenance, rules, accuracy: vec![], latency: None, energy: None }
    }

    /// The package's bytes, always the same for the same package. They have been read back, so
    /// what this returns can be opened.
    ///
    /// # Errors
    /// If the package holds what its format cannot: a number that is not finite, a kind of kernel
    /// or a bound that comes twice, a device name that is no file name, a date of another form.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        let mut parts = Parts::from([(RULES.to_owned(), self.rules.json().into())]);
        for (metric, models) in self.metrics() {
            models::write(metric, models, &mut parts)?;
        }
        let manifest = Manifest::new(
            self.device.clone(),
            self.version,
            self.provenance.clone(),
            self.accuracy.iter().cloned().map(Table).collect(),
            self.metrics().map(|(metric, _)| metric),
            &parts,
        );
        let manifest = to_json(manifest::NAME, &manifest)?;
        let first = [(manifest::NAME, manifest.as_bytes())];
        let others = parts.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice()));
        let bytes = archive::write(first.into_iter().chain(others))?;
        Self::from_bytes(&bytes)?;
        Ok(bytes)
    }

    /// Reads what [`Package::to_bytes`] wrote, and checks all of it.
    ///
    /// # Errors
    /// [`ErrorKind::NewerPackage`] for a newer major version of the format,
    /// [`ErrorKind::CorruptPackage`] for anything else that is not as the format says.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let mut parts = archive::read(bytes)?;
        let manifest = Manifest::take_from(&mut parts)?;
        let rules = RuleFile::from_json(&take(&mut parts, RULES)?)
            .map_err(|error| error.within(part_subject(RULES)).with_kind(CORRUPT))?;
        let (mut latency, mut energy) = (None, None);
        for (metric, name) in manifest.metrics()? {
            let models = Some(models::read(&name, &mut parts)?);
            match metric {
                Metric::Latency => latency = models,
                Metric::Energy => energy = models,
            }
        }
        if let Some(name) = parts.keys().next().filter(|_| !manifest.is_newer()) {
            return Err(corrupt(name, "is not referred to by any model"));
        }
        let accuracy = manifest.accuracy.into_iter().map(|table| table.0).collect();
        let Manifest { device, predictor_version: version, provenance, .. } = manifest;
        Ok(Self { device, version, provenance, accuracy, rules, latency, energy })
    }

    /// The metrics that the package has models of.
    pub fn metrics(&self) -> impl Iterator<Item = (Metric, &MetricModels)> {
        let latency = self.latency.iter().map(|models| (Metric::Latency, models));
        latency.chain(self.energy.iter().map(|models| (Metric::Energy, models)))
    }

    /// A predictor of the metric whose unit is `U`.
    ///
    /// # Errors
    /// [`ErrorKind::UnknownMetric`] if the package has no models of it.
    pub fn predictor<U: Unit>(&self) -> Result<Predictor<U>> {
        match self.metrics().find(|(metric, _)| metric.name() == U::METRIC) {
            Some((_, models)) => Ok(models.clone().into_predictor(&self.rules)),
            None => {
                let metrics = self.metrics().map(|(metric, _)| metric);
                Err(no_metric(&self.device.name, U::METRIC, metrics))
            }
        }
    }
}

/// The parts of a package with their digests, which have been checked.
///
/// # Errors
/// As for [`Package::from_bytes`], as far as the container and its manifest go.
pub fn part_digests(bytes: &[u8]) -> Result<Vec<PartDigest>> {
    Ok(Manifest::take_from(&mut archive::read(bytes)?)?.parts())
}

const CORRUPT: ErrorKind = ErrorKind::CorruptPackage;

/// The error for a metric that a device has no models of, but of `others`.
pub(crate) fn no_metric(device: &str, metric: &str, others: impl Iterator<Item = Metric>) -> Error {
    let found = format!("its package has no models of {metric}");
    let error = Error::new(ErrorKind::UnknownMetric, format!("device {device:?}"), found);
    let others: Vec<&str> = others.map(Metric::name).collect();
    if others.is_empty() { error } else { error.expected(others.join(" or ")) }
}

fn corrupt(part: &str, found: impl Into<String>) -> Error {
    Error::new(CORRUPT, part_subject(part), found)
}

fn from_core(part: &str, error: nnmeter_core::error::Error) -> Error {
    Error::from(error).within(part_subject(part)).with_kind(CORRUPT)
}

fn take(parts: &mut Parts, name: &str) -> Result<Vec<u8>> {
    parts.remove(name).ok_or_else(|| manifest::missing(name))
}

fn from_json<T: DeserializeOwned>(part: &str, bytes: &[u8]) -> Result<T> {
    serde_json::from_slice(bytes).map_err(|error| corrupt(part, error.to_string()))
}

fn to_json<T: Serialize>(part: &str, value: &T) -> Result<String> {
    let text = serde_json::to_string_pretty(value);
    let text = text.map_err(|error| Error::new(ErrorKind::BadData, part, error.to_string()))?;
    Ok(text + "\n")
}
