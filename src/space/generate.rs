//! `nnmeter space generate`: a search space for devices, from a skeleton and a pool of operators.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context;
use clap::ValueEnum;
use indicatif::ProgressBar;
use nnmeter_filters::budget::{Bounds, Cost};
use nnmeter_filters::error::ErrorKind;
use nnmeter_filters::generate::{
    Across, Capacity, Exponents, Pool, ReachOptions, Selection, Settings, Skeleton, Subspace,
    Survey, Target, Yardstick,
};
use nnmeter_hardware::registry::OpenDevice;

use super::survey::{self, Measured, Page};
use crate::budget::parse_bounds;
use crate::device;
use crate::failure::Usage;

/// Generate a search space for devices.
///
/// A skeleton says what the layers are given and have to make of it; a pool, which operators they may
/// be. In every layer each operator is priced on the devices as part of the network, and scored by
/// MACs^a parameters^b / latency^c, as a share of the layer's best. (The idea is that of Zhang et al.,
/// "Fast Hardware-Aware Neural Architecture Search", CVPR Workshops 2020; this formula is our own.) The
/// best become the layer's options, of several families where so many have a price. Operators that a
/// device has no price for are left out, and listed.
///
/// With a budget, also says how many multiply-accumulates (or parameters) architectures within it
/// reach: the best exactly, the median and the mean of uniform draws; beside it, the same for the space
/// of all operators and for those of one family. Nothing is trained: this says nothing of accuracy.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  nnmeter space generate --device cortexA76cpu_tflite21 -o cpu.json
  nnmeter space generate --device myriadvpu_openvino2019r2 --skeleton cifar --budget 5ms
  nnmeter space generate -d cortexA76cpu_tflite21 -d adreno640gpu_tflite21 \\
      --budget 40ms@cortexA76cpu_tflite21 --budget 12ms@adreno640gpu_tflite21
  nnmeter space generate -d adreno640gpu_tflite21 --skeleton mine.json --pool operators.json --json

Built-in skeletons: mobilenetv2, shufflenetv2 (224x224), cifar (32x32).

