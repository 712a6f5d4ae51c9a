//! Devices: what they are, how they were fitted, and where their predictors come from.

mod builtin;
pub mod device;
pub mod error;
mod folders;
mod open;
pub mod package;
pub mod registry;
mod suggest;
