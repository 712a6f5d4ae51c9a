//! JSON-RPC 2.0 as the specification has it, around `jsonrpc-core`, which departs from it in places:
//! what is a request, a notification or neither is decided here, ids of every form are kept here and
//! put back, and answers are written here.
//!
//! <https://www.jsonrpc.org/specification>. One member is added to requests, `token`; others that the
//! specification does not name are ignored. What methods do is not known here.

use jsonrpc_core::Params;
use serde::Serialize;
use serde_json::{Map, Value};

use super::limits::MOST_CALLS;
use crate::error::{Error, ErrorKind, Result};

/// A message, read.
#[derive(Debug)]
pub(super) enum Incoming {
    /// One request, or something that is none.
    Single(Entry),
    /// A batch of some.
    Batch(Vec<Entry>),
}

/// A request, or what is wrong with it.
#[derive(Debug)]
pub(super) struct Entry {
    /// The id as the client wrote it; `None` for a notification, which has no answer.
    pub(super) id: Option<Value>,
    pub(super) request: Result<Request>,
}

/// A request to call a method.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) method: String,
    pub(super) params: Params,
    pub(super) token: Option<String>,
}

/// An answer, as it is written.
#[derive(Debug, Serialize)]
pub(super) struct Answer {
    jsonrpc: &'static str,
    #[serde(flatten)]
    outcome: Outcome,
    id: Value,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "lowercase")]
enum Outcome {
    Result(Value),
    Error(jsonrpc_core::Error),
}

impl Incoming {
    /// Reads a message.
    pub(super) fn read(bytes: &[u8]) -> Self {
        match serde_json::from_slice(bytes) {
            Ok(Value::Array(entries)) => Self::batch(entries),
            Ok(value) => Self::Single(Entry::read(value)),
            Err(error) => Self::refused(
                Error::new(ErrorKind::Parse, "message", error.to_string())
                    .expected("JSON text in UTF-8"),
            ),
        }
    }

    /// A message that gets an error as its only answer.
    pub(super) fn refused(error: Error) -> Self {
        Self::Single(Entry { id: Some(Value::Null), request: Err(error) })
    }

    fn batch(entries: Vec<Value>) -> Self {
        if entries.is_empty() {
            return Self::refused(
                Error::new(ErrorKind::InvalidRequest, "batch", "is empty")
                    .expected("one request or more"),
            );
        }
        if entries.len() > MOST_CALLS {
            let found = format!("has {} requests", entries.len());
            return Self::refused(
                Error::new(ErrorKind::TooLarge, "batch", found)
                    .expected(format!("at most {MOST_CALLS}")),
            );
        }
        Self::Batch(entries.into_iter().map(Entry::read).collect())
    }

    /// The requests that are none the worse for it.
    pub(super) fn requests(&self) -> impl Iterator<Item = &Request> {
        let entries = match self {
            Self::Single(entry) => std::slice::from_ref(entry),
            Self::Batch(entries) => entries,
        };
        entries.iter().filter_map(|entry| entry.request.as_ref().ok())
    }
}

impl Entry {
    fn read(value: Value) -> Self {
        let Value::Object(mut members) = value else {
            let error = Error::new(ErrorKind::InvalidRequest, "request", "is not an object")
                .expected("{\"jsonrpc\": \"2.0\", \"method\": ..., \"id\": ...}");
            return Self { id: Some(Value::Null), request: Err(error) };
        };
        let id = members.remove("id");
        let request = match &id {
            None | Some(Value::Null | Value::Number(_) | Value::String(_)) => read(members),
            Some(Value::Bool(_) | Value::Array(_) | Value::Object(_)) => {
                let error = Error::new(ErrorKind::InvalidRequest, "id", "is of the wrong type")
                    .expected("a string, a number or null");
                return Self { id: Some(Value::Null), request: Err(error) };
            }
        };
        // What is no request is no notification either, and gets an answer.
        let id = if request.is_err() { Some(id.unwrap_or(Value::Null)) } else { id };
        Self { id, request }
    }
}

fn read(mut members: Map<String, Value>) -> Result<Request> {
    let wrong = |member: &str, expected: &str| {
        Error::new(ErrorKind::InvalidRequest, member, "is missing or wrong").expected(expected)
    };
    if members.get("jsonrpc").and_then(Value::as_str) != Some("2.0") {
        return Err(wrong("jsonrpc", "\"2.0\""));
    }
    let Some(Value::String(method)) = members.remove("method") else {
        return Err(wrong("method", "the name of a method"));
    };
    let params = match members.remove("params") {
        None => Params::None,
        Some(Value::Array(params)) => Params::Array(params),
        Some(Value::Object(params)) => Params::Map(params),
        Some(_) => return Err(wrong("params", "an object or an array, if any")),
    };
    let token = match members.remove("token") {
        Some(Value::String(token)) => Some(token),
        _ => None,
    };
    Ok(Request { method, params, token })
}

impl Answer {
    pub(super) fn new(id: Value, result: Result<Value, jsonrpc_core::Error>) -> Self {
        let outcome = result.map_or_else(Outcome::Error, Outcome::Result);
        Self { jsonrpc: "2.0", outcome, id }
    }

    /// The answer's text.
    pub(super) fn text(&self) -> Vec<u8> {
        // Values whose keys are texts are always written.
        serde_json::to_vec(self).unwrap_or_default()
    }
}
