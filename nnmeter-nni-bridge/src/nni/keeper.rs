//! The keeper: the process that NNI's manager starts. It holds the WebSocket and starts the
//! [`worker`](super::worker), to which it passes on one message after the other.
//!
//! A worker that dies is started again and given the message once more that it had not answered; so
//! nothing is lost and nothing is done twice. To NNI nothing has happened, which matters for NNI 2.10: it
//! ends the experiment as soon as the socket is closed. NNI 3.0 waits for 30 seconds, within which the
//! keeper connects again if the connection is lost; and if the keeper itself is killed, the worker takes
//! its place.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command as Process, Stdio};
use std::sync::mpsc::{Receiver, TryRecvError, channel};
use std::time::Duration;

use super::command::{Command, Reply};
use super::error::{Error, ErrorKind, Result};
use super::frame::{self, Framing};
use super::log::Log;
use super::manager::Manager;
use super::socket::{Event, Socket};
use super::worker::{Order, Report};

/// NNI ends an experiment whose tuner does not connect within 10 seconds.
const CONNECT: Duration = Duration::from_secs(9);
/// NNI 3.0 ends an experiment whose tuner does not connect again within 30 seconds.
const RECONNECT: Duration = Duration::from_secs(28);
/// Between looks at a worker that is at the last messages.
const PAUSE: Duration = Duration::from_millis(5);
/// So many workers in a row may die on the same message.
const MOST_DEATHS: u32 = 4;

/// Holds the connection until the experiment is over.
///
/// `worker` makes a worker's command; `takes_over` says that another keeper was killed while the experiment went
/// on.
///
/// # Errors
/// If NNI cannot be reached, or the experiment cannot go on; then NNI was told why.
pub fn run(
    url: &str,
    takes_over: bool,
    manager: Manager,
    worker: impl Fn() -> Process,
    log: &mut Log,
) -> Result<()> {
    if takes_over && manager.is_gone() {
        return Err(lost("the manager has ended"));
    }
    let limit = if takes_over { RECONNECT } else { CONNECT };
    let socket = Socket::connect(url, limit)?;
    log.line(&format!("keeper: process {}, connected to {url}", std::process::id()));
    let spawned = Spawned::new(worker(), log)?;
    let queue = VecDeque::new();
    let (last, in_flight, is_ready, deaths) = (0, None, false, 0);
    let framing = if takes_over { Some(Framing::Objects) } else { None };
    let mut keeper = Keeper {
        url,
        socket,
        framing,
        queue,
        last,
        in_flight,
        spawned,
        is_ready,
        deaths,
        manager,
        log,
    };
    keeper.run(takes_over, worker)
}

struct Keeper<'a> {
    url: &'a str,
    socket: Socket,
    framing: Option<Framing>,
    /// Messages that the worker was not given yet.
    queue: VecDeque<String>,
    /// The number of the last message that a worker was given.
    last: u64,
    /// The message that the worker is at, with its number.
    in_flight: Option<(u64, String)>,
    spawned: Spawned,
    is_ready: bool,
    deaths: u32,
    manager: Manager,
    log: &'a mut Log,
}

