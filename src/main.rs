//! The command line `nnmeter`: parses arguments, calls a verb, prints errors.
//!
//! One file a verb; whatever a verb computes, a library crate computes.

mod accuracy;
mod backends;
mod budget;
mod build;
mod calibrate;
mod compat;
mod completions;
mod compress;
mod convert;
mod device;
mod devices;
mod evaluate;
mod explain;
mod failure;
mod measure;
mod models;
mod new_package;
mod predict;
mod prune;
mod report;
mod runtime;
mod space;
mod student;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

const EXAMPLES: &str = "\
Examples:
  nnmeter predict model.onnx --device cortexA76cpu_tflite21
  nnmeter predict models/ --device cortexA76cpu_tflite21 --json
  nnmeter predict model.onnx --device cortexA76cpu_tflite21 --budget 30ms
  nnmeter devices cortexA76cpu_tflite21
  nnmeter explain model.onnx --device cortexA76cpu_tflite21 --node conv1
  nnmeter space best spos --device cortexA76cpu_tflite21 --budget 45ms --score macs";

/// Predicts the latency of neural networks on edge devices, kernel by kernel.
#[derive(Parser)]
#[command(name = "nnmeter", version, about, after_help = EXAMPLES)]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    Predict(predict::Args),
    Devices(devices::Args),
    Explain(explain::Args),
    Convert(convert::Args),
    Evaluate(evaluate::Args),
    Backends(backends::Args),
    Measure(measure::Args),
    Build(build::Args),
    Calibrate(calibrate::Args),
    Space(space::Args),
    Prune(prune::Args),
    Student(student::Args),
    Completions(completions::Args),
}

fn main() -> ExitCode {
    let result = match Cli::parse().verb {
        Verb::Predict(args) => predict::run(&args),
        Verb::Devices(args) => devices::run(&args),
        Verb::Explain(args) => explain::run(&args),
        Verb::Convert(args) => convert::run(&args),
        Verb::Evaluate(args) => evaluate::run(&args),
        Verb::Backends(args) => backends::run(&args),
        Verb::Measure(args) => measure::run(&args),
        Verb::Build(args) => build::run(&args),
        Verb::Calibrate(args) => calibrate::run(&args),
        Verb::Space(args) => space::run(&args),
        Verb::Prune(args) => prune::run(&args),
        Verb::Student(args) => student::run(&args),
        Verb::Completions(args) => completions::run(&args),
    };
    match result {
        Ok(code) => code,
        Err(error) => failure::report(&error),
    }
}
