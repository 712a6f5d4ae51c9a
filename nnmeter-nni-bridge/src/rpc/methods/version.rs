//! `version`: what this program is, and which methods it has.

use serde_json::{Value, json};

use super::{ALL, Context, NoParams};
use crate::error::Result;

pub(super) fn run(_: &Context<'_>, _: NoParams) -> Result<Value> {
    Ok(json!({
        "name": env!("CARGO_PKG_NAME"),
        "version": env!("CARGO_PKG_VERSION"),
        "methods": ALL.iter().map(|method| method.name).collect::<Vec<_>>(),
    }))
}
