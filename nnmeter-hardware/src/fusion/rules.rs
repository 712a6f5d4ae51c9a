//! What was found as a file of fusion rules, in nn-Meter's format.
//!
//! `{"BF_conv_relu": {"obey": true, "found": [...]}, ...}`: undecided pairs obey `null`, which is to
//! no rule at all. Beside each verdict stands what it rests on, which readers of rules pass over.

use nnmeter_core::rules::pair_name;
use serde_json::{Map, Value, json};

use super::{Finding, Pair};

/// The rules of these pairs, with the figures they follow from.
pub fn rules_json(pairs: &[Pair]) -> Value {
    let rules = pairs.iter().map(|pair| {
        let found: Vec<Value> = pair.findings.iter().map(finding_json).collect();
        let rule = json!({"obey": pair.verdict().obey(), "found": found});
        (pair_name(pair.first.kind(), pair.second.kind()), rule)
    });
    Value::Object(rules.collect::<Map<String, Value>>())
}

fn finding_json(finding: &Finding) -> Value {
    let mut object = json!({
        "channels": finding.shape.channels,
        "side": finding.shape.side,
        "verdict": finding.verdict().name(),
        "runtime_says_fused": finding.told,
        "nn_meter_says_fused": finding.nn_meter(),
    });
    match &finding.in_context {
        Ok(figures) => {
            object["saving_ms"] = json!(figures.saving);
            object["pass_ms"] = json!(figures.pass);
            object["p_fused"] = json!(figures.p_fused);
            object["p_not_fused"] = json!(figures.p_not_fused);
            object["rounds"] = json!(figures.rounds);
        }
        Err(error) => object["error"] = json!(error.to_string()),
    }
    if let Ok(alone) = &finding.alone {
        object["alone_ms"] = json!([alone.first, alone.second, alone.both]);
    }
    object
}
