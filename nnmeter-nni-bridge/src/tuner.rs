//! `nnmeter-bridge tuner`: a tuner of an NNI experiment.

use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command as Process, ExitCode, Stdio};

use anyhow::Context;
use nnmeter_nni_bridge::nni::error::Result;
use nnmeter_nni_bridge::nni::frame::Framing;
use nnmeter_nni_bridge::nni::log::Log;
use nnmeter_nni_bridge::nni::manager::{self, Manager};
use nnmeter_nni_bridge::nni::options::{Options, VARIABLE};
use nnmeter_nni_bridge::nni::worker::Ending;
use nnmeter_nni_bridge::nni::{keeper, worker};

/// Be the tuner of an NNI experiment (3.0 and 2.10).
///
/// NNI starts it: the Python class nnmeter_nni.NnmeterTuner, named in the experiment's configuration,
/// becomes this program, and its classArgs are the options. A choice of the search space that has
/// "nnmeter:SPACE" among its values (a built-in space such as spos, or a JSON file) proposes
/// architectures of that space that satisfy the constraints.
///
/// It is two processes: one holds the connection to NNI, the other thinks. Killing the latter loses
/// nothing; what it knew is in the experiment's checkpoint directory.
#[derive(clap::Args)]
#[command(after_help = "\
Options, as classArgs or as --args:
  {\"algorithm\": \"random\" | \"evolution\" | \"grid\",
   \"optimize_mode\": \"maximize\" | \"minimize\",
   \"seed\": 0,
   \"constraints\": [\"latency@cortexA76cpu_tflite21<=30ms\", \"macs<=300e6\"],
   \"population\": 32, \"tournament\": 8,  (evolution)
   \"grid_points\": 5,                    (grid: points of a number without a quantum)
   \"kill_over\": {\"latency_ms\": 40},     (stops trials that report more in between)
   \"folder\": \"/path\"}                   (where JSON files of search spaces are)

Examples:
  nnmeter-bridge tuner --args '{\"constraints\": [\"latency@cortexA76cpu_tflite21<=30ms\"]}'
  nnmeter-bridge tuner --url ws://localhost:8080/tuner --constraint 'macs<=300e6'")]
pub(crate) struct Args {
    /// NNI's tuner channel.
    #[arg(long, env = "NNI_TUNER_COMMAND_CHANNEL", value_name = "URL")]
    url: String,

    /// Where NNI keeps what the tuner is to remember.
    #[arg(long, env = "NNI_CHECKPOINT_DIRECTORY", value_name = "DIR")]
    checkpoint: Option<PathBuf>,

    /// Options, as one JSON object.
    #[arg(long, env = VARIABLE, value_name = "JSON", default_value = "{}")]
    args: String,

    /// A further constraint; may be repeated.
    #[arg(long = "constraint", value_name = "TEXT")]
    constraints: Vec<String>,

    /// Think, and leave the connection to the process that reads this one's output.
    #[arg(long, hide = true)]
    worker: bool,

    /// Go on in the place of a process that was killed.
    #[arg(long, hide = true)]
    take_over: bool,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    if args.worker {
        return run_worker(args);
    }
    let mut log = Log::of_environment();
    if let Err(error) = options(args) {
        log.line(&format!("error: {}", error.line()));
    }
    let (program, manager) = (this_program()?, Manager::of_this_process());
    let worker = || {
        let mut worker = Process::new(&program);
        worker.args(own_arguments()).arg("--worker");
        worker.envs(manager.pid().map(|pid| (manager::VARIABLE, pid.to_string())));
        worker
    };
    let ended = keeper::run(&args.url, args.take_over, manager, worker, &mut log);
    if let Err(error) = &ended {
        log.line(&format!("ends: {}", error.line()));
    }
    ended?;
    Ok(ExitCode::SUCCESS)
}

fn run_worker(args: &Args) -> anyhow::Result<ExitCode> {
    let (input, output) = (std::io::stdin().lock(), std::io::stdout());
    let log = Log::of_environment();
    match worker::run(options(args), args.checkpoint.as_deref(), input, output, log)? {
        Ending::Orphaned(Some(Framing::Objects)) => {
            Log::of_environment().line("the keeper is gone; the worker takes its place");
            let mut keeper = Process::new(this_program()?);
            keeper.args(own_arguments()).arg("--take-over");
            Err(keeper.stdin(Stdio::null()).stdout(Stdio::null()).exec().into())
        }
        Ending::Orphaned(_) | Ending::Ordered => Ok(ExitCode::SUCCESS),
    }
}

/// This program, also if its file was replaced meanwhile.
fn this_program() -> anyhow::Result<PathBuf> {
    let running = PathBuf::from("/proc/self/exe");
    match running.exists() {
        true => Ok(running),
        false => std::env::current_exe().context("this program's file"),
    }
}

/// The arguments that the user gave.
fn own_arguments() -> impl Iterator<Item = OsString> {
    let given = std::env::args_os().skip(1);
    given.filter(|argument| argument != "--worker" && argument != "--take-over")
}

fn options(args: &Args) -> Result<Options> {
    let mut options = Options::read(&args.args)?;
    options.constraints.extend(args.constraints.iter().cloned());
    options.checked()
}
