//! `nnmeter predict`: the latency, or energy, of model files on a device.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use nnmeter_core::predict::Predictor;
use nnmeter_core::units::Unit;
use nnmeter_filters::budget::Bounds;
use nnmeter_hardware::nn_meter;
use nnmeter_hardware::package::Metric;
use nnmeter_hardware::registry::OpenDevice;

use crate::budget::parse_bounds;
use crate::models::{self, ReadArgs};
use crate::report::Page;
use crate::{compat, device, failure};

/// Predict the latency of model files on a device.
///
/// Prints the total with its interval, every kernel with its share, and what the total does not
/// cover; with --budget also the probability that the device stays within it. Ends with 1 if a file fails or (without --allow-uncovered) is not fully covered.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  nnmeter predict mobilenet_v2.onnx --device cortexA76cpu_tflite21
  nnmeter predict models/ --device cortexA76cpu_tflite21 --json | jq .total_ms
  nnmeter predict mobilenet_v2.onnx --device cortexA76cpu_tflite21 --budget 30ms
  nnmeter predict mobilenet_v2.onnx --device ./mydevice.nnmeter
  nnmeter predict - --device cortexA76cpu_tflite21 < model.onnx
  nnmeter predict detector.onnx --device cortexA76cpu_tflite21 --input-shape image:1x3x320x320")]
pub(crate) struct Args {
    /// Model files (ONNX, TensorFlow frozen .pb, nn-Meter IR, NNI IR), folders of them, or -.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,

    /// The device, as NAME or NAME@VERSION, or a package file; `nnmeter devices` lists them.
    #[arg(long, short, value_name = "NAME|FILE")]
    device: String,

    /// What to predict: latency_ms or energy_mj.
    #[arg(long, value_name = "METRIC", default_value = "latency_ms",
          value_parser = device::parse_metric)]
    metric: Metric,

    /// A budget with its unit (30ms, 0.03s, 12mJ): also tell the probability to stay within it.
    #[arg(long, value_name = "BUDGET", value_parser = parse_bounds)]
    budget: Option<Bounds>,

    /// Succeed even if operators are not covered by the total.
    #[arg(long)]
    allow_uncovered: bool,

    /// Print one JSON object a line.
    #[arg(long)]
    json: bool,

    /// Repeat another tool's total, quirks included. nn-meter is for devices that
    /// `nnmeter devices import-nn-meter` made; what has no price costs nothing there.
    #[arg(long, value_name = "TOOL", conflicts_with_all = ["allow_uncovered", "budget", "metric"])]
    compat: Option<Compat>,

    #[command(flatten)]
    read: ReadArgs,
}

/// The tools whose totals can be repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Compat {
    NnMeter,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let device = device::open(&args.device)?;
    let budget =
        args.budget.as_ref().map(|budget| budget.only_upper(args.metric.into())).transpose()?;
    let page = Page {
        device: &device.device().name,
        version: device.version(),
        budget,
        allow_uncovered: args.allow_uncovered,
        json: args.json,
    };
    match (args.compat, args.metric) {
        (Some(Compat::NnMeter), _) => each_file(args, |file| as_nn_meter(args, &device, file)),
        (None, Metric::Latency) => {
            let predictor = device.latency()?;
            each_file(args, |file| predict(args, predictor, &page, file))
        }
        (None, Metric::Energy) => {
            let predictor = device.energy()?;
            each_file(args, |file| predict(args, predictor, &page, file))
        }
    }
}

/// Prints what `shown` makes of each file, and whether everything in it has a price.
fn each_file(
    args: &Args,
    shown: impl Fn(&Path) -> anyhow::Result<(String, bool)>,
) -> anyhow::Result<ExitCode> {
    let mut failed = false;
    let mut out = std::io::stdout().lock();
    for file in models::expand(&args.files)? {
        match shown(&file) {
            Ok((text, complete)) => {
                out.write_all(text.as_bytes())?;
                failed |= !complete && !args.allow_uncovered;
            }
            Err(error) => {
                failed = true;
                report_failure(args, &file, &error, &mut out)?;
            }
        }
    }
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// What to print for a file, and whether everything in it has a price.
fn predict<U: Unit>(
    args: &Args,
    predictor: &Predictor<U>,
    page: &Page<'_>,
    file: &Path,
) -> anyhow::Result<(String, bool)> {
    let graph = args.read.load(file)?;
    let prediction = predictor.predict(&graph);
    let text = page.show(&file.display().to_string(), &graph, &prediction);
    Ok((text, prediction.uncovered.is_empty()))
}

/// The same in nn-Meter's way, where everything has a price, if need be none.
fn as_nn_meter(args: &Args, device: &OpenDevice, file: &Path) -> anyhow::Result<(String, bool)> {
    let prediction = nn_meter::predict(args.read.load_as_nn_meter(file)?, device)?;
    let name = file.display().to_string();
    Ok((compat::report(&name, device, &prediction, args.json), true))
}

fn report_failure(
    args: &Args,
    file: &Path,
    error: &anyhow::Error,
    out: &mut impl Write,
) -> anyhow::Result<()> {
    let hint = failure::hint(error);
    if args.json {
        let error = serde_json::json!({"message": format!("{error:#}"), "hint": hint});
        let line = serde_json::json!({"file": file.display().to_string(), "error": error});
        writeln!(out, "{line}")?;
        return Ok(());
    }
    eprintln!("error: {}: {error:#}", file.display());
    if let Some(hint) = hint {
        eprintln!("hint: {hint}");
    }
    Ok(())
}
