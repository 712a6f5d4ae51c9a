//! `nnmeter measure`: what model files take on a runtime that is at hand.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use nnmeter_hardware::backend::{Backend, Identity, Measurement, Model};
use nnmeter_hardware::error::Error;
use nnmeter_hardware::measure::{Log, Plan, Quality, common_drift, measure};
use nnmeter_hardware::package::Metric;
use serde_json::{Map, Value, json};

use crate::models;
use crate::report::plain_table;
use crate::runtime::{self, Bar, RuntimeArgs};

/// Measure model files with a runtime that is at hand.
///
/// All models take turns, a few milliseconds each, round by round; a model's figure is its least one.
/// Beside it stands by how much the figures of every other round differ from those between. With
/// --log, each round is written down at once, and a run that was stopped goes on where it was.
/// Weights that a file leaves out are made up.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  nnmeter measure models/ --backend onnxruntime --log here.jsonl -o timings.csv
  nnmeter measure model.onnx --backend tract --rounds 40 --json
  nnmeter measure models/ --backend 'command:./bench.sh' --option serial=emulator-5554
  nnmeter calibrate --base cortexA76cpu_tflite21 --measured timings.csv -o here.nnmeter")]
pub(crate) struct Args {
    /// Model files, or folders of them.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,

    #[command(flatten)]
    runtime: RuntimeArgs,

    /// Rounds of each model.
    #[arg(long, value_name = "N", default_value_t = Plan::default().rounds as u32,
          value_parser = clap::value_parser!(u32).range(2..))]
    rounds: u32,

    /// Where every round is written down (JSON lines); what is there is not measured again.
    #[arg(long, value_name = "FILE")]
    log: Option<PathBuf>,

    /// Also write the figures as CSV, which `nnmeter calibrate --measured` reads.
    #[arg(long, short, value_name = "CSV")]
    output: Option<PathBuf>,

    /// Print one JSON object a line.
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let backend = args.runtime.open()?;
    let mut log = match &args.log {
        Some(path) => Log::open(path, backend.identity())?,
        None => Log::in_memory(),
    };
    let (mut models, mut outcome) = (Vec::new(), Outcome::default());
    for file in models::expand(&args.files)? {
        match Model::read(&file) {
            Ok(model) => models.push(model),
            Err(error) => outcome.failed.push((file.display().to_string(), error)),
        }
    }
    let plan = Plan { rounds: args.rounds as usize, ..Plan::default() };
    let bar = Bar::new();
    let results = measure(&*backend, &models, &plan, &mut log, &mut |progress| bar.show(progress))?;
    drop(bar);
    for (model, result) in models.iter().zip(results) {
        let name = model.name().to_owned();
        match result {
            Ok(measurement) => outcome.measured.push((name, measurement)),
            Err(error) => outcome.failed.push((name, error)),
        }
    }
    match args.json {
        true => outcome.print_json(&*backend)?,
        false => outcome.print(&*backend)?,
    }
    if let Some(path) = args.output.as_ref().filter(|_| !outcome.measured.is_empty()) {
        outcome.write_csv(path, backend.metrics())?;
    }
    Ok(if outcome.failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// What became of each file.
#[derive(Default)]
struct Outcome {
    measured: Vec<(String, Measurement)>,
    failed: Vec<(String, Error)>,
}

impl Outcome {
    fn print(&self, backend: &dyn Backend) -> anyhow::Result<()> {
        for (_, error) in &self.failed {
            eprintln!("error: {error}");
            error.advice().into_iter().for_each(|hint| eprintln!("hint: {hint}"));
        }
        if self.measured.is_empty() {
            return Ok(());
        }
        let mut out = std::io::stdout().lock();
        writeln!(out, "{}\n", runtime::title(backend.identity()))?;
        for &metric in backend.metrics() {
            writeln!(out, "{}", self.table(metric))?;
            if let Some(drift) = common_drift(&self.qualities(metric)) {
                let percent = 100.0 * drift;
                eprintln!(
                    "warning: later rounds took {percent:+.1} %: the device changed meanwhile"
                );
            }
        }
        Ok(())
    }

    fn qualities(&self, metric: Metric) -> Vec<Quality> {
        self.measured.iter().filter_map(|(_, one)| Quality::of(one, metric)).collect()
    }

    fn table(&self, metric: Metric) -> String {
        let mut table =
            plain_table(&["model", metric.unit(), "median", "repeats within", "rounds", ""]);
        for (name, measurement) in &self.measured {
            let Some(quality) = Quality::of(measurement, metric) else { continue };
            let repeats = quality.repeatability.map(|share| format!("{:.1} %", 100.0 * share));
            let remarks: Vec<String> = quality.remarks().iter().map(ToString::to_string).collect();
            table.add_row(vec![
                name.clone(),
                format!("{:.4}", quality.minimum),
                format!("{:.4}", quality.median),
                repeats.unwrap_or_default(),
                quality.rounds.to_string(),
                remarks.join("; "),
            ]);
        }
        table.trim_fmt()
    }

    fn print_json(&self, backend: &dyn Backend) -> anyhow::Result<()> {
        let mut out = std::io::stdout().lock();
        let identity = identity_json(backend.identity());
        for (file, measurement) in &self.measured {
            let figures = backend.metrics().iter().filter_map(|&metric| {
                let quality = Quality::of(measurement, metric)?;
                Some((metric.name().to_owned(), quality_json(&quality)))
            });
            let figures: Map<String, Value> = figures.collect();
            writeln!(out, "{}", json!({"file": file, "figures": figures, "identity": identity}))?;
        }
        for (file, error) in &self.failed {
            let error = json!({"message": error.to_string(), "hint": error.advice()});
            writeln!(out, "{}", json!({"file": file, "error": error}))?;
        }
        Ok(())
    }

    /// The figures as timings; models are named as they were given, or by their absolute paths if
    /// the file is in another folder than this.
    fn write_csv(&self, path: &Path, metrics: &[Metric]) -> anyhow::Result<()> {
        let here = path.parent().is_none_or(|folder| folder.as_os_str().is_empty());
        let mut text = String::from("model");
        metrics.iter().for_each(|metric| text += &format!(",{}", metric.unit()));
        for (name, measurement) in &self.measured {
            let file = Path::new(name);
            let file = if here { file.to_owned() } else { std::path::absolute(file)? };
            text += &format!("\n\"{}\"", file.display().to_string().replace('"', "\"\""));
            for &metric in metrics {
                let figure = measurement.minimum(metric).map(|value| format!("{value:.6}"));
                text += &format!(",{}", figure.unwrap_or_default());
            }
        }
        text.push('\n');
        let cannot = || format!("{} cannot be written", path.display());
        std::fs::write(path, text).with_context(cannot)
    }
}

fn quality_json(quality: &Quality) -> Value {
    let Quality { minimum, median, repeatability, disturbed, drift, rounds } = quality;
    json!({"minimum": minimum, "median": median, "repeatability": repeatability,
        "disturbed": disturbed, "drift": drift, "rounds": rounds})
}

/// An identity as names and values.
pub(crate) fn identity_json(identity: &Identity) -> Value {
    let facts = identity.facts().into_iter();
    Value::Object(facts.map(|(name, value)| (name, json!(value))).collect())
}
