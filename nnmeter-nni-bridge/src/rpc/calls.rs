//! The calls that are running: how they are listed, and how one is cancelled.
//!
//! A call has the name that its client gave it (`call` among its parameters), or one of the server's.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use nnmeter_filters::stop::Stop;
use serde_json::{Value, json};

use super::limits::Limits;
use crate::error::{Error, ErrorKind, Result};

/// The calls that are running, by name.
#[derive(Debug, Default)]
pub(super) struct Calls {
    running: Mutex<BTreeMap<String, Running>>,
    pub(super) started: AtomicU64,
    pub(super) failed: AtomicU64,
}

#[derive(Debug)]
struct Running {
    method: &'static str,
    since: Instant,
    stop: Stop,
}

/// A call that is running; it is no longer listed once this is dropped.
#[derive(Debug)]
pub(super) struct Listed<'a> {
    calls: &'a Calls,
    name: String,
    pub(super) stop: Stop,
}

impl Calls {
    /// Lists a call that starts now.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidParams`] if another call of that name is running.
    pub(super) fn start(
        &self,
        method: &'static str,
        name: Option<String>,
        limits: &Limits,
    ) -> Result<Listed<'_>> {
        let number = self.started.fetch_add(1, Relaxed);
        let name = name.unwrap_or_else(|| format!("#{number}"));
        let since = Instant::now();
        let stop = Stop::at(since.checked_add(limits.time));
        let mut running = self.lock();
        if running.contains_key(&name) {
            let found = "is the name of a call that is running";
            return Err(Error::new(ErrorKind::InvalidParams, format!("call {name:?}"), found)
                .expected("a name of its own"));
        }
        running.insert(name.clone(), Running { method, since, stop: stop.clone() });
        Ok(Listed { calls: self, name, stop })
    }

    /// Asks a call to end.
    ///
    /// # Errors
    /// [`ErrorKind::UnknownCall`] if there is none of that name.
    pub(super) fn cancel(&self, name: &str) -> Result<()> {
        self.lock().get(name).ok_or_else(|| unknown(name)).map(|call| call.stop.ask())
    }

    /// Asks all calls to end.
    pub(super) fn cancel_all(&self) {
        self.lock().values().for_each(|call| call.stop.ask());
    }

    /// How many are running.
    pub(super) fn running(&self) -> usize {
        self.lock().len()
    }

    /// The call of that name, or all, as `status` reports them.
    ///
    /// # Errors
    /// [`ErrorKind::UnknownCall`] if there is none of that name.
    pub(super) fn status(&self, name: Option<&str>) -> Result<Vec<Value>> {
        let running = self.lock();
        match name {
            Some(name) => {
                let call = running.get(name).ok_or_else(|| unknown(name))?;
                Ok(vec![call.json(name)])
            }
            None => Ok(running.iter().map(|(name, call)| call.json(name)).collect()),
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Running>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Running {
    fn json(&self, name: &str) -> Value {
        json!({
            "call": name,
            "method": self.method,
            "running_s": self.since.elapsed().as_secs_f64(),
            "steps": self.stop.steps(),
        })
    }
}

impl Drop for Listed<'_> {
    fn drop(&mut self) {
        self.calls.lock().remove(&self.name);
    }
}

fn unknown(name: &str) -> Error {
    Error::new(ErrorKind::UnknownCall, format!("call {name:?}"), "is not running")
        .hint("`status` lists the calls that are")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_listed_while_it_runs() {
        let (calls, limits) = (Calls::default(), Limits::default());
        let listed = calls.start("predict", Some("mine".to_owned()), &limits).expect("listed");
        assert!(calls.start("predict", Some("mine".to_owned()), &limits).is_err());
        let other = calls.start("predict", None, &limits).expect("listed");
        assert_eq!(calls.status(None).expect("all").len(), 2);
        calls.cancel("mine").expect("running");
        assert!(listed.stop.reason().is_some() && other.stop.reason().is_none());
        drop(listed);
        let kind = |result: Result<()>| result.map_err(|error| error.kind());
        assert_eq!(kind(calls.cancel("mine")), Err(ErrorKind::UnknownCall));
        assert_eq!(calls.running(), 1);
    }
}
