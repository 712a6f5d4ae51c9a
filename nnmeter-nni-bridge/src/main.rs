//! The program `nnmeter-bridge`: parses arguments, calls a subcommand, prints errors.
//!
//! One file a subcommand; whatever it does, the library does.

mod backend;
mod failure;
mod measure;
mod serve;
mod trial;
mod tuner;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

const EXAMPLES: &str = "\
Examples:
  nnmeter-bridge serve --listen ipc:///tmp/nnmeter.ipc
  nnmeter-bridge serve --stdio --devices cortexA76cpu_tflite21
  nnmeter-bridge trial params
  nnmeter-bridge trial report --final '{\"default\": 0.93, \"latency_ms\": 12.5}'
  nnmeter-bridge measure models/*.onnx --backend onnxruntime --config fleet.yml
  nnmeter-bridge tuner --help";

/// Connects nnmeter with NNI: what running experiments talk to.
#[derive(Parser)]
#[command(name = "nnmeter-bridge", version, about, after_help = EXAMPLES)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Measure(measure::Args),
    Serve(serve::Args),
    Tuner(tuner::Args),
    Trial(trial::Args),
}

fn main() -> ExitCode {
    let result = match Cli::parse().command {
        Command::Measure(args) => measure::run(&args),
        Command::Serve(args) => serve::run(&args),
        Command::Tuner(args) => tuner::run(&args),
        Command::Trial(args) => trial::run(&args),
    };
    match result {
        Ok(code) => code,
        Err(error) => failure::report(&error),
    }
}
