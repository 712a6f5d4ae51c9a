//! Runs with a backend whose times are scripted.

use std::cell::RefCell;

use expect_test::expect;

use super::*;
use crate::backend::{Identity, Options, Sample, Session, Timer};
use crate::device::{Precision, Runtime};
use crate::error::ErrorKind;
use crate::package::Metric;

/// What a round of a model takes: `script(model, round)`; none where the runtime breaks down.
type Script = fn(&str, usize) -> Option<f64>;

#[derive(Debug)]
struct Scripted {
    identity: Identity,
    script: Script,
    sessions: RefCell<usize>,
}

struct ScriptedSession {
    name: String,
    round: usize,
    script: Script,
}

impl Scripted {
    fn new(script: Script) -> Self {
        let identity = Identity {
            chip: "none".to_owned(),
            clock: Some("1 GHz".to_owned()),
            threads: 1,
            runtime: Runtime::new("scripted", "1"),
            precision: Precision::Fp32,
            timer: Timer::Stated,
            options: [("speed", "low")].into_iter().collect(),
        };
        Self { identity, script, sessions: RefCell::new(0) }
    }
}

impl Backend for Scripted {
    fn identity(&self) -> &Identity {
        &self.identity
    }

    fn metrics(&self) -> &[Metric] {
        &[Metric::Latency]
    }

    fn prepare(&self, model: &Model) -> Result<Box<dyn Session>> {
        *self.sessions.borrow_mut() += 1;
        let name = model.name().to_owned();
        Ok(Box::new(ScriptedSession { name, round: 0, script: self.script }))
    }
}

impl Session for ScriptedSession {
    fn measure(&mut self) -> Result<Vec<Sample>> {
        let value = (self.script)(&self.name, self.round);
        self.round += 1;
        let broken = || Error::new(ErrorKind::Backend, self.name.clone(), "broke down");
        Ok(vec![Sample { metric: Metric::Latency, value: value.ok_or_else(broken)? }])
    }
}

/// A model of its own bytes for each name.
fn model(name: &str) -> Model {
    let json = format!(
        r#"{{"x": {{"inbounds": [], "outbounds": ["{name}"], "attr": {{"type": "Placeholder",
        "attr": {{"shape": [1, 2]}}, "input_shape": [], "output_shape": [[1, 2]]}}}},
        "{name}": {{"inbounds": ["x"], "outbounds": [], "attr": {{"type": "Relu", "attr": {{}},
        "input_shape": [], "output_shape": []}}}}}}"#
    );
    Model::new(name, json.into_bytes()).expect("a sound model")
}

fn run(
    backend: &Scripted,
    names: &[&str],
    rounds: usize,
    log: &mut Log,
) -> Vec<Result<Measurement>> {
    let models: Vec<Model> = names.iter().map(|name| model(name)).collect();
    let plan = Plan { rounds, ..Plan::default() };
    measure(backend, &models, &plan, log, &mut |_| ()).expect("the log is written")
}

fn values(result: &Result<Measurement>) -> Vec<f64> {
    let measurement = result.as_ref().expect("was measured");
    measurement.values(Metric::Latency).collect()
}

const STEADY: Script = |name, round| Some(name.len() as f64 + [0.01, 0.0, 0.02][round % 3]);

#[test]
fn a_model_that_fails_stops_no_other_and_equal_ones_are_measured_once() {
    let backend = Scripted::new(|name, round| (name != "bad" || round < 2).then_some(1.0));
    let mut log = Log::in_memory();
    let results = run(&backend, &["a", "bad", "cc", "a"], 5, &mut log);
    let told: Vec<String> = results
        .iter()
        .map(|result| match result {
            Ok(measurement) => format!("{} rounds", measurement.rounds.len()),
            Err(error) => error.to_string(),
        })
        .collect();
    assert_eq!(told, ["5 rounds", "bad: broke down", "5 rounds", "5 rounds"]);
    assert_eq!((log.len(), *backend.sessions.borrow()), (12, 3));
}

#[test]
fn progress_counts_what_the_log_had_and_ends_at_the_end() {
    let (backend, mut log) = (Scripted::new(STEADY), Log::in_memory());
    run(&backend, &["a"], 3, &mut log);
    let mut seen = Vec::new();
    let models = ["a", "bb"].map(model);
    let plan = Plan { rounds: 4, ..Plan::default() };
    let results = measure(&backend, &models, &plan, &mut log, &mut |progress| {
        seen.push((progress.done, progress.rounds, progress.left.is_some()));
    });
    assert!(results.expect("written").iter().all(|result| values(result).len() == 4));
    assert_eq!(seen.first(), Some(&(3, 8, false)));
    assert_eq!(seen.last(), Some(&(8, 8, true)));
}

#[test]
fn few_models_are_loaded_at_a_time() {
    let models: Vec<Model> = ["a", "b", "c", "d", "e"].map(model).to_vec();
    let plan = Plan { models_at_a_time: 2, ..Plan::default() };
    assert_eq!(groups(&models, &[0, 1, 2, 4], &plan), [vec![0, 1], vec![2, 4]]);
    let small = Plan { bytes_at_a_time: 0, ..Plan::default() };
    assert_eq!(groups(&models, &[0, 1], &small), [vec![0, 1]], "they have no weights");
}

