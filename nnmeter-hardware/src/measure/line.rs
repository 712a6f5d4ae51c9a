//! The lines of a log of measurements, as JSON.
//!
//! ```text
//! {"nnmeter_measurements": 1, "identity": {"chip": "...", "threads": 1, "runtime": "...", ...}}
//! {"model": "resnet18.onnx", "sha256": "...", "round": 0, "samples": {"latency_ms": [9.1, 9.0]}}
//! {"model": "resnet18.onnx", "sha256": "...", "profile": 0, "kernels": [{"kernel": "Conv conv1",
//!     "nodes": ["/conv1/Conv"], "samples": {"latency_ms": [1.2]}}, ...]}
//! {"batch": 0, "seconds": 41.5}
//! ```

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::backend::{Difference, ExecutedKernel, Identity, ProfiledKernel, Sample, difference};
use crate::error::{Error, ErrorKind, Result};

/// The version of the format.
pub(super) const FORMAT: u32 = 1;

/// The first line: what all figures are figures of.
#[derive(Debug, PartialEq, Deserialize, Serialize)]
pub(super) struct Header {
    pub(super) nnmeter_measurements: u32,
    pub(super) identity: BTreeMap<String, String>,
}

impl Header {
    pub(super) fn new(identity: &Identity) -> Self {
        let identity = identity.facts().into_iter().collect();
        Self { nnmeter_measurements: FORMAT, identity }
    }

    /// Refuses the header of a log with figures of something else.
    pub(super) fn check(&self, expected: &Self) -> Result<()> {
        if self.nnmeter_measurements != FORMAT {
            let found = format!("is of version {}", self.nnmeter_measurements);
            return Err(Error::new(ErrorKind::BadData, "log", found)
                .expected(format!("version {FORMAT}"))
                .hint("measure into another log, or use the nnmeter that wrote this one"));
        }
        let difference = difference(&expected.identity, &self.identity);
        let Some(Difference { name, own, other }) = difference else { return Ok(()) };
        let found = format!("holds figures of another identity: {name} is {other}");
        Err(Error::new(ErrorKind::BadData, "log", found)
            .expected(own)
            .hint("measure into another log; figures of two identities are never mixed"))
    }
}

/// Any line but the first.
#[derive(Debug, PartialEq, Deserialize)]
#[serde(untagged)]
pub(super) enum Entry {
    Round(Round),
    Profile(Profile),
    Batch(Batch),
}

/// How long measuring a batch of models took: what was decided by it is decided alike again.
#[derive(Debug, PartialEq, Deserialize, Serialize)]
pub(super) struct Batch {
    /// Batches before this one.
    pub(super) batch: usize,
    pub(super) seconds: f64,
}

/// What a round of a model gave.
#[derive(Debug, PartialEq, Deserialize, Serialize)]
pub(super) struct Round {
    /// The model's name, for people.
    pub(super) model: String,
    /// The model's key.
    pub(super) sha256: String,
    /// Rounds of the model before this one.
    pub(super) round: usize,
    /// Figures by metric.
    pub(super) samples: BTreeMap<String, Vec<f64>>,
}

impl Round {
    pub(super) fn new(model: &str, key: &str, round: usize, samples: &[Sample]) -> Self {
        let samples = Sample::by_metric(samples);
        Self { model: model.to_owned(), sha256: key.to_owned(), round, samples }
    }

    /// The samples, metric by metric.
    pub(super) fn samples(&self) -> Result<Vec<Sample>> {
        Sample::of_metrics(&self.samples)
    }
}

/// What the runtime's own profile of a model gave.
#[derive(Debug, PartialEq, Deserialize, Serialize)]
pub(super) struct Profile {
    /// The model's name, for people.
    pub(super) model: String,
    /// The model's key.
    pub(super) sha256: String,
    /// Profiles of the model before this one.
    pub(super) profile: usize,
    /// Its kernels, in order of execution.
    kernels: Vec<Kernel>,
}

#[derive(Debug, PartialEq, Deserialize, Serialize)]
struct Kernel {
    kernel: String,
    nodes: Vec<String>,
    samples: BTreeMap<String, Vec<f64>>,
}

impl Profile {
    pub(super) fn new(model: &str, key: &str, profile: usize, kernels: &[ProfiledKernel]) -> Self {
        let (model, sha256) = (model.to_owned(), key.to_owned());
        let kernels = kernels.iter().map(|ProfiledKernel { kernel, samples }| Kernel {
            kernel: kernel.name.clone(),
            nodes: kernel.nodes.clone(),
            samples: Sample::by_metric(samples),
        });
        Self { model, sha256, profile, kernels: kernels.collect() }
    }

    /// The kernels.
    pub(super) fn kernels(&self) -> Result<Vec<ProfiledKernel>> {
        let profiled = |kernel: &Kernel| {
            let Kernel { kernel: name, nodes, samples } = kernel;
            let executed = ExecutedKernel { name: name.clone(), nodes: nodes.clone() };
            Ok(ProfiledKernel { kernel: executed, samples: Sample::of_metrics(samples)? })
        };
        self.kernels.iter().map(profiled).collect()
    }
}
