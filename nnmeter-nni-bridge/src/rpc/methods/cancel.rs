//! `cancel`: asks a call to end. Its own answer is then an error; that of `cancel` does not wait for it.

use serde::Deserialize;
use serde_json::{Value, json};

use super::Context;
use crate::error::Result;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Params {
    /// The name of the call.
    call: String,
}

pub(super) fn run(context: &Context<'_>, params: Params) -> Result<Value> {
    context.state.calls.cancel(&params.call)?;
    Ok(json!({"cancelled": params.call}))
}
