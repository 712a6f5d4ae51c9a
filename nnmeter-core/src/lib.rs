//! Kernel-level latency prediction of neural networks.

pub mod builder;
pub mod ensemble;
pub mod error;
pub mod graph;
pub mod import;
pub mod infer;
pub mod op;
mod op_name;
pub mod tensor;
pub mod typed;
pub mod units;
