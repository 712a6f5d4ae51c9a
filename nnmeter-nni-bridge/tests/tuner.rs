//! The tuner as a function of messages: every algorithm, every command, and its memory.

use std::collections::BTreeSet;

use nnmeter_nni_bridge::nni::command::{Command, Reply};
use nnmeter_nni_bridge::nni::frame::{self, Framing};
use nnmeter_nni_bridge::nni::options::Options;
use nnmeter_nni_bridge::nni::tuner::{Outcome, Tuner};
use proptest::prelude::*;
use serde_json::{Value as Json, json};

/// Multiply-accumulates of the cells of NAS-Bench-201 go from 7.8 to 153 million.
const BUDGET: f64 = 40e6;

fn tuner(options: Json) -> Tuner {
    Tuner::new(Options::read(&options.to_string()))
}

fn step(tuner: &mut Tuner, frame: &str) -> Outcome {
    tuner.step(frame::read(frame).expect(frame))
}

fn started(options: Json, space: &Json) -> Tuner {
    let mut tuner = tuner(options);
    assert_eq!(step(&mut tuner, &format!("IN{space}")).replies, [Reply::Initialized]);
    tuner
}

/// Parameters of the next trials, and whether it was said that there are no more.
fn ask(tuner: &mut Tuner, count: u64) -> (Vec<(u64, Json)>, bool) {
    let replies = tuner.step(Command::Request(count)).replies;
    let none = matches!(replies.last(), Some(Reply::NoMore { .. }));
    let trial = |reply| match reply {
        Reply::Trial { parameter, parameters } => Some((parameter, parameters)),
        Reply::NoMore { .. } => None,
        other => panic!("{other:?}"),
    };
    (replies.into_iter().filter_map(trial).collect(), none)
}

fn report(tuner: &mut Tuner, id: u64, value: &str) -> Outcome {
    let metric = json!({"parameter_id": id, "trial_job_id": "t", "type": "FINAL", "sequence": 0,
        "value": value});
    step(tuner, &format!("ME{metric}\n"))
}

fn architectures() -> Json {
    json!({"arch": {"_type": "choice", "_value": ["nnmeter:nasbench201"]},
        "lr": {"_type": "loguniform", "_value": [1e-4, 0.1]}})
}

fn macs(parameters: &Json) -> f64 {
    parameters["arch"]["costs"][0]["value"].as_f64().expect("a cost")
}

#[test]
fn proposals_are_within_the_budget_and_differ() {
    for algorithm in ["random", "evolution", "grid"] {
        let options = json!({"algorithm": algorithm, "population": 5, "tournament": 2,
            "constraints": [format!("macs<={BUDGET}"), "parameters>=1e5"]});
        let mut tuner = started(options, &architectures());
        let mut seen = BTreeSet::new();
        for _ in 0..10 {
            let (trials, _) = ask(&mut tuner, 3);
            assert_eq!(trials.len(), 3);
            for (id, parameters) in trials {
                let trained = parameters["arch"]["costs"][1]["value"].as_f64().expect("a count");
                assert!(macs(&parameters) <= BUDGET && trained >= 1e5, "{parameters}");
                assert!(seen.insert(parameters.to_string()), "twice: {parameters}");
                report(&mut tuner, id, &format!("{}", macs(&parameters)));
            }
        }
    }
}

#[test]
fn evolution_goes_where_results_are_better() {
    for (mode, sign) in [("maximize", 1.0), ("minimize", -1.0)] {
        let options = json!({"algorithm": "evolution", "population": 12, "tournament": 4,
            "optimize_mode": mode, "constraints": [format!("macs<={BUDGET}")]});
        let mut tuner = started(options, &architectures());
        let mut scores = Vec::new();
        for _ in 0..120 {
            let (trials, _) = ask(&mut tuner, 1);
            let lr = trials[0].1["lr"].as_f64().expect("a number");
            scores.push(lr.log10());
            report(&mut tuner, trials[0].0, &json!({"default": lr, "other": 1}).to_string());
        }
        let mean = |part: &[f64]| part.iter().sum::<f64>() / part.len() as f64;
        let gain = sign * (mean(&scores[90..]) - mean(&scores[..12]));
        assert!(gain > 0.5, "{mode}: {gain}");
    }
}

