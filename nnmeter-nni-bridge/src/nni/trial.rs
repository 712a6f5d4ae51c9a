//! The trial's side: asking for parameters, and reporting results. NNI 3.0's trials talk HTTP to the
//! manager, those of 2.10 write files.
//!
//! A shell script calls the program several times, so what a trial has to remember between calls is in
//! files of its own folder (`NNI_SYS_DIR`): its parameters, one byte for every intermediate result (the
//! file's length is the number of the next), and a mark once the final result is reported.

use std::fs::OpenOptions;
use std::io::{Seek, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value as Json, json};

use super::error::{Error, ErrorKind, Result};
use super::trial_channel::Channel;

/// The file of the parameters.
const PARAMETERS: &str = "parameters.json";
/// How old a trial has to be before it reports.
const CHILDHOOD: Duration = Duration::from_secs(1);

/// A trial.
#[derive(Debug)]
pub struct Trial {
    id: String,
    folder: PathBuf,
    channel: Channel,
}

impl Trial {
    /// The trial that the environment says this is.
    ///
    /// # Errors
    /// [`ErrorKind::NoTrial`] if it says none.
    pub fn of_environment() -> Result<Self> {
        Self::new(|name| std::env::var(name).ok())
    }

    /// The trial that the variables say.
    ///
    /// # Errors
    /// [`ErrorKind::NoTrial`] if they say none.
    pub fn new(variable: impl Fn(&str) -> Option<String>) -> Result<Self> {
        let needed = |name: &str| {
            variable(name).filter(|value| !value.is_empty()).ok_or_else(|| {
                Error::new(ErrorKind::NoTrial, format!("variable {name}"), "is not set")
                    .expected("the environment that NNI gives its trials")
                    .hint("start it as, or from, the trialCommand of an experiment")
            })
        };
        let (id, system) = (needed("NNI_TRIAL_JOB_ID")?, PathBuf::from(needed("NNI_SYS_DIR")?));
        let channel = Channel::new(&variable, &system);
        let folder = system.join(".nnmeter");
        // NNI 2.10 runs a trial of a resumed experiment again, in the same folder.
        let written = |path: PathBuf| std::fs::metadata(path).and_then(|file| file.modified()).ok();
        let own = written(folder.join(PARAMETERS));
        if own.is_some() && written(system.join("parameter.cfg")) > own {
            std::fs::remove_dir_all(&folder).map_err(|e| Error::io(folder.display(), &e))?;
        }
        Ok(Self { id, folder, channel })
    }

    /// The parameters, as NNI packed them (`parameter_id`, `parameters`, ...). They are asked for once.
    ///
    /// # Errors
    /// If NNI does not give any.
    pub fn packed_parameters(&self) -> Result<Json> {
        let path = self.folder.join(PARAMETERS);
        if let Ok(bytes) = std::fs::read(&path) {
            return serde_json::from_slice(&bytes).map_err(|e| bad(&path, &e.to_string()));
        }
        let text = self.channel.parameters()?;
        let packed =
            super::python_json::parse(&text).map_err(|e| bad("parameters", &e.to_string()))?;
        write_whole(&path, packed.to_string().as_bytes())?;
        Ok(packed)
    }

    /// The parameters.
    ///
    /// # Errors
    /// If NNI does not give any.
    pub fn parameters(&self) -> Result<Json> {
        let packed = self.packed_parameters()?;
        let parameters = packed.get("parameters").cloned();
        parameters.ok_or_else(|| bad("parameters", "are not in what NNI gave"))
    }

    /// Reports an intermediate result: a number, or an object with a number called `default`.
    ///
    /// # Errors
    /// If the value is neither, or NNI cannot be told.
    pub fn report_intermediate(&self, value: &Json) -> Result<()> {
        checked(value)?;
        let sequence = self.next_sequence()?;
        self.report("PERIODICAL", sequence, value)
    }

    /// Reports the final result: a number, or an object with a number called `default`.
    ///
    /// # Errors
    /// If the value is neither, it was reported before, or NNI cannot be told.
    pub fn report_final(&self, value: &Json) -> Result<()> {
        checked(value)?;
        let mark = self.folder.join("final");
        self.make_folder()?;
        if OpenOptions::new().write(true).create_new(true).open(&mark).is_err() {
            return Err(bad("final result", "was reported before").expected("one a trial"));
        }
        self.report("FINAL", 0, value).inspect_err(|_| drop(std::fs::remove_file(&mark)))
    }

    fn report(&self, kind: &str, sequence: u64, value: &Json) -> Result<()> {
        let id = self.packed_parameters()?.get("parameter_id").cloned();
        self.grow_up();
        // `value` is JSON in a string.
        let metric = json!({"parameter_id": id, "trial_job_id": self.id, "type": kind,
            "sequence": sequence, "value": value.to_string()});
        self.channel.metric(&metric.to_string())
    }

    /// Waits until the trial is old enough: what is reported right after its start gets lost in NNI,
    /// which takes notice of a trial somewhat later than it starts it.
    fn grow_up(&self) {
        let asked =
            std::fs::metadata(self.folder.join(PARAMETERS)).and_then(|file| file.modified());
        let age = asked.ok().and_then(|asked| asked.elapsed().ok()).unwrap_or_default();
        std::thread::sleep(CHILDHOOD.saturating_sub(age));
    }

    /// Counts up. Appending is atomic, so results reported at the same time have different numbers.
    fn next_sequence(&self) -> Result<u64> {
        self.make_folder()?;
        let path = self.folder.join("intermediate");
        let failed = |error: std::io::Error| Error::io(path.display(), &error);
        let mut file = OpenOptions::new().create(true).append(true).open(&path).map_err(failed)?;
        file.write_all(b".").map_err(failed)?;
        Ok(file.stream_position().map_err(failed)? - 1)
    }

    fn make_folder(&self) -> Result<()> {
        std::fs::create_dir_all(&self.folder).map_err(|e| Error::io(self.folder.display(), &e))
    }
}

/// Numbers that NNI can show: itself, or called `default`.
fn checked(value: &Json) -> Result<()> {
    if super::command::score(value).is_some() {
        return Ok(());
    }
    Err(bad("result", &value.to_string())
        .expected("a number, or an object with a number called \"default\""))
}

fn write_whole(path: &Path, bytes: &[u8]) -> Result<()> {
    let failed = |error: std::io::Error| Error::io(path.display(), &error);
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(failed)?;
    }
    let draft = path.with_extension(format!("{}.draft", std::process::id()));
    std::fs::write(&draft, bytes).map_err(failed)?;
    std::fs::rename(&draft, path).map_err(failed)
}

fn bad(subject: impl AsRef<Path>, found: &str) -> Error {
    Error::new(ErrorKind::BadMessage, subject.as_ref().display().to_string(), found)
}
