//! Search spaces and the exact cost of every architecture in them.

pub mod builtin;
pub mod error;
pub mod metric;
pub mod random;
pub mod space;
pub mod table;
