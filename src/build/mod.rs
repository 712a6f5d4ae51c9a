//! `nnmeter build`: a device, or what it is made of, from measurements of a runtime that is at hand.

mod device;
mod plot;
mod rules;

use std::process::ExitCode;

use clap::Subcommand;

use crate::failure::Usage;
use crate::new_package::NewPackage;
use crate::runtime::RuntimeArgs;

/// Make a device out of a runtime that is at hand.
///
/// Networks that are drawn at random are measured until the budget is spent: half of each batch as they
/// come, half those whose cost is least known. In between, thirty published networks are measured to judge
/// by. What the runtime tells of its kernels is read off its profile. Every round goes to a log at once; the same
/// command goes on where a run was stopped. It ends with what the published networks took and what is
/// predicted for them.
#[derive(clap::Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "\
Examples:
  nnmeter build --backend onnxruntime --budget 20m -o here.nnmeter
  nnmeter build --backend tract --networks 480 -o here.nnmeter --plot here.svg
  nnmeter build --backend 'command:./bench.sh' --rules rules.json --budget 2h -o board.nnmeter
  nnmeter build rules --backend onnxruntime -o rules.json"
)]
pub(crate) struct Args {
    #[command(subcommand)]
    part: Option<Part>,

    #[command(flatten)]
    runtime: RuntimeArgs,

    #[command(flatten)]
    package: Option<NewPackage>,

    #[command(flatten)]
    options: device::Options,
}

#[derive(Subcommand)]
enum Part {
    Rules(rules::Args),
}

pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    match (&args.part, &args.package) {
        (Some(Part::Rules(args)), _) => rules::run(args),
        (None, Some(package)) => device::run(&args.runtime, package, &args.options),
        (None, None) => Err(Usage("build: expected --output NAME.nnmeter".to_owned()).into()),
    }
}
