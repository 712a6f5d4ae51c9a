//! A server: the service, the threads that answer, and the sockets they answer on.

use std::io::{BufRead, Write};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use super::address::Address;
use super::devices::Devices;
use super::dispatch::Dispatcher;
use super::endpoint::Endpoint;
use super::limits::Limits;
use super::service::Service;
use super::state::State;
use super::stdio;
use crate::error::{Error, ErrorKind, Result};

/// How long answers may take to leave for their clients when the server stops.
const LINGER: Duration = Duration::from_millis(100);
/// How often it is looked whether anything is left to answer.
const LOOK: Duration = Duration::from_millis(10);

/// What a server is started with.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Names of the devices to serve, or package files; none for all there are.
    pub devices: Vec<String>,
    /// The token that every request must have, but for those over standard input.
    pub token: Option<String>,
    /// Whether other machines may be let in.
    pub public: bool,
    /// Its bounds.
    pub limits: Limits,
}

/// A server that runs.
pub struct Server {
    dispatcher: Arc<Dispatcher>,
    endpoints: Vec<Endpoint>,
}

impl Server {
    /// Starts a server that listens on these addresses.
    ///
    /// # Errors
    /// If a device is not known or broken; or [`ErrorKind::Transport`] if an address cannot be
    /// listened on, or is one for other machines without that being allowed, and a token.
    pub fn start(listen: &[Address], options: Options) -> Result<Self> {
        for address in listen.iter().filter(|address| address.is_public()) {
            check_public(address, &options)?;
        }
        let Options { devices, token, limits, .. } = options;
        let state = State::new(Devices::new(&devices)?, limits, token);
        let dispatcher = Arc::new(Dispatcher::start(Arc::new(Service::new(state)))?);
        let mut server = Self { dispatcher, endpoints: Vec::new() };
        for address in listen {
            let endpoint = Endpoint::open(address, &server.dispatcher)?;
            server.dispatcher.service().state().add_address(endpoint.address.to_string());
            server.endpoints.push(endpoint);
        }
        Ok(server)
    }

    /// Where it listens, with the ports that the system chose.
    pub fn addresses(&self) -> Vec<String> {
        self.dispatcher.service().state().addresses()
    }

    /// What answers, without a transport.
    pub fn service(&self) -> &Service {
        self.dispatcher.service()
    }

    /// Answers the lines of `input` on `output` from a thread of its own, which calls `ended` when
    /// the input has ended and all is answered.
    ///
    /// # Errors
    /// If the system gives no more threads.
    pub fn serve_lines(
        &self,
        input: impl BufRead + Send + 'static,
        output: impl Write + Send + 'static,
        ended: impl FnOnce() + Send + 'static,
    ) -> Result<()> {
        let dispatcher = Arc::clone(&self.dispatcher);
        let serve = move || {
            stdio::serve(input, output, &dispatcher);
            ended();
        };
        let started = thread::Builder::new().name("lines".to_owned()).spawn(serve);
        started.map(drop).map_err(|error| {
            Error::new(ErrorKind::Transport, "thread", format!("cannot be started: {error}"))
        })
    }

    /// Stops: what is running has `grace` to end, is then asked to, and has as long again. New calls
    /// get the error that the server is stopping. Tells whether everything had its answer.
    pub fn stop(self, grace: Duration) -> bool {
        let state = self.dispatcher.service().state();
        state.stop();
        let mut answered = self.wait(grace);
        if !answered {
            state.calls.cancel_all();
            answered = self.wait(grace);
        }
        thread::sleep(LINGER);
        self.endpoints.iter().for_each(Endpoint::close);
        answered
    }

    fn wait(&self, most: Duration) -> bool {
        let since = Instant::now();
        while self.dispatcher.unanswered() > 0 {
            if since.elapsed() > most {
                return false;
            }
            thread::sleep(LOOK);
        }
        true
    }
}

fn check_public(address: &Address, options: &Options) -> Result<()> {
    let wrong = |found| Error::new(ErrorKind::Transport, address.to_string(), found);
    if !options.public {
        return Err(wrong("is reached by other machines").hint("--public allows that"));
    }
    if options.token.is_none() {
        return Err(wrong("is reached by other machines, and there is no token")
            .hint("--token-file names a file with one"));
    }
    Ok(())
}
