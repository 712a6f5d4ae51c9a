//! `space.compile`: the costs of all architectures of a space on a device, as a table that later calls
//! name by its handle.

use nnmeter_filters::budget::Cost;
use nnmeter_filters::exact::{cheapest, dearest};
use nnmeter_filters::space::Sample;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Context;
use crate::error::Result;
use crate::rpc::store::{Table, named};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Params {
    /// A handle, the name of a built-in space, or a space as JSON.
    space: Value,
    /// `name` or `name@1.0`; what needs no device ignores it.
    #[serde(default)]
    device: Option<String>,
    /// `latency`, `energy`, `macs`, `flops` or `parameters`.
    #[serde(default = "named::latency", deserialize_with = "named::deserialize")]
    metric: Cost,
    /// Leave kernels without a price out of the costs.
    #[serde(default)]
    allow_uncovered: bool,
}

pub(super) fn run(context: &Context<'_>, params: Params) -> Result<Value> {
    let Context { state, stop, .. } = context;
    let space = state.store.space(&params.space)?;
    let device = params.device.map(|name| state.devices.open(&name)).transpose()?;
    let Params { metric, allow_uncovered, .. } = params;
    let table = state.store.compile(space, device, metric, allow_uncovered, stop)?;
    Ok(describe(&table))
}

/// What is in a table.
pub(super) fn describe(table: &Table) -> Value {
    let space = &table.space.space;
    // Where choices are tied together too much for an exact search, the ends are not known.
    let end = |found: nnmeter_filters::error::Result<(Sample, f64)>| found.ok();
    let (least, most) = (end(cheapest(space, &table.costs)), end(dearest(space, &table.costs)));
    let sample = |end: &Option<(Sample, f64)>| end.as_ref().map(|(sample, _)| json!(sample[..]));
    let uncovered: Vec<String> = table.costs.uncovered().iter().map(ToString::to_string).collect();
    json!({
        "table": table.handle,
        "space": table.space.handle,
        "name": space.name(),
        "device": table.costs.device(),
        "metric": table.costs.quantity().metric,
        table.key("least"): least.as_ref().map(|(_, cost)| cost),
        table.key("most"): most.as_ref().map(|(_, cost)| cost),
        "cheapest": sample(&least),
        "dearest": sample(&most),
        "tables": table.costs.factors().len(),
        "entries": table.costs.entries(),
        "uncovered": uncovered,
    })
}
