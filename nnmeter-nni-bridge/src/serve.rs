//! `nnmeter-bridge serve`: the JSON-RPC service, until it is told to stop.

use std::fs::File;
use std::io::{self, BufReader, Read, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::mpsc::{Sender, channel};
use std::thread;
use std::time::Duration;

use anyhow::Context;
use nnmeter_nni_bridge::error::{Error, ErrorKind};
use nnmeter_nni_bridge::rpc::{Address, Limits, Options, Server};
use rustix::process::{Pid, getppid, test_kill_process};
use serde_json::json;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

/// How long running calls may go on when the server stops.
const GRACE: Duration = Duration::from_secs(3);
/// How often it is looked whether the parent is still there.
const LOOK: Duration = Duration::from_millis(200);
/// How many characters a token has at least.
const SHORTEST_TOKEN: usize = 16;

/// Answer JSON-RPC 2.0 requests: predictions, costs of search spaces, filters, samples.
///
/// Listens on nng sockets (REP; a REQ socket is the client) and, with --stdio, answers lines of
/// standard input. Once it listens it prints one JSON line with its addresses, unless standard output
/// is for answers. It ends with SIGTERM or SIGINT, with the end of standard input if it reads that, or
/// with its parent. PROTOCOL.md has the methods.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  nnmeter-bridge serve --listen ipc:///tmp/nnmeter.ipc
  nnmeter-bridge serve --listen tcp://127.0.0.1:0 --devices cortexA76cpu_tflite21,adreno640gpu_tflite21
  echo '{\"jsonrpc\": \"2.0\", \"method\": \"version\", \"id\": 1}' | nnmeter-bridge serve --stdio
  nnmeter-bridge serve --listen tcp://0.0.0.0:5555 --public --token-file token.txt")]
pub(crate) struct Args {
    /// An address to listen on, ipc:///PATH or tcp://127.0.0.1:PORT (0: any port); may be repeated.
    #[arg(long, value_name = "ADDRESS")]
    listen: Vec<Address>,

    /// Answer lines of standard input on standard output, and end with the input.
    #[arg(long)]
    stdio: bool,

    /// The devices to serve, by name or package file; all there are if left out.
    #[arg(long, value_name = "NAME|FILE", value_delimiter = ',')]
    devices: Vec<String>,

    /// Demand the token in this file of every request over a socket.
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,

    /// Listen on addresses that other machines reach, too; takes a token.
    #[arg(long)]
    public: bool,

    /// End when standard input ends, without reading requests from it.
    #[arg(long, conflicts_with = "stdio")]
    until_stdin_ends: bool,

    /// End when this process has ended.
    #[arg(long, value_name = "PID", value_parser = clap::value_parser!(i32).range(1..))]
    parent_pid: Option<i32>,

    #[command(flatten)]
    bounds: Bounds,
}

/// Bounds of the server.
#[derive(clap::Args)]
#[command(next_help_heading = "Bounds")]
struct Bounds {
    /// Largest message in MiB; larger ones are dropped.
    #[arg(long, value_name = "MIB", default_value_t = 64,
          value_parser = clap::value_parser!(u32).range(1..=2048))]
    message_mib: u32,

    /// How many calls may wait for a thread; more get an error.
    #[arg(long, value_name = "N", default_value_t = 1024,
          value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    queue: u32,

    /// How many seconds a call may take.
    #[arg(long, value_name = "S", default_value_t = 60,
          value_parser = clap::value_parser!(u32).range(1..=86_400))]
    time_limit_s: u32,

    /// How many spaces are kept, and how many tables; those not used for longest go first.
    #[arg(long, value_name = "N", default_value_t = 64,
          value_parser = clap::value_parser!(u32).range(1..=100_000))]
    spaces: u32,

    /// How many clients each socket takes; more are turned away.
    #[arg(long, value_name = "N", default_value_t = 4096,
          value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    clients: u32,

    /// How many threads answer quick calls, and how many long ones; one a core if left out.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1024))]
    workers: Option<u32>,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    if args.listen.is_empty() && !args.stdio {
        let nothing = Error::new(ErrorKind::BadOption, "serve", "has nothing to answer on");
        return Err(nothing.expected("--listen ADDRESS, --stdio or both").into());
    }
    let (stop, stopped) = channel();
    watch_signals(stop.clone())?;
    let limits = args.bounds.limits();
    let token = args.token_file.as_deref().map(read_token).transpose()?;
    let options = Options { devices: args.devices.clone(), token, public: args.public, limits };
    let server = Server::start(&args.listen, options)?;
    if let Some(parent) = args.parent_pid {
        watch_parent(parent, stop.clone())?;
    }
    if args.stdio {
        let ended = move || {
            let _ = stop.send(());
        };
        server.serve_lines(BufReader::new(io::stdin()), io::stdout(), ended)?;
    } else {
        announce(&server)?;
        if args.until_stdin_ends {
            watch_stdin(stop)?;
        }
    }
    let _ = stopped.recv();
    let answered = server.stop(GRACE);
    if !answered {
        eprintln!("warning: stopped with calls that did not end");
    }
    Ok(ExitCode::SUCCESS)
}

