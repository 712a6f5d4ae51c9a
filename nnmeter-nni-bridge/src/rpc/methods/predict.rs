//! `predict`: the latency, or energy, of one model on a device.

use serde_json::Value;

use super::Context;
use crate::error::Result;
use crate::rpc::model::Model;
use crate::rpc::prediction::{Wanted, params};

params! { model: Model }

pub(super) fn run(context: &Context<'_>, params: Params) -> Result<Value> {
    params.wanted(context.state)?.predict(&params.model, context.source)
}
