//! `health`: that the server answers, where, within which bounds, and what it is doing.

use std::sync::atomic::Ordering::Relaxed;

use serde_json::{Value, json};

use super::{Context, NoParams};
use crate::error::Result;

pub(super) fn run(context: &Context<'_>, _: NoParams) -> Result<Value> {
    let state = context.state;
    Ok(json!({
        "running_s": state.started.elapsed().as_secs_f64(),
        "process": std::process::id(),
        "addresses": state.addresses(),
        "clients": state.clients.load(Relaxed),
        "devices": state.devices.names(),
        "spaces": state.store.spaces.all().len(),
        "tables": state.store.tables.all().len(),
        "calls": {
            "started": state.calls.started.load(Relaxed),
            "failed": state.calls.failed.load(Relaxed),
            "running": state.calls.running(),
        },
        "limits": state.limits.json(),
    }))
}
