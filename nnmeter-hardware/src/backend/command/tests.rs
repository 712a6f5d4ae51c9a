//! Programs that keep the contract, and programs that do not.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::{Duration, Instant};

use expect_test::expect;
use tempfile::TempDir;

use super::*;

/// A script that answers `identity` as it should, and `measure` by `body`.
fn script(folder: &Path, body: &str) -> String {
    let identity = r#"{"chip": "abacus", "threads": 1, "runtime": "hand", "version": "1"}"#;
    let text =
        format!("#!/bin/sh\nif [ \"$1\" = identity ]; then\necho '{identity}'\nexit\nfi\n{body}\n");
    program(folder, &text)
}

fn program(folder: &Path, text: &str) -> String {
    let path = folder.join("bench.sh");
    fs::write(&path, text).expect("writes");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("may be executed");
    path.to_str().expect("UTF-8").to_owned()
}

fn open(program: &str, options: &[(&str, &str)]) -> Result<Command> {
    let program = [(Backends::TARGET, program)];
    Command::open(&program.into_iter().chain(options.iter().copied()).collect())
}

fn model() -> Model {
    let json = br#"{"x": {"inbounds": [], "outbounds": ["r"], "attr": {"type": "Placeholder",
        "attr": {"shape": [1, 2]}, "input_shape": [], "output_shape": [[1, 2]]}},
        "r": {"inbounds": ["x"], "outbounds": [], "attr": {"type": "Relu", "attr": {},
        "input_shape": [], "output_shape": []}}}"#;
    Model::new("mine", json.to_vec()).expect("a sound model")
}

/// What one round gives, or the error without the script's path.
fn round(folder: &TempDir, body: &str, options: &[(&str, &str)]) -> Result<Vec<f64>, String> {
    let path = script(folder.path(), body);
    let backend = open(&path, options).expect("it has an identity");
    let mut session = backend.prepare(&model()).expect("prepares");
    let samples = session.measure().map_err(|error| error.to_string().replace(&path, "X"))?;
    Ok(samples.into_iter().map(|sample| sample.value).collect())
}

#[test]
fn a_program_that_keeps_the_contract_is_a_backend() {
    let folder = tempfile::tempdir().expect("a folder");
    let body = "[ -s \"$2\" ] && [ \"$3\" = serial=7 ] || exit 3\n\
        echo '{\"latency_ms\": [2.5, 2.25]}'; echo; echo '{\"latency_ms\": 2}'";
    assert_eq!(round(&folder, body, &[("serial", "7")]), Ok(vec![2.5, 2.25, 2.0]));
    let path = folder.path().join("bench.sh");
    let backend = open(path.to_str().expect("UTF-8"), &[("serial", "7"), ("timeout_s", "9")]);
    let backend = backend.expect("it has an identity");
    assert_eq!(backend.identity().options, [("serial", "7")].into_iter().collect());
    assert_eq!(
        (backend.identity().timer, backend.metrics()),
        (Timer::Stated, &[Metric::Latency][..])
    );
}

#[test]
fn what_goes_wrong_is_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let bodies = [
        "echo 'no phone' >&2; exit 4",
        "echo '{\"latency_ms\": 2}'; exit 4",
        "echo '{\"error\": \"SUB is not known\", \"unsupported\": true}'; exit 1",
        "echo '{\"error\": \"too hot\"}'",
        "echo 2.5",
        "echo '{\"latency_ms\": -1}'",
        "echo '{\"latency_ms\": []}'",
        "echo '{\"energy_mj\": 3}'",
        "echo '{\"latency_ms\": \"fast\"}'",
        "printf '\\377'",
        "kill -9 $$",
    ];
    let told = bodies.map(|body| round(&folder, body, &[]).expect_err(body)).join("\n");
    expect![[r#"
        command "X", model "mine", call: failed (exit status: 4): no phone
        command "X", model "mine", call: failed (exit status: 4)
        command "X", model "mine", device: SUB is not known
        command "X", model "mine", device: too hot
        command "X", model "mine", answer, line 1: invalid type: floating point `2.5`, expected a map at line 1 column 3; expected an object of figures by metric
        command "X", model "mine", answer, line 1: has -1 for latency_ms; expected a positive number
        command "X", model "mine", answer: has no figure of latency_ms
        command "X", model "mine", answer, line 1: has "energy_mj"; expected the metrics of its identity: latency_ms
        command "X", model "mine", answer, line 1: data did not match any variant of untagged enum Figures at line 1 column 22; expected an object of figures by metric
        command "X", model "mine", call: printed no UTF-8
        command "X", model "mine", call: failed (signal: 9 (SIGKILL))"#]].assert_eq(&told);
}

#[test]
fn a_program_without_an_identity_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let texts = [
        "#!/bin/sh\n",
        "#!/bin/sh\necho '{\"chip\": \"abacus\"}'\n",
        "#!/bin/sh\necho '{\"chip\": \"a\", \"threads\": 1, \"runtime\": \"r\", \"version\": \"1\", \"precision\": \"fp7\"}'\n",
        "#!/bin/sh\necho '{\"error\": \"no device\"}'\n",
    ];
    let told = texts.map(|text| {
        let path = program(folder.path(), text);
        open(&path, &[]).expect_err(text).to_string().replace(&path, "X")
    });
    expect![[r#"
        command "X", answer: is not one line; expected the identity as one line of JSON
        command "X", identity: missing field `threads` at line 1 column 18; expected an object with chip, threads, runtime and version, and clock, build, precision or metrics
        command "X", identity: has precision "fp7"; expected fp32, fp16, bf16, int8
        command "X", device: no device"#]].assert_eq(&told.join("\n"));
    let error = open("/nonexistent/bench", &[]).expect_err("there is none").to_string();
    assert!(error.contains("cannot be started"), "{error}");
    assert_eq!(open(" ", &[]).expect_err("names none").kind(), ErrorKind::UnknownBackend);
}

#[test]
fn what_takes_too_long_or_says_too_much_is_killed_with_what_it_started() {
    let folder = tempfile::tempdir().expect("a folder");
    let mark = folder.path().join("alive");
    let body = format!("(sleep 2; touch '{}') & sleep 60", mark.display());
    let begin = Instant::now();
    let error = round(&folder, &body, &[("timeout_s", "0.3")]).expect_err("takes too long");
    assert!(error.ends_with("took more than 0.3 s"), "{error}");
    let error = round(&folder, "yes", &[]).expect_err("says too much");
    assert!(error.ends_with("printed more than 1048576 bytes"), "{error}");
    // One that leaves somebody behind with its output open has still ended.
    let body = "sleep 60 & echo '{\"latency_ms\": 2}'";
    assert_eq!(round(&folder, body, &[]), Ok(vec![2.0]));
    std::thread::sleep(Duration::from_millis(2500));
    assert!(!mark.exists(), "what it started was killed");
    assert!(begin.elapsed() < Duration::from_secs(50), "nobody waited for the sleepers");
}
