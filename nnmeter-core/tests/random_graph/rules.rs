//! Random fusion rules.

use proptest::prelude::*;
use serde_json::{Map, Value as Json, json};

const OPERATORS: &[&str] = &[
    "conv",
    "dwconv",
    "dense",
    "bn",
    "relu",
    "add",
    "mul",
    "pooling",
    "maxpool",
    "gap",
    "reshape",
    "hswish",
    "hardsigmoid",
    "sigmoid",
    "swish",
    "se",
    "concat",
    "split",
    "channelshuffle",
    "binary",
    "unary",
];

/// Random fusion rules with the given verdict for `MON`.
pub(crate) fn rules(several_consumers: Json) -> impl Strategy<Value = Json> {
    let operator =
        || prop::sample::select(vec!["conv", "dwconv", "bn", "relu", "add", "add", "relu"]);
    let pattern = prop::collection::vec(operator(), 3..5);
    let patterns = prop::collection::vec(pattern, 0..24);
    let pairs = OPERATORS.len() * OPERATORS.len();
    let verdicts = prop::collection::vec(0u8..10, pairs);
    let contexts = prop::collection::vec(context(), 4);
    (verdicts, 0u8..10, patterns, contexts).prop_map(
        move |(verdicts, share, patterns, contexts)| {
            let mut rules = Map::new();
            for (index, verdict) in verdicts.into_iter().enumerate() {
                let (a, b) = (index / OPERATORS.len(), index % OPERATORS.len());
                if verdict < share || verdict == 9 {
                    let name = format!("BF_{}_{}", OPERATORS[a], OPERATORS[b]);
                    let mut rule = json!({"obey": verdict < share});
                    if let Some(context) = contexts.get(usize::from(verdict)) {
                        rule["where"] = context.clone();
                    }
                    rules.insert(name, rule);
                }
            }
            for pattern in patterns {
                rules.insert(format!("BF_{}", pattern.join("_")), json!({"obey": true}));
            }
            rules.insert("MON".to_owned(), json!({"obey": several_consumers}));
            Json::Object(rules)
        },
    )
}

/// Where a rule holds; everywhere, now and then.
fn context() -> impl Strategy<Value = Json> {
    let kinds = || prop::collection::vec(prop::sample::select(OPERATORS), 0..6);
    (kinds(), kinds(), any::<[bool; 2]>()).prop_map(|(begins, beside, [inputs, returned])| {
        let beside: Vec<&str> = beside.into_iter().chain(inputs.then_some("input")).collect();
        json!({"kernel_begins_with": begins, "not_beside": beside, "not_returned": returned})
    })
}
