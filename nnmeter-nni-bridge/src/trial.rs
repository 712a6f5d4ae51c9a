//! `nnmeter-bridge trial`: what a trial of an NNI experiment asks and reports.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use clap::Subcommand;
use nnmeter_hardware::registry::Registry;
use nnmeter_nni_bridge::error::{Error, ErrorKind};
use nnmeter_nni_bridge::nni::architecture;
use nnmeter_nni_bridge::nni::fleet::measure_job;
use nnmeter_nni_bridge::nni::python_json;
use nnmeter_nni_bridge::nni::trial::Trial;
use serde_json::{Value as Json, json};

use crate::backend::BackendArgs;

/// Be a trial of an NNI experiment (3.0 and 2.10): ask for parameters, report results.
///
/// For trialCommands without Python. It may be called as often as is needed; what the trial has to
/// remember between calls is kept beside NNI's own files of the trial.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  nnmeter-bridge trial params > parameters.json
  nnmeter-bridge trial report --intermediate 0.71
  nnmeter-bridge trial report --final '{\"default\": 0.93, \"latency_ms\": 12.5}'
  nnmeter-bridge trial predict --device cortexA76cpu_tflite21
  nnmeter-bridge trial measure --backend onnxruntime      # started by `nnmeter-bridge measure`")]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Print the trial's parameters, one JSON object.
    Params,
    Report(Report),
    Predict(Predict),
    Measure(Measure),
}

/// Report a result: a number, or a JSON object with a number called "default".
#[derive(clap::Args)]
#[group(required = true, multiple = false)]
struct Report {
    /// An intermediate result.
    #[arg(long, value_name = "JSON", allow_hyphen_values = true)]
    intermediate: Option<String>,

    /// The final result; there is one a trial.
    #[arg(long = "final", value_name = "JSON", allow_hyphen_values = true)]
    last: Option<String>,
}

/// Predict what the proposed architecture takes on a device, and report it as the final result.
///
/// The result's "default" is the latency in ms, which "latency_ms" repeats by name. This is a whole
/// trial.
#[derive(clap::Args)]
struct Predict {
    /// The device; `nnmeter devices` lists them.
    #[arg(long, short, value_name = "NAME")]
    device: String,

    /// The parameter that is the architecture; by default the only one that is one.
    #[arg(long, value_name = "NAME")]
    param: Option<String>,

    /// Where JSON files of search spaces are.
    #[arg(long, value_name = "DIR", default_value = ".")]
    folder: PathBuf,
}

/// Measure the model that `nnmeter-bridge measure` gives this trial, and report every sample as the
/// final result.
///
/// The present folder is the code directory of its experiment. This is a whole trial.
#[derive(clap::Args)]
struct Measure {
    #[command(flatten)]
    backend: BackendArgs,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let trial = Trial::of_environment()?;
    match &args.command {
        Command::Params => print(&trial.parameters()?)?,
        Command::Report(report) => match (&report.intermediate, &report.last) {
            (Some(text), _) => trial.report_intermediate(&value(text)?)?,
            (None, Some(text)) => trial.report_final(&value(text)?)?,
            (None, None) => {}
        },
        Command::Predict(predict) => {
            let result = latency(predict, &trial.parameters()?)?;
            print(&result)?;
            trial.report_final(&result)?;
        }
        Command::Measure(measure) => {
            let parameters = trial.parameters()?;
            let done = measure_job(&parameters, Path::new("."), || measure.backend.open());
            let (result, error) = done.map_err(Error::from)?;
            trial.report_final(&result)?;
            error.map_or(Ok(()), |error| Err(Error::from(error)))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn latency(args: &Predict, parameters: &Json) -> anyhow::Result<Json> {
    let graph = architecture::of(parameters, args.param.as_deref(), &args.folder)?;
    let device =
        Registry::standard().and_then(|all| all.open(&args.device)).map_err(Error::from)?;
    let prediction = device.latency().map_err(Error::from)?.predict(&graph);
    if let Some(uncovered) = prediction.uncovered.first() {
        let node = graph.graph().label(uncovered.node);
        anyhow::bail!("{node}: has no price on {}", args.device);
    }
    let total = prediction.total.0;
    Ok(json!({"default": total, "latency_ms": total}))
}

fn value(text: &str) -> anyhow::Result<Json> {
    let bad = |error: serde_json::Error| {
        Error::new(ErrorKind::BadOption, "result", error.to_string()).expected("JSON")
    };
    Ok(python_json::parse(text).map_err(bad)?)
}

fn print(json: &Json) -> anyhow::Result<()> {
    writeln!(std::io::stdout().lock(), "{json}").context("standard output")
}
