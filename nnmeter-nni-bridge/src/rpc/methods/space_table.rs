//! `space.table`: costs that the client has found out itself, for a space that it alone knows: what
//! `space.compile` answers, for everything that works on tables.

use nnmeter_filters::budget::Cost;
use nnmeter_filters::space::{Choice, SearchSpace};
use nnmeter_filters::table::GivenFactor;
use serde::Deserialize;
use serde_json::Value;

use super::{Context, space_compile};
use crate::error::Result;
use crate::rpc::store::named;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Params {
    /// The name of the space.
    name: String,
    /// Its choices.
    choices: Vec<GivenChoice>,
    /// Tables that are added up.
    factors: Vec<Given>,
    /// `name` or `name@1.0`: whose costs they are.
    #[serde(default)]
    device: Option<String>,
    /// What the costs are of.
    #[serde(default = "named::latency", deserialize_with = "named::deserialize")]
    metric: Cost,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct GivenChoice {
    name: String,
    options: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Given {
    /// Indices of choices, in ascending order.
    choices: Vec<usize>,
    /// By combination of options; those of the last choice are adjacent.
    costs: Vec<f64>,
}

pub(super) fn run(context: &Context<'_>, params: Params) -> Result<Value> {
    let state = context.state;
    let device = params.device.map(|name| state.devices.open(&name)).transpose()?;
    let choices = params.choices.into_iter();
    let choices = choices.map(|choice| Choice::new(choice.name, choice.options)).collect();
    let space = SearchSpace::of_choices(params.name, choices)?;
    let factors = params.factors.into_iter();
    let factors = factors.map(|Given { choices, costs }| GivenFactor { choices, costs }).collect();
    let table = state.store.given(space, device, params.metric, factors)?;
    Ok(space_compile::describe(&table))
}
