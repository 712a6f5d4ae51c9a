//! An experiment of NNI's that this program starts, looks at and stops: by `nnictl`, as users do, and by
//! NNI's REST interface.

use std::fs::File;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use nnmeter_hardware::backend::Job;
use nnmeter_hardware::error::{Error, ErrorKind, Result};
use serde_json::Value as Json;
use tempfile::TempDir;
use ureq::Agent;

use super::config;
use super::job::{JOBS, Report, Task};
use super::{PAUSE, SetUp};
use crate::nni::python_json;

/// How long `nnictl` may take. It starts a manager, and waits for it.
const NNICTL: Duration = Duration::from_secs(120);
/// How long NNI may take to answer.
const ANSWER: Duration = Duration::from_secs(60);
/// How often it is tried to start an experiment: on a busy machine `nnictl` asks its own web server before that
/// is ready, and NNI gives its tuner 10 s to connect, most of which Python takes to start.
const ATTEMPTS: usize = 4;
/// How much NNI may answer, in bytes: all samples of all trials.
const MOST: u64 = 1 << 32;
/// How much is shown of what `nnictl` prints.
const SHOWN: usize = 1500;

/// A running experiment; it is stopped when this is dropped.
#[derive(Debug)]
pub(super) struct Experiment {
    nnictl: PathBuf,
    /// The code directory: jobs, models, the tuner, and what `nnictl` prints.
    folder: TempDir,
    port: u16,
    id: String,
    agent: Agent,
}

/// How an experiment is.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Status(String);

impl Status {
    /// As NNI calls it.
    pub(super) fn name(&self) -> &str {
        &self.0
    }

    /// Whether there will be no further trial.
    pub(super) fn is_over(&self) -> bool {
        ["DONE", "ERROR", "STOPPED", "STOPPING"].contains(&self.0.as_str())
    }
}

/// A trial as NNI tells of it. Its parameters are not among it: NNI may confuse them.
#[derive(Clone, Debug)]
pub(super) struct Trial {
    id: String,
    /// `RUNNING`, `SUCCEEDED`, `FAILED`...
    pub(super) status: String,
    result: Option<Json>,
}

impl Trial {
    /// A trial of NNI's list, with its final result if that is among `metrics`. The list has results of trials
    /// that succeeded only, and one that failed may have said why.
    fn of(job: &Json, metrics: &[Json]) -> Self {
        let text = |key: &str| job[key].as_str().unwrap_or_default().to_owned();
        let metric = metrics.iter().find(|metric| metric["trialJobId"] == job["trialJobId"]);
        let data = metric.and_then(|metric| metric["data"].as_str());
        Self { id: text("trialJobId"), status: text("status"), result: data.and_then(twice) }
    }

    pub(super) fn label(&self) -> String {
        format!("trial {}", self.id)
    }

    /// What the trial reports, if it does.
    pub(super) fn report(&self) -> Option<Result<Report>> {
        Report::of_result(self.result.as_ref()?)
    }
}

/// JSON, which may be in a JSON string.
fn twice(text: &str) -> Option<Json> {
    match python_json::parse(text).ok()? {
        Json::String(inner) => python_json::parse(&inner).ok(),
        json => Some(json),
    }
}

