//! Predictions as people and as machines read them.

use std::collections::BTreeSet;

use comfy_table::{CellAlignment, Table, presets};
use nnmeter_core::kind::Kind;
use nnmeter_core::predict::{Interval, Prediction, PricedKernel};
use nnmeter_core::typed::TypedGraph;
use nnmeter_core::uncertainty::OutsideFit;
use nnmeter_core::units::Unit;
use nnmeter_core::workload::{Extents, Workload};
use nnmeter_hardware::json;
use nnmeter_hardware::version::Version;
use serde_json::Value;

/// How predictions are shown.
pub(crate) struct Page<'a> {
    /// Name of the device.
    pub(crate) device: &'a str,
    /// Version of its predictor.
    pub(crate) version: Version,
    /// What a network may cost, in the metric's unit.
    pub(crate) budget: Option<f64>,
    /// Whether a total that does not cover all operators is accepted.
    pub(crate) allow_uncovered: bool,
    /// As a JSON object a line, not as text.
    pub(crate) json: bool,
}

impl Page<'_> {
    /// The prediction for a file, with the end of its last line.
    pub(crate) fn show<U: Unit>(
        &self,
        file: &str,
        graph: &TypedGraph,
        prediction: &Prediction<U>,
    ) -> String {
        match self.json {
            true => format!("{}\n", self.json(file, graph, prediction)),
            false => self.text(file, graph, prediction),
        }
    }

    /// The budget and the probability to stay within it, if that can be said: of a total that is
    /// not all there is it cannot, unless it was accepted, nor where intervals are not known.
    fn within<U: Unit>(&self, prediction: &Prediction<U>) -> Option<(f64, Option<f64>)> {
        let budget = self.budget?;
        let is_whole = prediction.uncovered.is_empty() || self.allow_uncovered;
        Some((
            budget,
            is_whole.then(|| prediction.probability_within(U::from_value(budget))).flatten(),
        ))
    }

    fn json<U: Unit>(&self, file: &str, graph: &TypedGraph, prediction: &Prediction<U>) -> Value {
        let mut object = json::prediction(graph, prediction, self.within(prediction));
        object["file"] = file.into();
        object["device"] = self.device.into();
        object["version"] = self.version.to_string().into();
        object
    }

    /// A prediction as a page of text.
    fn text<U: Unit>(&self, file: &str, graph: &TypedGraph, prediction: &Prediction<U>) -> String {
        let mut text = format!("{file} on {}: {}\n", self.device, headline(prediction));
        if let Some((budget, probability)) = self.within(prediction) {
            let budget = U::from_value(budget);
            text.push_str(&match probability {
                Some(p) => format!("within {budget} with a probability of {:.1} %\n", 100.0 * p),
                None => format!("whether that is within {budget} cannot be said\n"),
            });
        }
        text.push_str(&format!("\n{}\n", kernel_table(graph, prediction).trim_fmt()));
        text.push_str(&outside_note(prediction));
        text.push_str(&fixed_price_note(prediction));
        text.push_str(&uncovered_note(graph, prediction, self.allow_uncovered));
        text.push('\n');
        text
    }
}

/// The total with its interval, or that it is not all there is.
fn headline<U: Unit>(prediction: &Prediction<U>) -> String {
    let total = prediction.total;
    let digits = if total.value() < 1.0 { 4 } else { 2 }; // four as in the table
    if prediction.uncovered.is_empty() {
        let Some(Interval { low, high, level }) = prediction.interval else {
            return format!("{total:.digits$} (how far off it may be is not known)");
        };
        let (low, percent) = (low.value(), 100.0 * level);
        return format!(
            "{total:.digits$} ({percent:.0} % interval {low:.digits$} to {high:.digits$})"
        );
    }
    if prediction.kernels.is_empty() {
        return "no price, since none of its operators has one".to_owned();
    }
    format!(
        "more than {total:.digits$}, for {:.1} % of its operators (the others have no price)",
        100.0 * prediction.coverage
    )
}

