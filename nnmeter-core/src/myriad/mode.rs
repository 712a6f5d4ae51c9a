//! How the engine computes one tile of a convolution: by descriptors, each of which makes some
//! output channels in one of five modes.
//!
//! In mode `m` the engine's 256 multipliers take `2^m` input channels at a time, and so make
//! `256 / 2^m` output channels a descriptor; its memory is cut into as many blocks. A point of the
//! result takes a cycle for each tap of the window and each input channel of a block, and some to
//! add the blocks up. The compiler takes the mode that is cheapest among those that fit.

/// Cycles a point that it takes to add up the blocks of each mode.
const MERGE_CYCLES: [u64; 5] = [0, 5, 11, 19, 31];
/// Exponent of the multipliers' number.
const MULTIPLIERS_LOG2: usize = 8;
/// Bytes of the engine's memory for lines of the input.
const LINE_MEMORY: u64 = 128 * 1024;
/// Coefficients that a block holds for each output channel.
const COEFFICIENTS: u64 = 256;
/// Channels that a descriptor can count.
const MOST_CHANNELS: u64 = 2048;
/// Bytes of an element.
pub(super) const BYTES: u64 = 2;
/// Lines in memory start at multiples of so many elements.
pub(super) const LINE_ALIGNMENT: u64 = 8;

/// Window and stride of a convolution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Filter {
    pub(super) height: u64,
    pub(super) width: u64,
    pub(super) stride: u64,
}

impl Filter {
    pub(super) fn taps(&self) -> u64 {
        self.height * self.width
    }
}

/// The part of the input that a tile is computed from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Patch {
    pub(super) height: u64,
    pub(super) width: u64,
    pub(super) channels: u64,
}

/// A tile as descriptors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Descriptors {
    /// Number of descriptors.
    pub(super) count: u64,
    /// `log2` of the input channels that are taken at a time.
    pub(super) mode: u64,
    /// Input channels, in whole blocks.
    pub(super) channels: u64,
    /// Cycles that one descriptor takes for one point of the result.
    pub(super) cycles: u64,
}

impl Descriptors {
    /// Cycles of all descriptors for one point of the result.
    pub(super) fn cost(&self) -> u64 {
        self.count * self.cycles
    }

    /// The cheapest mode for a tile with `cout` output channels (the fewest descriptors, then the
    /// least mode, of equal ones); `None` if none fits.
    pub(super) fn cheapest(patch: Patch, cout: u64, filter: Filter) -> Option<Self> {
        let modes = (0..MERGE_CYCLES.len()).filter_map(|mode| Self::new(mode, patch, cout, filter));
        modes.min_by_key(|descriptors| (descriptors.cost(), descriptors.count))
    }

    fn new(mode: usize, patch: Patch, cout: u64, filter: Filter) -> Option<Self> {
        let of_block = (patch.channels + (1 << mode) - 1) >> mode;
        let channels = of_block << mode;
        let taps = of_block * filter.taps();
        if channels > MOST_CHANNELS || taps > COEFFICIENTS {
            return None;
        }
        let in_flight = filter.height + filter.stride + 2 + u64::from(patch.width <= 8);
        let line = patch.width.next_multiple_of(LINE_ALIGNMENT) * BYTES * of_block;
        if in_flight.min(patch.height) * line > LINE_MEMORY >> mode {
            return None;
        }
        let made_log2 = MULTIPLIERS_LOG2 - mode;
        let count = (cout + (1 << made_log2) - 1) >> made_log2;
        Some(Self { count, mode: mode as u64, channels, cycles: taps + MERGE_CYCLES[mode] })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cheapest(side: u64, cin: u64, cout: u64, window: u64) -> Option<(u64, u64, u64, u64)> {
        let patch = Patch { height: side, width: side, channels: cin };
        let filter = Filter { height: window, width: window, stride: 1 };
        let found = Descriptors::cheapest(patch, cout, filter)?;
        Some((found.mode, found.count, found.channels, found.cycles))
    }

    #[test]
    fn few_input_channels_leave_more_output_channels_to_a_descriptor() {
        assert_eq!(cheapest(7, 960, 320, 1), Some((2, 5, 960, 251)));
        assert_eq!(cheapest(14, 256, 512, 3), Some((4, 32, 256, 175)));
        assert_eq!(cheapest(14, 3, 256, 1), Some((0, 1, 3, 3)));
    }

    #[test]
    fn some_tiles_fit_in_no_mode() {
        assert_eq!(cheapest(14, 2049, 8, 1), None, "channels");
        assert_eq!(cheapest(14, 464, 8, 3), None, "coefficients");
        assert_eq!(cheapest(4096, 256, 8, 1), None, "line memory");
    }
}
