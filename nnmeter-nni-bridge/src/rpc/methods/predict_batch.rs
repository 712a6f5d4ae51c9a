//! `predict_batch`: the same of many models; one that fails does not keep the others from an answer.

use serde::Deserialize;
use serde_json::{Value, json};

use super::Context;
use crate::error::{Error, Result};
use crate::rpc::model::Model;
use crate::rpc::prediction::Wanted;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Params {
    /// `name` or `name@1.0`.
    device: String,
    models: Vec<Model>,
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
    /// Leave the lists of kernels out.
    #[serde(default)]
    without_kernels: bool,
}

pub(super) fn run(context: &Context<'_>, params: Params) -> Result<Value> {
    let device = context.state.devices.open(&params.device)?;
    let Params { metric, budget_ms, budget_mj, .. } = &params;
    let mut wanted = Wanted::new(device, metric.as_deref(), *budget_ms, *budget_mj)?;
    wanted.allow_uncovered = params.allow_uncovered;
    wanted.kernels = !params.without_kernels;
    let one = |model: &Model| {
        context.stop.step()?;
        let prediction = wanted.predict(model, context.source);
        Ok(prediction.unwrap_or_else(|error| json!({"error": jsonrpc_core::Error::from(error)})))
    };
    let predictions: Result<Vec<Value>, Error> = params.models.iter().map(one).collect();
    Ok(json!({"predictions": predictions?}))
}
