//! The builder.

mod labels;
mod prior;
mod sampler;
mod style;
pub mod told;
pub mod zoo;

pub use labels::{Label, labels};
pub use sampler::{Drawn, draw};
pub use style::Style;
