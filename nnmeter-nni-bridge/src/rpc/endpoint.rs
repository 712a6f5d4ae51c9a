//! One nng socket (REP) that listens on one address: messages to the dispatcher, answers back.
//!
//! A socket has several contexts; each takes a message, has it answered and takes the next. What comes
//! while all have one waits with its client. A REQ socket waits for an answer to everything it sends,
//! so that a notification gets an empty message.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::thread;
use std::time::{Duration, Instant};

use nng::options::transport::ipc::Permissions;
use nng::options::transport::tcp::BoundPort;
use nng::options::{Options, RecvMaxSize};
use nng::{
    Aio, AioResult, Context, Listener, ListenerBuilder, Message, PipeEvent, Protocol, Socket,
};

use super::address::Address;
use super::dispatch::{Dispatcher, Task};
use super::greeting;
use super::limits::CONTEXTS;
use super::service::Source;
use crate::error::{Error, ErrorKind, Result};

/// How long a client may take to receive its answer before it is dropped.
const PATIENCE: Duration = Duration::from_secs(30);

/// How often it is looked whether clients are let in.
const LOOK: Duration = Duration::from_secs(2);

/// A socket that listens.
pub(super) struct Endpoint {
    socket: Socket,
    /// Where it listens, with the port that the system chose.
    pub(super) address: Address,
    _contexts: Vec<Aio>,
    closed: Arc<AtomicBool>,
}

impl Endpoint {
    /// Listens on an address.
    ///
    /// # Errors
    /// [`ErrorKind::Transport`] if that is not possible: another server has it, or the path is that
    /// of something else.
    pub(super) fn open(address: &Address, dispatcher: &Arc<Dispatcher>) -> Result<Self> {
        address.check_free()?;
        let failed = |error: nng::Error| refused(address, error);
        let socket = Socket::new(Protocol::Rep0).map_err(failed)?;
        let limits = dispatcher.service().limits();
        socket.set_opt::<RecvMaxSize>(limits.message_bytes).map_err(failed)?;
        let joined = limit_clients(&socket, dispatcher, limits.clients).map_err(failed)?;
        let contexts: Vec<(Aio, Context)> = (0..CONTEXTS)
            .map(|_| context(&socket, dispatcher, address.source()))
            .collect::<nng::Result<_>>()
            .map_err(failed)?;
        let (address, listener) = listen(&socket, address)?;
        for (aio, context) in &contexts {
            context.recv(aio).map_err(failed)?;
        }
        let closed = Arc::new(AtomicBool::new(false));
        let watched = Watched { socket: socket.clone(), address: address.clone(), joined };
        watched.watch(listener, Arc::clone(&closed))?;
        let contexts = contexts.into_iter().map(|(aio, _)| aio).collect();
        Ok(Self { socket, address, _contexts: contexts, closed })
    }

    /// Takes no more messages, and drops those that have no answer yet.
    pub(super) fn close(&self) {
        self.closed.store(true, SeqCst);
        self.socket.close();
    }
}

/// A socket whose listener is made anew when it lets nobody in any more, which NNG 1.4 does after a
/// client that went without a greeting.
struct Watched {
    socket: Socket,
    address: Address,
    /// How many clients were let in.
    joined: Arc<AtomicUsize>,
}

impl Watched {
    fn watch(self, mut listener: Listener, closed: Arc<AtomicBool>) -> Result<()> {
        let watch = move || {
            while !closed.load(SeqCst) {
                thread::sleep(LOOK);
                if self.lets_in() || self.lets_in() || closed.load(SeqCst) {
                    continue;
                }
                listener.close();
                // If that fails, the next look finds it out, and tries again.
                if let Ok((_, anew)) = listen(&self.socket, &self.address) {
                    listener = anew;
                }
            }
        };
        let started = thread::Builder::new().name("listener".to_owned()).spawn(watch);
        started.map(drop).map_err(|error| {
            Error::new(ErrorKind::Transport, "thread", format!("cannot be started: {error}"))
        })
    }

