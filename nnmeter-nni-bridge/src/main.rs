//! The program `nnmeter-bridge`: parses arguments, calls a subcommand, prints errors.
//!
//! One file a subcommand.

mod failure;
mod serve;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

const EXAMPLES: &str = "\
Examples:
  nnmeter-bridge serve --listen ipc:///tmp/nnmeter.ipc
  nnmeter-bridge serve --stdio --devices cortexA76cpu_tflite21";

/// nnmeter for NNI experiments.
#[derive(Parser)]
#[command(name = "nnmeter-bridge", version, about, after_help = EXAMPLES)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Serve(serve::Args),
}

fn main() -> ExitCode {
    let result = match Cli::parse().command {
        Command::Serve(args) => serve::run(&args),
    };
    match result {
        Ok(code) => code,
        Err(error) => failure::report(&error),
    }
}
