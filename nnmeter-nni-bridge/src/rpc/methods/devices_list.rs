//! `devices.list`: the cards of all devices.

use serde_json::{Value, json};

use super::{Context, NoParams};
use crate::error::Result;

pub(super) fn run(context: &Context<'_>, _: NoParams) -> Result<Value> {
    Ok(json!({"devices": context.state.devices.cards()}))
}