impl Keeper<'_> {
    fn run(&mut self, mut takes_over: bool, worker: impl Fn() -> Process) -> Result<()> {
        let mut is_over = false;
        loop {
            if is_over {
                // What is left is for the journal: the tuner of a resumed experiment needs it.
                std::thread::sleep(PAUSE);
            } else {
                is_over = self.listen()?;
            }
            loop {
                match self.spawned.reports.try_recv() {
                    Ok(Report::Ready { last, unsent }) => {
                        self.ready(last, if takes_over { unsent } else { Vec::new() })?;
                        takes_over = false;
                    }
                    Ok(Report::Answers { number, answers }) => {
                        self.answers(number, if is_over { &[] } else { &answers })?;
                    }
                    Ok(Report::Failed(reason)) => return Err(self.fail(&reason)),
                    Err(TryRecvError::Empty) => break,
                    Err(TryRecvError::Disconnected) => self.restart(worker())?,
                }
            }
            self.pass_on();
            if is_over && self.in_flight.is_none() && self.queue.is_empty() {
                self.end();
                return Ok(());
            }
        }
    }

    /// Reads from the socket once; returns whether the experiment is over.
    fn listen(&mut self) -> Result<bool> {
        match self.socket.read() {
            Event::Frame(text) => {
                self.framing.get_or_insert(Framing::of(&text));
                if matches!(frame::read(&text), Ok(Command::Terminate)) {
                    return Ok(true);
                }
                self.queue.push_back(text);
            }
            Event::Idle => {}
            Event::Lost(reason) => self.reconnect(&reason)?,
            Event::Replaced => {
                self.spawned.order(&Order::End);
                return Err(lost("another tuner has taken this one's place"));
            }
        }
        Ok(false)
    }

    /// A worker is there, and knows of messages up to `last`.
    fn ready(&mut self, last: u64, unsent: Vec<String>) -> Result<()> {
        self.is_ready = true;
        self.last = self.last.max(last);
        unsent.iter().try_for_each(|answer| self.send(answer))?;
        if let Some((number, frame)) = self.in_flight.clone() {
            self.spawned.order(&Order::Frame { number, frame });
        }
        Ok(())
    }

    fn pass_on(&mut self) {
        if !self.is_ready || self.in_flight.is_some() {
            return;
        }
        if let Some(frame) = self.queue.pop_front() {
            self.last += 1;
            let number = self.last;
            self.in_flight = Some((number, frame.clone()));
            self.spawned.order(&Order::Frame { number, frame });
        }
    }

    fn answers(&mut self, number: u64, answers: &[String]) -> Result<()> {
        if self.in_flight.as_ref().is_none_or(|(expected, _)| *expected != number) {
            return Ok(());
        }
        answers.iter().try_for_each(|answer| self.send(answer))?;
        self.in_flight = None;
        self.deaths = 0;
        self.spawned.order(&Order::Sent(number));
        Ok(())
    }

    fn send(&mut self, answer: &str) -> Result<()> {
        while let Err(reason) = self.socket.send(answer) {
            self.reconnect(&reason)?;
        }
        Ok(())
    }

    fn reconnect(&mut self, reason: &str) -> Result<()> {
        self.log.line(&format!("connection lost: {reason}"));
        let again = match self.framing {
            _ if self.manager.is_gone() => Err(lost("the manager has ended")),
            Some(Framing::Letters) => Err(lost(reason)
                .hint("NNI 2.10 does not let a tuner connect again; nnictl resume goes on")),
            Some(Framing::Objects) | None => Socket::connect(self.url, RECONNECT),
        };
        self.socket = again.inspect_err(|_| self.spawned.order(&Order::End))?;
        self.log.line("connected again");
        Ok(())
    }

    /// The worker has died: another one takes its place.
    fn restart(&mut self, worker: Process) -> Result<()> {
        self.deaths += 1;
        let how = self.spawned.wait();
        if self.deaths > MOST_DEATHS {
            return Err(self.fail(&format!("the tuner ended {MOST_DEATHS} times ({how})")));
        }
        self.log.line(&format!("the worker ended ({how}) and is started again"));
        self.is_ready = false;
        self.spawned = Spawned::new(worker, self.log)?;
        Ok(())
    }

    /// Tells NNI that it cannot go on. Not before NNI's first message: it would not be listening.
    fn fail(&mut self, reason: &str) -> Error {
        while self.framing.is_none() {
            match self.socket.read() {
                Event::Frame(text) => self.framing = Some(Framing::of(&text)),
                Event::Idle => {}
                Event::Lost(_) | Event::Replaced => break,
            }
        }
        let framing = self.framing.unwrap_or(Framing::Objects);
        let _ = self.socket.send(&framing.write(&Reply::Error(reason.to_owned())));
        self.socket.close();
        Error::new(ErrorKind::Io, "the tuner", reason)
    }

    fn end(&mut self) {
        self.spawned.order(&Order::End);
        self.spawned.wait();
        self.socket.close();
        self.log.line("the experiment is over");
    }
}

fn lost(reason: &str) -> Error {
    Error::new(ErrorKind::Unreachable, "connection to NNI", reason)
}

/// A worker's process.
struct Spawned {
    child: Child,
    input: Option<ChildStdin>,
    reports: Receiver<Report>,
}

impl Spawned {
    fn new(mut worker: Process, log: &mut Log) -> Result<Self> {
        let failed = |error: &std::io::Error| Error::io("worker of the tuner", error);
        worker.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = worker.spawn().map_err(|error| failed(&error))?;
        log.line(&format!("worker: process {}", child.id()));
        let (input, output) = (child.stdin.take(), child.stdout.take());
        let (sender, reports) = channel();
        std::thread::spawn(move || {
            let lines = output.into_iter().flat_map(|output| BufReader::new(output).lines());
            for line in lines.map_while(std::io::Result::ok) {
                // Half a line is that of a worker that was killed.
                let Ok(report) = serde_json::from_str(&line) else { break };
                if sender.send(report).is_err() {
                    break;
                }
            }
        });
        Ok(Self { child, input, reports })
    }

    /// Gives an order; if the worker is dead, that shows when it is listened to.
    fn order(&mut self, order: &Order) {
        let text = serde_json::to_string(order).unwrap_or_default();
        if let Some(input) = &mut self.input {
            let _ = writeln!(input, "{text}").and_then(|()| input.flush());
        }
    }

    /// How the process ended.
    fn wait(&mut self) -> String {
        self.input = None;
        self.child.wait().map_or_else(|error| error.to_string(), |status| status.to_string())
    }
}
