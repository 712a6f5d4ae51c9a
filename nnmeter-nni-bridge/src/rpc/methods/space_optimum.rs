//! `space.optimum`: the best architectures under constraints, exactly.

use std::collections::BTreeMap;
use std::sync::Arc;

use nnmeter_filters::budget::Cost;
use nnmeter_filters::exact::{Objective, Ranked};
use nnmeter_filters::space::SearchSpace;
use nnmeter_filters::table::CostTable;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Context;
use crate::error::{Error, ErrorKind, Result};
use crate::rpc::bounds::{Bound, Bounds};
use crate::rpc::samples;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Params {
    /// Bounds that all have to hold.
    #[serde(default)]
    constraints: Vec<Bound>,
    /// What is to be as high as possible.
    #[serde(default)]
    maximize: Option<Goal>,
    /// What is to be as low as possible.
    #[serde(default)]
    minimize: Option<Goal>,
    /// How many of the best; 1 if it is left out.
    #[serde(default)]
    count: Option<usize>,
    /// The space, where no constraint tells it.
    #[serde(default)]
    space: Option<Value>,
}

/// What architectures are compared by.
#[derive(Deserialize)]
#[serde(untagged)]
enum Goal {
    /// The handle of a table, or a metric that needs no device.
    Named(String),
    /// By choice and option: what the option adds.
    Scores(Vec<Vec<f64>>),
    /// The same by names.
    NamedScores(BTreeMap<String, BTreeMap<String, f64>>),
}

pub(super) fn run(context: &Context<'_>, params: Params) -> Result<Value> {
    let store = &context.state.store;
    let bounds = Bounds::read(store, params.space.as_ref(), &params.constraints)?;
    let (goal, is_most) = match (&params.maximize, &params.minimize) {
        (Some(goal), None) => (goal, true),
        (None, Some(goal)) => (goal, false),
        _ => {
            return Err(Error::new(ErrorKind::InvalidParams, "goal", "is not given in one way")
                .expected("either `maximize` or `minimize`"));
        }
    };
    let table = goal.table(context, &bounds)?;
    let objective = if is_most { Objective::Most(&table) } else { Objective::Least(&table) };
    let count = params.count.unwrap_or(1);
    samples::check_count(count)?;
    let best = bounds.feasible(context.stop)?.best(objective, count)?;
    let best = best.iter().map(|ranked| describe(&bounds, &table, ranked));
    Ok(json!({"architectures": best.collect::<Vec<_>>()}))
}

fn describe(bounds: &Bounds, table: &CostTable, ranked: &Ranked) -> Value {
    let costs = bounds.tables.iter().zip(&ranked.costs);
    let cost = |(table, cost): (&Arc<crate::rpc::store::Table>, &f64)| json!({"table": table.handle, "device": table.costs.device(), table.key("cost"): cost});
    json!({
        "sample": ranked.sample[..],
        "options": bounds.space.space.sample_to_json(&ranked.sample),
        format!("value_{}", table.quantity().suffix): ranked.value,
        "costs": costs.map(cost).collect::<Vec<_>>(),
    })
}

impl Goal {
    fn table(&self, context: &Context<'_>, bounds: &Bounds) -> Result<Arc<CostTable>> {
        let space = &bounds.space.space;
        match self {
            Goal::Scores(scores) => Ok(Arc::new(CostTable::additive(space, scores)?)),
            Goal::NamedScores(scores) => {
                Ok(Arc::new(CostTable::additive(space, &in_order(space, scores)?)?))
            }
            Goal::Named(name) => {
                let (space, store) = (Arc::clone(&bounds.space), &context.state.store);
                let table = match name.parse::<Cost>() {
                    Ok(cost) if !cost.is_of_device() => {
                        store.compile(space, None, cost, false, context.stop)?
                    }
                    _ => store.table(name)?,
                };
                Ok(Arc::clone(&table.costs))
            }
        }
    }
}

/// Scores by choice and option, in the order of the space; each has to be there.
fn in_order(
    space: &SearchSpace,
    scores: &BTreeMap<String, BTreeMap<String, f64>>,
) -> Result<Vec<Vec<f64>>> {
    let known = |name: &&String| space.choice(name).is_some();
    if let Some(name) = scores.keys().find(|name| !known(name)) {
        let subject = format!("choice {name:?}");
        return Err(Error::new(ErrorKind::BadSample, subject, "is unknown"));
    }
    let options = |choice: &nnmeter_filters::space::Choice| {
        let own = scores.get(&choice.name);
        let score = |option: &String| own.and_then(|own| own.get(option)).copied();
        let scores: Option<Vec<f64>> = choice.options.iter().map(score).collect();
        let surplus = own.is_some_and(|own| own.len() > choice.options.len());
        scores.filter(|_| !surplus).ok_or_else(|| {
            Error::new(ErrorKind::BadSample, format!("choice {:?}", choice.name), "lacks scores")
                .expected(format!("a score for each of {}", choice.options.join(", ")))
        })
    };
    space.choices().iter().map(options).collect()
}
