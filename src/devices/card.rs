//! The card of a device as text: what it is, what it rests on, and how accurate it was.

use nnmeter_hardware::device::AccuracyTable;
use nnmeter_hardware::json::{self, IntervalCard};
use nnmeter_hardware::registry::OpenDevice;

use crate::accuracy;
use crate::report::plain_table;

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
    for metric in json::metrics(device) {
        fact("predicts", metric.name);
        fact("prices", &metric.kinds.join(", "));
        fact("interval", &metric.interval.map_or("not known".to_owned(), |of| interval_text(&of)));
    }
    fact("fitted on", &format!("{} networks of {}", fitted.models, fitted.data_set));
    fact("data by", &format!("{} ({})", fitted.source, fitted.licence));
    fact("method", &fitted.method);
    fact("fitted", &format!("{} by {}, seed {}", fitted.date, fitted.tool, fitted.seed));
    fact("package", &json::origin(device.origin()));
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

fn interval_text(of: &IntervalCard) -> String {
    let percent = |end: f64| format!("{:+.1} %", 100.0 * (end - 1.0));
    let ends = |[low, high]: [f64; 2]| format!("{} to {}", percent(low), percent(high));
    format!(
        "of {:.0} %: {}; {} outside of what was fitted",
        100.0 * of.level,
        ends(of.inside),
        ends(of.outside)
    )
}
