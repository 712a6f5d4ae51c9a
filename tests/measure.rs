//! `nnmeter measure`, `nnmeter backends` and `nnmeter build rules` as a user calls them, with a program that measures.
#![cfg(unix)]

mod support;

use std::collections::HashSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use support::{DEVICE, json_lines, nnmeter};

/// A program that states as many ms as the file's name has letters, notes every call, and knows no
/// alexnet.
fn bench(folder: &Path) -> String {
    let text = r#"#!/bin/sh
echo "$@" >> "$(dirname "$0")/calls"
case "$1 $2" in
identity*) echo '{"chip": "abacus", "threads": 1, "runtime": "hand", "version": "1"}' ;;
*alexnet*) echo '{"error": "too many beads", "unsupported": true}'; exit 1 ;;
*) sleep 0.02; name=$(basename "$2"); echo "{\"latency_ms\": [${#name}.5, ${#name}.25]}" ;;
esac
"#;
    let path = folder.join("bench.sh");
    fs::write(&path, text).expect("writes");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("may be executed");
    format!("command:{}", path.display())
}

fn model(name: &str) -> String {
    format!("tests/models/{name}.onnx")
}

fn path(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}

#[test]
fn figures_are_printed_and_can_be_calibrated_to() {
    let folder = tempfile::tempdir().expect("a folder");
    let backend = bench(folder.path());
    let csv = folder.path().join("timings.csv");
    let names = ["alexnet", "resnet18", "mobilenet_v2", "nb201", "squeezenet1_1", "vgg16"];
    let files = names.map(model);
    let mut arguments = vec!["measure", "--backend", &backend, "--rounds", "2", "--json"];
    arguments.extend(["-o", path(&csv)]);
    arguments.extend(files.iter().map(String::as_str));
    let run = nnmeter(&arguments);
    assert_eq!(run.code, 1, "one of them failed: {run:?}");
    let lines = json_lines(&run.out);
    assert_eq!(lines.len(), names.len());
    let resnet = &lines[0];
    assert_eq!(resnet["file"], "tests/models/resnet18.onnx");
    assert_eq!(resnet["figures"]["latency_ms"]["minimum"], 13.25);
    assert_eq!(resnet["figures"]["latency_ms"]["repeatability"], 0.0);
    assert_eq!(resnet["identity"]["chip"], "abacus");
    let error = lines[5]["error"]["message"].as_str().expect("a message");
    assert!(error.contains("alexnet") && error.ends_with("too many beads"), "{error}");
    let package = folder.path().join("abacus.nnmeter");
    let (csv, package) = (path(&csv), path(&package));
    let run = nnmeter(&["calibrate", "--base", DEVICE, "--measured", csv, "-o", package]);
    assert_eq!(run.code, 0, "{run:?}");
}

#[test]
fn people_get_a_table_and_slips_are_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let backend = bench(folder.path());
    let run = nnmeter(&["measure", "--backend", &backend, &model("resnet18")]);
    assert_eq!(run.code, 0, "{run:?}");
    assert!(run.out.starts_with("hand 1 on abacus, 1 thread, time as the runtime states it\n"));
    assert!(run.out.contains("13.2500") && run.out.contains("0.0 %"), "{}", run.out);
    let run = nnmeter(&["measure", "--backend", "onnxruntine", &model("resnet18")]);
    assert_eq!(run.code, 2, "{run:?}");
    assert!(run.err.contains("did you mean onnxruntime?"), "{}", run.err);
    let run = nnmeter(&["backends", "--json"]);
    let names: Vec<_> = json_lines(&run.out).iter().map(|line| line["backend"].clone()).collect();
    let all = ["onnxruntime", "openvino", "tract", "command"];
    assert_eq!((run.code, names), (0, all.map(Into::into).into()));
}

/// Where nobody says which, it is tract, and a build without tract says what to do.
#[cfg(not(feature = "tract"))]
#[test]
fn without_a_backend_named() {
    let run = nnmeter(&["measure", &model("resnet18")]);
    assert_eq!(run.code, 1, "{run:?}");
    assert!(run.err.contains("backend \"tract\": is not in this build"), "{}", run.err);
    assert!(run.err.contains("--features tract; or name another (--backend)"), "{}", run.err);
}

