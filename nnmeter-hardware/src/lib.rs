//! Devices: what they are, how they were fitted, and where their predictors come from.
