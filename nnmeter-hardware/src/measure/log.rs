//! The log of a run: JSON lines that are only ever added, so that whatever ends a run, what was
//! measured stays measured.
//!
//! Each round is one line, written by one call of the system as soon as it is there: a process that
//! is killed loses the round it was in. Lines reach the disk (fsync) every second and at the end: a
//! power cut loses that much. A last line without its end is what such an end leaves; it is cut off.
//! Anything else that is wrong is an error, never repaired.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde::Serialize;

use crate::backend::{Identity, ProfiledKernel, Sample};
use crate::error::{Error, ErrorKind, Result};

use super::line::{Batch, Entry, Header, Profile, Round};

/// How long lines may be on their way to the disk.
const UNSYNCED: Duration = Duration::from_secs(1);
/// How the first line of every log begins.
const MAGIC: &[u8] = b"{\"nnmeter_measurements\":";

/// What was measured of one identity.
#[derive(Debug)]
pub struct Log {
    file: Option<LogFile>,
    known: Known,
}

/// What lines say, by the keys of models.
#[derive(Debug, Default)]
struct Known {
    rounds: HashMap<String, Vec<Vec<Sample>>>,
    profiles: HashMap<String, Vec<Vec<ProfiledKernel>>>,
    batches: Vec<Duration>,
}

#[derive(Debug)]
struct LogFile {
    file: File,
    path: PathBuf,
    synced: Instant,
}

impl Log {
    /// A log that is kept in memory only.
    pub fn in_memory() -> Self {
        Self { file: None, known: Known::default() }
    }

    /// The log at `path` of figures of `identity`; a new one, if there is none.
    ///
    /// # Errors
    /// [`ErrorKind::BadData`] if the file is no log, or one of another identity;
    /// [`ErrorKind::Io`] if it cannot be read or written, or another process has it open.
    pub fn open(path: &Path, identity: &Identity) -> Result<Self> {
        let failed = |error: std::io::Error| Error::io(path.display(), &error);
        let mut options = OpenOptions::new();
        let mut file = options.read(true).append(true).create(true).open(path).map_err(failed)?;
        lock(&file, path)?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(failed)?;
        let header = Header::new(identity);
        let (whole, known) = read(&bytes, &header).map_err(|error| error.within(path.display()))?;
        if whole < bytes.len() {
            file.set_len(whole as u64).map_err(failed)?;
            file.seek(std::io::SeekFrom::End(0)).map_err(failed)?;
        }
        let file = LogFile { file, path: path.to_owned(), synced: Instant::now() };
        let mut log = Self { file: Some(file), known };
        if whole == 0 {
            log.append(&header)?;
            log.sync()?;
        }
        Ok(log)
    }

    /// The rounds of the model with this key, in the order they were measured.
    pub(super) fn rounds(&self, key: &str) -> &[Vec<Sample>] {
        self.known.rounds.get(key).map(Vec::as_slice).unwrap_or_default()
    }

    /// The profiles of the model with this key, in the order they were taken.
    pub(super) fn profiles(&self, key: &str) -> &[Vec<ProfiledKernel>] {
        self.known.profiles.get(key).map(Vec::as_slice).unwrap_or_default()
    }

