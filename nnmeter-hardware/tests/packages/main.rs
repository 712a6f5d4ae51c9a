//! Predictor packages and the registry, from outside: what goes in comes out, and what was tampered
//! with is refused.
//!
//! No real device is tested here; the packages are made in [`sample`].

mod archives;
mod hostile;
mod registry;
mod round_trip;
mod sample;
mod versions;
mod wrong_values;
