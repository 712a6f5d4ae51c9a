//! The project's own commands: `cargo xtask COMMAND`.
//!
//! One file a command. What a command needs beside arguments, progress bars and files is in the
//! libraries.

mod accuracy;
mod bench;
mod calibration;
mod choices;
mod fits;
mod fitting;
mod flops;
mod generated_page;
mod generated_spaces;
mod kept;
mod markdown;
mod nas;
mod nested;
mod nni;
mod package_predictors;
mod peers;
mod plots;
mod report;
mod runtimes;
mod shell;
mod target;
mod test;
mod tidy;
mod tools;

use anyhow::Result;
use clap::{Parser, Subcommand};

/// The project's own commands.
#[derive(Parser)]
#[command(name = "xtask")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Test(test::Test),
    Tidy(tidy::Tidy),
    Runtimes(runtimes::Runtimes),
    Bench(bench::Bench),
    /// Print how well a device's predictor does on models it was not fitted on.
    Accuracy(accuracy::Accuracy),
    /// Fit a device's predictor, check it, and write its package and its accuracy table.
    PackagePredictors(package_predictors::PackagePredictors),
    Calibration(calibration::Calibration),
    FlopsAgainstLatency(flops::FlopsAgainstLatency),
    Nni(nni::Nni),
    Nas(nas::Nas),
    GeneratedSpaces(generated_spaces::GeneratedSpaces),
}

fn main() -> Result<()> {
    match Cli::parse().command {
        Command::Test(command) => command.run(),
        Command::Tidy(command) => command.run(),
        Command::Runtimes(command) => command.run(),
        Command::Bench(command) => command.run(),
        Command::Accuracy(command) => command.run(),
        Command::PackagePredictors(command) => command.run(),
        Command::Calibration(command) => command.run(),
        Command::FlopsAgainstLatency(command) => command.run(),
        Command::Nni(command) => command.run(),
        Command::Nas(command) => command.run(),
        Command::GeneratedSpaces(command) => command.run(),
    }
}
