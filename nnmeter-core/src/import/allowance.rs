//! Bounds what a file may make of itself.
//!
//! Some nodes stand for more than their own bytes: a function is written out at each call, a cell
//! at each use, and a Split has as many outputs as a number says. What an importer adds beyond
//! the file's own nodes is paid for from here, so that no small file fills the memory. Memory that
//! is in proportion to the file is not counted.

use std::cell::Cell;

use crate::error::{Error, ErrorKind, Result};

/// What a file may add to itself: more than any network has been seen to need, and less than
/// anyone minds.
const BYTES: usize = 32 << 20;

/// What an output of a node takes beside its name.
const OUTPUT: usize = 192;

/// How many bytes are left.
pub(super) struct Allowance(Cell<usize>);

impl Allowance {
    /// All of it.
    pub(super) fn new() -> Self {
        Self(Cell::new(BYTES))
    }

    /// Pays for `bytes`.
    ///
    /// # Errors
    /// If there are not as many left; the error is about `subject`.
    pub(super) fn pay(&self, bytes: usize, subject: impl FnOnce() -> String) -> Result<()> {
        match self.0.get().checked_sub(bytes) {
            Some(left) => {
                self.0.set(left);
                Ok(())
            }
            None => Err(Error::new(ErrorKind::Unsupported, subject(), "multiplies too much")
                .expected(format!("a model that unfolds to less than {} MiB", BYTES >> 20))),
        }
    }

    /// Pays for the outputs of a node but its first, whose names begin with `name`.
    ///
    /// # Errors
    /// As [`Allowance::pay`].
    pub(super) fn pay_outputs(
        &self,
        count: usize,
        name: &str,
        subject: impl FnOnce() -> String,
    ) -> Result<()> {
        let more = count.saturating_sub(1);
        self.pay(more.saturating_mul(OUTPUT.saturating_add(name.len())), subject)
    }
}
