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
    (verdicts, 0u8..10, patterns).prop_map(move |(verdicts, share, patterns)| {
        let mut rules = Map::new();
        for (index, verdict) in verdicts.into_iter().enumerate() {
            let (a, b) = (index / OPERATORS.len(), index % OPERATORS.len());
            if verdict < share || verdict == 9 {
                let name = format!("BF_{}_{}", OPERATORS[a], OPERATORS[b]);
                rules.insert(name, json!({"obey": verdict < share}));
            }
        }
        for pattern in patterns {
            rules.insert(format!("BF_{}", pattern.join("_")), json!({"obey": true}));
        }
        rules.insert("MON".to_owned(), json!({"obey": several_consumers}));
        Json::Object(rules)
    })
}
