//! The threads that answer: some for quick calls and some for long ones, so that no number of long
//! calls keeps a quick one waiting. What waits is bounded, and what is too much gets an error.

use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use super::conform::Incoming;
use super::service::{Service, Source};
use crate::error::{Error, ErrorKind, Result};

/// How long a call is expected to take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lane {
    /// Milliseconds.
    Quick,
    /// Perhaps much longer.
    Long,
}

/// Takes the answer back; `None` where there is none, for notifications.
pub(super) type Reply = Box<dyn FnOnce(Option<Vec<u8>>) + Send>;

/// A message that waits for an answer. The reply does not panic.
pub(super) struct Task {
    pub(super) message: Vec<u8>,
    pub(super) source: Source,
    pub(super) reply: Reply,
}

/// The threads. They end when this is dropped and nothing waits any more.
#[derive(Debug)]
pub(super) struct Dispatcher {
    service: Arc<Service>,
    quick: SyncSender<Task>,
    unanswered: Arc<AtomicUsize>,
}

impl Dispatcher {
    /// Starts the threads.
    ///
    /// # Errors
    /// If the system gives no more threads.
    pub(super) fn start(service: Arc<Service>) -> Result<Self> {
        let limits = service.limits();
        let (workers, queue) = (limits.workers, limits.queue);
        let (long, long_tasks) = sync_channel::<Task>(queue);
        let answering = Arc::clone(&service);
        spawn("long", workers, long_tasks, move |task| {
            (task.reply)(answering.respond(&task.message, task.source));
        })?;
        let (quick, quick_tasks) = sync_channel::<Task>(queue);
        let answering = Arc::clone(&service);
        spawn("quick", workers, quick_tasks, move |task| first(&answering, &long, task))?;
        Ok(Self { service, quick, unanswered: Arc::default() })
    }

    /// Has a message answered, or refuses it where too many wait.
    pub(super) fn submit(&self, task: Task) {
        match self.quick.try_send(self.counted(task)) {
            Ok(()) => {}
            Err(TrySendError::Full(task) | TrySendError::Disconnected(task)) => {
                let refused = self.service.refuse(Incoming::read(&task.message), &busy());
                (task.reply)(refused);
            }
        }
    }

    /// Has a message answered; waits where too many wait already.
    pub(super) fn submit_in_turn(&self, task: Task) {
        // Threads do not end before this does, so that somebody takes it.
        let _ = self.quick.send(self.counted(task));
    }

    /// How many messages have no answer yet.
    pub(super) fn unanswered(&self) -> usize {
        self.unanswered.load(SeqCst)
    }

    /// The service that answers.
    pub(super) fn service(&self) -> &Service {
        &self.service
    }

    fn counted(&self, task: Task) -> Task {
        let (unanswered, reply) = (Arc::clone(&self.unanswered), task.reply);
        unanswered.fetch_add(1, SeqCst);
        let counted = move |answer| {
            reply(answer);
            unanswered.fetch_sub(1, SeqCst);
        };
        Task { reply: Box::new(counted), ..task }
    }
}

/// Answers a message, or hands it to the threads for long calls: as it came, because what is read of it
/// takes a multiple of the memory while it waits.
fn first(service: &Service, long: &SyncSender<Task>, task: Task) {
    let incoming = Incoming::read(&task.message);
    if service.lane(&incoming) == Lane::Quick {
        return (task.reply)(service.answer(incoming, task.source));
    }
    match long.try_send(task) {
        Ok(()) => {}
        Err(TrySendError::Full(task) | TrySendError::Disconnected(task)) => {
            (task.reply)(service.refuse(incoming, &busy()));
        }
    }
}

fn spawn(
    name: &str,
    workers: usize,
    tasks: Receiver<Task>,
    work: impl Fn(Task) + Send + Sync + 'static,
) -> Result<()> {
    let shared = Arc::new((Mutex::new(tasks), work));
    for _ in 0..workers {
        let shared = Arc::clone(&shared);
        let turns = move || {
            let (tasks, work) = &*shared;
            let next = || tasks.lock().unwrap_or_else(PoisonError::into_inner).recv();
            while let Ok(task) = next() {
                work(task);
            }
        };
        thread::Builder::new().name(name.to_owned()).spawn(turns).map_err(|error| {
            Error::new(ErrorKind::Transport, "thread", format!("cannot be started: {error}"))
        })?;
    }
    Ok(())
}

fn busy() -> Error {
    Error::new(ErrorKind::Busy, "server", "has too many calls waiting").hint("try again later")
}
