//! How a trial reaches NNI: by HTTP (NNI 3.0), by files (NNI 2.10 on this machine), or through its
//! standard output (NNI 2.10 elsewhere).

use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value as Json, json};
use ureq::Agent;

use super::error::{Error, ErrorKind, Result};

/// NNI answers within a second; a manager that is silent for so long is gone.
const PATIENCE: Duration = Duration::from_secs(60);
/// NNI reads the length of a metric from six digits.
const LONGEST: usize = 999_999;
/// Between looks for the file of parameters.
const PAUSE: Duration = Duration::from_millis(100);

/// A way to NNI.
#[derive(Debug)]
pub(super) enum Channel {
    Http { url: String, agent: Agent },
    Files { folder: PathBuf, output: Output },
}

/// Where metrics go without HTTP.
#[derive(Clone, Copy, Debug)]
pub(super) enum Output {
    File,
    Standard,
}

impl Channel {
    pub(super) fn new(variable: impl Fn(&str) -> Option<String>, folder: &Path) -> Self {
        if let Some(url) = variable("NNI_TRIAL_COMMAND_CHANNEL") {
            let config = Agent::config_builder().http_status_as_error(false);
            let agent = config.timeout_global(Some(PATIENCE)).build().new_agent();
            return Channel::Http { url, agent };
        }
        let is_local = variable("NNI_PLATFORM").is_none_or(|platform| platform == "local");
        let is_reused = variable("REUSE_MODE").is_some_and(|mode| mode.to_lowercase() == "true");
        let output = if is_local && !is_reused { Output::File } else { Output::Standard };
        Channel::Files { folder: folder.to_owned(), output }
    }

    /// The packed parameters, as JSON.
    pub(super) fn parameters(&self) -> Result<String> {
        match self {
            Channel::Http { url, agent } => {
                put(agent, url, &json!({"type": "request_parameter"}))?;
                let answer = get(agent, url)?;
                let text = answer.get("parameter").and_then(Json::as_str).map(str::to_owned);
                text.ok_or_else(|| gone(url, &format!("answered {answer}")))
            }
            Channel::Files { folder, .. } => {
                let path = folder.join("parameter.cfg");
                loop {
                    match std::fs::read_to_string(&path) {
                        Ok(text) if !text.is_empty() => return Ok(text),
                        Ok(_) => std::thread::sleep(PAUSE),
                        Err(error) => return Err(Error::io(path.display(), &error)),
                    }
                }
            }
        }
    }

    /// Reports a metric, given as JSON.
    pub(super) fn metric(&self, metric: &str) -> Result<()> {
        match self {
            Channel::Http { url, agent } => {
                put(agent, url, &json!({"type": "metric", "metric": metric}))
            }
            Channel::Files { folder, output } => {
                let length = metric.len() + 1;
                if length > LONGEST {
                    let found = format!("has {length} bytes");
                    return Err(Error::new(ErrorKind::BadMessage, "result", found)
                        .expected(format!("at most {LONGEST}")));
                }
                match output {
                    Output::File => append(folder, &format!("ME{length:06}{metric}\n")),
                    Output::Standard => print(&format!("NNISDK_MEb'{metric}'\n")),
                }
            }
        }
    }
}

fn put(agent: &Agent, url: &str, message: &Json) -> Result<()> {
    let request = agent.put(url).content_type("application/json");
    let response = request.send(message.to_string()).map_err(|e| gone(url, &e.to_string()))?;
    match response.status().is_success() {
        true => Ok(()),
        false => Err(gone(url, &format!("answered {}", response.status()))),
    }
}

/// Waits for a message of NNI's. 408 is "not yet".
fn get(agent: &Agent, url: &str) -> Result<Json> {
    let start = std::time::Instant::now();
    loop {
        let mut response = agent.get(url).call().map_err(|e| gone(url, &e.to_string()))?;
        let text = response.body_mut().read_to_string().map_err(|e| gone(url, &e.to_string()))?;
        match response.status().as_u16() {
            200 => return serde_json::from_str(&text).map_err(|e| gone(url, &e.to_string())),
            408 if start.elapsed() < PATIENCE => {}
            408 => return Err(gone(url, "gives no parameters")),
            410 => return Err(gone(url, "says that the trial is over")),
            status => return Err(gone(url, &format!("answered {status}"))),
        }
    }
}

fn append(folder: &Path, text: &str) -> Result<()> {
    let folder = folder.join(".nni");
    let path = folder.join("metrics");
    let failed = |error: std::io::Error| Error::io(path.display(), &error);
    std::fs::create_dir_all(&folder).map_err(failed)?;
    let mut file = OpenOptions::new().create(true).append(true).open(&path).map_err(failed)?;
    file.write_all(text.as_bytes()).map_err(failed)
}

fn print(text: &str) -> Result<()> {
    let mut output = std::io::stdout().lock();
    let written = output.write_all(text.as_bytes()).and_then(|()| output.flush());
    written.map_err(|error| Error::io("standard output", &error))
}

fn gone(url: &str, found: &str) -> Error {
    Error::new(ErrorKind::NoTrial, format!("NNI at {url}"), found)
}
