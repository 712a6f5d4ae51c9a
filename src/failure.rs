//! How errors reach people: one line `error: ...`, one line `hint: ...`, and the exit code.
//!
//! 2 is for a request that cannot be meant (an unknown option or device), 1 for a failed one.

use std::process::ExitCode;

use nnmeter_filters::error::ErrorKind as FiltersKind;
use nnmeter_hardware::error::ErrorKind as HardwareKind;

/// Prints `error` to standard error and gives the exit code it calls for.
pub(crate) fn report(error: &anyhow::Error) -> ExitCode {
    if is_closed_pipe(error) {
        return ExitCode::SUCCESS;
    }
    eprintln!("error: {error:#}");
    if let Some(hint) = hint(error) {
        eprintln!("hint: {hint}");
    }
    ExitCode::from(if is_usage(error) { 2 } else { 1 })
}

/// What the user can do about an error, if it says.
pub(crate) fn hint(error: &anyhow::Error) -> Option<String> {
    error.chain().find_map(|cause| {
        let core = cause.downcast_ref::<nnmeter_core::error::Error>().and_then(|e| e.advice());
        let hardware =
            cause.downcast_ref::<nnmeter_hardware::error::Error>().and_then(|e| e.advice());
        let filters =
            cause.downcast_ref::<nnmeter_filters::error::Error>().and_then(|e| e.advice());
        core.or(hardware).or(filters).map(str::to_owned)
    })
}

fn is_usage(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        let hardware = cause.downcast_ref::<nnmeter_hardware::error::Error>();
        let filters = cause.downcast_ref::<nnmeter_filters::error::Error>();
        hardware.is_some_and(|e| is_wrong_name(e.kind()))
            || filters.is_some_and(|e| is_wrong_request(e.kind()))
            || cause.downcast_ref::<Usage>().is_some()
    })
}

fn is_wrong_request(kind: FiltersKind) -> bool {
    match kind {
        FiltersKind::UnknownSpace | FiltersKind::BadBudget => true,
        FiltersKind::Hardware(kind) => is_wrong_name(kind),
        _ => false,
    }
}

fn is_wrong_name(kind: HardwareKind) -> bool {
    matches!(
        kind,
        HardwareKind::UnknownDevice | HardwareKind::UnknownMetric | HardwareKind::UnknownBackend
    )
}

/// Whether whoever read our output has stopped reading (`nnmeter ... | head`).
fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        let io = cause.downcast_ref::<std::io::Error>();
        io.is_some_and(|e| e.kind() == std::io::ErrorKind::BrokenPipe)
    })
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
