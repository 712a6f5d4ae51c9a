//! `nnmeter devices`: the list of devices, the card of one, and what changes which there are.
//!
//! One file a subcommand.

mod add;
mod card;
mod list;

use std::io::Write;
use std::process::ExitCode;

use clap::Subcommand;
use nnmeter_hardware::registry::Registry;

/// List the devices, show the card of one, or change which there are.
///
/// A card tells what the device is, what its predictor was fitted on, which kernels it prices, and
/// how accurate it was on networks it had not seen.
#[derive(clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
#[command(after_help = "\
Examples:
  nnmeter devices
  nnmeter devices cortexA76cpu_tflite21
  nnmeter devices --json | jq -r .name
  nnmeter devices add mine.nnmeter")]
pub(crate) struct Args {
    #[command(subcommand)]
    verb: Option<Verb>,

    /// The device whose card to show.
    name: Option<String>,

    /// Print one JSON object a device.
    #[arg(long)]
    json: bool,
}

#[derive(Subcommand)]
enum Verb {
    Add(add::Args),
}

pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    match &args.verb {
        Some(Verb::Add(args)) => add::run(args),
        None => show(args),
    }
}

fn show(args: &Args) -> anyhow::Result<ExitCode> {
    let registry = Registry::standard()?;
    let mut out = std::io::stdout().lock();
    let Some(name) = &args.name else {
        return list::run(&registry.entries(), args.json, &mut out);
    };
    let device = registry.open(name)?;
    let text = if args.json { format!("{}\n", card::json(&device)) } else { card::text(&device) };
    out.write_all(text.as_bytes())?;
    Ok(ExitCode::SUCCESS)
}
