//! `predict_batch`: the same of many models; one that fails does not keep the others from an answer.

use serde_json::{Value, json};

use super::Context;
use crate::error::{Error, Result};
use crate::rpc::model::Model;
use crate::rpc::prediction::{Wanted, params};

params! { models: Vec<Model> }

pub(super) fn run(context: &Context<'_>, params: Params) -> Result<Value> {
    let wanted = params.wanted(context.state)?;
    let one = |model: &Model| {
        context.stop.step()?;
        let prediction = wanted.predict(model, context.source);
        Ok(prediction.unwrap_or_else(|error| json!({"error": jsonrpc_core::Error::from(error)})))
    };
    let predictions: Result<Vec<Value>, Error> = params.models.iter().map(one).collect();
    Ok(json!({"predictions": predictions?}))
}
