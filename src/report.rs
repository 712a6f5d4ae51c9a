//! Predictions as people and as machines read them.

use std::collections::BTreeSet;

use comfy_table::{CellAlignment, Table, presets};
use nnmeter_core::kind::Kind;
use nnmeter_core::predict::{Interval, NoPrice, Prediction, PricedKernel, Uncovered};
use nnmeter_core::typed::TypedGraph;
use nnmeter_core::uncertainty::OutsideFit;
use nnmeter_core::units::Unit;
use nnmeter_core::workload::{Extents, Workload};
use serde_json::{Map, Value, json};

/// How predictions are shown.
pub(crate) struct Page<'a> {
    /// Name of the device.
    pub(crate) device: &'a str,
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
        let unit = U::SUFFIX;
        let kernels: Vec<Value> = prediction
            .kernels
            .iter()
            .map(|kernel| json_kernel(graph, prediction, kernel))
            .collect();
        let uncovered: Vec<Value> =
            prediction.uncovered.iter().map(|uncovered| json_uncovered(graph, uncovered)).collect();
        let interval = prediction.interval.map(|of| [of.low.value(), of.high.value()]);
        let mut object = json!({
            "file": file,
            "device": self.device,
            format!("total_{unit}"): prediction.total.value(),
            format!("interval_{unit}"): interval,
            "outside_fit": prediction.outside_fit.iter().map(|why| why.name()).collect::<Vec<_>>(),
            "coverage": prediction.coverage,
            "kernels": kernels,
            "uncovered": uncovered,
        });
        if let Some((budget, probability)) = self.within(prediction) {
            object[format!("budget_{unit}")] = budget.into();
            object["probability_within_budget"] = probability.into();
        }
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

fn json_kernel<U: Unit>(
    graph: &TypedGraph,
    prediction: &Prediction<U>,
    priced: &PricedKernel<U>,
) -> Value {
    let kernel = prediction.kernel(priced);
    let names: Vec<&str> = kernel.nodes().iter().map(|&id| &*graph.graph().node(id).name).collect();
    let mut object = json!({
        "kind": kernel.name(),
        "nodes": names,
        "config": json_config(&priced.work[0]),
        U::SUFFIX: priced.cost.value(),
    });
    if let [_, more @ ..] = &priced.work[..]
        && !more.is_empty()
    {
        object["fused_configs"] = more.iter().map(json_config).collect();
    }
    if !priced.outside.is_empty() {
        object["outside_fitted_range"] =
            priced.outside.iter().map(|feature| feature.name()).collect();
    }
    if priced.fixed_price {
        object["fixed_price"] = true.into();
    }
    object
}

fn json_config(work: &Workload) -> Value {
    let mut config = Map::new();
    config.insert("batch".to_owned(), work.batch.into());
    config.insert("input".to_owned(), json_extents(&work.input));
    config.insert("cin".to_owned(), work.cin.into());
    config.insert("output".to_owned(), json_extents(&work.output));
    config.insert("cout".to_owned(), work.cout.into());
    if is_windowed(work.kind) {
        config.insert("kernel".to_owned(), json_extents(&work.window));
        config.insert("stride".to_owned(), json_extents(&work.stride));
        config.insert("dilation".to_owned(), json_extents(&work.dilation));
    }
    if matches!(work.kind, Kind::Conv | Kind::DwConv | Kind::ConvTrans) {
        config.insert("groups".to_owned(), work.groups.into());
    }
    if work.operands > 1 {
        config.insert("operands".to_owned(), work.operands.into());
    }
    Value::Object(config)
}

/// `[height, width]`, with the depth in front where there is one.
fn json_extents(extents: &Extents) -> Value {
    if extents[0] == 1 { json!(extents[1..]) } else { json!(extents) }
}

fn json_uncovered(graph: &TypedGraph, uncovered: &Uncovered) -> Value {
    let node = graph.graph().node(uncovered.node);
    json!({"node": &*node.name, "op": node.op.name(), "reason": reason(graph, uncovered.reason)})
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
    if is_windowed(work.kind) {
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

fn is_windowed(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Conv
            | Kind::DwConv
            | Kind::ConvTrans
            | Kind::MaxPool
            | Kind::AvgPool
            | Kind::OtherPool
    )
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
        let why = reason(graph, uncovered.reason);
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

fn reason(graph: &TypedGraph, reason: NoPrice) -> String {
    match reason {
        NoPrice::NoModel(Kind::Unknown) => "the operator is not known".to_owned(),
        NoPrice::NoModel(kind) => {
            format!("the device has no measurements of kernels of kind {kind}")
        }
        NoPrice::UnknownShape(origin) => format!(
            "its shape is not known, for want of a shape rule for {} ({})",
            graph.graph().label(origin),
            graph.graph().node(origin).op.name()
        ),
    }
}
