//! How a package's manifest spells the types of [`crate::device`].
//!
//! Each struct here is the JSON form of the type it names and nothing else; a field that a newer
//! minor version adds is ignored.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::device::{AccuracyRow, AccuracyTable, Device, Precision, Provenance, Runtime};
use crate::version::Version;

#[derive(Serialize, Deserialize)]
#[serde(remote = "Device")]
pub(super) struct DevicePart {
    name: String,
    title: String,
    chip: String,
    #[serde(default)]
    clock: Option<String>,
    threads: u32,
    #[serde(with = "RuntimePart")]
    runtime: Runtime,
    #[serde(with = "precision")]
    precision: Precision,
    #[serde(default)]
    source: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Runtime")]
struct RuntimePart {
    name: String,
    version: String,
    #[serde(default)]
    build: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Provenance")]
pub(super) struct ProvenancePart {
    data_set: String,
    licence: String,
    source: String,
    models: u64,
    kernels: u64,
    date: String,
    seed: u64,
    tool: String,
    method: String,
}

/// A table, as an element of a list.
#[derive(Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Table(#[serde(with = "TablePart")] pub(super) AccuracyTable);

#[derive(Serialize, Deserialize)]
#[serde(remote = "AccuracyTable")]
struct TablePart {
    metric: String,
    protocol: String,
    #[serde(with = "rows")]
    rows: Vec<AccuracyRow>,
    #[serde(with = "RowPart")]
    overall: AccuracyRow,
    #[serde(default)]
    notes: Vec<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "AccuracyRow")]
struct RowPart {
    family: String,
    models: u64,
    within_5: f64,
    within_10: f64,
    rmspe: f64,
    bias: f64,
    #[serde(default)]
    spearman: Option<f64>,
    #[serde(default)]
    coverage: Option<f64>,
}

mod rows {
    use super::*;

    #[derive(Serialize)]
    #[serde(transparent)]
    struct RowRef<'a>(#[serde(with = "RowPart")] &'a AccuracyRow);

    #[derive(Deserialize)]
    #[serde(transparent)]
    struct Row(#[serde(with = "RowPart")] AccuracyRow);

    pub(super) fn serialize<S: Serializer>(rows: &[AccuracyRow], to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(rows.iter().map(RowRef))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Vec<AccuracyRow>, D::Error> {
        Ok(Vec::<Row>::deserialize(from)?.into_iter().map(|row| row.0).collect())
    }
}

/// A version as text: `"1.0"`.
pub(super) mod version {
    use super::*;

    pub(in crate::package) fn serialize<S: Serializer>(
        value: &Version,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        to.collect_str(value)
    }

    pub(in crate::package) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Version, D::Error> {
        String::deserialize(from)?.parse().map_err(serde::de::Error::custom)
    }
}

mod precision {
    use super::*;

    pub(super) fn serialize<S: Serializer>(value: &Precision, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(value.name())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Precision, D::Error> {
        let name = String::deserialize(from)?;
        let unknown = || {
            let expected = Precision::ALL.iter().map(|precision| precision.name());
            let expected = expected.collect::<Vec<_>>().join(", ");
            serde::de::Error::custom(format_args!("precision {name:?}, expected {expected}"))
        };
        Precision::from_name(&name).ok_or_else(unknown)
    }
}
