//! From a message to its answer: `jsonrpc-core` finds the method, [`conform`](super::conform) sees to
//! the specification, and this file to tokens, limits and faults. How messages travel is not known
//! here.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use jsonrpc_core::futures_util::FutureExt;
use jsonrpc_core::{Call, ErrorCode, Id, MetaIoHandler, MethodCall, Output, Version};
use serde_json::Value;

use super::conform::{Answer, Entry, Incoming, Request};
use super::dispatch::Lane;
use super::limits::Limits;
use super::methods;
use super::state::State;
use crate::error::{Error, ErrorKind};

/// Where a message comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The program that started the server, over standard input.
    Stdio,
    /// A program of the same user, over a socket in the file system.
    Ipc,
    /// Whoever reaches the port.
    Tcp,
}

impl jsonrpc_core::Metadata for Source {}

/// What a call comes to.
type Outcome = Result<Value, jsonrpc_core::Error>;

/// The methods, and what they work on.
pub struct Service {
    handler: MetaIoHandler<Source>,
    state: Arc<State>,
}

impl std::fmt::Debug for Service {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Service").field("state", &self.state).finish_non_exhaustive()
    }
}

impl Service {
    pub(super) fn new(state: State) -> Self {
        let state = Arc::new(state);
        let mut handler = MetaIoHandler::default();
        for method in methods::ALL {
            let state = Arc::clone(&state);
            handler.add_method_with_meta(method.name, move |params, source| {
                let result = method.call(&state, source, params);
                std::future::ready(result.map_err(jsonrpc_core::Error::from))
            });
        }
        Self { handler, state }
    }

    /// The answer to a message, if it calls for one.
    pub fn respond(&self, message: &[u8], source: Source) -> Option<Vec<u8>> {
        self.answer(Incoming::read(message), source)
    }

    pub(super) fn limits(&self) -> &Limits {
        &self.state.limits
    }

    pub(super) fn state(&self) -> &State {
        &self.state
    }

    /// The longest of the calls in a message.
    pub(super) fn lane(&self, incoming: &Incoming) -> Lane {
        let is_long = |request: &Request| {
            methods::find(&request.method).is_some_and(|method| method.lane == Lane::Long)
        };
        if incoming.requests().any(is_long) { Lane::Long } else { Lane::Quick }
    }

    /// Calls what a message asks for.
    pub(super) fn answer(&self, incoming: Incoming, source: Source) -> Option<Vec<u8>> {
        self.each(incoming, |request| self.call(request, source))
    }

    /// Answers every request of a message with an error.
    pub(super) fn refuse(&self, incoming: Incoming, error: &Error) -> Option<Vec<u8>> {
        self.each(incoming, |_| Err(error.clone().into()))
    }

    fn each(
        &self,
        incoming: Incoming,
        mut call: impl FnMut(Request) -> Outcome,
    ) -> Option<Vec<u8>> {
        let mut room = self.limits().message_bytes;
        let mut one = |Entry { id, request }: Entry| {
            let result = request.map_err(jsonrpc_core::Error::from).and_then(&mut call);
            let text = self.fitting(id?, result, room);
            room = room.saturating_sub(text.len() + 1);
            Some(text)
        };
        match incoming {
            Incoming::Single(entry) => one(entry),
            Incoming::Batch(entries) => {
                let answers: Vec<Vec<u8>> = entries.into_iter().filter_map(one).collect();
                let joined = || [&b"["[..], &answers.join(&b","[..]), b"]"].concat();
                (!answers.is_empty()).then(joined)
            }
        }
    }

    /// The text of an answer, or of the error that it is too long.
    fn fitting(&self, id: Value, result: Outcome, room: usize) -> Vec<u8> {
        if result.is_err() {
            self.state.count_failure();
        }
        let text = Answer::new(id.clone(), result).text();
        if text.len() <= room {
            return text;
        }
        let found = format!("would have {} bytes", text.len());
        let error = Error::new(ErrorKind::TooLarge, "answer", found)
            .expected(format!("{room} at most"))
            .hint("ask for less at a time, or start the server with a larger --message-mib");
        Answer::new(id, Err(error.into())).text()
    }

    fn call(&self, request: Request, source: Source) -> Outcome {
        self.state.admit(&request, source)?;
        let Request { method, params, .. } = request;
        let (jsonrpc, id) = (Some(Version::V2), Id::Null);
        let call = MethodCall { jsonrpc, method: method.clone(), params, id };
        // A notification is called like any other method; that nobody waits for its answer is
        // known where ids are.
        let run = || self.handler.handle_call(Call::MethodCall(call), source).now_or_never();
        match catch_unwind(AssertUnwindSafe(run)) {
            Ok(Some(Some(Output::Success(success)))) => Ok(success.result),
            Ok(Some(Some(Output::Failure(failure)))) => Err(known_methods(&method, failure.error)),
            Ok(_) | Err(_) => Err(fault(&method).into()),
        }
    }
}

fn fault(method: &str) -> Error {
    let found = "failed by a fault of the server";
    Error::new(ErrorKind::Internal, format!("method {method:?}"), found)
        .hint("report it, with the request")
}

/// What `jsonrpc-core` says of a method that it does not know, with the methods that it does.
fn known_methods(method: &str, error: jsonrpc_core::Error) -> jsonrpc_core::Error {
    if error.code != ErrorCode::MethodNotFound {
        return error;
    }
    let names: Vec<&str> = methods::ALL.iter().map(|method| method.name).collect();
    Error::new(ErrorKind::UnknownMethod, format!("method {method:?}"), "is not known")
        .expected(format!("one of {}", names.join(", ")))
        .into()
}
