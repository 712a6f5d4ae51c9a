//! `status`: the calls that are running, or one of them.

use serde::Deserialize;
use serde_json::{Value, json};

use super::Context;
use crate::error::Result;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Params {
    /// The name of a call.
    #[serde(default)]
    call: Option<String>,
}

pub(super) fn run(context: &Context<'_>, params: Params) -> Result<Value> {
    Ok(json!({"calls": context.state.calls.status(params.call.as_deref())?}))
}
