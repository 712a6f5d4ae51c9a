//! What the manager says to a tuner and what the tuner answers, whatever the framing.
//!
//! Names and meanings are NNI's; the two letters of the wire stand beside each.

use serde_json::Value as Json;

use super::error::{Error, ErrorKind, Result};
use super::python_json::{self, number};

/// A message of the manager's.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// `IN`: the experiment begins, or goes on; its search space.
    Initialize(Json),
    /// `GE`: so many trials are wanted.
    Request(u64),
    /// `ME`: a trial reports.
    Metric(Metric),
    /// `EN`: a trial has ended. Which parameters it had is not read: NNI may confuse them
    /// (its issues 5693, 5726).
    TrialEnd {
        /// The trial.
        trial: String,
        /// How it ended: `SUCCEEDED`, `FAILED`, ...
        event: String,
    },
    /// `SS`: another search space from now on.
    UpdateSpace(Json),
    /// `FD`: parameters with their results.
    Import(Vec<Imported>),
    /// `AD`: trials that will run although they were not asked for, after a resume mostly.
    AddTrials(Vec<Added>),
    /// `PI`, `_nop_`: nothing.
    Nothing,
    /// `TE`, `_bye_`: the end.
    Terminate,
}

/// What a trial reports.
#[derive(Clone, Debug, PartialEq)]
pub struct Metric {
    /// Whose parameters the trial has; none if a user added it.
    pub parameter: Option<u64>,
    /// The trial.
    pub trial: String,
    /// Whether it is the trial's final result.
    pub is_final: bool,
    /// What is reported: a number, or an object with one called `default`.
    pub value: Json,
}

/// Parameters with their result.
#[derive(Clone, Debug, PartialEq)]
pub struct Imported {
    /// The parameters.
    pub parameters: Json,
    /// As [`Metric::value`].
    pub value: Json,
}

/// A trial that was not asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct Added {
    /// The number of its parameters; none if a user added it.
    pub parameter: Option<u64>,
    /// Its parameters.
    pub parameters: Json,
}

/// A message of the tuner's.
#[derive(Clone, Debug, PartialEq)]
pub enum Reply {
    /// `ID`: ready.
    Initialized,
    /// `TR`: a trial to run.
    Trial {
        /// The number of its parameters.
        parameter: u64,
        /// Its parameters.
        parameters: Json,
    },
    /// `NO`: there are no more trials to run.
    NoMore {
        /// The number that the next parameters would have had.
        parameter: u64,
    },
    /// `KI`: this trial is to be stopped.
    Kill(String),
    /// `ER`: the experiment cannot go on, for this reason.
    Error(String),
}

impl Command {
    /// The command of these letters and content.
    ///
    /// # Errors
    /// [`ErrorKind::BadMessage`] if the content is not what belongs to the letters, or there is no
    /// such command.
    pub fn read(letters: &str, content: &str) -> Result<Self> {
        let bad = |found: &str| bad_message(letters, found, content);
        let json = || python_json::parse(content).map_err(|error| bad(&error.to_string()));
        Ok(match letters {
            "IN" => Command::Initialize(json()?),
            "SS" => Command::UpdateSpace(json()?),
            "GE" => Command::Request(content.trim().parse().map_err(|_| bad("is no count"))?),
            "ME" => Command::Metric(Metric::read(&json()?).ok_or_else(|| bad("is no metric"))?),
            "EN" => trial_end(&json()?).ok_or_else(|| bad("is no trial's end"))?,
            "FD" => {
                Command::Import(imported(&json()?).ok_or_else(|| bad("is no list of results"))?)
            }
            "AD" => Command::AddTrials(added(json()?).ok_or_else(|| bad("is no list of trials"))?),
            "PI" | "_nop_" => Command::Nothing,
            "TE" | "_bye_" => Command::Terminate,
            _ => return Err(bad("is unknown").expected("a command of NNI's tuner channel")),
        })
    }
}

impl Metric {
    fn read(json: &Json) -> Option<Self> {
        let value = json.get("value").unwrap_or(&Json::Null);
        Some(Self {
            parameter: json.get("parameter_id")?.as_u64(),
            trial: json.get("trial_job_id")?.as_str()?.to_owned(),
            is_final: json.get("type")?.as_str()? == "FINAL",
            value: nested(value),
        })
    }
}

/// The number in a reported value: itself, or its `default`.
pub fn score(value: &Json) -> Option<f64> {
    number(value).or_else(|| number(value.get("default")?))
}

fn trial_end(json: &Json) -> Option<Command> {
    let text = |key: &str| Some(json.get(key)?.as_str()?.to_owned());
    Some(Command::TrialEnd { trial: text("trial_job_id")?, event: text("event")? })
}

fn imported(json: &Json) -> Option<Vec<Imported>> {
    let one = |entry: &Json| {
        let (parameters, value) = (entry.get("parameter")?.clone(), nested(entry.get("value")?));
        Some(Imported { parameters, value })
    };
    json.as_array()?.iter().map(one).collect()
}

/// One trial or a list of them; each may be JSON in a string.
fn added(json: Json) -> Option<Vec<Added>> {
    let all = if let Json::Array(all) = json { all } else { vec![json] };
    let one = |entry: &Json| {
        let entry = nested(entry);
        let parameter = entry.get("parameter_id").and_then(Json::as_u64);
        Some(Added { parameter, parameters: entry.get("parameters")?.clone() })
    };
    all.iter().map(one).collect()
}

/// What JSON inside of a string says; the string itself if it is none.
fn nested(json: &Json) -> Json {
    let inside = json.as_str().and_then(|text| python_json::parse(text).ok());
    inside.unwrap_or_else(|| json.clone())
}

pub(super) fn bad_message(letters: &str, found: &str, content: &str) -> Error {
    let shown: String = content.chars().take(120).collect();
    Error::new(ErrorKind::BadMessage, format!("command {letters:?} of NNI: {shown:?}"), found)
}
