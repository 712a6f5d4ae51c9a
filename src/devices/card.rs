//! The card of a device: what it is, what it rests on, and how accurate it was.

use nnmeter_core::kind::Kind;
use nnmeter_core::predict::Predictor;
use nnmeter_core::uncertainty::{Quantiles, Uncertainty};
use nnmeter_core::units::Unit;
use nnmeter_hardware::device::{AccuracyRow, AccuracyTable};
use nnmeter_hardware::registry::{Entry, OpenDevice, Origin, Standing};
use serde_json::{Value, json};

use crate::accuracy;
use crate::report::plain_table;

/// Where a package comes from, in words.
pub(super) fn origin(origin: &Origin) -> String {
    match origin {
        Origin::File(path) => path.display().to_string(),
        Origin::BuiltIn => "built in".to_owned(),
        Origin::Registered => "another crate".to_owned(),
    }
}

/// The card as people read it.
pub(super) fn text(device: &OpenDevice) -> String {
    let about = device.device();
    let fitted = device.provenance();
    let mut facts = plain_table(&[about.name.as_str(), ""]);
    let mut fact = |name: &str, value: &str| {
        facts.add_row(vec![name.to_owned(), value.to_owned()]);
    };
    fact("version", &device.version().to_string());
    fact("device", &about.title);
    fact("chip", &about.chip);
    fact("clock", about.clock.as_deref().unwrap_or("not known"));
    fact("threads", &about.threads.to_string());
    fact("runtime", &about.runtime.to_string());
    fact("precision", about.precision.name());
    fact("stated by", about.source.as_deref().unwrap_or("nobody"));
    for metric in metrics(device) {
        fact("predicts", metric.name);
        fact("prices", &metric.kinds.join(", "));
        fact("interval", &metric.interval.map_or("not known".to_owned(), |of| of.text()));
    }
    fact("fitted on", &format!("{} networks of {}", fitted.models, fitted.data_set));
    fact("data by", &format!("{} ({})", fitted.source, fitted.licence));
    fact("method", &fitted.method);
    fact("fitted", &format!("{} by {}, seed {}", fitted.date, fitted.tool, fitted.seed));
    fact("package", &origin(device.origin()));
    let tables: Vec<String> = device.accuracy().iter().map(table_text).collect();
    format!("{}\n\n{}", facts.trim_fmt(), tables.join("\n"))
}

fn table_text(table: &AccuracyTable) -> String {
    let mut rows = plain_table(&accuracy::header("networks"));
    for row in table.rows.iter().chain([&table.overall]) {
        rows.add_row(accuracy::cells(&row.family, &row.accuracy()));
    }
    let notes: String = table.notes.iter().map(|note| format!("  {note}\n")).collect();
    let (metric, protocol) = (&table.metric, &table.protocol);
    format!("Accuracy of {metric}, {protocol}:\n{}\n{notes}", rows.trim_fmt())
}

/// What the models of one metric are good for.
struct Metric {
    name: &'static str,
    unit: &'static str,
    /// Kinds of kernels that have a price.
    kinds: Vec<&'static str>,
    interval: Option<Interval>,
}

fn metrics(device: &OpenDevice) -> Vec<Metric> {
    let latency = device.latency().ok().map(metric);
    let energy = device.energy().ok().map(metric);
    latency.into_iter().chain(energy).collect()
}

fn metric<U: Unit>(predictor: &Predictor<U>) -> Metric {
    let priced = Kind::ALL.iter().filter(|&&kind| predictor.model(kind).is_some());
    Metric {
        name: U::METRIC,
        unit: U::SUFFIX,
        kinds: priced.map(|kind| kind.name()).collect(),
        interval: predictor.uncertainty().map(Interval::of),
    }
}

impl Metric {
    fn json(&self) -> Value {
        json!({
            "metric": self.name,
            "unit": self.unit,
            "kernel_kinds": self.kinds,
            "interval": self.interval.as_ref().map(Interval::json),
        })
    }
}

/// The ends of intervals as multiples of a prediction.
struct Interval {
    level: f64,
    inside: [f64; 2],
    outside: [f64; 2],
}

impl Interval {
    fn of(uncertainty: &Uncertainty) -> Self {
        let level = uncertainty.level();
        let ends = |errors: &Quantiles| {
            let (low, high) = errors.ends(level);
            [low.exp(), high.exp()]
        };
        Self { level, inside: ends(uncertainty.inside()), outside: ends(uncertainty.outside()) }
    }

    fn text(&self) -> String {
        let percent = |end: f64| format!("{:+.1} %", 100.0 * (end - 1.0));
        let ends = |[low, high]: [f64; 2]| format!("{} to {}", percent(low), percent(high));
        format!(
            "of {:.0} %: {}; {} outside of what was fitted",
            100.0 * self.level,
            ends(self.inside),
            ends(self.outside)
        )
    }

    fn json(&self) -> Value {
        json!({"level": self.level, "inside": self.inside, "outside": self.outside})
    }
}

/// The card as one JSON object; `entry` is what the registry knows of the device, if it does.
pub(super) fn json(device: &OpenDevice, entry: Option<&Entry<'_>>) -> Value {
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
        "metrics": metrics(device).iter().map(Metric::json).collect::<Vec<_>>(),
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
    let row = |row: &AccuracyRow| accuracy::json(&row.family, &row.accuracy());
    json!({
        "metric": table.metric,
        "protocol": table.protocol,
        "families": table.rows.iter().map(row).collect::<Vec<_>>(),
        "overall": row(&table.overall),
        "notes": table.notes,
    })
}
