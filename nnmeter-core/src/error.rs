//! The one error type of this crate: the offending thing, what was found there, what was
//! expected, and a hint.
//!
//! It prints as one line, `node #12 "conv2d_3": input has 64 channels; expected 32`. The hint is
//! kept apart so that a command line can put it on a line of its own.
//!
//! Names in files are foreign text: line breaks and other control characters are written as
//! escapes, and what is longer than any honest name loses its middle. The line stays below 1 KiB.

use std::fmt;
use std::ops::Deref;

/// How many bytes a part of an error may have.
const LONGEST: usize = 300;

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

/// An error: its kind, and what it says ([`Message`], whose methods it has).
#[derive(Clone, Debug, thiserror::Error)]
#[error("{}", .0.1)]
pub struct Error(Box<(ErrorKind, Message)>);

/// What an error says: its subject, what was found, what was expected, and a hint. Other crates
/// build their own error types on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    subject: String,
    found: String,
    expected: Option<String>,
    hint: Option<String>,
}

impl Error {
    /// An error about `subject` (`node #12 "conv2d_3"`), where `found` is the fact that is wrong.
    pub fn new(kind: ErrorKind, subject: impl Into<String>, found: impl Into<String>) -> Self {
        Self(Box::new((kind, Message::new(subject, found))))
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

    /// Puts `place` before the subject: `tree #3, node #12`.
    #[must_use]
    pub fn within(mut self, place: impl fmt::Display) -> Self {
        self.0.1.set_place(place);
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

impl Message {
    /// About `subject`, where `found` is the fact that is wrong.
    pub fn new(subject: impl Into<String>, found: impl Into<String>) -> Self {
        let (subject, found) = (plain(subject.into()), plain(found.into()));
        Self { subject, found, expected: None, hint: None }
    }

    /// Says what would have been right.
    pub fn set_expected(&mut self, expected: impl Into<String>) {
        self.expected = Some(plain(expected.into()));
    }

    /// Says what the user can do about it.
    pub fn set_hint(&mut self, hint: impl Into<String>) {
        self.hint = Some(plain(hint.into()));
    }

    /// Puts `place` before the subject: `file.nnmeter, part "rules.json"`.
    pub fn set_place(&mut self, place: impl fmt::Display) {
        self.subject = plain(format!("{place}, {}", self.subject));
    }

    /// The offending thing.
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// What was found there.
    pub fn found(&self) -> &str {
        &self.found
    }

    /// What would have been right.
    pub fn expectation(&self) -> Option<&str> {
        self.expected.as_deref()
    }

    /// What the user can do about it.
    pub fn advice(&self) -> Option<&str> {
        self.hint.as_deref()
    }
}

impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.subject, self.found)?;
        match &self.expected {
            Some(expected) => write!(f, "; expected {expected}"),
            None => Ok(()),
        }
    }
}

/// `text` on one line, and not too long for one.
fn plain(text: String) -> String {
    let text = shorten(text);
    if !text.chars().any(breaks_lines) {
        return text;
    }
    let escape = |c: char| if breaks_lines(c) { c.escape_default().to_string() } else { c.into() };
    shorten(text.chars().map(escape).collect())
}

/// Control characters, line separators, and marks that turn the direction of text around.
fn breaks_lines(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}')
}

/// Drops the middle of a text that is too long.
fn shorten(text: String) -> String {
    if text.len() <= LONGEST {
        return text;
    }
    let half = (LONGEST - 3) / 2;
    let start = &text[..boundary(&text, half)];
    let end = &text[boundary(&text, text.len() - half)..];
    format!("{start}...{end}")
}

/// The last place at `at` or before it where `text` may be cut.
pub(crate) fn boundary(text: &str, at: usize) -> usize {
    (0..=at).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0)
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

    #[test]
    fn foreign_text_stays_on_one_line_and_is_cut() {
        let error = Error::new(ErrorKind::Dangling, "node \"a\nb\u{1b}[0m\"", "é".repeat(5000))
            .expected("x\u{2028}".repeat(5000));
        let line = error.to_string();
        assert!(line.starts_with("node \"a\\nb\\u{1b}[0m\": éé") && line.len() < 1024, "{line}");
        assert!(line.contains("é...é") && line.ends_with("x\\u{2028}"), "{line}");
    }
}
