//! The list of devices.

use std::io::Write;
use std::process::ExitCode;

use nnmeter_hardware::registry::Entry;

use super::card;
use crate::report::plain_table;

/// Lists all devices; a broken package is listed too, and makes the exit code tell.
pub(super) fn run(entries: &[Entry], json: bool, out: &mut impl Write) -> anyhow::Result<ExitCode> {
    let mut table = plain_table(&["name", "device", "runtime", "threads", "from"]);
    let mut broken = false;
    for entry in entries {
        match &entry.device {
            Ok(device) if json => writeln!(out, "{}", card::json(device))?,
            Ok(device) => {
                let about = device.device();
                table.add_row(vec![
                    entry.name.clone(),
                    about.title.clone(),
                    about.runtime.to_string(),
                    about.threads.to_string(),
                    card::origin(&entry.origin),
                ]);
            }
            Err(error) => {
                broken = true;
                eprintln!("error: {error}");
            }
        }
    }
    if !json {
        writeln!(out, "{}", table.trim_fmt())?;
    }
    Ok(if broken { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}
