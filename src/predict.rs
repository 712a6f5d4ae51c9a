//! `nnmeter predict`: the latency of model files on a device.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use nnmeter_hardware::nn_meter;
use nnmeter_hardware::registry::{OpenDevice, Registry};

use crate::models::{self, ReadArgs};
use crate::{compat, failure, report};

/// Predict the latency of model files on a device.
///
/// Prints the total with its interval, every kernel with its share, and what the total does not
/// cover. Ends with 1 if a file fails or (without --allow-uncovered) is not fully covered.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  nnmeter predict mobilenet_v2.onnx --device cortexA76cpu_tflite21
  nnmeter predict models/ --device cortexA76cpu_tflite21 --json | jq .total_ms
  nnmeter predict - --device cortexA76cpu_tflite21 < model.onnx
  nnmeter predict detector.onnx --device cortexA76cpu_tflite21 --input-shape image:1x3x320x320")]
pub(crate) struct Args {
    /// Model files (ONNX, TensorFlow frozen .pb, nn-Meter IR, NNI IR), folders of them, or -.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,

    /// The device, as NAME or NAME@VERSION, or a package file; `nnmeter devices` lists them.
    #[arg(long, short, value_name = "NAME")]
    device: String,

    /// Succeed even if operators are not covered by the total.
    #[arg(long)]
    allow_uncovered: bool,

    /// Print one JSON object a line.
    #[arg(long)]
    json: bool,

    /// Repeat another tool's total, quirks included. nn-meter is for devices that
    /// `nnmeter devices import-nn-meter` made; what has no price costs nothing there.
    #[arg(long, value_name = "TOOL", conflicts_with = "allow_uncovered")]
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
    let device = Registry::standard()?.open(&args.device)?;
    let mut failed = false;
    let mut out = std::io::stdout().lock();
    for file in models::expand(&args.files)? {
        match predict(args, &device, &file) {
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
fn predict(args: &Args, device: &OpenDevice, file: &Path) -> anyhow::Result<(String, bool)> {
    let name = file.display().to_string();
    if args.compat == Some(Compat::NnMeter) {
        let prediction = nn_meter::predict(args.read.load_as_nn_meter(file)?, device)?;
        return Ok((compat::report(&name, device, &prediction, args.json), true));
    }
    let graph = args.read.load(file)?;
    let prediction = device.latency()?.predict(&graph);
    let device = &device.device().name;
    let text = if args.json {
        format!("{}\n", report::json(&name, device, &graph, &prediction))
    } else {
        report::text(&name, device, &graph, &prediction, args.allow_uncovered)
    };
    Ok((text, prediction.uncovered.is_empty()))
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