A skeleton in a file has steps as `nnmeter space show SPACE --json` writes them:
  {\"name\": \"mine\", \"input\": [1, 3, 64, 64],
   \"stem\": [{\"op\": \"conv\", \"channels\": 16, \"kernel\": 3, \"stride\": 2}, {\"op\": \"relu\"}],
   \"stages\": [{\"channels\": 24, \"layers\": 2, \"stride\": 2}, {\"channels\": 40, \"layers\": 3}],
   \"head\": [{\"op\": \"gap\"}, {\"op\": \"fc\", \"channels\": 10}]}

A pool in a file adds operators to the built-in families (separable, mobilenetv2, shufflenetv2,
bottleneck), or to those that it names:
  {\"built_in\": [\"mobilenetv2\"], \"operators\": [
   {\"family\": \"fused\", \"name\": \"fused k{k}\", \"for\": {\"k\": [3, 5]},
    \"keeping\": [{\"op\": \"conv\", \"channels\": \"in*2\", \"kernel\": \"k\"}, {\"op\": \"relu\"},
                {\"op\": \"conv\", \"channels\": \"out\", \"kernel\": 1}, {\"op\": \"add\", \"from\": [\"in\", \"-\"]}],
    \"changing\": [{\"op\": \"conv\", \"channels\": \"out\", \"kernel\": \"k\", \"stride\": \"stride\"}]}]}")]
pub(crate) struct Args {
    /// A device; several times for a space that is good on all of them.
    #[arg(long = "device", short, value_name = "NAME", required = true)]
    devices: Vec<String>,

    /// A built-in skeleton, or a JSON file.
    #[arg(long, value_name = "NAME|FILE", default_value = "mobilenetv2")]
    skeleton: String,

    /// A JSON file of operators; all built-in ones if left out.
    #[arg(long, value_name = "FILE")]
    pool: Option<PathBuf>,

    /// Operators a layer may choose from.
    #[arg(long, value_name = "N", default_value_t = Settings::default().top)]
    top: usize,

    /// Families that these are of, at least.
    #[arg(long, value_name = "N", default_value_t = Settings::default().families)]
    families: usize,

    /// Let layers that keep extents be left out, too.
    #[arg(long)]
    identity: bool,

    /// Exponents of the score: of MACs, of parameters, of latency.
    #[arg(long, value_name = "A,B,C", default_value = "0.5,0.5,1", value_parser = exponents)]
    exponents: Exponents,

    /// What scores on several devices are together.
    #[arg(long, value_enum, default_value_t = OnSeveral::Worst)]
    across: OnSeveral,

    /// Measure what architectures reach that take at most so long; one for each device, which it names
    /// where there are several.
    #[arg(long = "budget", value_name = "TIME[@DEVICE]", value_parser = parse_bounds)]
    budgets: Vec<Bounds>,

    /// What they reach.
    #[arg(long, value_enum, default_value_t = Reached::Macs)]
    capacity: Reached,

    /// Seed of the draws.
    #[arg(long, default_value_t = 0)]
    seed: u64,

    /// List every operator, not only those that were chosen.
    #[arg(long)]
    all: bool,

    /// Where the space goes, as JSON that all verbs read.
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,

    /// Print one JSON object with all figures and the space.
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum OnSeveral {
    /// The least of them.
    Worst,
    /// Their geometric mean.
    Mean,
}

#[derive(Clone, Copy, ValueEnum)]
enum Reached {
    /// Multiply-accumulates.
    Macs,
    /// Trained parameters.
    Parameters,
}

impl Reached {
    fn capacity(self) -> Capacity {
        match self {
            Reached::Macs => Capacity::Macs,
            Reached::Parameters => Capacity::Parameters,
        }
    }
}

pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let budgets_ms = budgets(args)?;
    let skeleton = skeleton(&args.skeleton)?;
    let pool = args.pool.as_deref().map_or_else(|| Ok(Pool::built_in()), read_pool)?;
    let opened: Vec<Arc<OpenDevice>> =
        args.devices.iter().map(|name| device::open(name)).collect::<anyhow::Result<_>>()?;
    let target =
        |device: &'_ Arc<OpenDevice>| -> anyhow::Result<_> { Ok(device.latency()?.clone()) };
    let predictors = opened.iter().map(target).collect::<anyhow::Result<Vec<_>>>()?;
    let names = opened.iter().map(|device| device.device().name.as_str());
    let targets: Vec<Target<'_>> =
        names.zip(&predictors).map(|(name, predictor)| Target { name, predictor }).collect();

    let bar = ProgressBar::new_spinner();
    bar.set_message("pricing operators");
    bar.tick();
    let survey = Survey::new(&skeleton, &pool, &targets)?;
    let selection = survey.select(&settings(args))?;
    let measured = match budgets_ms.is_empty() {
        true => Vec::new(),
        false => measure(args, &survey, &selection, &targets, &budgets_ms, &bar)?,
    };
    bar.finish_and_clear();

    if let Some(path) = &args.output {
        let cannot = || format!("{} cannot be written", path.display());
        std::fs::write(path, format!("{:#}\n", selection.generated.space.to_json()))
            .with_context(cannot)?;
    }
    let page = Page {
        survey: &survey,
        selection: &selection,
        exponents: args.exponents,
        budgets_ms: &budgets_ms,
        capacity: args.capacity.capacity(),
        measured: &measured,
    };
    let text = match args.json {
        true => format!("{}\n", survey::json(&page)),
        false => survey::text(&page, args.all),
    };
    std::io::stdout().lock().write_all(text.as_bytes())?;
    Ok(ExitCode::SUCCESS)
}

fn settings(args: &Args) -> Settings {
    let across = match args.across {
        OnSeveral::Worst => Across::Worst,
        OnSeveral::Mean => Across::Mean,
    };
    let Args { top, families, identity, exponents, .. } = *args;
    Settings { top, families, identity, exponents, across }
}

/// Budgets in milliseconds, in the order of devices; none, or one for each.
fn budgets(args: &Args) -> anyhow::Result<Vec<f64>> {
    let is_one = |name: &String| args.devices.contains(name);
    if let Some(stray) =
        args.budgets.iter().find(|of| of.device.as_ref().is_some_and(|d| !is_one(d)))
    {
        let text = format!("budget {:?} is for no --device that is given", stray.text());
        return Err(Usage(text).into());
    }
    match args.budgets.is_empty() {
        true => Ok(Vec::new()),
        false => args.devices.iter().map(|device| budget_on(args, device)).collect(),
    }
}

/// The one budget on a device.
fn budget_on(args: &Args, device: &str) -> anyhow::Result<f64> {
    let only = args.devices.len() == 1;
    let is_it = |of: &&Bounds| of.device.as_ref().map_or(only, |name| name == device);
    let own: Vec<&Bounds> = args.budgets.iter().filter(is_it).collect();
    let [bounds] = own[..] else {
        let at = if only { String::new() } else { format!("@{device}") };
        let text = format!("{} budgets on {device}; expected one, as in 30ms{at}", own.len());
        return Err(Usage(text).into());
    };
    let mut bounds = bounds.clone();
    bounds.device = None;
    Ok(bounds.only_upper(Cost::Latency)?)
}

fn exponents(text: &str) -> Result<Exponents, String> {
    let numbers: Result<Vec<f64>, _> = text.split(',').map(str::parse).collect();
    match numbers.as_deref() {
        Ok(&[macs, parameters, latency]) => Ok(Exponents { macs, parameters, latency }),
        _ => Err("expected three numbers, as in 0.5,0.5,1".to_owned()),
    }
}

/// The built-in skeleton called `name`, or that of the JSON file there.
fn skeleton(name: &str) -> anyhow::Result<Skeleton> {
    match Skeleton::built_in(name) {
        Err(error) if error.kind() == ErrorKind::UnknownSpace && Path::new(name).exists() => {
            let bytes = std::fs::read(name).with_context(|| name.to_owned())?;
            Skeleton::from_json(&bytes).with_context(|| name.to_owned())
        }
        skeleton => Ok(skeleton?),
    }
}

fn read_pool(path: &Path) -> anyhow::Result<Pool> {
    let named = || path.display().to_string();
    Pool::from_json(&std::fs::read(path).with_context(named)?).with_context(named)
}

/// What architectures of the generated space reach, and of those that it is compared with.
fn measure(
    args: &Args,
    survey: &Survey<'_>,
    selection: &Selection,
    targets: &[Target<'_>],
    budgets_ms: &[f64],
    bar: &ProgressBar,
) -> anyhow::Result<Vec<Measured>> {
    let mut spaces: Vec<(String, Option<Subspace>)> =
        vec![("generated".to_owned(), Some(selection.generated.clone()))];
    let every = survey.space("every operator", args.identity, |_| true)?;
    spaces.push(("every operator".to_owned(), every));
    for family in survey.pool().families() {
        let space = survey.space(family, args.identity, |operator| operator.family() == family)?;
        spaces.push((format!("{family} alone"), space));
    }
    let options = ReachOptions { seed: args.seed, ..ReachOptions::default() };
    let mut measured = Vec::new();
    for (name, space) in spaces {
        bar.set_message(format!("measuring {name}"));
        bar.tick();
        let reach = |space: &Subspace| {
            let capacity = args.capacity.capacity();
            let reach = Yardstick::new(survey, space, capacity, targets)
                .and_then(|yardstick| yardstick.reach(budgets_ms, &options));
            match reach {
                Ok(reach) => Ok(Ok(reach)),
                Err(error) => match error.kind() {
                    ErrorKind::Infeasible | ErrorKind::Indecomposable => Ok(Err(error.to_string())),
                    _ => Err(error),
                },
            }
        };
        let reach = space.as_ref().map(reach).transpose()?;
        measured.push(Measured { name, reach });
    }
    Ok(measured)
}
