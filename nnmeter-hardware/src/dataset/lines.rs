//! The lines of a data set's files, unpacked as they are read.
//!
//! A thread of its own reads and unpacks ahead of whoever takes the lines, by a few lines only. It
//! ends when the iterator is dropped.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use crate::dataset::{Form, Progress, family_of_file};
use crate::error::{Error, ErrorKind, Result};

/// Lines that are read ahead.
const AHEAD: usize = 64;
/// No model of a data set takes more; a file of longer lines is something else.
const LONGEST_LINE: u64 = 64 << 20;

/// A line of a data set, not yet parsed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The file, with the entry's name if it is an archive.
    pub file: Arc<str>,
    /// The family that the file holds: its name up to the first dot.
    pub family: Arc<str>,
    /// The line's number, from 1 on.
    pub number: usize,
    /// The JSON.
    pub text: Vec<u8>,
}

impl Line {
    /// `FILE:LINE`.
    pub fn place(&self) -> String {
        format!("{}:{}", self.file, self.number)
    }
}

/// Iterator over the lines of a data set.
#[derive(Debug)]
pub struct Lines {
    receiver: Option<Receiver<Message>>,
}

enum Message {
    Line(Line),
    Failed(Error),
    End,
}

/// The other side is gone: nobody wants more lines.
struct Unwanted;

impl Lines {
    pub(super) fn spawn(files: Vec<PathBuf>, progress: Progress) -> Self {
        let (sender, receiver) = sync_channel(AHEAD);
        std::thread::spawn(move || {
            let reader = Reader { sender, progress };
            for file in files {
                if reader.read_file(&file).is_err() {
                    return;
                }
            }
            // A failure to send means that nobody waits for the end.
            let _ = reader.sender.send(Message::End);
        });
        Self { receiver: Some(receiver) }
    }
}

impl Iterator for Lines {
    type Item = Result<Line>;

    fn next(&mut self) -> Option<Self::Item> {
        match self.receiver.as_ref()?.recv() {
            Ok(Message::Line(line)) => Some(Ok(line)),
            Ok(Message::Failed(error)) => Some(Err(error)),
            Ok(Message::End) => {
                self.receiver = None;
                None
            }
            Err(_) => {
                self.receiver = None;
                Some(Err(Error::new(ErrorKind::Io, "data set", "reading stopped early")))
            }
        }
    }
}

/// What the reading thread holds.
struct Reader {
    sender: SyncSender<Message>,
    progress: Progress,
}

impl Reader {
    fn read_file(&self, path: &Path) -> Result<(), Unwanted> {
        let outcome = match Form::of(path) {
            Some(Form::Zip) => self.read_archive(path),
            Some(Form::Zstd) => self.counted(path).and_then(|file| {
                let unpacked = zstd::Decoder::new(file).map_err(|e| failed(path, &e))?;
                self.read_lines(path, path.display().to_string(), BufReader::new(unpacked))
            }),
            Some(Form::Plain) | None => self.counted(path).and_then(|file| {
                self.read_lines(path, path.display().to_string(), BufReader::new(file))
            }),
        };
        match outcome {
            Ok(()) => Ok(()),
            Err(Stop::Unwanted) => Err(Unwanted),
            Err(Stop::Failed(error)) => self.send(Message::Failed(error)),
        }
    }

    fn counted(&self, path: &Path) -> Result<Counted<File>, Stop> {
        let inner = File::open(path).map_err(|error| failed(path, &error))?;
        Ok(Counted { inner, progress: self.progress.clone() })
    }

    /// Entries in the order of their names; what is not `.jsonl` is passed over.
    fn read_archive(&self, path: &Path) -> Result<(), Stop> {
        let file = File::open(path).map_err(|error| failed(path, &error))?;
        let broken = |error: zip::result::ZipError| failed(path, &io::Error::other(error));
        let mut archive = zip::ZipArchive::new(BufReader::new(file)).map_err(broken)?;
        let names = archive.file_names().map(|name| name.map(|name| name.into_owned()));
        let mut names: Vec<String> = names.collect::<Result<_, _>>().map_err(broken)?;
        names.retain(|name| {
            Form::of(Path::new(name)) == Some(Form::Plain) && !name.starts_with("__MACOSX")
        });
        names.sort();
        for name in names {
            let entry = archive.by_name(&name).map_err(broken)?;
            let packed = entry.compressed_size();
            let shown = format!("{}/{name}", path.display());
            self.read_lines(Path::new(&name), shown, BufReader::new(entry))?;
            self.progress.add(packed);
        }
        Ok(())
    }

    fn read_lines(&self, path: &Path, shown: String, mut from: impl BufRead) -> Result<(), Stop> {
        let (file, family): (Arc<str>, _) = (shown.into(), family_of_file(path));
        for number in 1.. {
            let mut text = Vec::new();
            let mut limited = (&mut from).take(LONGEST_LINE);
            let place = || format!("{file}:{number}");
            let read = limited.read_until(b'\n', &mut text);
            let read = read.map_err(|error| Error::io(place(), &error))?;
            if read == 0 {
                break;
            }
            if read as u64 == LONGEST_LINE {
                return Err(Error::new(ErrorKind::BadData, place(), "has a line without an end")
                    .expected("one model a line")
                    .into());
            }
            if !text.trim_ascii().is_empty() {
                let (file, family) = (Arc::clone(&file), Arc::clone(&family));
                self.send(Message::Line(Line { file, family, number, text }))?;
            }
        }
        Ok(())
    }

    fn send(&self, message: Message) -> Result<(), Unwanted> {
        self.sender.send(message).map_err(|_| Unwanted)
    }
}

/// Why reading a file ended before its end.
enum Stop {
    Unwanted,
    Failed(Error),
}

impl From<Unwanted> for Stop {
    fn from(_: Unwanted) -> Self {
        Stop::Unwanted
    }
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Stop::Failed(error)
    }
}

fn failed(path: &Path, error: &io::Error) -> Stop {
    Stop::Failed(Error::io(path.display(), error))
}

/// Counts what is read through it.
struct Counted<R> {
    inner: R,
    progress: Progress,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.progress.add(read as u64);
        Ok(read)
    }
}