impl Bounds {
    fn limits(&self) -> Limits {
        let limits = Limits::default();
        Limits {
            message_bytes: (self.message_mib as usize) << 20,
            queue: self.queue as usize,
            time: Duration::from_secs(self.time_limit_s.into()),
            spaces: self.spaces as usize,
            clients: self.clients as usize,
            workers: self.workers.map_or(limits.workers, |workers| workers as usize),
        }
    }
}

/// Says where the server listens, in one line, so that whoever started it knows that it does.
fn announce(server: &Server) -> anyhow::Result<()> {
    let line = json!({"listening": server.addresses(), "process": std::process::id()});
    let mut out = io::stdout().lock();
    writeln!(out, "{line}").and_then(|()| out.flush()).context("standard output")
}

/// Reads a token from a file that is for this user alone.
fn read_token(path: &Path) -> anyhow::Result<String> {
    let subject = format!("token file {path:?}");
    let wrong = |found: String| Error::new(ErrorKind::BadOption, subject.as_str(), found);
    let mut file = File::open(path).with_context(|| subject.clone())?;
    let mode = file.metadata().with_context(|| subject.clone())?.mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(wrong(format!("has permissions {mode:o}")).expected("600").into());
    }
    let mut token = String::new();
    file.read_to_string(&mut token).with_context(|| subject.clone())?;
    let token = token.trim();
    if token.len() < SHORTEST_TOKEN {
        let found = format!("has {} characters", token.len());
        return Err(wrong(found).expected(format!("{SHORTEST_TOKEN} or more")).into());
    }
    Ok(token.to_owned())
}

fn watch_signals(stop: Sender<()>) -> anyhow::Result<()> {
    let mut signals = Signals::new([SIGTERM, SIGINT]).context("signals cannot be waited for")?;
    let wait = move || {
        for _ in signals.forever() {
            let _ = stop.send(());
        }
    };
    start("signals", wait)
}

/// Reads standard input to its end.
fn watch_stdin(stop: Sender<()>) -> anyhow::Result<()> {
    start("stdin", move || {
        let _ = io::copy(&mut io::stdin().lock(), &mut io::sink());
        let _ = stop.send(());
    })
}

/// Looks now and then whether the process is still there. That of a parent is told by ours having
/// another, because one that nobody has waited for yet still counts as being there.
fn watch_parent(parent: i32, stop: Sender<()>) -> anyhow::Result<()> {
    let Some(parent) = Pid::from_raw(parent) else { return Ok(()) };
    let is_own = getppid() == Some(parent);
    let is_there =
        move || if is_own { getppid() == Some(parent) } else { test_kill_process(parent).is_ok() };
    start("parent", move || {
        while is_there() {
            thread::sleep(LOOK);
        }
        let _ = stop.send(());
    })
}

fn start(name: &str, work: impl FnOnce() + Send + 'static) -> anyhow::Result<()> {
    let started = thread::Builder::new().name(name.to_owned()).spawn(work);
    started.map(drop).context("a thread cannot be started")
}
