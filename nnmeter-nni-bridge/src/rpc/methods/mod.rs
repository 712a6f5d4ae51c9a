//! The methods, one file each; this one is the list of them, and what all have in common: typed
//! parameters, a place in the list of running calls, and a limit of time.

mod cancel;
mod devices_card;
mod devices_list;
mod health;
mod predict;
mod predict_batch;
mod predict_kernels;
mod space_check;
mod space_compile;
mod space_cost;
mod space_count;
mod space_expect;
mod space_list;
mod space_load;
mod space_optimum;
mod space_sample;
mod space_table;
mod space_unload;
mod status;
mod version;

use jsonrpc_core::Params;
use nnmeter_filters::stop::{Reason, Stop};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::dispatch::Lane;
use super::service::Source;
use super::state::State;
use crate::error::{Error, ErrorKind, Result};

/// What a method works with.
pub(super) struct Context<'a> {
    state: &'a State,
    source: Source,
    stop: &'a Stop,
}

/// A method.
pub(super) struct Method {
    /// Its name in requests.
    pub(super) name: &'static str,
    /// How long it takes.
    pub(super) lane: Lane,
    run: fn(&Context<'_>, Params) -> Result<Value>,
}

macro_rules! methods {
    ($($name:literal $lane:ident $file:ident;)*) => {
        /// All methods.
        pub(super) const ALL: &[Method] = &[$(Method {
            name: $name,
            lane: Lane::$lane,
            run: |context, params| $file::run(context, typed($name, params)?),
        }),*];
    };
}

methods! {
    "version" Quick version;
    "health" Quick health;
    "status" Quick status;
    "cancel" Quick cancel;
    "devices.list" Quick devices_list;
    "devices.card" Quick devices_card;
    "predict" Quick predict;
    "predict_batch" Long predict_batch;
    "predict_kernels" Long predict_kernels;
    "space.load" Long space_load;
    "space.compile" Long space_compile;
    "space.table" Long space_table;
    "space.unload" Quick space_unload;
    "space.list" Quick space_list;
    "space.cost" Quick space_cost;
    "space.check" Quick space_check;
    "space.sample" Long space_sample;
    "space.count" Long space_count;
    "space.optimum" Long space_optimum;
    "space.expect" Quick space_expect;
}

/// The method of that name.
pub(super) fn find(name: &str) -> Option<&'static Method> {
    ALL.iter().find(|method| method.name == name)
}

impl Method {
    /// Calls the method.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidParams`], [`ErrorKind::Stopping`], [`ErrorKind::TimeLimit`],
    /// [`ErrorKind::Cancelled`], or what the method says.
    pub(super) fn call(&self, state: &State, source: Source, mut params: Params) -> Result<Value> {
        if state.is_stopping() {
            return Err(stopping());
        }
        let call = state.calls.start(self.name, self.name_of_call(&mut params)?, &state.limits)?;
        let result = (self.run)(&Context { state, source, stop: &call.stop }, params);
        result.map_err(|error| match (error.kind(), call.stop.reason()) {
            (ErrorKind::Cancelled, _) if state.is_stopping() => stopping(),
            (ErrorKind::Cancelled, Some(Reason::Deadline)) => {
                Error::new(ErrorKind::TimeLimit, "call", "takes longer than it may")
                    .expected(format!("{} s at most", state.limits.time.as_secs_f64()))
                    .hint("ask for less, or start the server with a larger --time-limit-s")
            }
            _ => error,
        })
    }

    /// Takes `call` from the parameters of a long call: the name that its client gives it.
    fn name_of_call(&self, params: &mut Params) -> Result<Option<String>> {
        let (Lane::Long, Params::Map(members)) = (self.lane, params) else { return Ok(None) };
        match members.remove("call") {
            None => Ok(None),
            Some(Value::String(name)) => Ok(Some(name)),
            Some(_) => Err(Error::new(ErrorKind::InvalidParams, "call", "is no text")
                .expected("a name for the call")),
        }
    }
}

/// Parameters by name, or by position in the order of the fields.
fn typed<P: DeserializeOwned>(method: &str, params: Params) -> Result<P> {
    let params = match params {
        Params::None => Value::Object(serde_json::Map::new()),
        Params::Array(params) => Value::Array(params),
        Params::Map(params) => Value::Object(params),
    };
    serde_json::from_value(params).map_err(|error| {
        Error::new(ErrorKind::InvalidParams, format!("params of {method:?}"), error.to_string())
    })
}

fn stopping() -> Error {
    Error::new(ErrorKind::Stopping, "server", "is stopping")
}

/// Parameters of a method that has none.
#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NoParams {}
