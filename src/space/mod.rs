//! `nnmeter space`: search spaces. One file a subcommand.

mod best;
mod columns;
mod compile;
mod count;
mod generate;
mod pareto;
mod parquet;
mod plot;
mod rows;
mod sample;
mod score;
mod show;
mod survey;

use std::io::Read;
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context;
use clap::Subcommand;
use nnmeter_filters::builtin;
use nnmeter_filters::error::ErrorKind;
use nnmeter_filters::space::SearchSpace;

/// Search spaces: what they hold, what their architectures cost on a device, and which of them are
/// within a budget.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Show(show::Args),
    Compile(compile::Args),
    Count(count::Args),
    Sample(sample::Args),
    Best(best::Args),
    Pareto(pareto::Args),
    Generate(generate::Args),
}

pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    match &args.command {
        Command::Show(args) => show::run(args),
        Command::Compile(args) => compile::run(args),
        Command::Count(args) => count::run(args),
        Command::Sample(args) => sample::run(args),
        Command::Best(args) => best::run(args),
        Command::Pareto(args) => pareto::run(args),
        Command::Generate(args) => generate::run(args),
    }
}

/// The built-in space called `name`, or that of the JSON file there; of standard input for `-`.
fn open(name: &str) -> anyhow::Result<SearchSpace> {
    if name == "-" {
        let mut bytes = Vec::new();
        std::io::stdin().read_to_end(&mut bytes).context("standard input cannot be read")?;
        return SearchSpace::from_json(&bytes).context("standard input");
    }
    match builtin::space(name) {
        Err(error) if error.kind() == ErrorKind::UnknownSpace && Path::new(name).exists() => {
            let bytes = std::fs::read(name).with_context(|| name.to_owned())?;
            SearchSpace::from_json(&bytes).with_context(|| name.to_owned())
        }
        space => Ok(space?),
    }
}
