//! The backend `command:PROGRAM`: any program that takes a model file and prints figures as JSON.
//! It may talk to a phone (`adb`), a board (`ssh`) or a farm of them.
//!
//! The contract. PROGRAM may have arguments of its own, separated by spaces. It is called as
//!
//! ```text
//! PROGRAM identity NAME=VALUE...        # once, when the backend is opened
//! PROGRAM measure FILE NAME=VALUE...    # once a round of a model
//! ```
//!
//! with the options that the backend was opened with (`threads=4`), but for its own `timeout_s`. What it
//! prints on standard output is JSON, an object a line:
//!
//! ```text
//! {"chip": "Cortex-A76", "clock": "2.84 GHz", "threads": 1, "runtime": "TFLite", "version": "2.21",
//!  "build": "XNNPACK", "precision": "fp32", "metrics": ["latency_ms"]}
//! {"latency_ms": [41.3, 40.9], "energy_mj": 118}
//! {"error": "SUB is not supported", "unsupported": true}
//! ```
//!
//! The first (on one line) answers `identity`; `clock`, `build`, `precision` (`fp32`) and `metrics`
//! (`["latency_ms"]`) may be left out. The second answers `measure`: one figure or several of each
//! metric, in as many lines as it likes, each the cost of one run of the model. The third, or an exit code
//! other than 0, says what went wrong: with `unsupported` the model cannot run there, without it
//! the device failed. What it prints on standard error is shown with an error, else dropped.
//!
//! A call that takes longer than `timeout_s` (60 if not given), or prints more than a mebibyte, is killed
//! with every process that it started.

mod answer;
mod process;
#[cfg(all(test, unix))]
mod tests;

use std::ffi::OsString;
use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

use tempfile::NamedTempFile;

use super::{Backend, Backends, Identity, Model, Options, Sample, Session, Timer};
use crate::device::{Precision, Runtime};
use crate::error::{Error, ErrorKind, Result};
use crate::package::Metric;

/// What lists of backends say of it.
pub(super) const ABOUT: &str = "a program of yours that takes a model file and prints JSON, \
    `command:./bench.sh`; timeout_s=60, other options are handed on";
/// The option that sets how long a call may take, in seconds.
const TIMEOUT: &str = "timeout_s";

/// A program that measures.
#[derive(Clone, Debug)]
pub struct Command {
    call: Call,
    identity: Identity,
    metrics: Vec<Metric>,
}

/// How the program is called.
#[derive(Clone, Debug)]
struct Call {
    words: Vec<String>,
    options: Vec<String>,
    timeout: Duration,
}

impl Command {
    /// Asks the program that the option `program` names for its identity.
    ///
    /// # Errors
    /// [`ErrorKind::Backend`] if it cannot be started, fails, or says something else.
    pub fn open(options: &Options) -> Result<Self> {
        let seconds: f64 = options.parse(TIMEOUT, 60.0)?;
        let timeout = Duration::try_from_secs_f64(seconds).map_err(|error| {
            Error::new(ErrorKind::BadData, format!("option {TIMEOUT:?}"), error.to_string())
        })?;
        let program = options.get(Backends::TARGET).unwrap_or_default();
        let own = [TIMEOUT, Backends::TARGET];
        let passed = || options.iter().filter(|(name, _)| !own.contains(name));
        let words: Vec<String> = program.split_whitespace().map(str::to_owned).collect();
        if words.is_empty() {
            return Err(Error::new(
                ErrorKind::UnknownBackend,
                "backend \"command\"",
                "names no program",
            )
            .expected("command:PROGRAM, as in command:./bench.sh"));
        }
        let words_of = |(name, value): (&str, &str)| format!("{name}={value}");
        let call = Call { words, options: passed().map(words_of).collect(), timeout };
        let answer = call.run(&["identity".into()]).and_then(|text| answer::identity(&text));
        let answer = answer.map_err(|error| error.within(call.shown()))?;
        let identity = Identity {
            chip: answer.chip,
            clock: answer.clock,
            threads: answer.threads,
            runtime: Runtime {
                build: answer.build,
                ..Runtime::new(&answer.runtime, &answer.version)
            },
            precision: answer.precision.unwrap_or(Precision::Fp32),
            timer: Timer::Stated,
            options: passed().collect(),
        };
        Ok(Self { call, identity, metrics: answer.metrics })
    }
}

impl Call {
    fn shown(&self) -> String {
        format!("command {:?}", self.words.join(" "))
    }

    fn run(&self, arguments: &[OsString]) -> Result<String> {
        let mut command = std::process::Command::new(&self.words[0]);
        command.args(&self.words[1..]).args(arguments).args(&self.options);
        let output = process::run(command, self.timeout)?;
        match output.failure {
            None => Ok(output.text),
            Some(failure) => answer::refuse_failures(&output.text).and(Err(failure)),
        }
    }
}

impl Backend for Command {
    fn identity(&self) -> &Identity {
        &self.identity
    }

    fn metrics(&self) -> &[Metric] {
        &self.metrics
    }

    /// The program gets the model's own file where it has one, whatever its format; else an ONNX
    /// file with made-up weights, which is there as long as the session.
    fn prepare(&self, model: &Model) -> Result<Box<dyn Session>> {
        let file = match model.path() {
            Some(path) => ModelFile::Own(path.to_owned()),
            None => ModelFile::Made(made(&model.onnx()?)?),
        };
        let subject = format!("{}, model {:?}", self.call.shown(), model.name());
        Ok(Box::new(Ready { command: self.clone(), file, subject }))
    }
}

/// A file that is there as long as it is needed.
enum ModelFile {
    Own(PathBuf),
    Made(NamedTempFile),
}

fn made(bytes: &[u8]) -> Result<NamedTempFile> {
    let failed = |error: std::io::Error| Error::io("a temporary file", &error);
    let mut file = tempfile::Builder::new().suffix(".onnx").tempfile().map_err(failed)?;
    file.write_all(bytes).map_err(failed)?;
    Ok(file)
}

struct Ready {
    command: Command,
    file: ModelFile,
    subject: String,
}

impl Session for Ready {
    fn measure(&mut self) -> Result<Vec<Sample>> {
        let path = match &self.file {
            ModelFile::Own(path) => path.as_os_str(),
            ModelFile::Made(file) => file.path().as_os_str(),
        };
        let text = self.command.call.run(&["measure".into(), path.to_owned()]);
        let samples = text.and_then(|text| answer::samples(&text, &self.command.metrics));
        samples.map_err(|error| error.within(&self.subject))
    }
}
