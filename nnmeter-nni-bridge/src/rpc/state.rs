//! What the methods of a server share.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use super::calls::Calls;
use super::conform::Request;
use super::devices::Devices;
use super::limits::Limits;
use super::service::Source;
use super::store::Store;
use crate::error::{Error, ErrorKind, Result};

/// What the methods of a server share.
#[derive(Debug)]
pub(super) struct State {
    pub(super) devices: Devices,
    pub(super) store: Store,
    pub(super) calls: Calls,
    pub(super) limits: Limits,
    pub(super) started: Instant,
    pub(super) clients: AtomicUsize,
    token: Option<String>,
    stopping: AtomicBool,
    addresses: Mutex<Vec<String>>,
}

impl State {
    pub(super) fn new(devices: Devices, limits: Limits, token: Option<String>) -> Self {
        Self {
            devices,
            store: Store::new(limits.spaces),
            calls: Calls::default(),
            limits,
            started: Instant::now(),
            clients: AtomicUsize::new(0),
            token,
            stopping: AtomicBool::new(false),
            addresses: Mutex::default(),
        }
    }

    /// Whether a request may be answered: it has the token if one is demanded.
    ///
    /// # Errors
    /// [`ErrorKind::Unauthorized`] if not.
    pub(super) fn admit(&self, request: &Request, source: Source) -> Result<()> {
        let Some(token) = self.token.as_ref().filter(|_| source != Source::Stdio) else {
            return Ok(());
        };
        let found = match &request.token {
            Some(given) if is_same(given, token) => return Ok(()),
            Some(_) => "is wrong",
            None => "is missing",
        };
        Err(Error::new(ErrorKind::Unauthorized, "token", found)
            .expected("the server's, as member `token` of every request"))
    }

    pub(super) fn stop(&self) {
        self.stopping.store(true, Relaxed);
    }

    pub(super) fn is_stopping(&self) -> bool {
        self.stopping.load(Relaxed)
    }

    pub(super) fn count_failure(&self) {
        self.calls.failed.fetch_add(1, Relaxed);
    }

    /// Where the server listens.
    pub(super) fn addresses(&self) -> Vec<String> {
        self.addresses.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn add_address(&self, address: String) {
        self.addresses.lock().unwrap_or_else(PoisonError::into_inner).push(address);
    }
}

/// Compares in a time that does not tell how much of it is right.
fn is_same(given: &str, token: &str) -> bool {
    let differences = given.bytes().zip(token.bytes()).fold(0, |sum, (a, b)| sum | (a ^ b));
    given.len() == token.len() && differences == 0
}