#[test]
fn a_stopped_run_goes_on_and_measures_nothing_twice() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("log.jsonl");
    let backend = Scripted::new(STEADY);
    let open = || Log::open(&path, backend.identity());
    run(&backend, &["a", "bb"], 3, &mut open().expect("a new log"));
    let whole = std::fs::read(&path).expect("is there");
    // Whatever byte the end comes at: whole lines stay, and the rest is measured again.
    let header = whole.iter().position(|&byte| byte == b'\n').expect("a line") + 1;
    for end in [0, 5, header - 1, header, header + 1, whole.len() - 40, whole.len() - 1] {
        std::fs::write(&path, &whole[..end]).expect("writes");
        let mut log = open().expect("a log that was cut off");
        let lines = whole[..end].iter().filter(|&&byte| byte == b'\n').count();
        assert_eq!(log.len(), lines.saturating_sub(1), "cut at {end}");
        let results = run(&backend, &["a", "bb"], 3, &mut log);
        assert!(results.iter().all(|result| values(result).len() == 3));
        drop(log);
        let again = std::fs::read_to_string(&path).expect("is there");
        assert_eq!(again.lines().count(), 7, "cut at {end}");
        assert_eq!(open().expect("a whole log").len(), 6);
    }
}

#[test]
fn a_log_of_something_else_is_refused_and_left_as_it_is() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("log.jsonl");
    let backend = Scripted::new(STEADY);
    run(&backend, &["a"], 2, &mut Log::open(&path, backend.identity()).expect("a new log"));
    let good = std::fs::read_to_string(&path).expect("is there");
    let refusal = |text: &str, identity: &Identity| {
        std::fs::write(&path, text).expect("writes");
        let error = Log::open(&path, identity).expect_err(text);
        assert_eq!(std::fs::read_to_string(&path).expect("is there"), text, "is as it was");
        format!("{error}\n").replace(&path.display().to_string(), "LOG")
    };
    let other = Identity { threads: 2, ..backend.identity().clone() };
    let plain = Identity { options: Options::default(), ..backend.identity().clone() };
    let same = backend.identity();
    let twice = format!("{good}{}\n", good.lines().nth(1).expect("a round"));
    let mut told = refusal(&good, &other) + &refusal(&good, &plain);
    told += &refusal("model,ms\na.onnx,3\n", same);
    told += &refusal("no line", same);
    told +=
        &refusal(&good.replace("\"nnmeter_measurements\":1", "\"nnmeter_measurements\":2"), same);
    told += &refusal(&good.replacen("\"round\":0", "\"round\":one", 1), same);
    told += &refusal(&good.replacen("latency_ms", "latency_s", 1), same);
    told += &refusal(&twice, same);
    expect![[r#"
        LOG, log: holds figures of another identity: threads is "1"; expected "2"
        LOG, log: holds figures of another identity: option speed is "low"; expected nothing
        LOG, log: is no log of measurements; expected a file that `nnmeter measure` wrote, or none
        LOG, log: is no log of measurements; expected a file that `nnmeter measure` wrote, or none
        LOG, log: is of version 2; expected version 1
        LOG, line 2: expected value at line 1 column 98; expected a line that `nnmeter measure` wrote
        LOG, line 2, metric "latency_s": is not known
        LOG, line 4, round 0 of "a": is out of turn; expected round 2
    "#]].assert_eq(&told);
    std::fs::write(&path, &good).expect("writes");
    let first = Log::open(&path, same).expect("a whole log");
    let error = Log::open(&path, same).expect_err("is in use");
    assert!(error.to_string().ends_with("is in use by another run"), "{error}");
    drop(first);
}

#[test]
fn quality_tells_drift_outliers_and_what_is_not_settled() {
    let quality = |script: Script| {
        let backend = Scripted::new(script);
        let results = run(&backend, &["a", "b"], 20, &mut Log::in_memory());
        let measurement = results[0].as_ref().expect("was measured");
        let quality = Quality::of(measurement, Metric::Latency).expect("has figures");
        let remarks: Vec<String> = quality.remarks().iter().map(ToString::to_string).collect();
        (quality, remarks.join("; "), common_drift(&[quality, quality]))
    };
    let (steady, remarks, drift) = quality(STEADY);
    assert_eq!((steady.minimum, remarks.as_str(), drift), (1.0, "", None));
    assert!(steady.repeatability.is_some_and(|share| share < 0.02));
    let (_, remarks, drift) = quality(|_, round| Some(1.0 + 0.02 * round as f64));
    assert_eq!(remarks, "70 % of the rounds disturbed; drift of +20.0 %");
    assert!(drift.is_some_and(|drift| (drift - 0.2).abs() < 1e-9));
    let (_, remarks, _) = quality(|_, round| Some(if round % 4 == 0 { 1.0 } else { 3.0 }));
    expect!["halves of the rounds differ by 66.7 %; 75 % of the rounds disturbed"]
        .assert_eq(&remarks);
}
