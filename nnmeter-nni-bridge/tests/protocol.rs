//! PROTOCOL.md is true: every example in it is run, every method and every code is in it.
#![allow(clippy::unwrap_used, reason = "a test")]

mod common;

use common::Bridge;
use nnmeter_nni_bridge::error::ErrorKind;
use serde_json::{Value, json};

const TEXT: &str = include_str!("../PROTOCOL.md");
/// Stands for anything.
const ANY: &str = "...";
/// How far numbers may be from those in the text, which are rounded.
const ROUNDING: f64 = 1e-4;

#[test]
fn examples_give_what_the_text_says() {
    let mut bridge = Bridge::lines(&[]);
    let blocks: Vec<Value> = blocks().map(|block| serde_json::from_str(block).unwrap()).collect();
    for pair in blocks.chunks(2) {
        let [request, expected] = pair else { panic!("a request without an answer") };
        let answer = bridge.ask(request);
        let differs = difference(expected, &answer, "answer");
        assert!(differs.is_none(), "{request}\n{}\n{answer:#}", differs.unwrap_or_default());
    }
}

#[test]
fn all_methods_have_a_section_with_an_example() {
    let version = Bridge::lines(&[]).ask(&json!({"jsonrpc": "2.0", "id": 1, "method": "version"}));
    let methods = version["result"]["methods"].as_array().unwrap().iter();
    let mut methods: Vec<&str> = methods.map(|method| method.as_str().unwrap()).collect();
    let sections = TEXT.lines().filter_map(|line| line.strip_prefix("## `")?.strip_suffix('`'));
    let mut sections: Vec<&str> = sections.collect();
    let examples: Vec<Value> = blocks().map(|block| serde_json::from_str(block).unwrap()).collect();
    for method in &methods {
        assert!(examples.iter().any(|example| example["method"] == *method), "{method}");
    }
    methods.sort_unstable();
    sections.sort_unstable();
    assert_eq!(methods, sections);
}

#[test]
fn all_codes_are_in_the_table() {
    let rows: Vec<&str> = TEXT.lines().filter(|line| line.starts_with("| ")).collect();
    for kind in ErrorKind::SENT {
        let (code, phrase) = kind.code();
        let row = format!("| {code} | {phrase} |");
        assert!(rows.iter().any(|line| line.starts_with(&row)), "{row}");
    }
}

fn blocks() -> impl Iterator<Item = &'static str> {
    TEXT.split("```json\n").skip(1).map(|rest| rest.split("```").next().unwrap())
}

/// Where an answer is not as expected.
fn difference(expected: &Value, found: &Value, place: &str) -> Option<String> {
    let differs = || Some(format!("{place}: expected {expected}, found {found}"));
    match (expected, found) {
        (Value::String(any), _) if any == ANY => None,
        (Value::Number(a), Value::Number(b)) => {
            let (a, b) = (a.as_f64().unwrap(), b.as_f64().unwrap());
            if (a - b).abs() <= ROUNDING * a.abs() { None } else { differs() }
        }
        (Value::Array(a), Value::Array(b)) => {
            let open = a.last().is_some_and(|last| last == ANY);
            let a = &a[..a.len() - usize::from(open)];
            if a.len() > b.len() || !open && a.len() != b.len() {
                return differs();
            }
            let pairs = a.iter().zip(b).enumerate();
            pairs.into_iter().find_map(|(i, (a, b))| difference(a, b, &format!("{place}[{i}]")))
        }
        (Value::Object(a), Value::Object(b)) => {
            let open = a.contains_key(ANY);
            let own = a.iter().filter(|(key, _)| *key != ANY);
            if own.clone().any(|(key, _)| !b.contains_key(key)) || !open && a.len() != b.len() {
                return differs();
            }
            own.into_iter().find_map(|(key, a)| difference(a, &b[key], &format!("{place}.{key}")))
        }
        (a, b) if a == b => None,
        _ => differs(),
    }
}