#[test]
fn a_finite_space_is_tried_out_and_then_there_is_no_more() {
    let space = json!({
        "op": {"_type": "choice", "_value": [
            {"_name": "conv", "kernel": {"_type": "choice", "_value": [3, 5]}}, {"_name": "skip"}]},
        "depth": {"_type": "randint", "_value": [-1, 2]},
        "rate": {"_type": "quniform", "_value": [0.0, 1.0, 0.5]}});
    for algorithm in ["random", "evolution", "grid"] {
        let mut tuner = started(json!({"algorithm": algorithm, "population": 4}), &space);
        let (trials, none) = ask(&mut tuner, 40);
        let distinct: BTreeSet<String> = trials.iter().map(|(_, p)| p.to_string()).collect();
        assert_eq!((trials.len(), distinct.len(), none), (27, 27, true), "{algorithm}");
        assert_eq!(ask(&mut tuner, 2), (Vec::new(), true));
        // A wider space has more.
        let mut wider = space.clone();
        wider["depth"]["_value"] = json!([-1, 3]);
        assert!(step(&mut tuner, &format!("SS{wider}")).replies.is_empty());
        assert_eq!(ask(&mut tuner, 20).0.len(), 9, "{algorithm}");
    }
}

#[test]
fn all_architectures_of_a_tight_budget_are_tried() {
    let space = json!({"arch": {"_type": "choice", "_value": ["nnmeter:nasbench201"]}});
    let count = |algorithm: &str| {
        let options = json!({"algorithm": algorithm, "constraints": ["macs<=9e6"]});
        let (trials, none) = ask(&mut started(options, &space), 16_000);
        assert!(none && trials.iter().all(|(_, parameters)| macs(parameters) <= 9e6));
        trials.len()
    };
    let grid = count("grid");
    assert!(grid > 10);
    assert_eq!(count("random"), grid);
}

#[test]
fn fatal_mistakes_end_the_experiment_with_their_reason() {
    let error = |options: Json, space: Json| match step(&mut tuner(options), &format!("IN{space}"))
        .replies
        .as_slice()
    {
        [Reply::Error(message)] => message.clone(),
        other => panic!("{other:?}"),
    };
    let constraints = |text: &str| json!({"constraints": [text]});
    let infeasible = error(constraints("macs>=1e12"), architectures());
    assert!(infeasible.contains("every architecture needs"), "{infeasible}");
    assert!(infeasible.contains("the dearest architecture is {"), "{infeasible}");
    let device = error(constraints("latency@cortexA77<=3ms"), architectures());
    assert!(device.contains("cortexA77"), "{device}");
    assert!(error(json!({"optimise": 1}), architectures()).contains("optimise"));
    assert!(error(json!({}), json!({"a": {"_type": "choice", "_value": []}})).contains("\"a\""));
    let unknown = json!({"a": {"_type": "choice", "_value": ["nnmeter:nasbench"]}});
    assert!(error(json!({}), unknown).contains("is not a built-in one"));
    let grid = json!({"a": {"_type": "choice", "_value": ["nnmeter:spos"]}});
    assert!(error(json!({"algorithm": "grid"}), grid).contains("too many architectures"));
}

#[test]
fn results_of_every_kind_are_taken() {
    let space = json!({"x": {"_type": "uniform", "_value": [0, 1]}});
    let mut tuner = started(json!({"algorithm": "evolution", "population": 3}), &space);
    let (trials, _) = ask(&mut tuner, 5);
    let values = ["NaN", "{\"default\": -Infinity, \"note\": \"NaN\"}", "1e3", "\"text\"", "{}"];
    let notes: Vec<usize> = trials
        .iter()
        .zip(values)
        .map(|((id, _), value)| report(&mut tuner, *id, value).notes.len())
        .collect();
    assert_eq!(notes, [0, 0, 0, 1, 1]);
    assert_eq!(report(&mut tuner, 99, "1").notes.len(), 1);
    let imported = "FD[{\"parameter\":{\"x\":0.5},\"value\":\"NaN\"},{\"parameter\":{\"x\":0.25},\
        \"value\":{\"default\":0.4}},{\"parameter\":{\"y\":1},\"value\":3}]";
    let notes = step(&mut tuner, imported).notes;
    assert_eq!(notes, ["2 of 3 imported results are numbers for parameters of this search space"]);
    assert_eq!(ask(&mut tuner, 3).0.len(), 3);
}

