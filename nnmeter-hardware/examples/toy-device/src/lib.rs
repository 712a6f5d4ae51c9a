//! A third party's crate: a runtime of its own, a backend that measures it, and devices for nnmeter.
//!
//! - [`runtime`] executes small networks, for real and slowly;
//! - [`backend`] measures it, as any runtime is measured;
//! - [`fit`] makes a device of what was measured;
//! - [`devices`] offers a device that nobody measured, written in code.
//!
//! A program that uses this crate calls [`register_backends`] and
//! [`Registry::register`](nnmeter_hardware::registry::Registry::register); `main.rs` is one.

pub mod backend;
pub mod devices;
pub mod fit;
pub mod networks;
pub mod runtime;

use nnmeter_hardware::backend::Backends;
use nnmeter_hardware::error::Result;

/// Adds what this crate can measure with.
///
/// # Errors
/// If a backend called `toy` is there already.
pub fn register_backends(backends: &mut Backends) -> Result<()> {
    backends.register("toy", "loops in Rust; `round_ms` sets the length of a round", |options| {
        Ok(Box::new(backend::Toy::open(options)?))
    })
}
