//! The one error type of this crate: the offending thing, what was found there, what was expected,
//! and a hint.
//!
//! It says what [`nnmeter_core::error::Error`] says, which converts into it. It prints as one
//! line, `device "cortexA76": no predictor of that name; expected one of ...`. The hint is kept
//! apart so that a command line can put it on a line of its own.

use std::fmt;
use std::io;
use std::ops::Deref;

use nnmeter_core::error::Message;

/// Shorthand for results of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong, for callers that react to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// No source has a predictor of that name.
    UnknownDevice,
    /// The device has no predictor for that metric.
    UnknownMetric,
    /// A predictor package is not what its format says: truncated, altered, inconsistent.
    CorruptPackage,
    /// A predictor package of a format that is newer than this program.
    NewerPackage,
    /// A file could not be read or written.
    Io,
    /// A file is there already and was not to be replaced.
    Exists,
    /// A package is where it cannot be removed from.
    NotRemovable,
    /// No backend of that name is registered, or it has no such option.
    UnknownBackend,
    /// A runtime that measures could not be started, or failed.
    Backend,
    /// A runtime that measures cannot run a model.
    UnsupportedModel,
    /// Measurements are not what their format says, or cannot be fitted.
    BadData,
    /// An error of the core crate, whose parts were kept.
    Core(nnmeter_core::error::ErrorKind),
}

/// An error: its kind, and what it says ([`Message`], whose methods it has).
#[derive(Clone, Debug, thiserror::Error)]
#[error("{}", .0.1)]
pub struct Error(Box<(ErrorKind, Message)>);

impl Error {
    /// An error about `subject` (`part "latency_ms.json"`), where `found` is the fact that is
    /// wrong.
    pub fn new(kind: ErrorKind, subject: impl Into<String>, found: impl Into<String>) -> Self {
        Self(Box::new((kind, Message::new(subject, found))))
    }

    /// An error of the operating system about `subject`, a path usually.
    pub fn io(subject: impl fmt::Display, error: &io::Error) -> Self {
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

    /// Puts `place` before the subject: `file.nnmeter, part "rules.json"`.
    #[must_use]
    pub fn within(mut self, place: impl fmt::Display) -> Self {
        self.0.1.set_place(place);
        self
    }

    /// Gives the error another kind, where a caller knows better what it means.
    #[must_use]
    pub fn with_kind(mut self, kind: ErrorKind) -> Self {
        self.0.0 = kind;
        self
    }

    /// What went wrong.
    pub fn kind(&self) -> ErrorKind {
        self.0.0
    }
}

impl Deref for Error {
    type Target = Message;

    fn deref(&self) -> &Message {
        &self.0.1
    }
}

impl From<nnmeter_core::error::Error> for Error {
    fn from(error: nnmeter_core::error::Error) -> Self {
        Self(Box::new((ErrorKind::Core(error.kind()), Message::clone(&error))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_the_parts_of_a_core_error() {
        use nnmeter_core::error as core;
        let error = core::Error::new(core::ErrorKind::BadModel, "tree", "has no root")
            .expected("a root")
            .hint("fit again");
        let error = Error::from(error).within("part \"a.bin\"");
        assert_eq!(error.to_string(), "part \"a.bin\", tree: has no root; expected a root");
        assert_eq!(error.advice(), Some("fit again"));
        assert_eq!(error.kind(), ErrorKind::Core(core::ErrorKind::BadModel));
    }
}
