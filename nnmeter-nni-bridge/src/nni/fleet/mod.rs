//! A backend whose models are measured by the trials of an NNI experiment, so that all machines of NNI's
//! training service measure at the same time.
//!
//! ```text
//! models --folder--> jobs.json, model files    (the experiment's code directory, which NNI takes to its machines)
//!        --NNI-----> a trial a job             (`nnmeter-bridge trial measure`, with any backend there)
//!        <--REST---- a report a trial          (identity of the machine, every raw sample)
//! ```
//!
//! Which model a trial measured is read from its report alone: with several trials at a time NNI confuses
//! their parameters. Before anything is measured, a trial tells what the machines are; one that is of another
//! identity is refused by name, so that figures of different machines are never mixed.

mod config;
mod experiment;
mod job;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use nnmeter_hardware::backend::{Backend, Identity, Job, Model, Sample, Session, Sink};
use nnmeter_hardware::error::{Error, ErrorKind, Result};
use nnmeter_hardware::package::Metric;

use experiment::{Experiment, Status, Trial};
use job::{Measured, Outcome, Report};

pub use job::measure_job;

/// Between looks at an experiment.
const PAUSE: Duration = Duration::from_millis(500);

/// How experiments are started.
#[derive(Clone, Debug)]
pub struct SetUp {
    /// The program `nnictl`.
    pub nnictl: PathBuf,
    /// NNI's configuration of the training service, without what is said of trials; none: this machine.
    pub config: Option<PathBuf>,
    /// What trials run: `nnmeter-bridge trial measure ...`, as a shell takes it.
    pub command: String,
    /// Set once measuring is to stop.
    pub stopped: Arc<AtomicBool>,
}

/// The machines of a training service of NNI's.
#[derive(Clone, Debug)]
pub struct Fleet {
    set_up: Rc<SetUp>,
    identity: Identity,
    metrics: Vec<Metric>,
}

impl Fleet {
    /// Asks a machine of the fleet what it is, by an experiment of one trial.
    ///
    /// # Errors
    /// [`ErrorKind::Backend`] if NNI cannot be started, or the trial fails.
    pub fn open(set_up: SetUp) -> Result<Self> {
        let mut told = None;
        run(&set_up, &[None], &mut |_, outcome| {
            told = Some(outcome);
            Ok(())
        })?;
        let nothing = || Error::new(ErrorKind::Backend, "NNI", "tells no result of a trial");
        let measured = told.ok_or_else(nothing)??;
        let (identity, metrics) = (measured.identity()?, measured.metrics()?);
        Ok(Self { set_up: Rc::new(set_up), identity, metrics })
    }
}

impl Backend for Fleet {
    fn identity(&self) -> &Identity {
        &self.identity
    }

    fn metrics(&self) -> &[Metric] {
        &self.metrics
    }

    fn prepare(&self, model: &Model) -> Result<Box<dyn Session>> {
        Ok(Box::new(Alone { fleet: self.clone(), model: model.clone() }))
    }

    /// Runs all jobs as trials of one experiment. What a model gave comes when its trial has ended.
    fn measure_rounds(&self, jobs: &[Job<'_>], sink: &mut Sink<'_>) -> Result<()> {
        let of_jobs: Vec<Option<Job<'_>>> = jobs.iter().copied().map(Some).collect();
        run(&self.set_up, &of_jobs, &mut |index, outcome| {
            let rounds = outcome.and_then(|measured| {
                let same = self.identity.check_same(&measured.identity()?);
                same.map_err(|error| measured.place(error))?;
                measured.rounds()
            });
            match rounds {
                Ok(rounds) => rounds.into_iter().try_for_each(|round| sink(index, Ok(round))),
                Err(error) => {
                    let model = format!("model {:?}", jobs[index].model.name());
                    sink(index, Err(error.within(model)))
                }
            }
        })
    }
}

/// A model that is measured on its own: each round is an experiment of one trial.
struct Alone {
    fleet: Fleet,
    model: Model,
}

impl Session for Alone {
    fn measure(&mut self) -> Result<Vec<Sample>> {
        let mut samples = Vec::new();
        let job = Job { model: &self.model, rounds: 1 };
        self.fleet.measure_rounds(&[job], &mut |_, round| {
            samples.extend(round?);
            Ok(())
        })?;
        Ok(samples)
    }
}

/// What takes the outcome of each job, by its number.
type Take<'a> = dyn FnMut(usize, Result<Measured>) -> Result<()> + 'a;

/// Runs an experiment of these jobs; `None` asks for an identity only. Hands over what came of each, once.
///
/// # Errors
/// Those of `take`, and [`ErrorKind::Backend`] if there is no experiment, or it was stopped.
fn run(set_up: &SetUp, jobs: &[Option<Job<'_>>], take: &mut Take<'_>) -> Result<()> {
    let experiment = Experiment::start(set_up, jobs)?;
    let mut open: BTreeSet<usize> = (0..jobs.len()).collect();
    loop {
        let begin = Instant::now();
        // Trials are looked at after the status: what ended before it is among them.
        let (status, trials) = (experiment.status()?, experiment.trials()?);
        for trial in &trials {
            hand_over(trial, &mut open, take)?;
        }
        if open.is_empty() {
            return Ok(());
        }
        if status.is_over() {
            let error = without_report(&experiment, &status, &trials);
            return open.into_iter().try_for_each(|job| take(job, Err(error.clone())));
        }
        if set_up.stopped.load(Ordering::Relaxed) {
            return Err(Error::new(ErrorKind::Backend, experiment.label(), "was stopped"));
        }
        std::thread::sleep(PAUSE.max(4 * begin.elapsed()));
    }
}

/// Hands over what a trial reports of a job that is still open.
fn hand_over(trial: &Trial, open: &mut BTreeSet<usize>, take: &mut Take<'_>) -> Result<()> {
    let Some(Ok(report)) = trial.report() else { return Ok(()) };
    if !open.remove(&report.job) {
        return Ok(());
    }
    take(report.job, outcome(report, trial))
}

/// Why jobs are left: which trials ended without a report. Which job each had is not known.
fn without_report(experiment: &Experiment, status: &Status, trials: &[Trial]) -> Error {
    let told = trials.iter().filter_map(|trial| match trial.report() {
        None => Some(format!("{} {}", trial.label(), trial.status)),
        Some(Err(error)) => Some(format!("{}, {error}", trial.label())),
        Some(Ok(_)) => None,
    });
    let told = told.collect::<Vec<_>>().join("; ");
    let found = format!("{}: no trial of it reported ({told})", status.name());
    Error::new(ErrorKind::Backend, experiment.label(), found)
        .expected("a report of `nnmeter-bridge trial measure`")
        .hint(experiment.where_to_look())
}

/// What a report says; an error names the trial and its machine.
fn outcome(report: Report, trial: &Trial) -> Result<Measured> {
    let place = format!("{} on {:?}", trial.label(), report.host);
    match report.outcome {
        Outcome::Measured(measured) => Ok(measured.at(place)),
        Outcome::Failed(failure) => Err(failure.error().within(place)),
    }
}
