//! `space.count`: how many architectures satisfy constraints, and what the cheapest and the dearest of
//! the space cost.

use nnmeter_filters::exact::{CountBounds, SamplerOptions, cheapest, dearest};
use serde::Deserialize;
use serde_json::{Value, json};

use super::Context;
use crate::error::{ErrorKind, Result};
use crate::rpc::bounds::{Bound, Bounds};
use crate::rpc::store::Table;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Params {
    /// Bounds that all have to hold.
    #[serde(default)]
    constraints: Vec<Bound>,
    /// The space, where no constraint tells it.
    #[serde(default)]
    space: Option<Value>,
}

/// Counts are text, because they may be beyond what JSON's readers take for exact.
pub(super) fn run(context: &Context<'_>, params: Params) -> Result<Value> {
    let store = &context.state.store;
    let bounds = Bounds::read(store, params.space.as_ref(), &params.constraints)?;
    let count = match count(context, &bounds) {
        Err(error) if error.kind() == ErrorKind::Infeasible => {
            CountBounds { certain: 0, possible: 0 }
        }
        count => count?,
    };
    let ends = bounds.tables.iter().map(|table| ends(table)).collect::<Result<Vec<_>>>()?;
    Ok(json!({
        "certain": count.certain.to_string(),
        "possible": count.possible.to_string(),
        "architectures": bounds.space.space.architectures().map(|count| count.to_string()),
        "ends": ends,
    }))
}

fn count(context: &Context<'_>, bounds: &Bounds) -> Result<CountBounds> {
    Ok(bounds.feasible(context.stop)?.count(&SamplerOptions::default())?)
}

fn ends(table: &Table) -> Result<Value> {
    let (cheap, least) = cheapest(&table.space.space, &table.costs)?;
    let (dear, most) = dearest(&table.space.space, &table.costs)?;
    Ok(json!({
        "table": table.handle,
        table.key("least"): least,
        "cheapest": cheap[..],
        table.key("most"): most,
        "dearest": dear[..],
    }))
}
