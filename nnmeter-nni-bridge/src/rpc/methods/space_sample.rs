//! `space.sample`: architectures drawn uniformly from those that satisfy constraints, exactly.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::sync::{Arc, Mutex, PoisonError};

use nnmeter_filters::exact::{Sampler, SamplerOptions};
use nnmeter_filters::random::Random;
use nnmeter_filters::space::Sample;
use nnmeter_filters::table::Batch;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Context;
use crate::error::Result;
use crate::rpc::bounds::{Bound, Bounds};
use crate::rpc::samples::{self, Form};

/// How many draws come between two looks at whether to stop.
const DRAWS: usize = 1024;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Params {
    /// Bounds that all have to hold.
    #[serde(default)]
    constraints: Vec<Bound>,
    /// How many to draw; 1 if it is left out.
    #[serde(default)]
    count: Option<usize>,
    /// Equal seeds give equal draws; any if it is left out.
    #[serde(default)]
    seed: Option<u64>,
    /// The form of the samples.
    #[serde(default)]
    form: Form,
    /// The space, where no constraint tells it.
    #[serde(default)]
    space: Option<Value>,
}

pub(super) fn run(context: &Context<'_>, params: Params) -> Result<Value> {
    let count = params.count.unwrap_or(1);
    samples::check_count(count)?;
    let store = &context.state.store;
    let bounds = Bounds::read(store, params.space.as_ref(), &params.constraints)?;
    let seed = params.seed.unwrap_or_else(any_seed);
    let sampler = sampler(context, &bounds)?;
    let drawn = draw(context, &sampler, count, seed)?;
    let space = &bounds.space.space;
    let mut batch = Batch::new(space);
    drawn.iter().for_each(|sample| batch.push(sample));
    let costs = bounds.tables.iter().map(|table| {
        json!({
            "table": table.handle,
            "device": table.costs.device(),
            table.key("costs"): table.costs.costs(&batch),
        })
    });
    Ok(json!({
        "samples": samples::write(space, &drawn, params.form),
        "costs": costs.collect::<Vec<_>>(),
        "seed": seed,
    }))
}

/// The sampler for these constraints; making one takes longer than drawing from it.
fn sampler(context: &Context<'_>, bounds: &Bounds) -> Result<Arc<Mutex<Sampler>>> {
    let samplers = &context.state.store.samplers;
    if let Some(sampler) = samplers.get(&bounds.key) {
        return Ok(sampler);
    }
    let sampler = bounds.feasible(context.stop)?.sampler(&SamplerOptions::default())?;
    Ok(samplers.add(bounds.key.clone(), Arc::new(Mutex::new(sampler))))
}

fn draw(
    context: &Context<'_>,
    sampler: &Mutex<Sampler>,
    count: usize,
    seed: u64,
) -> Result<Vec<Sample>> {
    let mut random = Random::new(seed);
    let mut drawn = Vec::with_capacity(count);
    while drawn.len() < count {
        context.stop.step()?;
        let some = DRAWS.min(count - drawn.len());
        let mut sampler = sampler.lock().unwrap_or_else(PoisonError::into_inner);
        for _ in 0..some {
            drawn.push(sampler.draw(&mut random)?);
        }
    }
    Ok(drawn)
}

/// A seed from the keys that the standard library draws for hash maps; within what every reader of
/// JSON takes for exact.
fn any_seed() -> u64 {
    RandomState::new().build_hasher().finish() >> 11
}
