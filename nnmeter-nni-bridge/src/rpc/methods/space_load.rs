//! `space.load`: keeps a search space for later calls, and tells what is in it.

use serde::Deserialize;
use serde_json::{Value, json};

use super::Context;
use crate::error::Result;
use crate::rpc::store::Space;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Params {
    /// A handle, the name of a built-in space, or a space as JSON.
    space: Value,
}

pub(super) fn run(context: &Context<'_>, params: Params) -> Result<Value> {
    Ok(describe(&*context.state.store.space(&params.space)?))
}

/// What is in a space. The count is text, because it may be beyond what JSON's readers take for exact.
fn describe(space: &Space) -> Value {
    let Space { handle, space } = space;
    let choices = space.choices().iter().zip(space.activity());
    let choice = |(choice, activity): (&nnmeter_filters::space::Choice, &_)| {
        let activity: &nnmeter_filters::space::Activity = activity;
        json!({
            "name": choice.name,
            "options": choice.options,
            "always_matters": activity.is_always(),
        })
    };
    json!({
        "space": handle,
        "name": space.name(),
        "input": space.input(),
        "choices": choices.map(choice).collect::<Vec<_>>(),
        "architectures": space.architectures().map(|count| count.to_string()),
    })
}
