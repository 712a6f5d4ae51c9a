//! `nnmeter-bridge measure`: what model files take on the machines of NNI's training services.

use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use anyhow::Context;
use nnmeter_hardware::backend::{Backend, Measurement, Model};
use nnmeter_hardware::json;
use nnmeter_hardware::measure::{Log, Plan, Progress, measure};
use nnmeter_hardware::timings;
use nnmeter_nni_bridge::nni::fleet::{Fleet, SetUp};
use signal_hook::consts::{SIGINT, SIGTERM};

use crate::backend::BackendArgs;

/// Measure model files on all machines of an NNI training service at the same time.
///
/// Each model is a trial of an NNI experiment (3.0 or 2.10), which measures it with a backend of the
/// machine that it runs on and reports every sample. A first experiment, of one trial, asks what the
/// machines are; one that turns out to be another is refused. A model whose trial fails is an error, and
/// others go on. Prints one JSON object a file; with --log, a run that was stopped goes on where it was.
///
/// --config is an NNI configuration of the training service alone (trainingService, trialConcurrency);
/// without it, trials run on this machine, one after the other. nnmeter-bridge has to be installed on
/// all machines, built with the backend's feature.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  nnmeter-bridge measure models/*.onnx --backend onnxruntime --log here.jsonl -o timings.csv
  nnmeter-bridge measure models/*.onnx --backend openvino --config fleet.yml
  nnmeter-bridge measure net.onnx --backend 'command:bench.sh' --nnictl ~/nni/bin/nnictl")]
pub(crate) struct Args {
    /// Model files.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,

    #[command(flatten)]
    backend: BackendArgs,

    /// Rounds of each model.
    #[arg(long, value_name = "N", default_value_t = Plan::default().rounds as u32,
          value_parser = clap::value_parser!(u32).range(2..))]
    rounds: u32,

    /// NNI's configuration of the training service.
    #[arg(long, value_name = "YAML")]
    config: Option<PathBuf>,

    /// The program nnictl.
    #[arg(long, value_name = "PROGRAM", default_value = "nnictl")]
    nnictl: PathBuf,

    /// The bridge as the machines have it; by default this file without --config, else nnmeter-bridge.
    #[arg(long, value_name = "PROGRAM")]
    program: Option<PathBuf>,

    /// Where every round is written down (JSON lines); what is there is not measured again.
    #[arg(long, value_name = "FILE")]
    log: Option<PathBuf>,

    /// Also write the figures as CSV, which `nnmeter calibrate --measured` reads.
    #[arg(long, short, value_name = "CSV")]
    output: Option<PathBuf>,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let mut out = std::io::stdout().lock();
    let (mut models, mut all_well) = (Vec::new(), true);
    for file in &args.files {
        match Model::read(file) {
            Ok(model) => models.push(model),
            Err(error) => {
                all_well = false;
                writeln!(out, "{}", json::not_measured(&file.display().to_string(), &error))?;
            }
        }
    }
    if models.is_empty() {
        return Ok(ExitCode::FAILURE);
    }
    let fleet = Fleet::open(args.set_up()?).map_err(own)?;
    let mut log = match &args.log {
        Some(path) => Log::open(path, fleet.identity()).map_err(own)?,
        None => Log::in_memory(),
    };
    // Nothing is loaded here, and an experiment may have as many trials as there are models.
    let rounds = args.rounds as usize;
    let plan = Plan { rounds, models_at_a_time: usize::MAX, bytes_at_a_time: usize::MAX };
    let results = measure(&fleet, &models, &plan, &mut log, &mut show).map_err(own)?;
    let mut measured: Vec<(String, Measurement)> = Vec::new();
    for (model, result) in models.iter().zip(results) {
        match result {
            Ok(measurement) => {
                let (metrics, identity) = (fleet.metrics(), fleet.identity());
                let line = json::measured(model.name(), &measurement, metrics, identity);
                writeln!(out, "{line}")?;
                measured.push((model.name().to_owned(), measurement));
            }
            Err(error) => {
                all_well = false;
                writeln!(out, "{}", json::not_measured(model.name(), &error))?;
            }
        }
    }
    if let Some(path) = args.output.as_ref().filter(|_| !measured.is_empty()) {
        timings::write(path, &measured, fleet.metrics()).map_err(own)?;
    }
    Ok(if all_well { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Errors of measuring as this program tells all errors.
fn own(error: nnmeter_hardware::error::Error) -> nnmeter_nni_bridge::error::Error {
    error.into()
}

impl Args {
    fn set_up(&self) -> anyhow::Result<SetUp> {
        let program = match (&self.program, &self.config) {
            (Some(program), _) => program.clone(),
            (None, None) => std::env::current_exe().context("this program's file")?,
            (None, Some(_)) => "nnmeter-bridge".into(),
        };
        let program = program.to_string_lossy().into_owned();
        let words = ["trial".to_owned(), "measure".to_owned()].into_iter();
        let words = [program].into_iter().chain(words).chain(self.backend.words());
        let command = words.map(|word| quoted(&word)).collect::<Vec<_>>().join(" ");
        let stopped = Arc::new(AtomicBool::new(false));
        for signal in [SIGINT, SIGTERM] {
            // A second one ends the program at once, and leaves NNI's experiment behind.
            signal_hook::flag::register_conditional_shutdown(signal, 1, Arc::clone(&stopped))?;
            signal_hook::flag::register(signal, Arc::clone(&stopped))?;
        }
        let (nnictl, config) = (self.nnictl.clone(), self.config.clone());
        Ok(SetUp { nnictl, config, command, stopped })
    }
}

/// A word as a shell takes it.
fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', "'\\''"))
}

/// How far measuring is, for people.
fn show(progress: &Progress) {
    let Progress { done, rounds, left } = progress;
    if std::io::stderr().is_terminal() {
        let left = left.map(|left| format!(", {} s left", left.as_secs()));
        eprint!("\r{done} of {rounds} rounds{}  ", left.unwrap_or_default());
        if done == rounds {
            eprintln!();
        }
    }
}
