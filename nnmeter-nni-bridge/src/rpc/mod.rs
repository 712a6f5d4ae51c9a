//! The JSON-RPC 2.0 service: messages in, answers out, over nng sockets and standard input and output.
//!
//! [`Server::start`] listens and answers until it is stopped. What clients send and get is in
//! PROTOCOL.md of this crate; what a method computes, the crates below compute.

mod address;
mod bounds;
mod calls;
mod conform;
mod devices;
mod dispatch;
mod endpoint;
mod greeting;
mod limits;
mod lru;
mod methods;
mod model;
mod prediction;
mod samples;
mod server;
mod service;
mod state;
mod stdio;
mod store;

pub use address::Address;
pub use limits::{Limits, MOST_CALLS, MOST_SAMPLES};
pub use server::{Options, Server};
pub use service::{Service, Source};
