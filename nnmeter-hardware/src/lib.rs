//! Devices: what they are, how they were fitted, and where their predictors come from.

pub mod accuracy;
pub mod dataset;
pub mod error;
pub mod fit;
