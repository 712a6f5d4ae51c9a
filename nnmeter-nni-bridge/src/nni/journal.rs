//! The journal: every message of the manager's with what was answered, one a line, in the checkpoint
//! directory. Whoever reads it knows all that the tuner knew.
//!
//! A line is written before its answer leaves, in one piece, so a tuner that is killed leaves at most
//! half a line at the end, which is cut off. Lines survive the process; a machine that loses its power
//! may lose the last ones.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::error::{Error, ErrorKind, Result};

/// The journal's name in the checkpoint directory.
pub const NAME: &str = "nnmeter-tuner.jsonl";

/// A line of the journal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Line {
    /// A message with what was answered.
    Step(Step),
    /// The answers to the message of that number have left.
    Sent(u64),
}

/// A message of the manager's with what was answered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// Its number.
    pub number: u64,
    /// The message as it came.
    pub frame: String,
    /// The answers as they were sent.
    pub answers: Vec<String>,
}

/// A journal that is written.
#[derive(Debug)]
pub struct Journal {
    file: Option<(PathBuf, File)>,
}

impl Journal {
    /// Opens the journal in a folder, and reads what it holds. Without a folder nothing is kept.
    ///
    /// # Errors
    /// [`ErrorKind::Io`] if the file cannot be used; [`ErrorKind::BadJournal`] with the line that is
    /// none of a journal.
    pub fn open(folder: Option<&Path>) -> Result<(Self, Vec<Line>)> {
        let Some(folder) = folder else { return Ok((Self { file: None }, Vec::new())) };
        let path = folder.join(NAME);
        let failed = |error: &std::io::Error| Error::io(path.display(), error);
        std::fs::create_dir_all(folder).map_err(|error| failed(&error))?;
        let options = OpenOptions::new().create(true).read(true).append(true).clone();
        let mut file = options.open(&path).map_err(|error| failed(&error))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(|error| failed(&error))?;
        let whole = bytes.iter().rposition(|&byte| byte == b'\n').map_or(0, |last| last + 1);
        file.set_len(whole as u64).map_err(|error| failed(&error))?;
        file.seek(SeekFrom::End(0)).map_err(|error| failed(&error))?;
        let lines = read(&bytes[..whole]).map_err(|error| error.within(path.display()))?;
        Ok((Self { file: Some((path, file)) }, lines))
    }

    /// Adds a line.
    ///
    /// # Errors
    /// [`ErrorKind::Io`] if it cannot be written.
    pub fn add(&mut self, line: &Line) -> Result<()> {
        let Some((path, file)) = &mut self.file else { return Ok(()) };
        let text = serde_json::to_string(line).map_err(|error| {
            Error::new(ErrorKind::Io, path.display().to_string(), error.to_string())
        })?;
        file.write_all(format!("{text}\n").as_bytes())
            .map_err(|error| Error::io(path.display(), &error))
    }
}

fn read(bytes: &[u8]) -> Result<Vec<Line>> {
    let lines = bytes.split(|&byte| byte == b'\n').filter(|line| !line.is_empty());
    let line = |(index, line): (usize, &[u8])| {
        serde_json::from_slice(line).map_err(|error| {
            let place = format!("line {}", index + 1);
            Error::new(ErrorKind::BadJournal, place, error.to_string())
                .hint("move the file away to go on without what the tuner learnt")
        })
    };
    lines.enumerate().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_a_line_is_cut_off() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join(NAME);
        let step = |number| {
            Line::Step(Step { number, frame: "GE1".to_owned(), answers: vec!["TR{}".to_owned()] })
        };
        let (mut journal, lines) = Journal::open(Some(folder.path())).expect("a new journal");
        assert!(lines.is_empty());
        journal.add(&step(1)).expect("written");
        journal.add(&Line::Sent(1)).expect("written");
        let whole = std::fs::read(&path).expect("bytes");
        for cut in 0..whole.len() {
            std::fs::write(&path, &whole[..cut]).expect("written");
            let (mut journal, lines) = Journal::open(Some(folder.path())).expect("readable");
            assert_eq!(lines.len(), usize::from(whole[..cut].contains(&b'\n')));
            journal.add(&step(2)).expect("written");
            let (_, lines) = Journal::open(Some(folder.path())).expect("readable");
            assert_eq!(lines.last(), Some(&step(2)));
        }
        std::fs::write(&path, "{}\n").expect("written");
        let error = Journal::open(Some(folder.path())).expect_err("no journal");
        assert_eq!(error.kind(), ErrorKind::BadJournal);
    }
}
