//! Predictions as JSON objects: the form that the command line prints and services answer with.
//!
//! Keys have their unit as suffix (`total_ms`). Nothing is computed here.

use nnmeter_core::kind::Kind;
use nnmeter_core::predict::{NoPrice, Prediction, PricedKernel, Uncovered};
use nnmeter_core::typed::TypedGraph;
use nnmeter_core::units::Unit;
use nnmeter_core::workload::{Extents, Workload};
use serde_json::{Map, Value, json};

/// A prediction as an object: total, interval, every kernel, and what has no price.
///
/// `within` is a budget in the metric's unit, with the probability to stay within it if that can be
/// said.
pub fn prediction<U: Unit>(
    graph: &TypedGraph,
    prediction: &Prediction<U>,
    within: Option<(f64, Option<f64>)>,
) -> Value {
    let unit = U::SUFFIX;
    let kernels = prediction.kernels.iter().map(|kernel| json_kernel(graph, prediction, kernel));
    let uncovered = prediction.uncovered.iter().map(|uncovered| json_uncovered(graph, uncovered));
    let interval = prediction.interval.map(|of| [of.low.value(), of.high.value()]);
    let mut object = json!({
        format!("total_{unit}"): prediction.total.value(),
        format!("interval_{unit}"): interval,
        "outside_fit": prediction.outside_fit.iter().map(|why| why.name()).collect::<Vec<_>>(),
        "coverage": prediction.coverage,
        "kernels": kernels.collect::<Vec<_>>(),
        "uncovered": uncovered.collect::<Vec<_>>(),
    });
    if let Some((budget, probability)) = within {
        object[format!("budget_{unit}")] = budget.into();
        object["probability_within_budget"] = probability.into();
    }
    object
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
    json!({"node": &*node.name, "op": node.op.name(), "reason": why_no_price(graph, uncovered.reason)})
}

/// Why an operator has no price, in words.
pub fn why_no_price(graph: &TypedGraph, reason: NoPrice) -> String {
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

/// Whether kernels of a kind have a window, so that its extents and stride are worth showing.
pub fn is_windowed(kind: Kind) -> bool {
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
