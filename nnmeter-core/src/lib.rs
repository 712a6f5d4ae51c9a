//! Kernel-level latency prediction of neural networks.

pub mod builder;
pub mod detect;
pub mod ensemble;
pub mod error;
pub mod export;
pub mod feature;
pub mod graph;
pub mod import;
pub mod infer;
pub mod kind;
pub mod model;
pub mod op;
pub mod predict;
pub mod rules;
pub mod tensor;
#[cfg(test)]
pub(crate) mod text;
pub mod typed;
pub mod units;
pub mod workload;
