//! How errors reach people: one line `error: ...`, one line `hint: ...`, and the exit code.
//!
//! 2 is for a request that cannot be meant (a wrong option or device), 1 for a failed one.

use std::process::ExitCode;

use nnmeter_hardware::error::ErrorKind as HardwareKind;
use nnmeter_nni_bridge::error;
use nnmeter_nni_bridge::nni::error as nni;

/// Prints `error` to standard error and gives the exit code it calls for.
pub(crate) fn report(error: &anyhow::Error) -> ExitCode {
    let (mut hint, mut is_usage) = (None, false);
    for cause in error.chain() {
        if let Some(own) = cause.downcast_ref::<error::Error>() {
            (hint, is_usage) = (own.advice(), is_usage_of_service(own.kind()));
        } else if let Some(own) = cause.downcast_ref::<nni::Error>() {
            (hint, is_usage) = (own.advice(), is_usage_of_nni(own.kind()));
        }
    }
    eprintln!("error: {error:#}");
    if let Some(hint) = hint {
        eprintln!("hint: {hint}");
    }
    ExitCode::from(if is_usage { 2 } else { 1 })
}

fn is_usage_of_service(kind: error::ErrorKind) -> bool {
    matches!(kind, error::ErrorKind::BadOption | error::ErrorKind::UnknownDevice)
}

fn is_usage_of_nni(kind: nni::ErrorKind) -> bool {
    matches!(
        kind,
        nni::ErrorKind::BadOption
            | nni::ErrorKind::Device(HardwareKind::UnknownDevice | HardwareKind::UnknownMetric)
            | nni::ErrorKind::Filters(nnmeter_filters::error::ErrorKind::UnknownSpace)
    )
}
