//! `space.unload`: forgets a space or a table, to make room.

use serde::Deserialize;
use serde_json::{Value, json};

use super::Context;
use crate::error::{Error, ErrorKind, Result};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Params {
    /// The handle of a space or a table.
    handle: String,
}

pub(super) fn run(context: &Context<'_>, params: Params) -> Result<Value> {
    let (store, handle) = (&context.state.store, params.handle);
    if store.spaces.remove(&handle).is_some() || store.tables.remove(&handle).is_some() {
        return Ok(json!({"unloaded": handle}));
    }
    Err(Error::new(ErrorKind::UnknownHandle, format!("handle {handle:?}"), "is not loaded")
        .hint("`space.list` lists what is"))
}
