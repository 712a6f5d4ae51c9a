//! What a program answers, as JSON: its identity, or figures.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::backend::Sample;
use crate::device::Precision;
use crate::error::{Error, ErrorKind, Result};
use crate::package::Metric;

/// An identity, as the program states it.
#[derive(Debug)]
pub(super) struct Stated {
    pub(super) chip: String,
    pub(super) clock: Option<String>,
    pub(super) threads: u32,
    pub(super) runtime: String,
    pub(super) version: String,
    pub(super) build: Option<String>,
    pub(super) precision: Option<Precision>,
    pub(super) metrics: Vec<Metric>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct IdentityLine {
    chip: String,
    clock: Option<String>,
    threads: u32,
    runtime: String,
    version: String,
    build: Option<String>,
    precision: Option<String>,
    metrics: Option<Vec<String>>,
}

#[derive(Deserialize)]
struct Failure {
    error: String,
    #[serde(default)]
    unsupported: bool,
}

/// A figure, or several.
#[derive(Deserialize)]
#[serde(untagged)]
enum Figures {
    One(f64),
    Several(Vec<f64>),
}

/// The identity that `text` states.
///
/// # Errors
/// [`ErrorKind::Backend`] if it states none.
pub(super) fn identity(text: &str) -> Result<Stated> {
    let mut lines = lines(text);
    let (Some((_, line)), None) = (lines.next(), lines.next()) else {
        return Err(wrong("answer", "is not one line").expected("the identity as one line of JSON"));
    };
    refuse_failure(line)?;
    let stated: IdentityLine = serde_json::from_str(line)
        .map_err(|error| wrong("identity", error.to_string()).expected(EXPECTED))?;
    let precision = stated.precision.map(|name| {
        let names = || Precision::ALL.iter().map(|p| p.name()).collect::<Vec<_>>().join(", ");
        let unknown = || wrong("identity", format!("has precision {name:?}")).expected(names());
        Precision::from_name(&name).ok_or_else(unknown)
    });
    let metrics = stated.metrics.unwrap_or_else(|| vec![Metric::Latency.name().to_owned()]);
    let metrics = metrics.iter().map(|name| {
        Metric::from_name(name).ok_or_else(|| wrong("identity", format!("has the metric {name:?}")))
    });
    Ok(Stated {
        chip: stated.chip,
        clock: stated.clock,
        threads: stated.threads,
        runtime: stated.runtime,
        version: stated.version,
        build: stated.build,
        precision: precision.transpose()?,
        metrics: metrics.collect::<Result<_>>()?,
    })
}

const EXPECTED: &str = "an object with chip, threads, runtime and version, and clock, build, \
    precision or metrics";

/// The figures that `text` states, of which there must be some of each of `metrics`.
///
/// # Errors
/// [`ErrorKind::UnsupportedModel`] or [`ErrorKind::Backend`] if it states an error, or something
/// that is no figure.
pub(super) fn samples(text: &str, metrics: &[Metric]) -> Result<Vec<Sample>> {
    let mut samples = Vec::new();
    for (number, line) in lines(text) {
        refuse_failure(line)?;
        let subject = format!("answer, line {number}");
        let figures: BTreeMap<String, Figures> = serde_json::from_str(line).map_err(|error| {
            wrong(&subject, error.to_string()).expected("an object of figures by metric")
        })?;
        for (name, figures) in figures {
            let stated = Metric::from_name(&name).filter(|metric| metrics.contains(metric));
            let metric = stated.ok_or_else(|| {
                let names: Vec<&str> = metrics.iter().map(|metric| metric.name()).collect();
                wrong(&subject, format!("has {name:?}"))
                    .expected(format!("the metrics of its identity: {}", names.join(", ")))
            })?;
            for value in values(figures) {
                if !(value > 0.0 && value.is_finite()) {
                    return Err(wrong(&subject, format!("has {value} for {name}"))
                        .expected("a positive number"));
                }
                samples.push(Sample { metric, value });
            }
        }
    }
    let is_missing = |metric: &&Metric| !samples.iter().any(|sample| sample.metric == **metric);
    match metrics.iter().find(is_missing) {
        None => Ok(samples),
        Some(metric) => Err(wrong("answer", format!("has no figure of {}", metric.name()))),
    }
}

fn values(figures: Figures) -> Vec<f64> {
    match figures {
        Figures::One(value) => vec![value],
        Figures::Several(values) => values,
    }
}

/// Lines that are not blank, numbered from 1 on.
fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty())
}

/// The error that a line of `text` states, if one does.
pub(super) fn refuse_failures(text: &str) -> Result<()> {
    lines(text).try_for_each(|(_, line)| refuse_failure(line))
}

/// The error that a line states, if it states one.
fn refuse_failure(line: &str) -> Result<()> {
    let Ok(Failure { error, unsupported }) = serde_json::from_str(line) else { return Ok(()) };
    let kind = if unsupported { ErrorKind::UnsupportedModel } else { ErrorKind::Backend };
    Err(Error::new(kind, "device", error))
}

fn wrong(subject: &str, found: impl Into<String>) -> Error {
    Error::new(ErrorKind::Backend, subject, found)
}
