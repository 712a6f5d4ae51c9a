//! The list of devices.

use std::io::Write;
use std::process::ExitCode;

use nnmeter_hardware::json;
use nnmeter_hardware::registry::{Entry, Registry, Standing};

use crate::report::plain_table;

/// Lists all packages; a broken one is named on standard error, and makes the exit code tell.
pub(super) fn run(registry: &Registry, json: bool) -> anyhow::Result<ExitCode> {
    let mut out = std::io::stdout().lock();
    let mut table = plain_table(&["name", "version", "device", "runtime", "threads", "", "from"]);
    let mut broken = false;
    for entry in registry.entries() {
        match entry.open() {
            Ok(device) if json => writeln!(out, "{}", json::card(&device, Some(&entry)))?,
            Ok(device) => {
                let about = device.device();
                table.add_row(vec![
                    about.name.clone(),
                    entry.version().to_string(),
                    about.title.clone(),
                    about.runtime.to_string(),
                    about.threads.to_string(),
                    note(&entry),
                    json::origin(entry.origin()),
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

/// What a reader must know of a package that its name alone does not ask for.
fn note(entry: &Entry<'_>) -> String {
    match entry.standing() {
        Standing::Default => String::new(),
        Standing::Versioned => format!("as {}", entry.spec()),
        Standing::Hidden => "hidden".to_owned(),
    }
}
