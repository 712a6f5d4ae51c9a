//! `nnmeter devices`: the list of devices, the card of one, and what changes which there are.
//!
//! One file a subcommand.

mod add;
mod card;
mod import_nn_meter;
mod list;
mod remove;
mod verify;

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Subcommand;
use nnmeter_hardware::json;
use nnmeter_hardware::registry::{Registry, as_file, user_folder};

use crate::failure::Usage;

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
  nnmeter devices add my_phone.nnmeter
  nnmeter devices import-nn-meter cortexA76cpu_tflite21.zip
  nnmeter devices verify
  nnmeter devices remove my_phone@1.0")]
pub(crate) struct Args {
    #[command(subcommand)]
    verb: Option<Verb>,

    /// The device whose card to show, with a version (my_phone@1.0) or without, or a package file.
    name: Option<String>,

    /// Print one JSON object a device.
    #[arg(long)]
    json: bool,
}

#[derive(Subcommand)]
enum Verb {
    Add(add::Args),
    ImportNnMeter(import_nn_meter::Args),
    Remove(remove::Args),
    Verify(verify::Args),
}

pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    match &args.verb {
        Some(Verb::Add(args)) => add::run(args),
        Some(Verb::ImportNnMeter(args)) => import_nn_meter::run(args),
        Some(Verb::Remove(args)) => remove::run(args),
        Some(Verb::Verify(args)) => verify::run(args),
        None => show(args),
    }
}

fn show(args: &Args) -> anyhow::Result<ExitCode> {
    let registry = Registry::standard()?;
    let Some(name) = &args.name else { return list::run(&registry, args.json) };
    let entry = match as_file(name) {
        Some(_) => None,
        None => Some(registry.find(name)?),
    };
    let device = registry.open(name)?;
    let text = match args.json {
        true => format!("{}\n", json::card(&device, entry.as_ref())),
        false => card::text(&device),
    };
    std::io::stdout().lock().write_all(text.as_bytes())?;
    Ok(ExitCode::SUCCESS)
}

/// The folder that was asked for, or else the user's.
fn folder(asked: Option<&PathBuf>, option: &str) -> anyhow::Result<PathBuf> {
    let folder = asked.cloned().or_else(user_folder);
    let nowhere = || {
        Usage(format!("the environment does not tell the user's folder; {option} names another"))
    };
    Ok(folder.ok_or_else(nowhere)?)
}
