//! `nnmeter build`: what a device is made of, from measurements of a runtime that is at hand.

mod rules;

use std::process::ExitCode;

use clap::Subcommand;

/// Find out about a runtime that is at hand what a device for it takes.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    part: Part,
}

#[derive(Subcommand)]
enum Part {
    Rules(rules::Args),
}

pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    match &args.part {
        Part::Rules(args) => rules::run(args),
    }
}
