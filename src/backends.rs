//! `nnmeter backends`: the runtimes that can be measured, and whether they are at hand.

use std::io::Write;
use std::process::ExitCode;

use nnmeter_hardware::backend::{Backends, Options};
use serde_json::json;

use crate::report::plain_table;

/// List the runtimes that `measure` can measure, with what each would measure here.
///
/// A runtime that this build leaves out, or that is not installed, is listed with what it takes.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  nnmeter backends
  nnmeter backends --json | jq -r 'select(.identity).backend'")]
pub(crate) struct Args {
    /// Print one JSON object a line.
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let backends = Backends::built_in();
    let mut out = std::io::stdout().lock();
    let mut table = plain_table(&["backend", "what it is", "here"]);
    for (name, about) in backends.list() {
        let opened = backends.open(name, &Options::default());
        if args.json {
            let line = match &opened {
                Ok(backend) => json!({"backend": name, "about": about,
                    "identity": nnmeter_hardware::json::identity(backend.identity())}),
                Err(error) => json!({"backend": name, "about": about,
                    "error": {"message": error.to_string(), "hint": error.advice()}}),
            };
            writeln!(out, "{line}")?;
            continue;
        }
        let here = match &opened {
            Ok(backend) => {
                let identity = backend.identity();
                format!("{} on {}", identity.runtime, identity.chip)
            }
            Err(error) => match error.advice() {
                Some(hint) => format!("no: {error}; {hint}"),
                None => format!("no: {error}"),
            },
        };
        table.add_row(vec![name, about, &here]);
    }
    if !args.json {
        writeln!(out, "{}", table.trim_fmt())?;
    }
    Ok(ExitCode::SUCCESS)
}
