//! `predict`: the latency, or energy, of one model on a device.

use serde::Deserialize;
use serde_json::Value;

use super::Context;
use crate::error::Result;
use crate::rpc::model::Model;
use crate::rpc::prediction::Wanted;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Params {
    /// `name` or `name@1.0`.
    device: String,
    model: Model,
    /// `latency` or `energy`.
    #[serde(default)]
    metric: Option<String>,
    /// Also tell the probability to stay within so many milliseconds.
    #[serde(default)]
    budget_ms: Option<f64>,
    /// Also tell the probability to stay within so many millijoules.
    #[serde(default)]
    budget_mj: Option<f64>,
    /// Answer even if operators have no price.
    #[serde(default)]
    allow_uncovered: bool,
    /// Leave the list of kernels out.
    #[serde(default)]
    without_kernels: bool,
}

pub(super) fn run(context: &Context<'_>, params: Params) -> Result<Value> {
    let device = context.state.devices.open(&params.device)?;
    let Params { metric, budget_ms, budget_mj, .. } = &params;
    let mut wanted = Wanted::new(device, metric.as_deref(), *budget_ms, *budget_mj)?;
    wanted.allow_uncovered = params.allow_uncovered;
    wanted.kernels = !params.without_kernels;
    wanted.predict(&params.model, context.source)
}
