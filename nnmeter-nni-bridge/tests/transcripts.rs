//! Transcripts of the real NNI, of 3.0 and of 2.10: the journals of an experiment whose search space
//! was changed, into which results were imported, and whose manager was killed and resumed. The tuner
//! answers to every message, byte for byte, what it answered then.
//!
//! `UPDATE_EXPECT=1` writes the answers anew; the manager's messages stay what NNI said, so the trials
//! they report on have to be of the same numbers.

use nnmeter_nni_bridge::nni::command::{Command, Reply};
use nnmeter_nni_bridge::nni::frame::{self, Framing};
use nnmeter_nni_bridge::nni::options::Options;
use nnmeter_nni_bridge::nni::tuner::Tuner;
use serde_json::{Value as Json, json};

/// The `classArgs` of the experiments.
const OPTIONS: &str = r#"{"algorithm": "evolution", "seed": 7, "population": 3, "tournament": 2,
    "constraints": ["macs<=40e6"]}"#;

fn check(name: &str, framing: Framing) {
    let path = format!("{}/tests/transcripts/{name}", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).expect("a transcript");
    let mut tuner = Tuner::new(Options::read(OPTIONS));
    let mut kinds = Vec::new();
    let mut anew = String::new();
    for line in text.lines() {
        let line: Json = serde_json::from_str(line).expect("a line of a journal");
        let Some(message) = line["step"]["frame"].as_str() else { continue };
        assert_eq!(Framing::of(message), framing);
        let command = frame::read(message).expect("a message of NNI's");
        kinds.push(kind(&command));
        let outcome = tuner.step(command);
        for reply in &outcome.replies {
            assert!(!matches!(reply, Reply::Error(_)), "{reply:?}");
        }
        let answers: Vec<String> =
            outcome.replies.iter().map(|reply| framing.write(reply)).collect();
        let step = json!({"step": {"number": line["step"]["number"], "frame": message,
            "answers": answers}});
        anew.push_str(&format!("{step}\n"));
    }
    for kind in ["IN", "GE", "ME", "EN", "SS", "FD", "AD"] {
        assert!(kinds.contains(&kind), "no {kind} in {name}");
    }
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        std::fs::write(&path, anew).expect("written");
    } else {
        assert_eq!(anew, text, "{name}");
    }
}

fn kind(command: &Command) -> &'static str {
    match command {
        Command::Initialize(_) => "IN",
        Command::Request(_) => "GE",
        Command::Metric(_) => "ME",
        Command::TrialEnd { .. } => "EN",
        Command::UpdateSpace(_) => "SS",
        Command::Import(_) => "FD",
        Command::AddTrials(_) => "AD",
        Command::Nothing | Command::Terminate => "",
    }
}

#[test]
fn nni_3_0() {
    check("nni-3.0.jsonl", Framing::Objects);
}

#[test]
fn nni_2_10() {
    check("nni-2.10.jsonl", Framing::Letters);
}