fn kernel_table<U: Unit>(graph: &TypedGraph, prediction: &Prediction<U>) -> Table {
    let mut table = plain_table(&["first node", "kernel", "configuration", U::SUFFIX, "share", ""]);
    for index in [3, 4] {
        if let Some(column) = table.column_mut(index) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    let total = prediction.total.value();
    for priced in &prediction.kernels {
        let kernel = prediction.kernel(priced);
        let share = if total > 0.0 { 100.0 * priced.cost.value() / total } else { 0.0 };
        table.add_row(vec![
            graph.graph().node(kernel.nodes()[0]).name.to_string(),
            kernel.name(),
            priced.work.iter().map(configuration).collect::<Vec<_>>().join(", "),
            format!("{:.4}", priced.cost.value()),
            format!("{share:.1} %"),
            marks(priced),
        ]);
    }
    table
}

/// `*` outside of what the model was fitted on, `~` for a price that does not depend on size.
fn marks<U: Unit>(priced: &PricedKernel<U>) -> String {
    let outside = if priced.outside.is_empty() { "" } else { "*" };
    let fixed = if priced.fixed_price { "~" } else { "" };
    format!("{outside}{fixed}")
}

/// Sets some columns of a table, those of numbers, to the right.
pub(crate) fn align_right(table: &mut Table, columns: std::ops::Range<usize>) {
    for column in columns {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
}

/// A table with a header and no lines but the one below it.
pub(crate) fn plain_table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(header.to_vec());
    table
}

/// `224x224x3 -> 112x112x32 k3 s2`.
fn configuration(work: &Workload) -> String {
    let mut text =
        format!("{} -> {}", tensor(&work.input, work.cin), tensor(&work.output, work.cout));
    if json::is_windowed(work.kind) {
        text.push_str(&format!(" k{}", square(&work.window)));
        text.push_str(&format!(" s{}", square(&work.stride)));
    }
    for (name, value) in [("d", square(&work.dilation)), ("batch ", work.batch.to_string())] {
        if value != "1" {
            text.push_str(&format!(" {name}{value}"));
        }
    }
    if work.groups > 1 && work.kind != Kind::DwConv {
        text.push_str(&format!(" g{}", work.groups));
    }
    text
}

fn tensor(extents: &Extents, channels: u32) -> String {
    match extents {
        [1, 1, 1] => channels.to_string(),
        [1, height, width] => format!("{height}x{width}x{channels}"),
        [depth, height, width] => format!("{depth}x{height}x{width}x{channels}"),
    }
}

/// `3` for a square, `1x7` otherwise.
fn square(extents: &Extents) -> String {
    match extents {
        [1, height, width] if height == width => height.to_string(),
        [1, height, width] => format!("{height}x{width}"),
        [depth, height, width] => format!("{depth}x{height}x{width}"),
    }
}

/// What lies outside of what was fitted: kernels, or the whole network.
fn outside_note<U: Unit>(prediction: &Prediction<U>) -> String {
    prediction
        .outside_fit
        .iter()
        .map(|why| match why {
            OutsideFit::Kernels => outside_kernels(prediction),
            OutsideFit::SmallTotal => beyond("smaller"),
            OutsideFit::LargeTotal => beyond("larger"),
        })
        .collect()
}

fn beyond(how: &str) -> String {
    format!("the total is {how} than that of any network the model was fitted on\n")
}

fn outside_kernels<U: Unit>(prediction: &Prediction<U>) -> String {
    let outside = || prediction.kernels.iter().filter(|kernel| !kernel.outside.is_empty());
    let features = outside().flat_map(|kernel| kernel.outside.iter().map(|of| of.name()));
    let features: BTreeSet<&str> = features.collect();
    let features: Vec<&str> = features.into_iter().collect();
    let count = outside().count();
    let marked = if count == 1 { "1 kernel lies" } else { &format!("{count} kernels lie") };
    format!("* {marked} outside what the model was fitted on, in {}\n", features.join(", "))
}

fn fixed_price_note<U: Unit>(prediction: &Prediction<U>) -> String {
    match prediction.kernels.iter().filter(|kernel| kernel.fixed_price).count() {
        0 => String::new(),
        count => {
            let marked = if count == 1 { "1 kernel has" } else { &format!("{count} kernels have") };
            format!(
                "~ {marked} a price that is the same for every size: the measurements did not tell \
                 what such kernels cost\n"
            )
        }
    }
}

fn uncovered_note<U: Unit>(
    graph: &TypedGraph,
    prediction: &Prediction<U>,
    allow_uncovered: bool,
) -> String {
    if prediction.uncovered.is_empty() {
        return "every operator is covered\n".to_owned();
    }
    let mut table = plain_table(&["node", "operator", "why it has no price"]);
    for uncovered in &prediction.uncovered {
        let node = graph.graph().node(uncovered.node);
        let why = json::why_no_price(graph, uncovered.reason);
        table.add_row(vec![node.name.to_string(), node.op.name().to_owned(), why]);
    }
    let hint = if allow_uncovered { "" } else { "hint: --allow-uncovered accepts this total\n" };
    format!(
        "NOT COVERED by the total: {} operators (coverage {:.1} %)\n\n{}\n{hint}",
        prediction.uncovered.len(),
        100.0 * prediction.coverage,
        table.trim_fmt()
    )
}
