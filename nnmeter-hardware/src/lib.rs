//! Devices: what they are, how they were fitted, and where their predictors come from.

pub mod accuracy;
mod builtin;
pub mod dataset;
pub mod day;
pub mod device;
pub mod error;
pub mod fit;
mod folders;
mod open;
pub mod package;
pub mod registry;
mod suggest;
pub mod timings;