impl Experiment {
    /// Starts an experiment with a trial for each job.
    ///
    /// # Errors
    /// [`ErrorKind::Backend`] if NNI does not start; [`ErrorKind::Io`] if a model cannot be handed over.
    pub(super) fn start(set_up: &SetUp, jobs: &[Option<Job<'_>>]) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("nnmeter-fleet-").tempdir();
        let folder = folder.map_err(|error| Error::io("a temporary folder", &error))?;
        hand_over(folder.path(), jobs)?;
        let config = config::write(set_up, folder.path(), jobs.len())?;
        let config_agent = Agent::config_builder().timeout_global(Some(ANSWER)).build();
        let (nnictl, agent) = (set_up.nnictl.clone(), config_agent.new_agent());
        let mut experiment = Self { nnictl, folder, port: 0, id: String::new(), agent };
        for _ in 1..ATTEMPTS {
            if experiment.begin(set_up, config.path()).is_ok() {
                return Ok(experiment);
            }
            experiment.stop();
        }
        experiment.begin(set_up, config.path())?;
        Ok(experiment)
    }

    /// Starts an experiment, and waits for its first trial.
    fn begin(&mut self, set_up: &SetUp, config: &Path) -> Result<()> {
        let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
        self.port = free.map_err(|error| Error::io("a free port", &error))?.port();
        self.id.clear();
        let (config, port) = (config.display().to_string(), self.port.to_string());
        self.nnictl(&["create", "--config", &config, "--port", &port])?;
        self.id = self.tell("experiment", |json| json["id"].as_str().map(str::to_owned))?;
        while !set_up.stopped.load(Ordering::Relaxed) {
            let status = self.status()?;
            if !self.trials()?.is_empty() {
                break;
            }
            if status.is_over() {
                let found = format!("is {} before its first trial", status.name());
                return Err(Error::new(ErrorKind::Backend, self.label(), found)
                    .expected("a tuner that connects within 10 s")
                    .hint(self.where_to_look()));
            }
            std::thread::sleep(PAUSE);
        }
        Ok(())
    }

    /// How the experiment is.
    pub(super) fn status(&self) -> Result<Status> {
        self.tell("check-status", |json| json["status"].as_str().map(str::to_owned)).map(Status)
    }

    /// Its trials.
    pub(super) fn trials(&self) -> Result<Vec<Trial>> {
        let jobs = self.tell("trial-jobs", |json| json.as_array().cloned())?;
        let metrics = self.tell("metric-data?type=FINAL", |json| json.as_array().cloned())?;
        Ok(jobs.iter().map(|job| Trial::of(job, &metrics)).collect())
    }

    pub(super) fn label(&self) -> String {
        format!("NNI experiment {}", self.id)
    }

    /// Where people find out more.
    pub(super) fn where_to_look(&self) -> String {
        let id = &self.id;
        format!("NNI keeps what trials print under ~/nni-experiments/{id}")
    }

    /// Asks NNI, and reads its answer.
    fn tell<T>(&self, path: &str, read: impl FnOnce(&Json) -> Option<T>) -> Result<T> {
        let url = format!("http://localhost:{}/api/v1/nni/{path}", self.port);
        let failed = |found: String| Error::new(ErrorKind::Backend, format!("NNI at {url}"), found);
        let answer = self.agent.get(&url).call();
        let mut answer = answer.map_err(|error| failed(error.to_string()))?;
        let text = answer.body_mut().with_config().limit(MOST).read_to_string();
        let text = text.map_err(|error| failed(error.to_string()))?;
        let json = python_json::parse(&text).map_err(|error| failed(error.to_string()))?;
        read(&json).ok_or_else(|| failed(format!("answers {}", shown(&text))))
    }

    /// Runs `nnictl`. What it starts stays and keeps its output, which therefore is a file.
    fn nnictl(&self, arguments: &[&str]) -> Result<()> {
        let path = self.folder.path().join("nnictl.log");
        let failed = |error: std::io::Error| Error::io(path.display(), &error);
        let file = File::create(&path).map_err(failed)?;
        let mut command = Command::new(&self.nnictl);
        command.args(arguments).stdin(Stdio::null());
        command.stdout(file.try_clone().map_err(failed)?).stderr(file);
        if let Ok(program) = std::env::current_exe() {
            command.env("NNMETER_BRIDGE", program);
        }
        let wrong = |found: String| {
            let subject = format!("{} {}", self.nnictl.display(), arguments[0]);
            Error::new(ErrorKind::Backend, subject, found)
        };
        let ended = wait(&mut command).map_err(|error| {
            wrong(format!("cannot be run ({error})"))
                .hint("NNI: pip install nni; or say where: --nnictl PATH")
        })?;
        if ended.is_some_and(|status| status.success()) {
            return Ok(());
        }
        let ended = ended.map_or("takes too long".to_owned(), |status| status.to_string());
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        Err(wrong(format!("failed ({ended}): {}", shown(&text))))
    }

    /// Stops the manager and all trials.
    fn stop(&self) {
        let port = self.port.to_string();
        let stopped = match self.id.as_str() {
            "" => self.nnictl(&["stop", "--port", &port]),
            id => self.nnictl(&["stop", id]),
        };
        // It may have ended, or never begun; whatever is left is NNI's to tell.
        drop(stopped);
    }
}

impl Drop for Experiment {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Writes the file of jobs and all models into the code directory; models keep the names of their files.
fn hand_over(folder: &Path, jobs: &[Option<Job<'_>>]) -> Result<()> {
    let mut tasks = Vec::with_capacity(jobs.len());
    for (index, job) in jobs.iter().enumerate() {
        let Some(job) = job else {
            tasks.push(Task { file: None, rounds: 0 });
            continue;
        };
        let name = job.model.path().and_then(Path::file_name);
        let file = Path::new(&index.to_string()).join(name.unwrap_or("model.onnx".as_ref()));
        let path = folder.join(&file);
        let failed = |error: std::io::Error| Error::io(path.display(), &error);
        std::fs::create_dir(folder.join(index.to_string())).map_err(failed)?;
        std::fs::write(&path, job.model.bytes()).map_err(failed)?;
        tasks.push(Task { file: Some(file), rounds: job.rounds });
    }
    let path = folder.join(JOBS);
    let failed = |error: std::io::Error| Error::io(path.display(), &error);
    let text = serde_json::to_vec(&tasks).map_err(|error| failed(error.into()))?;
    std::fs::write(&path, text).map_err(failed)
}

/// How a program ended; `None` if it took too long and was killed.
fn wait(command: &mut Command) -> std::io::Result<Option<ExitStatus>> {
    let (mut child, begin) = (command.spawn()?, Instant::now());
    while begin.elapsed() < NNICTL {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    child.kill()?;
    child.wait()?;
    Ok(None)
}

/// The end of a text, on one line.
fn shown(text: &str) -> String {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let from = text.char_indices().rev().nth(SHOWN).map_or(0, |(at, _)| at);
    text[from..].to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn trials_are_read_as_nni_tells_of_them() {
        let report = r#"{"default": 2.5, "nnmeter": {"job": 1, "host": "b", "measured": {"identity": {},
            "metrics": ["latency_ms"], "rounds": [{"latency_ms": [2.5]}]}}}"#;
        let data = Json::String(report.to_owned()).to_string();
        let trial = |data: &str| {
            let metrics =
                [json!({"trialJobId": "w", "data": "1"}), json!({"trialJobId": "x", "data": data})];
            Trial::of(&json!({"trialJobId": "x", "status": "FAILED"}), &metrics)
        };
        let read = trial(&data).report().expect("a report").expect("a sound one");
        assert_eq!((read.job, read.host.as_str()), (1, "b"));
        assert!(trial("\"2.5\"").report().is_none(), "of another tuner's trial");
        let strange = trial(r#"{"nnmeter": {"job": 1, "host": "b", "measurd": {}}}"#);
        strange.report().expect("a report").expect_err("of another form");
        let waiting = Trial::of(&json!({"trialJobId": "y", "status": "WAITING"}), &[]);
        assert!(waiting.report().is_none() && waiting.label() == "trial y");
    }

    #[test]
    fn a_missing_nnictl_is_told() {
        let set_up = SetUp {
            nnictl: "/nonexistent/nnictl".into(),
            config: None,
            command: String::new(),
            stopped: Default::default(),
        };
        let error = Experiment::start(&set_up, &[None]).expect_err("there is none");
        let text = error.to_string();
        assert!(text.starts_with("/nonexistent/nnictl create: cannot be run ("), "{text}");
        assert!(error.advice().is_some_and(|hint| hint.contains("--nnictl")));
    }
}