    /// Whether a client that greets is let in within some time.
    fn lets_in(&self) -> bool {
        let before = self.joined.load(SeqCst);
        let greeted = greeting::greet(&self.address).is_ok();
        let since = Instant::now();
        while greeted && self.joined.load(SeqCst) == before && since.elapsed() < LOOK {
            thread::sleep(LOOK / 100);
        }
        self.joined.load(SeqCst) != before
    }
}

/// Listens, and tells where.
fn listen(socket: &Socket, address: &Address) -> Result<(Address, Listener)> {
    let failed = |error: nng::Error| refused(address, error);
    let listener = ListenerBuilder::new(socket, &address.to_string()).map_err(failed)?;
    if let Address::Ipc(_) = address {
        // Set on the socket before it has a path, so that it never is for others.
        listener.set_opt::<Permissions>(0o600).map_err(failed)?;
    }
    let listener = listener.start().map_err(|(_, error)| refused(address, error))?;
    if let Err(error) = address.check_private() {
        socket.close();
        return Err(error);
    }
    match address {
        Address::Ipc(_) => Ok((address.clone(), listener)),
        Address::Tcp(asked) => {
            let mut bound = *asked;
            bound.set_port(listener.get_opt::<BoundPort>().map_err(failed)?);
            Ok((Address::Tcp(bound), listener))
        }
    }
}

fn refused(address: &Address, error: nng::Error) -> Error {
    match error {
        nng::Error::AddressInUse => address.taken(),
        error => {
            let found = format!("cannot be listened on: {error}");
            Error::new(ErrorKind::Transport, address.to_string(), found)
        }
    }
}

/// Counts clients, and turns those away that are too many; gives the count of all that ever came.
fn limit_clients(
    socket: &Socket,
    dispatcher: &Arc<Dispatcher>,
    most: usize,
) -> nng::Result<Arc<AtomicUsize>> {
    let (dispatcher, own) = (Arc::clone(dispatcher), AtomicUsize::new(0));
    let joined = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&joined);
    socket.pipe_notify(move |pipe, event| {
        let all = &dispatcher.service().state().clients;
        match event {
            // Both come once for every pipe, whatever becomes of it; `AddPost` may not.
            PipeEvent::AddPre => {
                count.fetch_add(1, SeqCst);
                all.fetch_add(1, SeqCst);
                if own.fetch_add(1, SeqCst) >= most {
                    pipe.close();
                }
            }
            PipeEvent::RemovePost => {
                all.fetch_sub(1, SeqCst);
                own.fetch_sub(1, SeqCst);
            }
            _ => {}
        }
    })?;
    Ok(joined)
}

fn context(
    socket: &Socket,
    dispatcher: &Arc<Dispatcher>,
    source: Source,
) -> nng::Result<(Aio, Context)> {
    let context = Context::new(socket)?;
    let (own, dispatcher) = (context.clone(), Arc::clone(dispatcher));
    let aio = Aio::new(move |aio, event| on_event(&own, &aio, event, &dispatcher, source))?;
    aio.set_timeout(Some(PATIENCE))?;
    Ok((aio, context))
}

/// A message is there, or an answer is gone. Errors other than the socket's end are those of a client
/// that is gone, or nothing having come for a while: the next message is waited for.
fn on_event(
    context: &Context,
    aio: &Aio,
    event: AioResult,
    dispatcher: &Arc<Dispatcher>,
    source: Source,
) {
    match event {
        AioResult::Recv(Ok(message)) => {
            let (context, aio) = (context.clone(), aio.clone());
            let reply = move |answer: Option<Vec<u8>>| {
                let answer = Message::from(answer.unwrap_or_default().as_slice());
                if context.send(&aio, answer).is_err() {
                    // The socket is closed, or nng is out of memory; the context can do no more.
                    let _ = context.recv(&aio);
                }
            };
            let message = message.as_slice().to_vec();
            dispatcher.submit(Task { message, source, reply: Box::new(reply) });
        }
        AioResult::Recv(Err(nng::Error::Closed | nng::Error::Canceled))
        | AioResult::Send(Err((_, nng::Error::Closed | nng::Error::Canceled))) => {}
        AioResult::Recv(Err(_)) | AioResult::Send(_) | AioResult::Sleep(_) => {
            let _ = context.recv(aio);
        }
    }
}
