//! The bounds of a server: what it takes from clients at most.

use std::time::Duration;

use serde_json::{Value, json};

/// How many samples a request may be about, or ask for.
pub const MOST_SAMPLES: usize = 1 << 20;
/// How many calls a batch may have.
pub const MOST_CALLS: usize = 1000;
/// How many contexts a socket has: requests that it takes from clients before others wait in theirs.
pub(super) const CONTEXTS: usize = 128;

/// Bounds that whoever starts the server chooses.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Largest message, in and out, in bytes. nng drops a larger one without a word.
    pub message_bytes: usize,
    /// How many calls may wait for a thread.
    pub queue: usize,
    /// How long a call may take.
    pub time: Duration,
    /// How many spaces are kept, and how many tables; those not used for longest go first.
    pub spaces: usize,
    /// How many clients a socket takes.
    pub clients: usize,
    /// How many threads answer quick calls, and how many answer long ones.
    pub workers: usize,
}

impl Default for Limits {
    /// 64 MiB, 1024 waiting calls, a minute, 64 spaces, 4096 clients, a thread a core (2 at least).
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(2, usize::from);
        Self {
            message_bytes: 64 << 20,
            queue: 1024,
            time: Duration::from_secs(60),
            spaces: 64,
            clients: 4096,
            workers: cores.max(2),
        }
    }
}

impl Limits {
    /// As `health` reports them.
    pub(super) fn json(&self) -> Value {
        json!({
            "message_bytes": self.message_bytes,
            "waiting_calls": self.queue,
            "call_s": self.time.as_secs_f64(),
            "spaces": self.spaces,
            "clients": self.clients,
            "workers": self.workers,
            "batch_calls": MOST_CALLS,
            "samples": MOST_SAMPLES,
        })
    }
}
