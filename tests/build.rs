//! `nnmeter build` as a user calls it, with a program that measures.
#![cfg(unix)]

mod support;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use support::{json_lines, nnmeter};

/// A program that states a millisecond for each 100 kB of a model.
fn bench(folder: &Path) -> String {
    let text = r#"#!/bin/sh
case "$1" in
identity) echo '{"chip": "abacus", "threads": 1, "runtime": "hand", "version": "1"}' ;;
*) size=$(wc -c < "$2"); echo "{\"latency_ms\": [$((size / 100000)).$((size % 100000 + 100000))]}" ;;
esac
"#;
    let path = folder.join("bench.sh");
    fs::write(&path, text).expect("writes");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("may be executed");
    format!("command:{}", path.display())
}

#[test]
fn a_build_that_is_killed_ends_with_the_same_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let here = |name: &str| folder.path().join(name).display().to_string();
    let backend = bench(folder.path());
    fs::write(here("rules.json"), r#"{"BF_conv_relu": {"obey": true}}"#).expect("writes");
    let arguments = |output: &str| {
        let options = ["build", "--backend", &backend, "--networks", "24", "--rounds", "2"];
        let files = ["--rules", &here("rules.json"), "--judge", "tests/models/nb201.onnx"];
        let more = ["--date", "2026-01-31", "--name", "abacus", "--json", "-o", output];
        let all = options.iter().chain(&files).chain(&more);
        all.map(|&argument| argument.to_owned()).collect::<Vec<String>>()
    };
    let run = |output: &str| {
        let arguments = arguments(output);
        nnmeter(&arguments.iter().map(String::as_str).collect::<Vec<&str>>())
    };
    let whole = run(&here("whole.nnmeter"));
    assert_eq!(whole.code, 0, "{whole:?}");
    let lines = json_lines(&whole.out);
    assert_eq!(lines[0]["network"], "tests/models/nb201.onnx");
    assert_eq!(
        (&lines[1]["fitted_to"], &lines[1]["identity"]["chip"]),
        (&24.into(), &"abacus".into())
    );

    let (killed, log) = (here("killed.nnmeter"), here("killed.nnmeter.log"));
    for lines in [5, 30] {
        let mut child = Command::new(env!("CARGO_BIN_EXE_nnmeter"))
            .args(arguments(&killed))
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .stdout(Stdio::null())
            .spawn()
            .expect("the program starts");
        let begin = Instant::now();
        while fs::read_to_string(&log).unwrap_or_default().lines().count() < lines {
            assert!(begin.elapsed() < Duration::from_secs(120), "nothing is written");
            std::thread::sleep(Duration::from_millis(5));
        }
        child.kill().expect("SIGKILL");
        child.wait().expect("ends");
        assert!(!Path::new(&killed).exists());
    }
    let resumed = run(&killed);
    assert_eq!((resumed.code, resumed.out), (0, whole.out), "{}", resumed.err);
    let bytes = |path: &str| fs::read(path).expect("was written");
    assert_eq!(bytes(&killed), bytes(&here("whole.nnmeter")));
    assert_eq!(run(&killed).code, 1, "there is a package already");
    let predicted = nnmeter(&["predict", "tests/models/nb201.onnx", "-d", &killed]);
    assert!(predicted.out.contains("on abacus: "), "{predicted:?}");
}

#[test]
fn slips_are_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let backend = bench(folder.path());
    let run = nnmeter(&["build", "--networks", "24"]);
    assert_eq!(run.code, 2, "{run:?}");
    let output = folder.path().join("abacus.zip").display().to_string();
    let run = nnmeter(&["build", "--backend", &backend, "-o", &output]);
    assert_eq!(run.code, 2, "{run:?}");
    assert!(run.err.contains("expected *.nnmeter"), "{}", run.err);
    let run = nnmeter(&["build", "--backend", &backend, "--budget", "soon", "-o", &output]);
    assert_eq!(run.code, 2, "{run:?}");
    assert!(run.err.contains("as in 20m"), "{}", run.err);
}

/// The whole of it with a real runtime, as small as it goes: how good it is does not matter here.
#[cfg(any(feature = "onnxruntime", feature = "tract"))]
fn builds_with(backend: &str) {
    let folder = tempfile::tempdir().expect("a folder");
    let here = |name: &str| folder.path().join(name).display().to_string();
    let mut arguments = vec!["build", "--backend", backend, "--networks", "24", "--rounds", "2"];
    let (output, plot) = (here("here.nnmeter"), here("here.svg"));
    arguments.extend(["--option", "round_ms=1", "--json", "-o", &output, "--plot", &plot]);
    let judges = ["mobilenet_v3_small", "squeezenet1_1", "resnet18"];
    let judges = judges.map(|name| format!("tests/models/{name}.onnx"));
    arguments.extend(judges.iter().flat_map(|judge| ["--judge", judge]));
    let run = nnmeter(&arguments);
    assert_eq!(run.code, 0, "{run:?}");
    let lines = json_lines(&run.out);
    assert_eq!(lines.len(), 4);
    for judged in &lines[..3] {
        let of = |key: &str| judged[key].as_f64().expect("a number");
        assert!(of("measured_ms") > 0.0 && of("predicted_ms") > 0.0, "{judged}");
        assert!(of("coverage") > 0.9, "{judged}");
    }
    assert!(fs::read_to_string(&plot).expect("is there").starts_with("<svg"));
    let card = nnmeter(&["devices", "verify", &output]);
    assert_eq!(card.code, 0, "{card:?}");
}

#[cfg(feature = "onnxruntime")]
#[test]
fn onnx_runtime_becomes_a_device() {
    builds_with("onnxruntime");
}

#[cfg(feature = "tract")]
#[test]
fn tract_becomes_a_device() {
    builds_with("tract");
}
