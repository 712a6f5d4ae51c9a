//! `nnmeter measure`: what model files take on a runtime that is at hand.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use nnmeter_hardware::backend::{Backend, Measurement, Model};
use nnmeter_hardware::error::Error;
use nnmeter_hardware::json;
use nnmeter_hardware::measure::{Log, Plan, Quality, common_drift, measure};
use nnmeter_hardware::package::Metric;
use nnmeter_hardware::timings;

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
        timings::write(path, &outcome.measured, backend.metrics())?;
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
        let (metrics, identity) = (backend.metrics(), backend.identity());
        for (file, measurement) in &self.measured {
            writeln!(out, "{}", json::measured(file, measurement, metrics, identity))?;
        }
        for (file, error) in &self.failed {
            writeln!(out, "{}", json::not_measured(file, error))?;
        }
        Ok(())
    }
}
