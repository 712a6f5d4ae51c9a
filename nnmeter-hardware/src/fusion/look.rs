//! The images that a question is asked on, and what there tells.

use std::fmt;

/// Channels and extents of the images in a network, and the window of the convolution looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Look {
    /// Number of channels; a multiple of 16, which is what runtimes divide channels into.
    pub channels: usize,
    /// Height and width.
    pub side: usize,
    /// Height and width of the convolution's window.
    pub window: usize,
}

/// Up to how many points an image has nothing in it to speak of.
const TINY: usize = 16;

impl Look {
    /// Whether operators take no time but for what it takes to start them. Then what is fused costs
    /// nothing, whatever it computes; else long computing may hide that a result is not written to
    /// memory and read again.
    pub fn tells_starts(self) -> bool {
        self.side * self.side <= TINY
    }

    /// The shares of what the second operator costs on its own: up to the first one it is fused, from
    /// the second one on it is not.
    pub(super) fn shares(self) -> [f64; 2] {
        match self.tells_starts() {
            true => [0.35, 0.6],
            false => [0.3, 0.6],
        }
    }
}

impl fmt::Display for Look {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{side}x{side}", self.channels, side = self.side)
    }
}
