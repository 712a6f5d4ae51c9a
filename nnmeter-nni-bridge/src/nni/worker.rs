//! The worker: the process that runs the tuner. It reads the manager's messages from standard input as
//! the keeper passes them on, one JSON object a line, and writes answers to standard output.
//!
//! It may be killed at any time: another one reads the journal and goes on. If the keeper is killed the
//! input ends, and the caller is told that it should take the keeper's place.

use std::io::{BufRead, Write};
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::error::{Error, Result};
use super::frame::{self, Framing};
use super::journal::{Journal, Line, Step};
use super::log::Log;
use super::options::Options;
use super::tuner::Tuner;

/// What the keeper tells the worker.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// A message of the manager's.
    Frame {
        /// Its number: one more than the last.
        number: u64,
        /// The message.
        frame: String,
    },
    /// The answers to the message of that number have left.
    Sent(u64),
    /// There is nothing more to do.
    End,
}

/// What the worker tells the keeper.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Report {
    /// The worker is ready.
    Ready {
        /// The number of the last message in the journal, or 0.
        last: u64,
        /// The answers to it, if nobody said that they left.
        unsent: Vec<String>,
    },
    /// The answers to the message of that number.
    Answers {
        /// The number.
        number: u64,
        /// What the manager is to be sent.
        answers: Vec<String>,
    },
    /// The worker cannot go on, for this reason.
    Failed(String),
}

/// How a worker ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// As it should.
    Ordered,
    /// The keeper is gone, and spoke to NNI in this framing.
    Orphaned(Option<Framing>),
}

struct Worker {
    tuner: Tuner,
    journal: Journal,
    framing: Option<Framing>,
    last: Option<Step>,
    log: Log,
}

/// Runs the worker until its input ends. `options` are those of the tuner, which tells NNI if they are
/// wrong.
///
/// # Errors
/// If the journal cannot be used, or the output not be written. The keeper was told.
pub fn run(
    options: Result<Options>,
    checkpoint: Option<&Path>,
    input: impl BufRead,
    mut output: impl Write,
    log: Log,
) -> Result<Ending> {
    let ending = work(options, checkpoint, input, &mut output, log);
    if let Err(error) = &ending {
        write(&mut output, &Report::Failed(error.line()))?;
    }
    ending
}

fn work(
    options: Result<Options>,
    checkpoint: Option<&Path>,
    input: impl BufRead,
    output: &mut impl Write,
    log: Log,
) -> Result<Ending> {
    let (journal, lines) = Journal::open(checkpoint)?;
    let tuner = Tuner::new(options);
    let mut worker = Worker { tuner, journal, framing: None, last: None, log };
    let unsent = worker.recall(lines);
    let last = worker.last.as_ref().map_or(0, |step| step.number);
    write(output, &Report::Ready { last, unsent })?;
    for line in input.lines() {
        let line = line.map_err(|error| Error::io("input of the worker", &error))?;
        match serde_json::from_str(&line) {
            Ok(Order::Frame { number, frame }) => write(output, &worker.answer(number, frame)?)?,
            Ok(Order::Sent(number)) => worker.journal.add(&Line::Sent(number))?,
            Ok(Order::End) => return Ok(Ending::Ordered),
            Err(error) => worker.log.line(&format!("an order is not understood: {error}")),
        }
    }
    Ok(Ending::Orphaned(worker.framing))
}

impl Worker {
    /// Takes up what the journal holds; returns the last answers if they may not have left.
    fn recall(&mut self, lines: Vec<Line>) -> Vec<String> {
        let count = lines.len();
        let mut unsent = Vec::new();
        for line in lines {
            match line {
                Line::Step(step) => {
                    self.framing.get_or_insert(Framing::of(&step.frame));
                    let trials = step.answers.iter().filter_map(|answer| frame::trial(answer));
                    if let Ok(command) = frame::read(&step.frame) {
                        self.tuner.recall(command, trials.collect());
                    }
                    unsent.clone_from(&step.answers);
                    self.last = Some(step);
                }
                Line::Sent(number) if self.last.as_ref().is_some_and(|s| s.number == number) => {
                    unsent.clear();
                }
                Line::Sent(_) => {}
            }
        }
        if count > 0 {
            self.log.line(&format!("goes on after {count} lines of its journal"));
        }
        unsent
    }

    fn answer(&mut self, number: u64, text: String) -> Result<Report> {
        if let Some(step) = self.last.as_ref().filter(|step| step.number == number) {
            return Ok(Report::Answers { number, answers: step.answers.clone() });
        }
        let framing = *self.framing.get_or_insert(Framing::of(&text));
        let outcome = match frame::read(&text) {
            Ok(command) => self.tuner.step(command),
            Err(error) => {
                self.log.line(&format!("passed over: {}", error.line()));
                return Ok(Report::Answers { number, answers: Vec::new() });
            }
        };
        outcome.notes.iter().for_each(|note| self.log.line(note));
        let answers = outcome.replies.iter().map(|reply| framing.write(reply)).collect();
        let step = Step { number, frame: text, answers };
        self.journal.add(&Line::Step(step.clone()))?;
        let answers = step.answers.clone();
        self.last = Some(step);
        Ok(Report::Answers { number, answers })
    }
}

fn write(output: &mut impl Write, report: &Report) -> Result<()> {
    let line = serde_json::to_string(report).map_err(std::io::Error::from);
    let written = line.and_then(|line| writeln!(output, "{line}")).and_then(|()| output.flush());
    written.map_err(|error| Error::io("output of the worker", &error))
}
