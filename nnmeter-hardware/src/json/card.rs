//! The card of a device as a JSON object: what it is, what it rests on, and how accurate it was.

use nnmeter_core::kind::Kind;
use nnmeter_core::predict::Predictor;
use nnmeter_core::uncertainty::{Quantiles, Uncertainty};
use nnmeter_core::units::Unit;
use serde_json::{Value, json};

use crate::accuracy::Accuracy;
use crate::device::{AccuracyRow, AccuracyTable};
use crate::registry::{Entry, OpenDevice, Origin, Standing};

/// What the models of one metric are good for.
#[derive(Clone, Debug)]
pub struct MetricCard {
    /// The metric's name: `latency_ms`.
    pub name: &'static str,
    /// Its unit, as a suffix of keys: `ms`.
    pub unit: &'static str,
    /// Kinds of kernels that have a price.
    pub kinds: Vec<&'static str>,
    /// How far totals are off, if that is known.
    pub interval: Option<IntervalCard>,
}

/// The metrics of a device.
pub fn metrics(device: &OpenDevice) -> Vec<MetricCard> {
    let latency = device.latency().ok().map(metric);
    let energy = device.energy().ok().map(metric);
    latency.into_iter().chain(energy).collect()
}

fn metric<U: Unit>(predictor: &Predictor<U>) -> MetricCard {
    let priced = Kind::ALL.iter().filter(|&&kind| predictor.model(kind).is_some());
    MetricCard {
        name: U::METRIC,
        unit: U::SUFFIX,
        kinds: priced.map(|kind| kind.name()).collect(),
        interval: predictor.uncertainty().map(IntervalCard::of),
    }
}

impl MetricCard {
    fn json(&self) -> Value {
        json!({
            "metric": self.name,
            "unit": self.unit,
            "kernel_kinds": self.kinds,
            "interval": self.interval.as_ref().map(IntervalCard::json),
        })
    }
}

/// The ends of intervals as multiples of a prediction.
#[derive(Clone, Copy, Debug)]
pub struct IntervalCard {
    /// Share of networks that an interval holds, 0 to 1.
    pub level: f64,
    /// Its ends for networks inside of what was fitted.
    pub inside: [f64; 2],
    /// Its ends for networks outside of it.
    pub outside: [f64; 2],
}

impl IntervalCard {
    fn of(uncertainty: &Uncertainty) -> Self {
        let level = uncertainty.level();
        let ends = |errors: &Quantiles| {
            let (low, high) = errors.ends(level);
            [low.exp(), high.exp()]
        };
        Self { level, inside: ends(uncertainty.inside()), outside: ends(uncertainty.outside()) }
    }

    fn json(&self) -> Value {
        json!({"level": self.level, "inside": self.inside, "outside": self.outside})
    }
}

/// The card as one JSON object; `entry` is what the registry knows of the device, if it does.
pub fn card(device: &OpenDevice, entry: Option<&Entry<'_>>) -> Value {
    let about = device.device();
    let fitted = device.provenance();
    json!({
        "name": about.name,
        "version": device.version().to_string(),
        "asked_for": entry.map(|entry| standing(entry.standing())),
        "title": about.title,
        "chip": about.chip,
        "clock": about.clock,
        "threads": about.threads,
        "runtime": {
            "name": about.runtime.name,
            "version": about.runtime.version,
            "build": about.runtime.build,
        },
        "precision": about.precision.name(),
        "stated_by": about.source,
        "metrics": metrics(device).iter().map(MetricCard::json).collect::<Vec<_>>(),
        "fitted_on": {
            "data_set": fitted.data_set,
            "licence": fitted.licence,
            "source": fitted.source,
            "models": fitted.models,
            "kernels": fitted.kernels,
            "date": fitted.date,
            "seed": fitted.seed,
            "tool": fitted.tool,
            "method": fitted.method,
        },
        "accuracy": device.accuracy().iter().map(table_json).collect::<Vec<_>>(),
        "from": origin(device.origin()),
    })
}

fn standing(standing: Standing) -> &'static str {
    match standing {
        Standing::Default => "by name",
        Standing::Versioned => "by version",
        Standing::Hidden => "never",
    }
}

fn table_json(table: &AccuracyTable) -> Value {
    let row = |row: &AccuracyRow| accuracy(&row.family, &row.accuracy());
    json!({
        "metric": table.metric,
        "protocol": table.protocol,
        "families": table.rows.iter().map(row).collect::<Vec<_>>(),
        "overall": row(&table.overall),
        "notes": table.notes,
    })
}

/// Where a package comes from, in words.
pub fn origin(origin: &Origin) -> String {
    match origin {
        Origin::File(path) => path.display().to_string(),
        Origin::BuiltIn => "built in".to_owned(),
        Origin::Registered => "another crate".to_owned(),
    }
}

/// The accuracy of one family as a JSON object.
pub fn accuracy(family: &str, accuracy: &Accuracy) -> Value {
    json!({
        "family": family,
        "models": accuracy.models,
        "within_5": accuracy.within_5,
        "within_10": accuracy.within_10,
        "in_interval": accuracy.coverage,
        "rmspe": accuracy.rmspe,
        "bias": accuracy.bias,
        "spearman": accuracy.spearman,
    })
}
