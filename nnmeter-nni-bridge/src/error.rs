//! The one error type of this crate: the offending thing, what was found there, what was expected,
//! and a hint; and the table of codes by which those travel that do.
//!
//! It says what [`nnmeter_core::error::Error`] says; the errors of the other crates convert into it.
//! It prints as one line, `device "cortexA7": there is no predictor of that name; expected ...`.

use std::fmt;
use std::ops::Deref;

use nnmeter_core::error::{ErrorKind as CoreKind, Message};
use nnmeter_filters::error::ErrorKind as FiltersKind;
use nnmeter_hardware::error::ErrorKind as HardwareKind;
use serde_json::{Value, json};

/// Shorthand for results of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Declares the kinds of errors: those that travel with their codes and phrases, so that there is one
/// list of them; and those that the program keeps to itself.
macro_rules! kinds {
    (
        sent { $($(#[$doc:meta])* $kind:ident = $code:literal, $phrase:literal;)* }
        kept { $($(#[$kept_doc:meta])* $kept:ident;)* }
    ) => {
        /// What went wrong, for callers that react to it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum ErrorKind {
            $($(#[$doc])* $kind,)*
            $($(#[$kept_doc])* $kept,)*
        }

        impl ErrorKind {
            /// All kinds that travel.
            pub const SENT: &'static [ErrorKind] = &[$(ErrorKind::$kind),*];

            /// The `code` and `message` of an error object of JSON-RPC. A kind that does not travel
            /// would be a fault of this program there.
            pub fn code(self) -> (i64, &'static str) {
                match self {
                    $(ErrorKind::$kind => ($code, $phrase),)*
                    $(ErrorKind::$kept)|* => ErrorKind::Internal.code(),
                }
            }
        }
    };
}

kinds! {
    sent {
        /// The message is no JSON.
        Parse = -32700, "Parse error";
        /// The JSON is no request.
        InvalidRequest = -32600, "Invalid Request";
        /// There is no such method.
        UnknownMethod = -32601, "Method not found";
        /// Parameters are missing, unknown, or of the wrong type.
        InvalidParams = -32602, "Invalid params";
        /// A fault of this program.
        Internal = -32603, "Internal error";
        /// The server is about to end.
        Stopping = -32000, "Server is stopping";
        /// The request lacks the server's token.
        Unauthorized = -32001, "Unauthorized";
        /// Too many calls are waiting.
        Busy = -32002, "Server is busy";
        /// The call took longer than it may.
        TimeLimit = -32003, "Time limit exceeded";
        /// Somebody cancelled the call.
        Cancelled = -32004, "Cancelled";
        /// A request or its answer is beyond a bound of the server.
        TooLarge = -32005, "Beyond a bound of the server";
        /// No such device is served.
        UnknownDevice = 1, "Unknown device";
        /// The device has no predictor for that metric.
        UnknownMetric = 2, "Unknown metric";
        /// A device's package is broken, or of a newer format.
        BadPackage = 3, "Bad predictor package";
        /// A file cannot be read, or may not be.
        File = 4, "File cannot be read";
        /// A model is malformed, of no known format, or contradicts itself.
        BadModel = 10, "Bad model";
        /// The shape of a model's input is open.
        MissingShape = 11, "Missing shape";
        /// A model has what is not supported.
        Unsupported = 12, "Unsupported";
        /// There is no such built-in space.
        UnknownSpace = 20, "Unknown search space";
        /// A search space contradicts itself.
        BadSpace = 21, "Bad search space";
        /// A sample does not belong to its space.
        BadSample = 22, "Bad sample";
        /// No space or table of that handle is loaded.
        UnknownHandle = 23, "Unknown handle";
        /// No such call is running.
        UnknownCall = 24, "Unknown call";
        /// Something has no price on the device.
        Uncovered = 30, "Not covered";
        /// The costs of a space are no sum of tables of the size allowed.
        Indecomposable = 31, "Costs do not decompose";
        /// A constraint contradicts itself, or asks for what is not known.
        BadConstraint = 32, "Bad constraint";
        /// No architecture satisfies the constraints.
        Infeasible = 33, "Infeasible";
        /// An exact search would exceed its limits.
        TooHard = 34, "Too large to search exactly";
        /// Probabilities or logits are no distribution over the choices of the space.
        BadDistribution = 35, "Bad distribution";
    }
    kept {
        /// An address cannot be listened on, or a message not be carried; NNI cannot be reached.
        Transport;
        /// An option of the command line or of the tuner cannot be meant.
        BadOption;
        /// An NNI experiment's search space is not one.
        BadSearchSpace;
        /// A message of NNI's is not what the protocol says.
        BadMessage;
        /// The journal of the checkpoint directory cannot be understood.
        BadJournal;
        /// This is not inside a trial, or the trial has ended.
        NoTrial;
        /// What measures could not be started, failed, or cannot run a model.
        Backend;
        /// The system refuses something: to write a file, to start a process.
        System;
    }
}

/// An error: its kind, and what it says ([`Message`], whose methods it has).
#[derive(Clone, Debug, thiserror::Error)]
#[error("{}", .0.1)]
pub struct Error(Box<(ErrorKind, Message)>);

impl Error {
    /// An error about `subject` (`params of "predict"`), where `found` is the fact that is wrong.
    pub fn new(kind: ErrorKind, subject: impl Into<String>, found: impl Into<String>) -> Self {
        Self(Box::new((kind, Message::new(subject, found))))
    }

    /// A failed operation of the system on `subject`.
    pub fn io(subject: impl fmt::Display, error: &std::io::Error) -> Self {
        Self::new(ErrorKind::System, subject.to_string(), error.to_string())
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

    /// Puts `place` before the subject: `models[3], node #12`.
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

    /// The parts of the error as they travel: the `data` of an error object.
    pub fn data(&self) -> Value {
        json!({
            "subject": self.subject(),
            "found": self.found(),
            "expected": self.expectation(),
            "hint": self.advice(),
        })
    }
}

/// As it travels: code and phrase of its kind, and its parts as `data`.
impl From<Error> for jsonrpc_core::Error {
    fn from(error: Error) -> Self {
        let (code, phrase) = error.kind().code();
        Self { code: code.into(), message: phrase.to_owned(), data: Some(error.data()) }
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
        let own = Self(Box::new((of_core(error.kind()), Message::clone(&error))));
        match error.kind() {
            // The core's hints here are options of the command line.
            CoreKind::MissingShape => own.hint("give it in the model's `input_shapes`"),
            CoreKind::UnknownFormat => own.hint("name it in the model's `format`"),
            _ => own,
        }
    }
}

impl From<nnmeter_hardware::error::Error> for Error {
    fn from(error: nnmeter_hardware::error::Error) -> Self {
        Self(Box::new((of_hardware(error.kind()), Message::clone(&error))))
    }
}

impl From<nnmeter_filters::error::Error> for Error {
    fn from(error: nnmeter_filters::error::Error) -> Self {
        let kind = match error.kind() {
            FiltersKind::UnknownSpace => ErrorKind::UnknownSpace,
            FiltersKind::BadSpace => ErrorKind::BadSpace,
            FiltersKind::BadSample => ErrorKind::BadSample,
            FiltersKind::Uncovered => ErrorKind::Uncovered,
            FiltersKind::Indecomposable => ErrorKind::Indecomposable,
            FiltersKind::BadBudget => ErrorKind::BadOption,
            FiltersKind::BadConstraint => ErrorKind::BadConstraint,
            FiltersKind::Infeasible => ErrorKind::Infeasible,
            FiltersKind::TooLarge => ErrorKind::TooHard,
            FiltersKind::BadDistribution | FiltersKind::BadLoss => ErrorKind::BadDistribution,
            FiltersKind::Stopped => ErrorKind::Cancelled,
            FiltersKind::Core(kind) => of_core(kind),
            FiltersKind::Hardware(kind) => of_hardware(kind),
            _ => ErrorKind::Internal,
        };
        Self(Box::new((kind, Message::clone(&error))))
    }
}

fn of_hardware(kind: HardwareKind) -> ErrorKind {
    match kind {
        HardwareKind::UnknownDevice => ErrorKind::UnknownDevice,
        HardwareKind::UnknownMetric => ErrorKind::UnknownMetric,
        HardwareKind::CorruptPackage | HardwareKind::NewerPackage => ErrorKind::BadPackage,
        HardwareKind::Io => ErrorKind::File,
        HardwareKind::BadData => ErrorKind::InvalidParams,
        HardwareKind::Core(kind) => of_core(kind),
        HardwareKind::UnknownBackend => ErrorKind::BadOption,
        HardwareKind::Backend | HardwareKind::UnsupportedModel => ErrorKind::Backend,
        _ => ErrorKind::Internal,
    }
}

fn of_core(kind: CoreKind) -> ErrorKind {
    match kind {
        CoreKind::MissingShape => ErrorKind::MissingShape,
        CoreKind::Unsupported => ErrorKind::Unsupported,
        _ => ErrorKind::BadModel,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_told_apart() {
        let codes: std::collections::BTreeSet<i64> =
            ErrorKind::SENT.iter().map(|kind| kind.code().0).collect();
        assert_eq!(codes.len(), ErrorKind::SENT.len());
        assert_eq!(ErrorKind::BadJournal.code(), (-32603, "Internal error"));
    }

    #[test]
    fn keeps_the_parts_of_other_crates_errors() {
        let error = nnmeter_filters::builtin::space("sposs").expect_err("there is none");
        let error = Error::from(error);
        assert_eq!((error.kind(), error.kind().code().0), (ErrorKind::UnknownSpace, 20));
        assert_eq!(error.data()["subject"], "search space \"sposs\"");
        let core = nnmeter_core::error::Error::new(CoreKind::MissingShape, "input", "is open");
        assert_eq!(Error::from(core).advice(), Some("give it in the model's `input_shapes`"));
    }
}