/// The rounds in a log, by model and number; and none of them twice.
fn rounds(log: &Path) -> HashSet<(String, u64)> {
    let text = fs::read_to_string(log).unwrap_or_default();
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    let lines = json_lines(whole);
    let round = |line: &serde_json::Value| {
        let key = line["sha256"].as_str().expect("a key").to_owned();
        (key, line["round"].as_u64().expect("a number"))
    };
    let rounds: HashSet<_> = lines.iter().skip(1).map(round).collect();
    assert_eq!(rounds.len(), lines.len().saturating_sub(1), "no round is there twice");
    rounds
}

fn wait_for_rounds(log: &Path, count: usize) {
    let begin = Instant::now();
    while rounds(log).len() < count {
        assert!(begin.elapsed() < Duration::from_secs(60), "nothing is written");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn a_run_that_is_killed_goes_on_where_it_was() {
    let folder = tempfile::tempdir().expect("a folder");
    let backend = bench(folder.path());
    let log = folder.path().join("log.jsonl");
    let files = ["resnet18", "nb201", "squeezenet1_1"].map(model);
    let mut arguments = vec!["measure", "--backend", &backend, "--rounds", "10"];
    arguments.extend(["--log", path(&log)]);
    arguments.extend(files.iter().map(String::as_str));
    let mut kept = HashSet::new();
    for kill_at in [4, 11, 19] {
        let mut child = Command::new(env!("CARGO_BIN_EXE_nnmeter"))
            .args(&arguments)
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .stdout(Stdio::null())
            .spawn()
            .expect("the program starts");
        wait_for_rounds(&log, kill_at);
        child.kill().expect("SIGKILL"); // the same as kill -9
        child.wait().expect("ends");
        let now = rounds(&log);
        assert!(kept.is_subset(&now), "what was measured stays");
        kept = now;
    }
    let run = nnmeter(&arguments);
    assert_eq!(run.code, 0, "{run:?}");
    let all = rounds(&log);
    assert!(kept.is_subset(&all) && all.len() == 30, "{}", all.len());
    let calls = fs::read_to_string(folder.path().join("calls")).expect("calls");
    let measured = calls.lines().filter(|call| call.starts_with("measure")).count();
    assert!((30..=33).contains(&measured), "a kill costs the round it comes in: {measured} calls");
    let before = fs::read(&log).expect("is there");
    assert_eq!(nnmeter(&arguments).code, 0);
    assert_eq!(fs::read(&log).expect("is there"), before, "nothing was left to measure");
}

#[test]
fn a_log_of_another_identity_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let backend = bench(folder.path());
    let log: PathBuf = folder.path().join("log.jsonl");
    let file = model("resnet18");
    let measure = |option: &str| {
        nnmeter(&["measure", "-b", &backend, "--log", path(&log), "--option", option, &file])
    };
    assert_eq!(measure("beads=10").code, 0);
    let run = measure("beads=12");
    assert_eq!(run.code, 1, "{run:?}");
    assert!(run.err.contains("option beads is \"10\"; expected \"12\""), "{}", run.err);
}

#[test]
fn rules_are_built_and_what_is_undecided_is_null() {
    let folder = tempfile::tempdir().expect("a folder");
    let (backend, rules) = (bench(folder.path()), folder.path().join("rules.json"));
    let arguments = ["build", "rules", "--backend", &backend, "--rounds", "1", "--json"];
    let of = |first| [&arguments[..], &["--first", first, "-o", path(&rules)]].concat();
    let run = nnmeter(&of("relu"));
    assert_eq!(run.code, 0, "{run:?}");
    let lines = json_lines(&run.out);
    assert_eq!(lines.len(), 10);
    assert!(
        lines
            .iter()
            .all(|line| line["obey"].is_null() && line["found"][0]["images"][0]["rounds"] == 1)
    );
    let file: Value = serde_json::from_slice(&fs::read(&rules).expect("written")).expect("JSON");
    assert!(file["BF_relu_conv"]["obey"].is_null(), "{file}");
    let run = nnmeter(&of("rleu"));
    assert_eq!(run.code, 2, "{run:?}");
}
