//! `nnmeter space`: search spaces. One file a subcommand.

mod compile;
mod generate;
mod show;
mod survey;

use std::path::Path;
use std::process::ExitCode;

use anyhow::Context;
use clap::Subcommand;
use nnmeter_filters::builtin;
use nnmeter_filters::error::ErrorKind;
use nnmeter_filters::space::SearchSpace;

/// Search spaces: what they hold, and what their architectures cost on a device.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Show(show::Args),
    Compile(compile::Args),
    Generate(generate::Args),
}

pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    match &args.command {
        Command::Show(args) => show::run(args),
        Command::Compile(args) => compile::run(args),
        Command::Generate(args) => generate::run(args),
    }
}

/// The built-in space called `name`, or that of the JSON file there.
fn open(name: &str) -> anyhow::Result<SearchSpace> {
    match builtin::space(name) {
        Err(error) if error.kind() == ErrorKind::UnknownSpace && Path::new(name).exists() => {
            let bytes = std::fs::read(name).with_context(|| name.to_owned())?;
            SearchSpace::from_json(&bytes).with_context(|| name.to_owned())
        }
        space => Ok(space?),
    }
}
