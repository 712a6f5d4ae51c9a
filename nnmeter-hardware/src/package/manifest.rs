//! The part `manifest.json`: what a package is about, and which parts it has, with their digests.
//!
//! The version is looked at before anything else. A newer minor version may add fields and parts
//! that a reader can do without; a newer major version cannot be read. The kernel models themselves
//! are not here.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::archive::{Parts, part_subject};
use super::card::{DevicePart, ProvenancePart, Table, version};
use super::entries::Entries;
use super::{Metric, corrupt, from_json, take};
use crate::device::{Device, Provenance};
use crate::error::{Error, ErrorKind, Result};
use crate::version::Version as PredictorVersion;

/// Name of the part.
pub(super) const NAME: &str = "manifest.json";

const FORMAT: &str = "nnmeter predictor package";

/// The version that is written.
pub(super) const VERSION: Version = Version { major: 1, minor: 0 };

/// Version of the format of packages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Version {
    pub(super) major: u32,
    pub(super) minor: u32,
}

#[derive(Serialize, Deserialize)]
pub(super) struct Manifest {
    format: String,
    pub(super) version: Version,
    #[serde(with = "DevicePart")]
    pub(super) device: Device,
    #[serde(with = "version", default)]
    pub(super) predictor_version: PredictorVersion,
    pub(super) metrics: Entries<MetricEntry>,
    #[serde(with = "ProvenancePart")]
    pub(super) provenance: Provenance,
    pub(super) accuracy: Vec<Table>,
    parts: Entries<PartEntry>,
}

#[derive(Serialize, Deserialize)]
pub(super) struct MetricEntry {
    unit: String,
    pub(super) models: String,
}

#[derive(Serialize, Deserialize)]
struct PartEntry {
    bytes: u64,
    sha256: String,
}

/// A part of a package, as its manifest states it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartDigest {
    /// Name of the part.
    pub name: String,
    /// Its size, decompressed.
    pub bytes: u64,
    /// Its SHA-256, in hexadecimal.
    pub sha256: String,
}

/// What every version of a manifest has.
#[derive(Deserialize)]
struct Header {
    format: String,
    version: Version,
}

impl Manifest {
    /// A manifest of this version that lists `parts`.
    pub(super) fn new(
        device: Device,
        predictor_version: PredictorVersion,
        provenance: Provenance,
        accuracy: Vec<Table>,
        metrics: impl IntoIterator<Item = Metric>,
        parts: &Parts,
    ) -> Self {
        let metric = |metric: Metric| {
            let entry = MetricEntry { unit: metric.unit().to_owned(), models: metric.part() };
            (metric.name().to_owned(), entry)
        };
        let part = |(name, bytes): (&String, &Vec<u8>)| {
            (name.clone(), PartEntry { bytes: bytes.len() as u64, sha256: sha256(bytes) })
        };
        Self {
            format: FORMAT.to_owned(),
            version: VERSION,
            device,
            predictor_version,
            metrics: Entries(metrics.into_iter().map(metric).collect()),
            provenance,
            accuracy,
            parts: Entries(parts.iter().map(part).collect()),
        }
    }

    /// Takes the manifest out of `parts`, and holds it against all others.
    pub(super) fn take_from(parts: &mut Parts) -> Result<Self> {
        let bytes = take(parts, NAME)?;
        let header: Header = from_json(NAME, &bytes)?;
        if header.format != FORMAT {
            return Err(corrupt(NAME, format!("has the format {:?}", header.format))
                .expected(format!("{FORMAT:?}")));
        }
        if header.version.major != VERSION.major {
            return Err(other_major(header.version));
        }
        let manifest: Self = from_json(NAME, &bytes)?;
        manifest.check_values()?;
        manifest.check_parts(parts)?;
        Ok(manifest)
    }

    /// The parts beside the manifest.
    pub(super) fn parts(self) -> Vec<PartDigest> {
        let parts = self.parts.0.into_iter();
        parts
            .map(|(name, PartEntry { bytes, sha256 })| PartDigest { name, bytes, sha256 })
            .collect()
    }

    /// Whether it may have fields and parts that this version does not know.
    pub(super) fn is_newer(&self) -> bool {
        self.version.minor > VERSION.minor
    }

    /// The metrics that are known, with the names of their parts.
    pub(super) fn metrics(&self) -> Result<Vec<(Metric, String)>> {
        let mut known = Vec::new();
        for (name, entry) in &self.metrics.0 {
            match Metric::from_name(name) {
                Some(metric) if entry.unit == metric.unit() => {
                    known.push((metric, entry.models.clone()));
                }
                Some(metric) => {
                    return Err(corrupt(NAME, format!("has {name} in {:?}", entry.unit))
                        .expected(format!("the unit {:?}", metric.unit())));
                }
                None if self.is_newer() => {}
                None => {
                    return Err(corrupt(NAME, format!("has the metric {name:?}"))
                        .expected("latency_ms or energy_mj"));
                }
            }
        }
        Ok(known)
    }

    fn check_values(&self) -> Result<()> {
        if !Device::is_name(&self.device.name) {
            return Err(corrupt(NAME, format!("has the device name {:?}", self.device.name))
                .expected("letters, digits, _, - and ."));
        }
        if !Provenance::is_date(&self.provenance.date) {
            return Err(corrupt(NAME, format!("has the date {:?}", self.provenance.date))
                .expected("YYYY-MM-DD"));
        }
        Ok(())
    }

    fn check_parts(&self, parts: &Parts) -> Result<()> {
        for (name, entry) in &self.parts.0 {
            let bytes = parts.get(name).ok_or_else(|| missing(name))?;
            if bytes.len() as u64 != entry.bytes || sha256(bytes) != entry.sha256 {
                return Err(corrupt(name, "is not what the manifest says (size or SHA-256)")
                    .hint("the package was altered; fetch it again"));
            }
        }
        let is_listed = |name: &String| self.parts.0.iter().any(|(listed, _)| listed == name);
        match parts.keys().find(|name| !is_listed(name)) {
            Some(name) => Err(corrupt(name, "is not listed in the manifest")),
            None => Ok(()),
        }
    }
}

/// The error for a part that ought to be there.
pub(super) fn missing(name: &str) -> Error {
    corrupt(name, "is missing from the package, or is asked for twice")
}

fn other_major(version: Version) -> Error {
    let Version { major, minor } = version;
    let newer = major > VERSION.major;
    let kind = if newer { ErrorKind::NewerPackage } else { ErrorKind::CorruptPackage };
    let error = Error::new(kind, part_subject(NAME), format!("has format version {major}.{minor}"))
        .expected(format!("{}.x", VERSION.major));
    if newer { error.hint("a newer nnmeter can read this package") } else { error }
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
