//! `devices.card`: what one device is, what it rests on, and how accurate it was.

use nnmeter_hardware::json;
use serde::Deserialize;
use serde_json::Value;

use super::Context;
use crate::error::Result;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Params {
    /// `name` or `name@1.0`.
    device: String,
}

pub(super) fn run(context: &Context<'_>, params: Params) -> Result<Value> {
    Ok(json::card(&*context.state.devices.open(&params.device)?, None))
}
