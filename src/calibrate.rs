//! `nnmeter calibrate`: a device from another device's predictor and a few timings.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail};
use nnmeter_core::kind::Kind;
use nnmeter_core::predict::Predictor;
use nnmeter_core::units::Unit;
use nnmeter_core::workload::Workload;
use nnmeter_hardware::date::today;
use nnmeter_hardware::device::{Device, Provenance};
use nnmeter_hardware::error::{Error, ErrorKind};
use nnmeter_hardware::fit::calibrate::{About, Calibrated, Families, calibrate};
use nnmeter_hardware::fit::samples::{Samples, lineage_of};
use nnmeter_hardware::package::{EXTENSION, Metric, MetricModels};
use nnmeter_hardware::registry::OpenDevice;
use nnmeter_hardware::timings::{Timing, Timings};

use crate::failure::{Usage, hint};
use crate::{device, models};

/// Make a device from a few timings of your own and the predictor of another device.
///
/// The timings are a CSV file with a header: the columns `model` (a file in any format that `predict`
/// reads, relative to the CSV file) and `ms` (`mj` for energy), and if you like `family` and
/// `input_shape` (NAME:DIMS). Thirty networks of several families are a good number. The new device
/// keeps the fusion rules of the base.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  nnmeter calibrate --base cortexA76cpu_tflite21 --measured timings.csv -o myphone.nnmeter
  nnmeter predict model.onnx --device ./myphone.nnmeter --budget 30ms")]
pub(crate) struct Args {
    /// The device to start from: its name, or the path of its package.
    #[arg(long, value_name = "NAME|FILE")]
    base: String,

    /// The timings.
    #[arg(long, value_name = "CSV")]
    measured: PathBuf,

    /// The package to write, NAME.nnmeter.
    #[arg(long, short, value_name = "FILE")]
    output: PathBuf,

    /// Name of the device; that of the package's file if left out.
    #[arg(long)]
    name: Option<String>,

    /// What people call the device.
    #[arg(long)]
    title: Option<String>,

    /// What was measured: latency_ms or energy_mj.
    #[arg(long, value_name = "METRIC", default_value = "latency_ms",
          value_parser = device::parse_metric)]
    metric: Metric,

    /// Day of the calibration; today if left out.
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = parse_date)]
    date: Option<String>,

    /// Pass over models that cannot be read or that the base does not price.
    #[arg(long)]
    keep_going: bool,

    /// Replace a package that is there.
    #[arg(long)]
    force: bool,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let name = name(args)?;
    if args.output.exists() && !args.force {
        bail!("{}: exists; expected a new file, or --force to replace it", args.output.display());
    }
    let base = device::open(&args.base)?;
    match args.metric {
        Metric::Latency => make(args, name, &base, base.latency()?),
        Metric::Energy => make(args, name, &base, base.energy()?),
    }
}

fn parse_date(text: &str) -> Result<String, String> {
    let date = Provenance::is_date(text).then(|| text.to_owned());
    date.ok_or_else(|| "expected a day as in 2026-01-31".to_owned())
}

/// The name of the device.
fn name(args: &Args) -> anyhow::Result<String> {
    let path = &args.output;
    if path.extension().is_none_or(|extension| extension != EXTENSION) {
        let text = format!("{}: is no name of a package; expected *.{EXTENSION}", path.display());
        return Err(Usage(text).into());
    }
    let stem = || path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let name = args.name.clone().unwrap_or_else(stem);
    if Device::is_name(&name) {
        return Ok(name);
    }
    let text = format!("device name {name:?}: expected letters, digits, _, - and . (see --name)");
    Err(Usage(text).into())
}

fn make<U: Unit>(
    args: &Args,
    name: String,
    base: &OpenDevice,
    predictor: &Predictor<U>,
) -> anyhow::Result<ExitCode> {
    let shown = || args.measured.display().to_string();
    let bytes = std::fs::read(&args.measured).with_context(shown)?;
    let timings = Timings::from_csv(&bytes, args.metric).with_context(shown)?;
    let samples = read_models(args, &timings, predictor)?;
    let families = match timings.rows.iter().all(|timing| timing.family.is_some()) {
        true => Families::Stated,
        false => Families::Guessed,
    };
    let calibrated = calibrate(&models_of(predictor), &samples, families).with_context(shown)?;
    let date = args.date.clone().unwrap_or_else(today);
    let about = About {
        name: &name,
        title: args.title.as_deref(),
        metric: args.metric,
        file: &args.measured.file_name().unwrap_or_default().to_string_lossy(),
        timings: &timings,
        samples: &samples,
        date: &date,
    };
    report(base, &calibrated, &about);
    calibrated.package(base, &about)?.write(&args.output)?;
    eprintln!("wrote {}", args.output.display());
    Ok(ExitCode::SUCCESS)
}

