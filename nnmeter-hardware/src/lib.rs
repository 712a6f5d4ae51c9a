//! Devices: what they are, how they were fitted, and where their predictors come from.

pub mod accuracy;
pub mod backend;
mod builtin;
pub mod dataset;
pub mod date;
pub mod device;
mod entry;
pub mod error;
pub mod fit;
mod folders;
pub mod fusion;
pub mod install;
pub mod measure;
pub mod nn_meter;
mod open;
pub mod package;
pub mod provider;
pub mod rank;
pub mod registry;
mod suggest;
pub mod sweep;
pub mod timings;
pub mod verify;
pub mod version;
