//! Whatever comes in, what goes out is an answer of JSON-RPC, or nothing.
#![allow(clippy::unwrap_used, reason = "a test")]

use nnmeter_nni_bridge::rpc::{Limits, Options, Server, Source};
use proptest::prelude::*;
use serde_json::{Value, json};

fn server() -> Server {
    let limits =
        Limits { workers: 1, time: std::time::Duration::from_secs(5), ..Limits::default() };
    let devices = vec!["cortexA76cpu_tflite21".to_owned()];
    Server::start(&[], Options { limits, devices, ..Options::default() }).unwrap()
}

fn methods() -> Vec<String> {
    let version = json!({"jsonrpc": "2.0", "id": 1, "method": "version"}).to_string();
    let answer = server().service().respond(version.as_bytes(), Source::Ipc).unwrap();
    let answer: Value = serde_json::from_slice(&answer).unwrap();
    let methods = answer["result"]["methods"].as_array().unwrap().iter();
    methods.map(|method| method.as_str().unwrap().to_owned()).collect()
}

fn is_an_answer(answer: &Value) -> bool {
    let outcome = answer.get("result").is_some() != answer["error"]["code"].is_i64();
    let id = matches!(answer.get("id"), Some(Value::Null | Value::Number(_) | Value::String(_)));
    answer["jsonrpc"] == "2.0" && outcome && id && answer["error"]["code"] != -32603
}

fn check(server: &Server, message: &[u8]) {
    let Some(answer) = server.service().respond(message, Source::Tcp) else { return };
    let answer: Value = serde_json::from_slice(&answer).unwrap();
    let fine = match &answer {
        Value::Array(answers) => !answers.is_empty() && answers.iter().all(is_an_answer),
        answer => is_an_answer(answer),
    };
    assert!(fine, "{}\n{answer}", String::from_utf8_lossy(message));
}

/// JSON with keys and texts that parameters have.
fn values() -> impl Strategy<Value = Value> {
    let words = prop::sample::select(vec![
        "device",
        "model",
        "base64",
        "path",
        "graph",
        "format",
        "batch",
        "space",
        "table",
        "name",
        "constraints",
        "sample",
        "samples",
        "count",
        "seed",
        "form",
        "packed",
        "probabilities",
        "logits",
        "maximize",
        "minimize",
        "choices",
        "body",
        "input",
        "op",
        "conv",
        "call",
        "handle",
        "cortexA76cpu_tflite21",
        "nasbench201",
        "macs",
        "onnx",
        "AAAA",
        "/dev/zero",
        "models",
        "",
    ]);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        words.clone().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 5, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::btree_map(words.clone().prop_map(str::to_owned), inner, 0..5)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

#[test]
fn any_bytes() {
    let server = server();
    proptest!(|(bytes in prop::collection::vec(any::<u8>(), 0..200))| check(&server, &bytes));
    proptest!(|(text in "[\\[\\]{}:,\"0-9a-z.]{0,80}")| check(&server, text.as_bytes()));
    check(&server, "[".repeat(1 << 20).as_bytes());
}

#[test]
fn any_json() {
    let server = server();
    proptest!(|(value in values())| check(&server, value.to_string().as_bytes()));
}

#[test]
fn any_parameters() {
    let (server, methods) = (server(), methods());
    proptest!(|(method in prop::sample::select(methods), params in values(), id in values())| {
        let request = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
        check(&server, request.to_string().as_bytes());
        let request = json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params});
        check(&server, request.to_string().as_bytes());
    });
}
