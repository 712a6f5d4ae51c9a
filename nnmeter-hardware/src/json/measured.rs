//! What was measured, as JSON objects: the identity, and statistics of each model's figures.

use serde_json::{Map, Value, json};

use crate::backend::{Identity, Measurement};
use crate::error::Error;
use crate::measure::Quality;
use crate::package::Metric;

/// An identity as names and values.
pub fn identity(identity: &Identity) -> Value {
    let facts = identity.facts().into_iter();
    Value::Object(facts.map(|(name, value)| (name, json!(value))).collect())
}

/// A file's figures, by metric, with the identity that they are figures of.
pub fn measured(
    file: &str,
    measurement: &Measurement,
    metrics: &[Metric],
    measured: &Identity,
) -> Value {
    let figures = metrics.iter().filter_map(|&metric| {
        Some((metric.name().to_owned(), quality(&Quality::of(measurement, metric)?)))
    });
    let figures: Map<String, Value> = figures.collect();
    json!({"file": file, "figures": figures, "identity": identity(measured)})
}

/// A file that could not be measured.
pub fn not_measured(file: &str, error: &Error) -> Value {
    json!({"file": file, "error": {"message": error.to_string(), "hint": error.advice()}})
}

fn quality(quality: &Quality) -> Value {
    let Quality { minimum, median, repeatability, disturbed, drift, rounds } = quality;
    json!({"minimum": minimum, "median": median, "repeatability": repeatability,
        "disturbed": disturbed, "drift": drift, "rounds": rounds})
}
