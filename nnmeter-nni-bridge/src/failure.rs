//! How errors reach people: one line `error: ...`, one line `hint: ...`, and the exit code.
//!
//! As the command line `nnmeter` has it: 2 is for a request that cannot be meant (an unknown option or
//! device), 1 for a failed one.

use std::process::ExitCode;

use nnmeter_nni_bridge::error::{Error, ErrorKind};

/// Prints `error` to standard error and gives the exit code it calls for.
pub(crate) fn report(error: &anyhow::Error) -> ExitCode {
    eprintln!("error: {error:#}");
    let own = error.chain().find_map(|cause| cause.downcast_ref::<Error>());
    if let Some(hint) = own.and_then(|error| error.advice()) {
        eprintln!("hint: {hint}");
    }
    let is_usage = error.chain().any(|cause| cause.downcast_ref::<Usage>().is_some())
        || own.is_some_and(|error| error.kind() == ErrorKind::UnknownDevice);
    ExitCode::from(if is_usage { 2 } else { 1 })
}

/// A request that cannot be meant.
#[derive(Debug)]
pub(crate) struct Usage(pub(crate) String);

impl std::fmt::Display for Usage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Usage {}
