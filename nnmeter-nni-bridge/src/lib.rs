//! nnmeter for NNI: everything that a running experiment talks to.
//!
//! - [`rpc`]: a JSON-RPC 2.0 service over nng and over standard input and output.
//! - [`nni`]: NNI's own protocols: the tuner's channel, and a trial's.
//!
//! It contains no prediction logic: costs, filters and samples are those of `nnmeter-filters`.

pub mod error;
pub mod nni;
pub mod rpc;
