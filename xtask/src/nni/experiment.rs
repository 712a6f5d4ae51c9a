//! One experiment of the real NNI: started by `nnictl` as a user does, looked at through NNI's REST
//! interface, and stopped whatever happens.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::Value as Json;

use super::environment::{Environment, copy};
use crate::shell;

/// How long `nnictl` may take.
const NNICTL: Duration = Duration::from_secs(90);
/// How much of a log is shown.
const TAIL: usize = 25;

/// A running experiment.
pub(crate) struct Experiment<'a> {
    pub(crate) environment: &'a Environment,
    folder: PathBuf,
    port: u16,
    variables: Vec<(&'static str, String)>,
}

/// A trial as NNI tells of it.
#[derive(Debug)]
pub(crate) struct Trial {
    pub(crate) status: String,
    /// The number of its parameters.
    pub(crate) parameter: u64,
    pub(crate) parameters: Json,
    /// The final result.
    pub(crate) result: Option<Json>,
}

impl Trial {
    /// Whether it has not ended.
    pub(crate) fn is_open(&self) -> bool {
        ["WAITING", "RUNNING"].contains(&self.status.as_str())
    }
}

impl<'a> Experiment<'a> {
    /// Starts an experiment of an example's configuration, in a copy of the examples. `edit` may
    /// change the configuration's text.
    pub(crate) fn start(
        environment: &'a Environment,
        name: &str,
        config: &str,
        edit: impl Fn(String) -> String,
        variables: Vec<(&'static str, String)>,
    ) -> Result<Self> {
        let folder = environment.scratch(name)?;
        for part in ["examples", "python"] {
            copy(&shell::root().join("nnmeter-nni-bridge").join(part), &folder.join(part))?;
        }
        let path = folder.join("examples").join(config);
        fs::write(&path, edit(fs::read_to_string(&path)?))?;
        let mut experiment = Self { environment, folder, port: shell::free_port()?, variables };
        let path = path.to_string_lossy();
        if let Err(error) = experiment.create(&path) {
            // On a busy machine nnictl may ask its own web server before that is ready.
            eprintln!("note: once more, after: {error:#}");
            experiment.nnictl(&["stop", "--all"])?;
            fs::remove_dir_all(experiment.home())?;
            experiment.port = shell::free_port()?;
            experiment.create(&path)?;
        }
        Ok(experiment)
    }

    fn create(&self, config: &str) -> Result<()> {
        let port = self.port.to_string();
        self.nnictl(&["create", "--config", config, "--port", &port, "--debug"])
    }

    /// Goes on with the experiment after its manager has ended.
    pub(crate) fn resume(&mut self) -> Result<()> {
        self.port = shell::free_port()?;
        let (id, port) = (self.id()?, self.port.to_string());
        // nnictl takes notice of a manager's death somewhat later.
        self.until("nnictl resume", NNICTL, || {
            self.nnictl(&["resume", &id, "--port", &port]).map(Some)
        })
    }

    /// Waits until the experiment has ended, and tells how: `DONE` or `ERROR`.
    pub(crate) fn wait(&self, limit: Duration) -> Result<String> {
        self.until("the end of the experiment", limit, || {
            let status = self.status()?;
            Ok(["DONE", "ERROR", "STOPPED"].contains(&status.as_str()).then_some(status))
        })
    }

    /// Waits until so many trials have a result.
    pub(crate) fn wait_for_results(&self, count: usize, limit: Duration) -> Result<()> {
        self.until("results of trials", limit, || {
            let done = self.trials()?.iter().filter(|trial| trial.result.is_some()).count();
            Ok((done >= count).then_some(()))
        })
    }

    /// Asks again and again until there is an answer.
    pub(crate) fn until<T>(
        &self,
        what: &str,
        limit: Duration,
        mut answer: impl FnMut() -> Result<Option<T>>,
    ) -> Result<T> {
        let start = Instant::now();
        loop {
            let asked = answer();
            match asked {
                Ok(Some(answer)) => return Ok(answer),
                _ if start.elapsed() < limit => std::thread::sleep(Duration::from_millis(300)),
                Ok(None) => bail!("{what}: not within {} s", limit.as_secs()),
                Err(error) => return Err(error.context(what.to_owned())),
            }
        }
    }

    pub(crate) fn status(&self) -> Result<String> {
        let answer = self.rest("check-status")?;
        answer["status"].as_str().map(str::to_owned).context("NNI tells no status")
    }

    /// The trials, by the number of their parameters.
    pub(crate) fn trials(&self) -> Result<Vec<Trial>> {
        let jobs = self.rest("trial-jobs")?;
        let mut trials = Vec::new();
        for job in jobs.as_array().context("NNI lists no trials")? {
            let Some(packed) = job["hyperParameters"][0].as_str() else { continue };
            let packed: Json = serde_json::from_str(packed)?;
            trials.push(Trial {
                status: job["status"].as_str().unwrap_or_default().to_owned(),
                parameter: packed["parameter_id"].as_u64().context("a trial without parameters")?,
                parameters: packed["parameters"].clone(),
                result: job["finalMetricData"][0]["data"].as_str().and_then(twice),
            });
        }
        trials.sort_by_key(|trial| trial.parameter);
        Ok(trials)
    }

    /// The last process of that name that the tuner's log tells of.
    pub(crate) fn process(&self, name: &str) -> Result<u32> {
        let log = fs::read_to_string(self.logs()?.join("dispatcher.log"))?;
        let start = format!("nnmeter-bridge: {name}: process ");
        let numbers = log.lines().filter_map(|line| line.strip_prefix(&start));
        let digits = |text: &str| text.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok();
        numbers.rev().find_map(digits).with_context(|| format!("no {name} in the tuner's log"))
    }

    /// The bridge that the dispatcher has started for a tuner in Python.
    pub(crate) fn bridge(&self) -> Result<u32> {
        let is_bridge = |&pid: &u32| {
            let command = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            let command = String::from_utf8_lossy(&command).into_owned();
            command.contains("nnmeter-bridge\0serve\0") && is_of(pid, &self.folder)
        };
        let entries = fs::read_dir("/proc")?.flatten();
        let mut pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        pids.find(is_bridge).context("no bridge runs")
    }

    /// The manager's process.
    pub(crate) fn manager(&self) -> Result<u32> {
        let experiments = self.experiments()?;
        let pid = experiments.values().next().and_then(|experiment| experiment["pid"].as_u64());
        Ok(u32::try_from(pid.context("no experiment is known")?)?)
    }

    /// The tuner's log.
    pub(crate) fn log(&self) -> Result<String> {
        Ok(fs::read_to_string(self.logs()?.join("dispatcher.log"))?)
    }

    fn id(&self) -> Result<String> {
        self.experiments()?.into_keys().next().context("no experiment is known")
    }

    fn logs(&self) -> Result<PathBuf> {
        Ok(self.home().join("nni-experiments").join(self.id()?).join("log"))
    }

    fn experiments(&self) -> Result<BTreeMap<String, Json>> {
        let bytes = fs::read(self.home().join("nni-experiments/.experiment"))?;
        Ok(serde_json::from_slice(&bytes)?)
    }

    fn home(&self) -> PathBuf {
        self.folder.join("home")
    }

    fn rest(&self, path: &str) -> Result<Json> {
        let url = format!("http://localhost:{}/api/v1/nni/{path}", self.port);
        let text = ureq::get(&url).call()?.body_mut().read_to_string()?;
        Ok(serde_json::from_str(&text)?)
    }

    /// Runs `nnictl`. What it starts stays, so its output goes to a file.
    fn nnictl(&self, arguments: &[&str]) -> Result<()> {
        let home = self.home();
        fs::create_dir_all(&home)?;
        let output = self.folder.join("nnictl.log");
        let file = File::options().create(true).append(true).open(&output)?;
        let mut command = Command::new(self.environment.programs().join("nnictl"));
        let own = [self.environment.programs(), shell::target().join("debug")];
        let inherited = std::env::var_os("PATH").unwrap_or_default();
        let path = own.into_iter().chain(std::env::split_paths(&inherited));
        command.args(arguments).env("HOME", &home).env("PATH", std::env::join_paths(path)?);
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        let mut child =
            command.stdin(Stdio::null()).stdout(file.try_clone()?).stderr(file).spawn()?;
        let start = Instant::now();
        let status = loop {
            match child.try_wait()? {
                Some(status) => break status,
                None if start.elapsed() < NNICTL => std::thread::sleep(Duration::from_millis(100)),
                None => {
                    child.kill()?;
                    break child.wait()?;
                }
            }
        };
        if !status.success() {
            bail!("nnictl {}: {status}\n{}", arguments.join(" "), tail(&output));
        }
        Ok(())
    }

    /// The ends of all logs, to be read by people.
    pub(crate) fn tails(&self) -> String {
        let logs = self.logs().unwrap_or_default();
        let names = ["dispatcher.log", "nnimanager.log", "nnictl_stderr.log"];
        let files = names.iter().map(|name| logs.join(name));
        let failed = self.failed_trial().ok().flatten();
        let files = files.chain([self.folder.join("nnictl.log")]).chain(failed);
        files.map(|file| tail(&file)).collect()
    }

    /// What a trial that failed printed, if one did.
    fn failed_trial(&self) -> Result<Option<PathBuf>> {
        let jobs = self.rest("trial-jobs")?;
        let failed = jobs.as_array().into_iter().flatten().find(|job| job["status"] == "FAILED");
        let Some(id) = failed.and_then(|job| job["trialJobId"].as_str()) else { return Ok(None) };
        let root = self.logs()?.with_file_name("");
        let folders = ["environments/local-env/trials", "trials"].map(|at| root.join(at).join(id));
        let files = folders.iter().flat_map(|at| ["trial.stderr", "stderr"].map(|f| at.join(f)));
        Ok(files.into_iter().find(|file| file.exists()))
    }
}

impl Drop for Experiment<'_> {
    fn drop(&mut self) {
        let pids = [self.manager(), self.process("keeper"), self.process("worker")];
        if let Err(error) = self.nnictl(&["stop", "--all"]) {
            eprintln!("note: {error:#}");
        }
        // Nothing is left even where NNI does not stop.
        for pid in pids.into_iter().flatten().filter(|&pid| is_of(pid, &self.folder)) {
            let _ = kill(pid);
        }
    }
}

/// Kills a process with signal 9.
pub(crate) fn kill(pid: u32) -> Result<()> {
    let status = Command::new("kill").args(["-9", &pid.to_string()]).status()?;
    if status.success() { Ok(()) } else { bail!("process {pid} cannot be killed: {status}") }
}

/// Whether a process is there whose environment names the folder: not one that has its number by now.
fn is_of(pid: u32, folder: &Path) -> bool {
    let variables = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
    String::from_utf8_lossy(&variables).contains(&*folder.to_string_lossy())
}

/// JSON, which may be in a JSON string.
fn twice(text: &str) -> Option<Json> {
    let json: Json = serde_json::from_str(text).ok()?;
    match &json {
        Json::String(inner) => serde_json::from_str(inner).ok(),
        _ => Some(json),
    }
}

fn tail(path: &Path) -> String {
    let text = fs::read(path).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<&str> = text.lines().collect();
    let last = &lines[lines.len().saturating_sub(TAIL)..];
    format!("--- {}\n{}\n", path.display(), last.join("\n"))
}
