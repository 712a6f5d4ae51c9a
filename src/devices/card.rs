//! The card of a device: what it is, what it rests on, and how accurate it was.

use nnmeter_core::kind::Kind;
use nnmeter_hardware::device::{AccuracyRow, AccuracyTable};
use nnmeter_hardware::registry::{OpenDevice, Origin};
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
    fact("device", &about.title);
    fact("chip", &about.chip);
    fact("clock", about.clock.as_deref().unwrap_or("not known"));
    fact("threads", &about.threads.to_string());
    fact("runtime", &about.runtime.to_string());
    fact("precision", about.precision.name());
    fact("stated by", about.source.as_deref().unwrap_or("nobody"));
    fact("predicts", &metrics(device).join(", "));
    fact("prices", &kinds(device).join(", "));
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

fn metrics(device: &OpenDevice) -> Vec<&'static str> {
    let latency = device.latency().is_ok().then_some("latency (ms)");
    let energy = device.energy().is_ok().then_some("energy (mJ)");
    latency.into_iter().chain(energy).collect()
}

/// Kinds of kernels that the latency predictor prices.
fn kinds(device: &OpenDevice) -> Vec<&'static str> {
    let Ok(predictor) = device.latency() else { return Vec::new() };
    let priced = Kind::ALL.iter().filter(|&&kind| predictor.model(kind).is_some());
    priced.map(|kind| kind.name()).collect()
}

/// The card as one JSON object.
pub(super) fn json(device: &OpenDevice) -> Value {
    let about = device.device();
    let fitted = device.provenance();
    json!({
        "name": about.name,
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
        "kernel_kinds": kinds(device),
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