/// Tells what was chosen and how well it does.
fn report(base: &OpenDevice, calibrated: &Calibrated, about: &About<'_>) {
    let timed = counted(about.samples.samples().len(), "network", "networks");
    let families = counted(about.samples.families().len(), "family", "families");
    let (name, base) = (about.name, &base.device().name);
    eprintln!("{name}: {base} calibrated to {timed} of {families}");
    eprintln!("  chosen: {}", calibrated.strengths);
    match &calibrated.held_out {
        Some(table) => {
            let of = table.overall;
            eprintln!(
                "  networks left out: {:.1} % within 10 %, {:.1} % within 5 %, {:.1} % in the interval",
                of.within_10,
                of.within_5,
                of.coverage.unwrap_or_default()
            );
        }
        None => eprintln!("  networks left out: none, for want of another network"),
    }
    if let Some(uncertainty) = &calibrated.models.uncertainty {
        let level = uncertainty.level();
        let (low, high) = uncertainty.inside().ends(level);
        let percent = |error: f64| 100.0 * (error.exp() - 1.0);
        eprintln!(
            "  {:.0} % interval: {:+.1} to {:+.1} % around a prediction",
            100.0 * level,
            percent(low),
            percent(high)
        );
    }
    for note in calibrated.notes(about) {
        eprintln!("note: {note}");
    }
}

fn counted(count: usize, one: &str, several: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { several })
}

fn models_of<U: Unit>(predictor: &Predictor<U>) -> MetricModels {
    let kinds = Kind::ALL.iter().copied();
    let kernels = kinds.filter_map(|kind| Some((kind, predictor.model(kind)?.clone())));
    MetricModels { uncertainty: predictor.uncertainty().cloned(), kernels: kernels.collect() }
}

/// The kernels of each model that was timed.
fn read_models<U: Unit>(
    args: &Args,
    timings: &Timings,
    predictor: &Predictor<U>,
) -> anyhow::Result<Samples> {
    let folder = args.measured.parent().unwrap_or(Path::new(""));
    let mut samples = Samples::new();
    for timing in &timings.rows {
        let place = format!("{}:{}: {}", args.measured.display(), timing.line, timing.model);
        match work_of(&folder.join(&timing.model), timing, predictor) {
            Ok(work) => {
                let family = timing.family.clone().unwrap_or_else(|| guessed_family(timing));
                samples.push(timing.model.clone(), &family, timing.measured, &work);
            }
            Err(error) if args.keep_going => eprintln!("warning: {place}: {error:#}"),
            Err(error) => {
                let advice = hint(&error).unwrap_or("--keep-going passes over it".to_owned());
                let error = Error::new(ErrorKind::BadData, place, format!("{error:#}"));
                return Err(error.hint(advice).into());
            }
        }
    }
    if samples.samples().is_empty() {
        bail!("{}: none of its models can be used", args.measured.display());
    }
    Ok(samples)
}

/// The work of every kernel of a model, all of which the base must price.
fn work_of<U: Unit>(
    path: &Path,
    timing: &Timing,
    predictor: &Predictor<U>,
) -> anyhow::Result<Vec<Workload>> {
    let graph = models::load_shaped(path, timing.input_shape.as_deref().unwrap_or_default())?;
    let prediction = predictor.predict(&graph);
    if let Some(first) = prediction.uncovered.first() {
        let count = prediction.uncovered.len();
        let label = graph.graph().label(first.node);
        bail!("holds {count} operators that the base has no price for ({label})");
    }
    let work: Vec<Workload> =
        prediction.kernels.iter().flat_map(|kernel| kernel.work.iter().copied()).collect();
    if work.is_empty() {
        bail!("holds nothing that costs anything");
    }
    Ok(work)
}

/// The family that the name of a model file tells, as far as it does.
fn guessed_family(timing: &Timing) -> String {
    let stem = Path::new(&timing.model).file_stem().unwrap_or_default();
    lineage_of(&stem.to_string_lossy())
}
