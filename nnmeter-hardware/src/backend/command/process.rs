//! Running a program with a limit on its time and its output.
//!
//! The program leads a process group of its own, which is killed as a whole: a script that is killed
//! alone leaves behind what it started.

use std::io::Read;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use crate::error::{Error, ErrorKind, Result};

/// Most that a call may print, in bytes.
const MOST_OUTPUT: usize = 1 << 20;
/// How much of what it says on standard error is shown.
const SHOWN: usize = 2000;
/// How long after its end a program's output may take to arrive.
const AFTERWARDS: Duration = Duration::from_secs(1);

/// What a program left that ended by itself.
#[derive(Debug)]
pub(super) struct Output {
    /// Its standard output.
    pub(super) text: String,
    /// The error that its exit code says there was, with what it said on standard error.
    pub(super) failure: Option<Error>,
}

/// Runs `command`, which must end within `timeout`.
///
/// # Errors
/// [`ErrorKind::Backend`] if it cannot be started, had to be killed or printed no text.
pub(super) fn run(mut command: Command, timeout: Duration) -> Result<Output> {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    lead_group(&mut command);
    let mut group = Group(command.spawn().map_err(|error| {
        failure(format!("cannot be started ({error})"))
            .hint("is it on PATH or given with its path, and may it be executed?")
    })?);
    let out = collect(group.0.stdout.take());
    let err = collect(group.0.stderr.take());
    let status = wait(&mut group.0, timeout, &out);
    drop(group); // what is left of it holds the pipes open
    let told = |pipe: Receiver<Vec<u8>>| pipe.recv_timeout(AFTERWARDS).unwrap_or_default();
    let (out, err) = (told(out.full), told(err.full));
    let complaint = complaint(&err);
    match status? {
        Ended::TooLate => {
            let found = format!("took more than {} s{complaint}", timeout.as_secs_f64());
            Err(failure(found).hint("the option timeout_s sets how long a call may take"))
        }
        Ended::TooMuch => Err(failure(format!("printed more than {MOST_OUTPUT} bytes{complaint}"))),
        Ended::With(status) => {
            let text = String::from_utf8(out).map_err(|_| failure("printed no UTF-8"))?;
            let failed = || failure(format!("failed ({status}){complaint}"));
            Ok(Output { text, failure: (!status.success()).then(failed) })
        }
    }
}

fn failure(found: impl Into<String>) -> Error {
    Error::new(ErrorKind::Backend, "call", found)
}

enum Ended {
    With(ExitStatus),
    TooLate,
    TooMuch,
}

/// What a pipe gives, as it is read elsewhere.
struct Pipe {
    /// Everything, at the end.
    full: Receiver<Vec<u8>>,
    /// Something is sent if there is more than there may be.
    overflow: Receiver<()>,
}

fn collect(pipe: Option<impl Read + Send + 'static>) -> Pipe {
    let ((send_full, full), (send_overflow, overflow)) = (channel(), channel());
    thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(pipe) = pipe {
            let mut bounded = pipe.take(MOST_OUTPUT as u64 + 1);
            // A pipe that breaks has ended; nobody may be waiting any more for what it gave.
            let _ = bounded.read_to_end(&mut bytes);
            if bytes.len() > MOST_OUTPUT {
                let _ = send_overflow.send(());
            }
            let _ = send_full.send(bytes);
            // A program must not stall because nobody listens to its complaints.
            let _ = std::io::copy(&mut bounded.into_inner(), &mut std::io::sink());
        }
    });
    Pipe { full, overflow }
}

fn wait(child: &mut Child, timeout: Duration, out: &Pipe) -> Result<Ended> {
    let begin = Instant::now();
    let mut pause = Duration::from_millis(1);
    loop {
        let status = child.try_wait().map_err(|error| failure(error.to_string()))?;
        if let Some(status) = status {
            return Ok(Ended::With(status));
        }
        if out.overflow.try_recv().is_ok() {
            return Ok(Ended::TooMuch);
        }
        if begin.elapsed() >= timeout {
            return Ok(Ended::TooLate);
        }
        thread::sleep(pause.min(timeout.saturating_sub(begin.elapsed())));
        pause = (2 * pause).min(Duration::from_millis(20));
    }
}

/// What the program said on standard error: the end of it.
fn complaint(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let text = text.trim();
    let from = text.char_indices().rev().nth(SHOWN).map_or(0, |(at, _)| at);
    if text.is_empty() { String::new() } else { format!(": {}", &text[from..]) }
}

/// A child with all that it starts, which ends with this value.
struct Group(Child);

impl Drop for Group {
    fn drop(&mut self) {
        kill_group(&self.0);
        // It has ended already, or was killed just now.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[cfg(unix)]
fn lead_group(command: &mut Command) {
    use std::os::unix::process::CommandExt;
    command.process_group(0);
}

#[cfg(unix)]
fn kill_group(child: &Child) {
    use rustix::process::{Pid, Signal, kill_process_group};
    // The group goes by its leader's number, which is not another's as long as the group has members.
    if let Some(group) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
        let _ = kill_process_group(group, Signal::KILL);
    }
}

#[cfg(not(unix))]
fn lead_group(_: &mut Command) {}

#[cfg(not(unix))]
fn kill_group(_: &Child) {}
