//! The one error type of this crate: the offending thing, what was found there, what was expected,
//! and a hint.
//!
//! It has the shape of [`nnmeter_core::error::Error`], which converts into it. It prints as one
//! line, `device "cortexA76": no predictor of that name; expected one of ...`. The hint is kept
//! apart so that a command line can put it on a line of its own.

use std::fmt;
use std::io;

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
    /// Measurements are not what their format says, or cannot be fitted.
    BadData,
    /// An error of the core crate, whose parts were kept.
    Core(nnmeter_core::error::ErrorKind),
}

/// An error: its subject, what was found, what was expected, and a hint.
#[derive(Clone, Debug, thiserror::Error)]
pub struct Error(Box<Parts>);

#[derive(Clone, Debug)]
struct Parts {
    kind: ErrorKind,
    subject: String,
    found: String,
    expected: Option<String>,
    hint: Option<String>,
}

impl Error {
    /// An error about `subject` (`part "latency_ms.json"`), where `found` is the fact that is
    /// wrong.
    pub fn new(kind: ErrorKind, subject: impl Into<String>, found: impl Into<String>) -> Self {
        Self(Box::new(Parts {
            kind,
            subject: subject.into(),
            found: found.into(),
            expected: None,
            hint: None,
        }))
    }

    /// An error of the operating system about `subject`, a path usually.
    pub fn io(subject: impl fmt::Display, error: &io::Error) -> Self {
        Self::new(ErrorKind::Io, subject.to_string(), error.to_string())
    }

    /// Adds what would have been right.
    #[must_use]
    pub fn expected(mut self, expected: impl Into<String>) -> Self {
        self.0.expected = Some(expected.into());
        self
    }

    /// Adds what the user can do about it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.0.hint = Some(hint.into());
        self
    }

    /// Puts `place` before the subject: `file.nnmeter, part "rules.json"`.
    #[must_use]
    pub fn within(mut self, place: impl fmt::Display) -> Self {
        self.0.subject = format!("{place}, {}", self.0.subject);
        self
    }

    /// Gives the error another kind, where a caller knows better what it means.
    #[must_use]
    pub fn with_kind(mut self, kind: ErrorKind) -> Self {
        self.0.kind = kind;
        self
    }

    /// What went wrong.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The offending thing.
    pub fn subject(&self) -> &str {
        &self.0.subject
    }

    /// What was found there.
    pub fn found(&self) -> &str {
        &self.0.found
    }

    /// What would have been right.
    pub fn expectation(&self) -> Option<&str> {
        self.0.expected.as_deref()
    }

    /// What the user can do about it.
    pub fn advice(&self) -> Option<&str> {
        self.0.hint.as_deref()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.0.subject, self.0.found)?;
        match &self.0.expected {
            Some(expected) => write!(f, "; expected {expected}"),
            None => Ok(()),
        }
    }
}

impl From<nnmeter_core::error::Error> for Error {
    fn from(error: nnmeter_core::error::Error) -> Self {
        Self(Box::new(Parts {
            kind: ErrorKind::Core(error.kind()),
            subject: error.subject().to_owned(),
            found: error.found().to_owned(),
            expected: error.expectation().map(str::to_owned),
            hint: error.advice().map(str::to_owned),
        }))
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