#[test]
fn a_resumed_experiment_does_not_learn_twice() {
    let space = json!({"x": {"_type": "uniform", "_value": [0, 1]}});
    let mut tuner = started(json!({}), &space);
    let (trials, _) = ask(&mut tuner, 2);
    report(&mut tuner, 0, "0.5");
    // The manager starts again. It may have confused the parameters.
    step(&mut tuner, &format!("IN{space}"));
    let confused = json!([{"parameter": trials[1].1, "value": "0.5"}]);
    assert!(step(&mut tuner, &format!("FD{confused}")).notes[0].contains("passed over"));
    let resumed = json!([{"parameter_id": 1, "parameter_source": "resumed", "parameters": trials[1].1},
        {"parameter_id": 7, "parameters": {"x": 0.5}}, {"parameter_id": null, "parameters": {}}]);
    step(&mut tuner, &format!("AD{resumed}"));
    assert_eq!(ask(&mut tuner, 1).0[0].0, 8);
    // What a user imports later counts.
    assert!(
        step(&mut tuner, "FD[{\"parameter\":{\"x\":1},\"value\":1}]").notes[0].contains("1 of 1")
    );
}

#[test]
fn trials_that_report_too_much_are_stopped() {
    let space = json!({"x": {"_type": "uniform", "_value": [0, 1]}});
    let mut tuner = started(json!({"kill_over": {"latency_ms": 30}}), &space);
    let mut reported = |value: Json| {
        let metric = json!({"parameter_id": 0, "trial_job_id": "abc", "type": "PERIODICAL",
            "sequence": 0, "value": value.to_string()});
        step(&mut tuner, &format!("ME{metric}")).replies
    };
    assert!(reported(json!({"default": 1, "latency_ms": 30})).is_empty());
    assert!(reported(json!(31)).is_empty());
    let kill = reported(json!({"default": 1, "latency_ms": 30.5}));
    assert_eq!(kill, [Reply::Kill("abc".to_owned())]);
    assert_eq!(Framing::Letters.write(&kill[0]), "KI\"abc\"");
}

fn frames() -> impl Strategy<Value = String> {
    let metric = (0u64..12, "[0-9.eNa]{1,3}|\\{\"default\": [0-9]\\}").prop_map(|(id, value)| {
        let value = json!({"parameter_id": id, "trial_job_id": "t", "type": "FINAL",
            "sequence": 0, "value": value});
        format!("ME{value}")
    });
    let space = (1u64..4).prop_map(|n| {
        json!({"x": {"_type": "uniform", "_value": [0, n]},
            "y": {"_type": "choice", "_value": [1, "a", {"_name": "b", "z": {"_type": "qlognormal",
                "_value": [0, 1, 0.5]}}]}})
    });
    prop_oneof![
        4 => (1u64..4).prop_map(|count| format!("GE{count}")),
        4 => metric,
        1 => space.prop_map(|space| format!("SS{space}")),
        1 => Just("FD[{\"parameter\":{\"x\":0.5,\"y\":1},\"value\":3}]".to_owned()),
        1 => Just("AD[{\"parameter_id\":20,\"parameters\":{\"x\":0.1,\"y\":\"a\"}}]".to_owned()),
        1 => Just("EN{\"trial_job_id\":\"t\",\"event\":\"FAILED\",\"hyper_params\":\"{}\"}".to_owned()),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whoever was told the messages with the answers goes on as the one who gave them.
    #[test]
    fn what_is_recalled_is_what_was_known(frames in proptest::collection::vec(frames(), 0..20)) {
        let options = json!({"algorithm": "evolution", "population": 4, "tournament": 2});
        let (mut first, mut second) = (tuner(options.clone()), tuner(options));
        let space = "IN{\"x\":{\"_type\":\"uniform\",\"_value\":[0,1]},\
            \"y\":{\"_type\":\"choice\",\"_value\":[1,\"a\"]}}".to_owned();
        for frame in std::iter::once(space).chain(frames) {
            let command = frame::read(&frame).expect("valid");
            let trial = |reply: &Reply| match reply {
                Reply::Trial { parameter, parameters } => Some((*parameter, parameters.clone())),
                _ => None,
            };
            let answers = first.step(command.clone()).replies;
            second.recall(command, answers.iter().filter_map(trial).collect());
        }
        prop_assert_eq!(first.step(Command::Request(3)), second.step(Command::Request(3)));
    }

    /// No bytes of anybody's make it panic.
    #[test]
    fn hostile_frames_do_no_harm(frames in proptest::collection::vec(
        "(IN|GE|ME|EN|SS|FD|AD|TE|XX|)[\\[{]{0,2}(\"x\":|\"_type\":\"choice\",|\"_value\":|NaN|1e999|-1|\"[a-z]{0,3}\"|,|[\\]}]){0,8}", 0..12)) {
        let mut tuner = tuner(json!({}));
        for frame in frames {
            if let Ok(command) = frame::read(&frame) {
                tuner.step(command);
            }
            let object = json!({"type": "IN", "content": frame}).to_string();
            if let Ok(command) = frame::read(&object) {
                tuner.step(command);
            }
        }
    }
}
