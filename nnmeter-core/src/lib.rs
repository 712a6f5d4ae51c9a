//! Kernel-level latency prediction of neural networks.

pub mod error;
pub mod units;
