//! `space.expect`: the expected cost where every choice takes its options with probabilities, and its
//! gradient, exactly.

use nnmeter_filters::expect::{Distribution, ExpectedCost, Softmax};
use nnmeter_filters::table::CostTable;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Context;
use crate::error::{Error, ErrorKind, Result};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Params {
    /// The handle of a table.
    table: String,
    /// By choice and option: probabilities, which add up to 1 in each choice.
    #[serde(default)]
    probabilities: Option<Vec<Vec<f64>>>,
    /// By choice and option: logits; null for minus infinity.
    #[serde(default)]
    logits: Option<Vec<Vec<Option<f64>>>>,
    /// What logits are divided by; 1 if it is left out.
    #[serde(default)]
    temperature: Option<f64>,
    /// Whether to tell the variance, too.
    #[serde(default)]
    variance: bool,
}

pub(super) fn run(context: &Context<'_>, params: Params) -> Result<Value> {
    let table = context.state.store.table(&params.table)?;
    let costs = &*table.costs;
    let expected = ExpectedCost::new(costs);
    let softmax;
    let given;
    let (distribution, softmax) = match (&params.probabilities, &params.logits) {
        (Some(probabilities), None) if params.temperature.is_none() => {
            let flat = flat(costs, probabilities)?;
            given = Distribution::new(costs.cardinalities(), flat)?;
            (&given, None)
        }
        (None, Some(logits)) => {
            let logits = flat(costs, logits)?;
            let logits: Vec<f64> =
                logits.into_iter().map(|logit| logit.unwrap_or(f64::NEG_INFINITY)).collect();
            let temperature = params.temperature.unwrap_or(1.0);
            softmax = Softmax::new(costs.cardinalities(), &logits, temperature)?;
            (softmax.distribution(), Some(&softmax))
        }
        _ => return Err(in_one_way()),
    };
    let gradient = expected.gradient(distribution);
    let (key, slopes) = match softmax {
        Some(softmax) => ("by_logit", softmax.by_logit(&gradient.by_probability)),
        None => ("by_probability", gradient.by_probability),
    };
    let mut answer = json!({
        table.key("expected"): gradient.value,
        table.key(key): by_choice(distribution, costs, &slopes),
    });
    if params.variance {
        answer[format!("{}2", table.key("variance"))] = expected.variance(distribution).into();
    }
    Ok(answer)
}

fn in_one_way() -> Error {
    Error::new(ErrorKind::InvalidParams, "distribution", "is not given in one way")
        .expected("either `probabilities`, or `logits` with a `temperature` or without")
}

/// One list of what is given by choice and option, where it fits the table.
fn flat<T: Clone>(costs: &CostTable, rows: &[Vec<T>]) -> Result<Vec<T>> {
    let fits = rows.iter().map(Vec::len).eq(costs.cardinalities().iter().copied());
    if fits {
        return Ok(rows.concat());
    }
    let lengths: Vec<String> = costs.cardinalities().iter().map(usize::to_string).collect();
    let found = "has other numbers of options";
    Err(Error::new(ErrorKind::BadDistribution, "distribution", found)
        .expected(format!("lists of {}", lengths.join(", "))))
}

fn by_choice(distribution: &Distribution, costs: &CostTable, slopes: &[f64]) -> Vec<Vec<f64>> {
    let choices = 0..costs.cardinalities().len();
    choices.map(|choice| slopes[distribution.range(choice)].to_vec()).collect()
}