    /// Number of rounds in it.
    pub fn len(&self) -> usize {
        self.known.rounds.values().map(Vec::len).sum()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Adds a round.
    pub(super) fn push(&mut self, key: &str, model: &str, samples: Vec<Sample>) -> Result<()> {
        self.append(&Round::new(model, key, self.rounds(key).len(), &samples))?;
        self.known.rounds.entry(key.to_owned()).or_default().push(samples);
        self.sync_in_time()
    }

    /// Adds a profile.
    pub(super) fn push_profile(
        &mut self,
        key: &str,
        model: &str,
        kernels: Vec<ProfiledKernel>,
    ) -> Result<()> {
        self.append(&Profile::new(model, key, self.profiles(key).len(), &kernels))?;
        self.known.profiles.entry(key.to_owned()).or_default().push(kernels);
        self.sync_in_time()
    }

    /// How long each batch of models took that was measured to its end.
    pub(crate) fn batches(&self) -> &[Duration] {
        &self.known.batches
    }

    /// Notes that the next batch was measured to its end.
    pub(crate) fn push_batch(&mut self, took: Duration) -> Result<()> {
        self.append(&Batch { batch: self.batches().len(), seconds: took.as_secs_f64() })?;
        self.known.batches.push(took);
        self.sync()
    }

    fn sync_in_time(&mut self) -> Result<()> {
        match &self.file {
            Some(file) if file.synced.elapsed() > UNSYNCED => self.sync(),
            _ => Ok(()),
        }
    }

    /// Waits until all of it is on the disk.
    pub(super) fn sync(&mut self) -> Result<()> {
        let Some(log) = &mut self.file else { return Ok(()) };
        log.synced = Instant::now();
        log.file.sync_data().map_err(|error| Error::io(log.path.display(), &error))
    }

    fn append(&mut self, line: &impl Serialize) -> Result<()> {
        let Some(log) = &mut self.file else { return Ok(()) };
        let failed = |error: &std::io::Error| Error::io(log.path.display(), error);
        let mut text = serde_json::to_vec(line).map_err(|error| failed(&error.into()))?;
        text.push(b'\n');
        log.file.write_all(&text).map_err(|error| failed(&error))
    }
}

/// Refuses a log that another process has open: both would measure the same rounds.
#[cfg(unix)]
fn lock(file: &File, path: &Path) -> Result<()> {
    use rustix::fs::{FlockOperation, flock};
    match flock(file, FlockOperation::NonBlockingLockExclusive) {
        Err(rustix::io::Errno::WOULDBLOCK) => {
            let subject = path.display().to_string();
            Err(Error::new(ErrorKind::Io, subject, "is in use by another run"))
        }
        // Some network file systems have no locks.
        Ok(()) | Err(_) => Ok(()),
    }
}

#[cfg(not(unix))]
fn lock(_: &File, _: &Path) -> Result<()> {
    Ok(())
}

/// How many of the bytes are whole lines, and what these say.
fn read(bytes: &[u8], expected: &Header) -> Result<(usize, Known)> {
    let start = &bytes[..bytes.len().min(MAGIC.len())];
    if !MAGIC.starts_with(start) {
        return Err(Error::new(ErrorKind::BadData, "log", "is no log of measurements")
            .expected("a file that `nnmeter measure` wrote, or none"));
    }
    let whole = bytes.iter().rposition(|&byte| byte == b'\n').map_or(0, |end| end + 1);
    let mut lines = bytes[..whole].split_inclusive(|&byte| byte == b'\n');
    if let Some(first) = lines.next() {
        let header: Header = serde_json::from_slice(first).map_err(|error| wrong(1, error))?;
        header.check(expected)?;
    }
    let mut known = Known::default();
    for (number, line) in (2..).zip(lines) {
        let entry: Entry = serde_json::from_slice(line).map_err(|error| wrong(number, error))?;
        known.add(entry).map_err(|error| error.within(format!("line {number}")))?;
    }
    Ok((whole, known))
}

impl Known {
    fn add(&mut self, entry: Entry) -> Result<()> {
        match entry {
            Entry::Round(round) => {
                let samples = round.samples()?;
                let rounds = self.rounds.entry(round.sha256).or_default();
                in_turn("round", rounds.len(), round.round, &round.model)?;
                rounds.push(samples);
            }
            Entry::Profile(profile) => {
                let kernels = profile.kernels()?;
                let profiles = self.profiles.entry(profile.sha256).or_default();
                in_turn("profile", profiles.len(), profile.profile, &profile.model)?;
                profiles.push(kernels);
            }
            Entry::Batch(Batch { batch, seconds }) => {
                in_turn("batch", self.batches.len(), batch, "the run")?;
                let took = Duration::try_from_secs_f64(seconds).map_err(|error| {
                    Error::new(ErrorKind::BadData, format!("batch {batch}"), error.to_string())
                })?;
                self.batches.push(took);
            }
        }
        Ok(())
    }
}

/// Refuses a line that is not the next of its model.
fn in_turn(what: &str, next: usize, found: usize, model: &str) -> Result<()> {
    if next == found {
        return Ok(());
    }
    Err(Error::new(ErrorKind::BadData, format!("{what} {found} of {model:?}"), "is out of turn")
        .expected(format!("{what} {next}")))
}

fn wrong(line: usize, error: serde_json::Error) -> Error {
    Error::new(ErrorKind::BadData, format!("line {line}"), error.to_string())
        .expected("a line that `nnmeter measure` wrote")
}
