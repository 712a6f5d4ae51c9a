//! How errors reach people: one line `error: ...`, one line `hint: ...`, and the exit code.
//!
//! 2 is for a request that cannot be meant (a wrong option or device), 1 for a failed one.

use std::process::ExitCode;

use nnmeter_nni_bridge::error::{Error, ErrorKind};

/// Prints `error` to standard error and gives the exit code it calls for.
pub(crate) fn report(error: &anyhow::Error) -> ExitCode {
    let own = error.chain().find_map(|cause| cause.downcast_ref::<Error>());
    eprintln!("error: {error:#}");
    if let Some(hint) = own.and_then(|own| own.advice()) {
        eprintln!("hint: {hint}");
    }
    ExitCode::from(if own.is_some_and(|own| is_usage(own.kind())) { 2 } else { 1 })
}

fn is_usage(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::BadOption
            | ErrorKind::UnknownDevice
            | ErrorKind::UnknownMetric
            | ErrorKind::UnknownSpace
    )
}
