//! `predict_kernels`: what single kernels cost, told by their numbers as `predict` tells `workloads`.

use nnmeter_core::predict::Predictor;
use nnmeter_core::units::Unit;
use nnmeter_hardware::dataset::kernels::Configuration;
use nnmeter_hardware::package::Metric;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Context;
use crate::error::{Error, ErrorKind, Result};
use crate::rpc::prediction::metric_called;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Params {
    /// `name` or `name@1.0`.
    device: String,
    /// Of each kernel its workloads.
    kernels: Vec<Vec<Configuration>>,
    /// `latency` or `energy`.
    #[serde(default)]
    metric: Option<String>,
}

pub(super) fn run(context: &Context<'_>, params: Params) -> Result<Value> {
    let device = context.state.devices.open(&params.device)?;
    match metric_called(params.metric.as_deref())? {
        Metric::Latency => costs(device.latency()?, &params, context),
        Metric::Energy => costs(device.energy()?, &params, context),
    }
}

fn costs<U: Unit>(
    predictor: &Predictor<U>,
    params: &Params,
    context: &Context<'_>,
) -> Result<Value> {
    let one = |(index, kernel): (usize, &Vec<Configuration>)| {
        context.stop.step()?;
        cost(predictor, kernel).map_err(|error| error.within(format!("kernels[{index}]")))
    };
    let costs: Result<Vec<f64>> = params.kernels.iter().enumerate().map(one).collect();
    Ok(json!({format!("costs_{}", U::SUFFIX): costs?}))
}

fn cost<U: Unit>(predictor: &Predictor<U>, kernel: &[Configuration]) -> Result<f64> {
    kernel.iter().try_fold(0.0, |sum, told| {
        let work = told.workload()?;
        let cost = predictor.cost_of(&work).ok_or_else(|| {
            let subject = format!("kernel of kind {:?}", told.kind);
            Error::new(ErrorKind::Uncovered, subject, "has no price on the device")
        })?;
        Ok(sum + cost.value())
    })
}
