//! A workload under examination: what several features of it share is found once.

use std::cell::OnceCell;

use crate::myriad::Tiling;
use crate::workload::Workload;

/// A workload of which several features are asked.
#[derive(Clone, Debug)]
pub struct Examined<'w> {
    work: &'w Workload,
    /// Takes microseconds to find, and is found when a feature first needs it.
    tiling: OnceCell<Tiling>,
}

impl<'w> Examined<'w> {
    /// Nothing is found yet.
    pub fn new(work: &'w Workload) -> Self {
        Self { work, tiling: OnceCell::new() }
    }

    /// The workload.
    pub fn workload(&self) -> &'w Workload {
        self.work
    }

    pub(super) fn tiling(&self) -> &Tiling {
        self.tiling.get_or_init(|| Tiling::of(self.work))
    }
}
