//! `space.check`: whether samples satisfy constraints on one device or several, and why not.

use nnmeter_filters::constraint::Violation;
use nnmeter_filters::table::Batch;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Context;
use super::space_cost::one_or_many;
use crate::error::{Error, ErrorKind, Result};
use crate::rpc::bounds::{Bound, Bounds};
use crate::rpc::samples::{self, Given};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Params {
    /// Bounds that all have to hold.
    constraints: Vec<Bound>,
    /// One sample: indices or names of options.
    #[serde(default)]
    sample: Option<Value>,
    /// Many samples: an array of them, or packed.
    #[serde(default)]
    samples: Option<Given>,
}

pub(super) fn run(context: &Context<'_>, params: Params) -> Result<Value> {
    if params.constraints.is_empty() {
        return Err(
            Error::new(ErrorKind::InvalidParams, "constraints", "are none").expected("one or more")
        );
    }
    let bounds = Bounds::read(&context.state.store, None, &params.constraints)?;
    let space = &bounds.space.space;
    match (&params.sample, &params.samples) {
        (Some(sample), None) => {
            let mut batch = Batch::new(space);
            batch.push(&samples::read(space, sample)?);
            let (costs, reasons) = check(&bounds, &batch);
            let reason = reasons.first().cloned().flatten();
            let cost = |(table, costs): (&_, &Vec<f64>)| {
                let table: &std::sync::Arc<crate::rpc::store::Table> = table;
                json!({"table": table.handle, "device": table.costs.device(), table.key("cost"): costs[0]})
            };
            Ok(json!({
                "allowed": reason.is_none(),
                "reason": reason,
                "costs": bounds.tables.iter().zip(&costs).map(cost).collect::<Vec<_>>(),
            }))
        }
        (None, Some(samples)) => {
            let (_, reasons) = check(&bounds, &samples::read_many(space, samples)?);
            let allowed: Vec<bool> = reasons.iter().map(Option::is_none).collect();
            Ok(json!({"allowed": allowed, "reasons": reasons}))
        }
        _ => Err(one_or_many()),
    }
}

/// Costs by constraint and sample; and by sample, the first reason against it.
fn check(bounds: &Bounds, batch: &Batch) -> (Vec<Vec<f64>>, Vec<Option<String>>) {
    let limits = bounds.constraints.limits();
    let costs: Vec<Vec<f64>> = limits.iter().map(|limit| limit.table().costs(batch)).collect();
    let reason = |sample: usize| {
        let mut checks = limits.iter().zip(&costs).map(|(limit, costs)| limit.check(costs[sample]));
        checks.find_map(Result::<(), Violation>::err).map(|violation| violation.to_string())
    };
    let reasons = (0..batch.len()).map(reason).collect();
    (costs, reasons)
}
