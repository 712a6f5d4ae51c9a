//! The tuner: what it does with each message of the manager's. No sockets, no clock, no files but those
//! of devices and search spaces that the experiment names.
//!
//! It keeps its own table of parameters by number, and believes no other source which trial had which:
//! with several trials at a time, NNI confuses parameters in `EN`, `FD` and its REST interface.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::command::{Added, Command, Imported, Metric, Reply, score};
use super::error::{Error, ErrorKind, Result};
use super::model::Models;
use super::options::Options;
use super::propose::Proposer;
use super::python_json::number;
use super::space::Space;

/// More trials than this are never asked for at once.
const MOST_REQUESTED: u64 = 100_000;

/// What comes of a message.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outcome {
    /// What the manager is told.
    pub replies: Vec<Reply>,
    /// What the log is told.
    pub notes: Vec<String>,
}

/// The state of a tuner.
#[derive(Debug)]
pub struct Tuner {
    options: Result<(Options, Models)>,
    proposer: Option<Proposer>,
    /// All parameters by number, with the result where there is one.
    table: BTreeMap<u64, (Json, Option<f64>)>,
    /// Parameters with their fitness, as they came in.
    results: Vec<(Json, f64)>,
    /// The manager is about to tell again what is known.
    expects_replay: bool,
}

impl Tuner {
    /// A tuner at the beginning. If its options are wrong it says so in answer to the first message,
    /// so that the experiment ends with the reason.
    pub fn new(options: Result<Options>) -> Self {
        let with_models = |options: Options| {
            let models = Models::new(options.parsed_constraints()?, options.folder.clone());
            Ok((options, models))
        };
        Self {
            options: options.and_then(with_models),
            proposer: None,
            table: BTreeMap::new(),
            results: Vec::new(),
            expects_replay: false,
        }
    }

    /// What is done with a message.
    pub fn step(&mut self, command: Command) -> Outcome {
        let mut outcome = Outcome::default();
        match self.act(command, &mut outcome) {
            Ok(()) => outcome,
            Err(error) => {
                outcome.notes.push(format!("error: {}", error.line()));
                outcome.replies.push(Reply::Error(error.line()));
                outcome
            }
        }
    }

    /// Takes up a message that was answered before with these trials: the same, but that trials are
    /// those and not new ones.
    pub fn recall(&mut self, command: Command, trials: Vec<(u64, Json)>) {
        match command {
            Command::Request(_) => trials.into_iter().for_each(|(id, json)| self.enter(id, json)),
            other => drop(self.step(other)),
        }
    }

    fn act(&mut self, command: Command, outcome: &mut Outcome) -> Result<()> {
        match command {
            Command::Initialize(space) => {
                self.load(&space)?;
                self.expects_replay = !self.results.is_empty();
                outcome.replies.push(Reply::Initialized);
            }
            Command::UpdateSpace(space) => self.load(&space)?,
            Command::Request(count) => self.request(count, outcome)?,
            Command::Metric(metric) => self.metric(metric, outcome)?,
            Command::Import(results) => self.import(results, outcome)?,
            Command::AddTrials(trials) => self.add(trials),
            Command::TrialEnd { trial, event } if event != "SUCCEEDED" => {
                outcome.notes.push(format!("trial {trial} ended: {event}"));
            }
            Command::TrialEnd { .. } | Command::Nothing | Command::Terminate => {}
        }
        Ok(())
    }

    /// Takes up a search space. What is known and belongs to it stays known.
    fn load(&mut self, json: &Json) -> Result<()> {
        let (options, models) = self.options.as_ref().map_err(Clone::clone)?;
        let mut proposer = Proposer::new(Space::read(json, models)?, options)?;
        self.table.values().for_each(|(parameters, _)| proposer.know(parameters));
        for (parameters, fitness) in &self.results {
            proposer.learn(parameters, *fitness, options);
        }
        self.proposer = Some(proposer);
        Ok(())
    }

