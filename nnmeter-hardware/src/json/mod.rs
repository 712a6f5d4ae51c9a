//! JSON objects that the command line prints and that services answer with.
//!
//! They are written here once, so that both say the same. Reading JSON is each format's own.

mod card;
mod measured;
mod prediction;

pub use card::{IntervalCard, MetricCard, accuracy, card, metrics, origin};
pub use measured::{identity, measured, not_measured};
pub use prediction::{is_windowed, prediction, why_no_price};
