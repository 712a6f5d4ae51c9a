//! The one error type of this crate: the offending thing, what was found there, what was expected,
//! and a hint.
//!
//! It says what [`nnmeter_core::error::Error`] says; that, and the hardware crate's, convert into it. It prints as one line,
//! `choice "block 3": has 4 options, but step 7 gives 3 candidates`.

use std::fmt;
use std::ops::Deref;

use nnmeter_core::error::Message;

/// Shorthand for results of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong, for callers that react to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// There is no built-in search space of that name.
    UnknownSpace,
    /// A search space contradicts itself.
    BadSpace,
    /// A sample does not belong to its search space.
    BadSample,
    /// A file of scores does not belong to its search space, or cannot be read.
    BadScores,
    /// Some kernels of the space have no price on the device.
    Uncovered,
    /// The cost is no sum of tables of the size allowed.
    Indecomposable,
    /// A budget cannot be meant: its text is none, or it is for no device, or for several.
    BadBudget,
    /// A constraint contradicts itself, or asks for what is not known.
    BadConstraint,
    /// No architecture satisfies the constraints.
    Infeasible,
    /// An exact search would exceed its limits.
    TooLarge,
    /// Probabilities or logits are no distribution over the choices of a space.
    BadDistribution,
    /// A loss made of a cost is not defined.
    BadLoss,
    /// Shapes of a network do not follow a change of its widths.
    Rigid,
    /// A computation was stopped from outside, by a [`Stop`](crate::stop::Stop).
    Stopped,
    /// An error of the core crate, whose parts were kept.
    Core(nnmeter_core::error::ErrorKind),
    /// An error of the hardware crate, whose parts were kept.
    Hardware(nnmeter_hardware::error::ErrorKind),
}

/// An error: its kind, and what it says ([`Message`], whose methods it has).
#[derive(Clone, Debug, thiserror::Error)]
#[error("{}", .0.1)]
pub struct Error(Box<(ErrorKind, Message)>);

impl Error {
    /// An error about `subject` (`choice "block 3"`), where `found` is the fact that is wrong.
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

    /// Puts `place` before the subject: `choice "block 3", candidate "k5", step 2`.
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

impl From<nnmeter_core::error::Error> for Error {
    fn from(error: nnmeter_core::error::Error) -> Self {
        Self(Box::new((ErrorKind::Core(error.kind()), Message::clone(&error))))
    }
}

impl From<nnmeter_hardware::error::Error> for Error {
    fn from(error: nnmeter_hardware::error::Error) -> Self {
        Self(Box::new((ErrorKind::Hardware(error.kind()), Message::clone(&error))))
    }
}