    fn request(&mut self, count: u64, outcome: &mut Outcome) -> Result<()> {
        if count > MOST_REQUESTED {
            return Err(Error::new(
                ErrorKind::BadMessage,
                "request of NNI",
                format!("is for {count} trials"),
            )
            .expected(format!("at most {MOST_REQUESTED}")));
        }
        for _ in 0..count {
            let parameter = self.next_id();
            let (options, proposer) = self.parts()?;
            let Some(parameters) = proposer.propose(parameter, options)? else {
                outcome.notes.push("all there is was tried".to_owned());
                outcome.replies.push(Reply::NoMore { parameter });
                break;
            };
            self.enter(parameter, parameters.clone());
            outcome.replies.push(Reply::Trial { parameter, parameters });
        }
        Ok(())
    }

    fn parts(&mut self) -> Result<(&Options, &mut Proposer)> {
        let (options, _) = self.options.as_ref().map_err(Clone::clone)?;
        let proposer = self.proposer.as_mut();
        let proposer = proposer.ok_or_else(|| {
            Error::new(ErrorKind::BadMessage, "request of NNI", "comes before the search space")
        })?;
        Ok((options, proposer))
    }

    fn metric(&mut self, metric: Metric, outcome: &mut Outcome) -> Result<()> {
        if !metric.is_final {
            let (options, _) = self.options.as_ref().map_err(Clone::clone)?;
            if let Some(reason) = over(options, &metric.value) {
                outcome.notes.push(format!("trial {} is stopped: {reason}", metric.trial));
                outcome.replies.push(Reply::Kill(metric.trial));
            }
            return Ok(());
        }
        let known = metric.parameter.and_then(|id| self.table.get_mut(&id));
        let Some((parameters, result)) = known else {
            outcome.notes.push(format!("trial {} is not one of ours", metric.trial));
            return Ok(());
        };
        let Some(score) = score(&metric.value) else {
            let value = &metric.value;
            outcome.notes.push(format!(
                "trial {}: final result {value} is neither a number nor an object with \"default\"",
                metric.trial
            ));
            return Ok(());
        };
        if result.is_some() {
            return Ok(());
        }
        *result = Some(score);
        let parameters = parameters.clone();
        self.learn(parameters, score)?;
        Ok(())
    }

    fn import(&mut self, results: Vec<Imported>, outcome: &mut Outcome) -> Result<()> {
        let count = results.len();
        if std::mem::take(&mut self.expects_replay) {
            outcome.notes.push(format!("{count} results of NNI's are passed over: they are known"));
            return Ok(());
        }
        let mut taken = 0;
        for Imported { parameters, value } in results {
            if let Some(score) = score(&value) {
                taken += usize::from(self.learn(parameters, score)?);
            }
        }
        outcome.notes.push(format!(
            "{taken} of {count} imported results are numbers for parameters of this search space"
        ));
        Ok(())
    }

    /// Takes up a result; returns whether its parameters belong to the space.
    fn learn(&mut self, parameters: Json, score: f64) -> Result<bool> {
        let (options, _) = self.options.as_ref().map_err(Clone::clone)?;
        let fitness = options.fitness(score);
        let (options, proposer) = self.parts()?;
        let belongs = proposer.learn(&parameters, fitness, options);
        self.results.push((parameters, fitness));
        Ok(belongs)
    }

    fn add(&mut self, trials: Vec<Added>) {
        for Added { parameter, parameters } in trials {
            if let Some(id) = parameter.filter(|id| !self.table.contains_key(id)) {
                self.enter(id, parameters);
            }
        }
    }

    fn enter(&mut self, id: u64, parameters: Json) {
        if let Some(proposer) = &mut self.proposer {
            proposer.know(&parameters);
        }
        self.table.insert(id, (parameters, None));
    }

    fn next_id(&self) -> u64 {
        self.table.last_key_value().map_or(0, |(last, _)| last.saturating_add(1))
    }
}

/// Why a trial is to be stopped that reports this, if it is.
fn over(options: &Options, value: &Json) -> Option<String> {
    let exceeded = |(name, most): (&String, &f64)| {
        let reported = number(value.get(name)?).filter(|reported| reported > most)?;
        Some(format!("it reports {name} of {reported}; at most {most} is allowed"))
    };
    options.kill_over.iter().find_map(exceeded)
}
