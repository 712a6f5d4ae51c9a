//! Running the program as a user does.
#![allow(dead_code, reason = "each test file uses a part of it")]

pub(crate) mod user;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

/// The device that all tests of the command line predict for.
pub(crate) const DEVICE: &str = "cortexA76cpu_tflite21";

/// What a run of the program left.
#[derive(Debug)]
pub(crate) struct Run {
    /// Exit code.
    pub(crate) code: i32,
    /// Standard output.
    pub(crate) out: String,
    /// Standard error.
    pub(crate) err: String,
}

/// Runs `nnmeter` with `arguments` in the root of the workspace.
pub(crate) fn nnmeter(arguments: &[&str]) -> Run {
    nnmeter_with(arguments, &[], &[])
}

/// As [`nnmeter`], with bytes on standard input and variables in the environment.
pub(crate) fn nnmeter_with(arguments: &[&str], input: &[u8], variables: &[(&str, &str)]) -> Run {
    let mut child = Command::new(env!("CARGO_BIN_EXE_nnmeter"))
        .args(arguments)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env("HOME", "/nonexistent")
        .env_remove("XDG_DATA_HOME")
        .env_remove("NNMETER_PREDICTORS")
        .envs(variables.iter().copied())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    // A program that does not want its input closes it early.
    let _ = child.stdin.take().expect("a pipe").write_all(input);
    let Output { status, stdout, stderr } = child.wait_with_output().expect("the program ends");
    let text = |bytes| String::from_utf8(bytes).expect("the program writes UTF-8");
    Run { code: status.code().expect("no signal"), out: text(stdout), err: text(stderr) }
}

/// The lines of `text` as JSON objects.
pub(crate) fn json_lines(text: &str) -> Vec<serde_json::Value> {
    text.lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect()
}

/// Total, coverage, kernels by name and what is uncovered, for every file of `predict --json`.
pub(crate) fn summary(output: &str) -> String {
    let mut summary = String::new();
    for line in json_lines(output) {
        summarise(&line, &mut summary);
    }
    summary
}

fn summarise(line: &Value, out: &mut String) {
    let ms = |value: &Value| value.as_f64().expect("a number");
    let kernels = line["kernels"].as_array().expect("kernels");
    let sum: f64 = kernels.iter().map(|kernel| ms(&kernel["ms"])).sum();
    assert!((sum - ms(&line["total_ms"])).abs() < 1e-9, "the total is the sum of its kernels");
    writeln!(
        out,
        "{}\n  {:.3} ms, {:.3} to {:.3}; coverage {:.4}; {} kernels",
        line["file"].as_str().expect("a file"),
        ms(&line["total_ms"]),
        ms(&line["interval_ms"][0]),
        ms(&line["interval_ms"][1]),
        ms(&line["coverage"]),
        kernels.len()
    )
    .expect("a string takes all");
    for (label, values, key) in
        [("", &line["kernels"], "kind"), ("UNCOVERED ", &line["uncovered"], "op")]
    {
        for (name, count) in counts(values, key) {
            writeln!(out, "  {count:>4} {label}{name}").expect("a string takes all");
        }
    }
}

fn counts<'a>(values: &'a Value, key: &str) -> BTreeMap<&'a str, usize> {
    let mut counts = BTreeMap::new();
    for value in values.as_array().expect("an array") {
        *counts.entry(value[key].as_str().expect("a name")).or_default() += 1;
    }
    counts
}
