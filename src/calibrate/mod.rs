//! `nnmeter calibrate`: a device from another device's predictor and a few timings.

mod report;
mod timed;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use nnmeter_core::predict::Predictor;
use nnmeter_core::units::Unit;
use nnmeter_hardware::error::Result;
use nnmeter_hardware::fit::calibrate::{
    About, Calibrated, Families, Rival, calibrate, calibrate_among,
};
use nnmeter_hardware::package::Metric;
use nnmeter_hardware::registry::OpenDevice;
use nnmeter_hardware::timings::Timings;

use crate::device;
use crate::new_package::NewPackage;
use timed::{Base, Timed};

/// What `--base` says to have the base chosen.
const AUTO: &str = "auto";

/// Make a device from a few timings of your own and the predictor of another device.
///
/// The timings are a CSV file with a header: the columns `model` (a file in any format that `predict`
/// reads, relative to the CSV file) and `ms` (`mj` for energy), and if you like `family` and
/// `input_shape` (NAME:DIMS). Thirty networks of several families are a good number. The new device
/// keeps the fusion rules of the base. With the base `auto`, every device that `nnmeter devices` lists
/// is tried, and the one by which networks left out are predicted best is taken.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  nnmeter calibrate --base cortexA76cpu_tflite21 --measured timings.csv -o myphone.nnmeter
  nnmeter calibrate --base auto --measured timings.csv -o myphone.nnmeter
  nnmeter predict model.onnx --device ./myphone.nnmeter --budget 30ms")]
pub(crate) struct Args {
    /// The device to start from: its name, or the path of its package; `auto` for the best of all.
    #[arg(long, value_name = "NAME|FILE|auto")]
    base: String,

    /// The timings.
    #[arg(long, value_name = "CSV")]
    measured: PathBuf,

    #[command(flatten)]
    package: NewPackage,

    /// What was measured: latency_ms or energy_mj.
    #[arg(long, value_name = "METRIC", default_value = "latency_ms",
          value_parser = device::parse_metric)]
    metric: Metric,

    /// Pass over models that cannot be read or that the base does not price.
    #[arg(long)]
    keep_going: bool,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let name = args.package.name()?;
    match args.metric {
        Metric::Latency => make(args, &name, OpenDevice::latency),
        Metric::Energy => make(args, &name, OpenDevice::energy),
    }
}

/// Makes the device, with the models that `models` finds in a base.
fn make<U: Unit>(
    args: &Args,
    name: &str,
    models: fn(&OpenDevice) -> Result<&Predictor<U>>,
) -> anyhow::Result<ExitCode> {
    let devices = match args.base.as_str() {
        AUTO => device::all()?,
        base => vec![device::open(base)?],
    };
    let (bases, passed_over) = match args.base.as_str() {
        AUTO => Base::of_all(&devices, models)?,
        _ => (vec![Base::new(&devices[0], models)?], Vec::new()),
    };
    let shown = || args.measured.display().to_string();
    let bytes = std::fs::read(&args.measured).with_context(shown)?;
    let timings = Timings::from_csv(&bytes, args.metric).with_context(shown)?;
    let timed = Timed::read(args, &timings, &bases, passed_over)?;
    let families = match timings.rows.iter().all(|timing| timing.family.is_some()) {
        true => Families::Stated,
        false => Families::Guessed,
    };
    let (at, calibrated) = best(args, &timed, families).with_context(shown)?;
    let date = args.package.date();
    let about = About {
        name,
        title: args.package.title.as_deref(),
        metric: args.metric,
        file: &args.measured.file_name().unwrap_or_default().to_string_lossy(),
        timings: &timings,
        samples: &timed.rivals[at].samples,
        date: &date,
    };
    let base = timed.rivals[at].base.device;
    report::print(base, &calibrated, &about, &timed.passed_over);
    calibrated.package(base, &about)?.write(&args.package.output)?;
    eprintln!("wrote {}", args.package.output.display());
    Ok(ExitCode::SUCCESS)
}

/// Calibrates the base, or the best of several, whose place among the rivals it tells.
fn best<U: Unit>(
    args: &Args,
    timed: &Timed<'_, U>,
    families: Families,
) -> Result<(usize, Calibrated)> {
    if args.base != AUTO {
        let only = &timed.rivals[0];
        return Ok((0, calibrate(&only.base.models, &only.samples, families)?));
    }
    let rivals = timed.rivals.iter().map(|of| Rival {
        name: of.base.name(),
        models: &of.base.models,
        samples: &of.samples,
    });
    calibrate_among(&rivals.collect::<Vec<_>>(), families)
}
