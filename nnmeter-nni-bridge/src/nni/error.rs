//! What goes wrong with NNI's protocols: the offending thing, what was found there, what was expected,
//! and a hint, as everywhere in the project.

use std::fmt;
use std::ops::Deref;

use nnmeter_core::error::Message;

/// Shorthand for results of these modules.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong, for callers that react to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// An option of the tuner cannot be meant.
    BadOption,
    /// The experiment's search space is not one.
    BadSearchSpace,
    /// A message of NNI's is not what the protocol says.
    BadMessage,
    /// The journal of the checkpoint directory cannot be understood.
    BadJournal,
    /// NNI's manager cannot be reached.
    Unreachable,
    /// This is not inside a trial, or the trial has ended.
    NoTrial,
    /// A file cannot be read or written, or a process not be started.
    Io,
    /// An error of a search space or its constraints, whose parts were kept.
    Filters(nnmeter_filters::error::ErrorKind),
    /// An error of a device, whose parts were kept.
    Device(nnmeter_hardware::error::ErrorKind),
}

/// An error: its kind, and what it says ([`Message`], whose methods it has).
#[derive(Clone, Debug, thiserror::Error)]
#[error("{}", .0.1)]
pub struct Error(Box<(ErrorKind, Message)>);

impl Error {
    /// An error about `subject` (`parameter "lr"`), where `found` is the fact that is wrong.
    pub fn new(kind: ErrorKind, subject: impl Into<String>, found: impl Into<String>) -> Self {
        Self(Box::new((kind, Message::new(subject, found))))
    }

    /// A failed operation of the system on `subject`.
    pub fn io(subject: impl fmt::Display, error: &std::io::Error) -> Self {
        Self::new(ErrorKind::Io, subject.to_string(), error.to_string())
    }

    /// Adds what would have been right.
    #[must_use]
    pub fn expected(mut self, expected: impl Into<String>) -> Self {
        self.0.1.set_expected(expected);
        self
    }

    /// Adds what the user can do about it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.0.1.set_hint(hint);
        self
    }

    /// Puts `place` before the subject.
    #[must_use]
    pub fn within(mut self, place: impl fmt::Display) -> Self {
        self.0.1.set_place(place);
        self
    }

    /// What went wrong.
    pub fn kind(&self) -> ErrorKind {
        self.0.0
    }

    /// The error and its hint on one line.
    pub fn line(&self) -> String {
        match self.advice() {
            Some(hint) => format!("{self} ({hint})"),
            None => self.to_string(),
        }
    }
}

impl Deref for Error {
    type Target = Message;

    fn deref(&self) -> &Message {
        &self.0.1
    }
}

impl From<nnmeter_filters::error::Error> for Error {
    fn from(error: nnmeter_filters::error::Error) -> Self {
        Self(Box::new((ErrorKind::Filters(error.kind()), Message::clone(&error))))
    }
}

impl From<nnmeter_hardware::error::Error> for Error {
    fn from(error: nnmeter_hardware::error::Error) -> Self {
        Self(Box::new((ErrorKind::Device(error.kind()), Message::clone(&error))))
    }
}
