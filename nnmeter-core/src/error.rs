//! The one error type of this crate: the offending thing, what was found there, what was
//! expected, and a hint.
//!
//! It prints as one line, `node #12 "conv2d_3": input has 64 channels; expected 32`. The hint is
//! kept apart so that a command line can put it on a line of its own.

use std::fmt;

/// Shorthand for results of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong, for callers that react to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The bytes are not what their format says: truncated, garbage, inconsistent.
    Malformed,
    /// The bytes are of another format than the one asked for, or of none that is known.
    UnknownFormat,
    /// The graph contains a cycle.
    Cyclic,
    /// A node refers to a value that nothing produces.
    Dangling,
    /// Shapes contradict each other.
    ShapeMismatch,
    /// A shape is needed and not known (a dynamic axis, usually).
    MissingShape,
    /// An attribute is absent or has a value out of range.
    BadAttribute,
    /// A well-formed request for something this crate does not do.
    Unsupported,
    /// A rule file or kernel model is wrong.
    BadModel,
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
    /// An error about `subject` (`node #12 "conv2d_3"`), where `found` is the fact that is wrong.
    pub fn new(kind: ErrorKind, subject: impl Into<String>, found: impl Into<String>) -> Self {
        Self(Box::new(Parts {
            kind,
            subject: subject.into(),
            found: found.into(),
            expected: None,
            hint: None,
        }))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_subject_found_and_expected_on_one_line() {
        let error =
            Error::new(ErrorKind::ShapeMismatch, "node #12 \"conv\"", "input has 64 channels")
                .expected("32, as the weight says")
                .hint("check the export");
        assert_eq!(
            error.to_string(),
            "node #12 \"conv\": input has 64 channels; expected 32, as the weight says"
        );
        assert_eq!(error.advice(), Some("check the export"));
    }
}
