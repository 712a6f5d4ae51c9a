//! `space.list`: the built-in spaces, and what is loaded.

use nnmeter_filters::builtin;
use serde_json::{Value, json};

use super::{Context, NoParams};
use crate::error::Result;
use crate::rpc::store::{Space, Table};

pub(super) fn run(context: &Context<'_>, _: NoParams) -> Result<Value> {
    let store = &context.state.store;
    let built_in = builtin::ALL.iter().map(|(name, about)| json!({"name": name, "about": about}));
    let space = |space: &Space| json!({"space": space.handle, "name": space.space.name()});
    let table = |table: &Table| {
        json!({
            "table": table.handle,
            "space": table.space.handle,
            "name": table.space.space.name(),
            "device": table.costs.device(),
            "metric": table.costs.quantity().metric,
        })
    };
    Ok(json!({
        "built_in": built_in.collect::<Vec<_>>(),
        "spaces": store.spaces.all().iter().map(|own| space(own)).collect::<Vec<_>>(),
        "tables": store.tables.all().iter().map(|own| table(own)).collect::<Vec<_>>(),
    }))
}
