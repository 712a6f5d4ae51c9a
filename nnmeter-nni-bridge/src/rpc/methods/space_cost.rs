//! `space.cost`: what one sample costs by a table, or many.

use serde::Deserialize;
use serde_json::{Value, json};

use super::Context;
use crate::error::{Error, ErrorKind, Result};
use crate::rpc::samples::{self, Given};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Params {
    /// The handle of a table.
    table: String,
    /// One sample: indices or names of options.
    #[serde(default)]
    sample: Option<Value>,
    /// Many samples: an array of them, or packed.
    #[serde(default)]
    samples: Option<Given>,
}

pub(super) fn run(context: &Context<'_>, params: Params) -> Result<Value> {
    let table = context.state.store.table(&params.table)?;
    let space = &table.space.space;
    match (&params.sample, &params.samples) {
        (Some(sample), None) => {
            let cost = table.costs.cost(&samples::read(space, sample)?);
            Ok(json!({table.key("cost"): cost}))
        }
        (None, Some(samples)) => {
            let costs = table.costs.costs(&samples::read_many(space, samples)?);
            Ok(json!({table.key("costs"): costs}))
        }
        _ => Err(one_or_many()),
    }
}

pub(super) fn one_or_many() -> Error {
    Error::new(ErrorKind::InvalidParams, "sample", "is not given in one way")
        .expected("either `sample` or `samples`")
}
