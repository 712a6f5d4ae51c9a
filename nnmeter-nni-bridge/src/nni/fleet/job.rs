//! What a trial is asked to do, and what it reports.
//!
//! ```text
//! jobs.json           [{"file": "0/resnet18.onnx", "rounds": 20}, {"file": null, "rounds": 0}]
//! parameters          {"job": "0"}
//! final result        {"default": 9.1, "nnmeter": {"job": 0, "host": "board-3", "measured": {
//!                       "identity": {...}, "metrics": ["latency_ms"], "rounds": [{"latency_ms": [9.1, 9.2]}]}}}
//!                     {"default": -1, "nnmeter": {"job": 0, "host": "board-3", "failed": {
//!                       "message": "...", "unsupported": true}}}
//! ```
//!
//! `default` is what NNI shows. A job without a file asks for the identity only.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use nnmeter_hardware::backend::{Backend, Identity, Model, Sample};
use nnmeter_hardware::error::{Error, ErrorKind, Result};
use nnmeter_hardware::measure::{Log, Plan, measure};
use nnmeter_hardware::package::Metric;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

/// The file of jobs in the code directory.
pub(super) const JOBS: &str = "jobs.json";
/// The parameter that says which job a trial has.
pub(super) const PARAMETER: &str = "job";
/// The key of a report.
const KEY: &str = "nnmeter";
/// What NNI shows of a trial without figures.
const NO_FIGURE: f64 = -1.0;

/// A job, as the file has it.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub(super) struct Task {
    /// The model, in the code directory; none if only the identity is asked for.
    pub(super) file: Option<PathBuf>,
    /// How many rounds.
    pub(super) rounds: usize,
}

/// What a trial reports.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub(super) struct Report {
    /// The job's number.
    pub(super) job: usize,
    /// The machine's name.
    pub(super) host: String,
    #[serde(flatten)]
    pub(super) outcome: Outcome,
}

#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Outcome {
    Measured(Measured),
    Failed(Failure),
}

/// What was measured, and of what.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
pub(super) struct Measured {
    identity: BTreeMap<String, String>,
    metrics: Vec<String>,
    rounds: Vec<BTreeMap<String, Vec<f64>>>,
    /// The trial and its machine, for errors.
    #[serde(skip)]
    place: Option<String>,
}

/// Why nothing was measured.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub(super) struct Failure {
    message: String,
    hint: Option<String>,
    unsupported: bool,
}

impl Measured {
    /// With the place that errors name.
    pub(super) fn at(self, place: String) -> Self {
        Self { place: Some(place), ..self }
    }

    pub(super) fn identity(&self) -> Result<Identity> {
        Identity::of_facts(self.identity.clone()).map_err(|error| self.place(error))
    }

    pub(super) fn metrics(&self) -> Result<Vec<Metric>> {
        let unknown = |name: &String| {
            Error::new(ErrorKind::BadData, format!("metric {name:?}"), "is not known")
        };
        let metric = |name: &String| Metric::from_name(name).ok_or_else(|| unknown(name));
        let metrics: Result<_> = self.metrics.iter().map(metric).collect();
        metrics.map_err(|error| self.place(error))
    }

    pub(super) fn rounds(&self) -> Result<Vec<Vec<Sample>>> {
        let rounds: Result<_> = self.rounds.iter().map(Sample::of_metrics).collect();
        rounds.map_err(|error| self.place(error))
    }

    /// Says where an error comes from.
    pub(super) fn place(&self, error: Error) -> Error {
        match &self.place {
            Some(place) => error.within(place),
            None => error,
        }
    }
}

impl Failure {
    fn of(error: &Error) -> Self {
        Self {
            message: error.to_string(),
            hint: error.advice().map(str::to_owned),
            unsupported: error.kind() == ErrorKind::UnsupportedModel,
        }
    }

    pub(super) fn error(&self) -> Error {
        let kind = if self.unsupported { ErrorKind::UnsupportedModel } else { ErrorKind::Backend };
        let error = Error::new(kind, "report", self.message.clone());
        match &self.hint {
            Some(hint) => error.hint(hint.clone()),
            None => error,
        }
    }
}

impl Report {
    /// The report in a final result; `None` if it holds none.
    pub(super) fn of_result(result: &Json) -> Option<Result<Self>> {
        let report = Self::deserialize(result.get(KEY)?);
        Some(report.map_err(|error| {
            Error::new(ErrorKind::BadData, "report", error.to_string())
                .expected("what `nnmeter-bridge trial measure` of this version reports")
        }))
    }

    /// As a final result: a number for NNI, and the report.
    fn result(&self) -> Json {
        let figure = match &self.outcome {
            Outcome::Measured(measured) => {
                let first = measured.metrics.first();
                let figures = measured.rounds.iter().filter_map(|round| round.get(first?));
                figures.flatten().copied().min_by(f64::total_cmp)
            }
            Outcome::Failed(_) => None,
        };
        json!({"default": figure.unwrap_or(NO_FIGURE), KEY: self})
    }
}

/// Does the job that a trial's parameters name, of the jobs in `folder`, with the backend that `open` opens.
/// Gives the final result, and the error if the trial failed: one that is of the job is in the result, too.
///
/// # Errors
/// If there is no such job.
pub fn measure_job(
    parameters: &Json,
    folder: &Path,
    open: impl FnOnce() -> Result<Box<dyn Backend>>,
) -> Result<(Json, Option<Error>)> {
    let path = folder.join(JOBS);
    let text = std::fs::read(&path).map_err(|error| Error::io(path.display(), &error))?;
    let bad = |found: String| Error::new(ErrorKind::BadData, path.display().to_string(), found);
    let tasks: Vec<Task> = serde_json::from_slice(&text).map_err(|error| bad(error.to_string()))?;
    let job = parameters.get(PARAMETER).and_then(Json::as_str).and_then(|job| job.parse().ok());
    let task = job.and_then(|job: usize| Some((job, tasks.get(job)?)));
    let (job, task) = task.ok_or_else(|| bad(format!("has no job for {parameters}")))?;
    let measured = open().and_then(|backend| measure_task(&*backend, task, folder));
    let error = measured.as_ref().err().cloned();
    let outcome = match measured {
        Ok(measured) => Outcome::Measured(measured),
        Err(error) => Outcome::Failed(Failure::of(&error)),
    };
    Ok((Report { job, host: host(), outcome }.result(), error))
}

fn measure_task(backend: &dyn Backend, task: &Task, folder: &Path) -> Result<Measured> {
    let rounds = match &task.file {
        None => Vec::new(),
        Some(file) => {
            let models = [Model::read(&folder.join(file))?];
            let plan = Plan { rounds: task.rounds, ..Plan::default() };
            let mut log = Log::in_memory();
            let results = measure(backend, &models, &plan, &mut log, &mut |_| ())?;
            let measurements: Vec<_> = results.into_iter().collect::<Result<_>>()?;
            measurements.into_iter().flat_map(|measurement| measurement.rounds).collect()
        }
    };
    Ok(Measured {
        identity: backend.identity().facts().into_iter().collect(),
        metrics: backend.metrics().iter().map(|metric| metric.name().to_owned()).collect(),
        rounds: rounds.iter().map(|round| Sample::by_metric(round)).collect(),
        place: None,
    })
}

fn host() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}
