//! How the compiler for Intel's Myriad X vision processor splits a convolution for the chip's
//! hardware engine.
//!
//! The engine computes a convolution in *descriptors* (`mode`), each over a tile of rows, columns
//! and input channels that fits its memories. The compiler searches for the cut into tiles
//! (`search`, `axis`) that it thinks cheapest, and what the engine executes follows from it: cycles,
//! coefficients that are loaded anew for every tile, partial sums of tiles of channels, and junk at
//! inner edges. A depthwise convolution is many dense ones of few channels (`split_depthwise`).
//! What no cut fits runs in software on the chip's vector processors.
//!
//! The facts are those of the public source of OpenVINO's `vpu` graph transformer (Intel, Apache-2.0,
//! <https://github.com/openvinotoolkit/openvino>), in its own words `HWConvolutionTilingSearcher`,
//! `splitHwDepthConvolution` and `splitHwConvAndPool`; nothing of it is copied. No constant here was
//! fitted. Costs in time are not its business.

mod axis;
mod mode;
mod search;

use crate::kind::Kind;
use crate::pooling::Pooling;
use crate::workload::{Extents, Workload};
use mode::{Descriptors, Filter, LINE_ALIGNMENT, Patch};
use search::{Convolution, Cut, RESULT_MEMORY, result_bytes};

/// What the engine executes for one kernel; nothing for kinds other than convolutions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tiling {
    /// Tiles of rows and columns.
    pub(crate) plane_tiles: u64,
    /// Tiles along the input channels.
    pub(crate) channel_tiles: u64,
    /// `log2` of the input channels that the engine takes at a time.
    pub(crate) mode: u64,
    /// Convolutions that it is split into: those of depthwise tiles, of groups, or of output
    /// channels in front of a pooling; 1 if it is not.
    pub(crate) parts: u64,
    /// Channels of one of them: of input and result of a depthwise tile, of the result otherwise.
    pub(crate) part_channels: u64,
    /// Starts of the engine, one for each tile.
    pub(crate) stages: u64,
    /// Descriptors of all stages.
    pub(crate) descriptors: u64,
    /// Cycles of all descriptors.
    pub(crate) cycles: u64,
    /// Coefficients loaded, padding included.
    pub(crate) coefficients: u64,
    /// Partial sums that are added to those of tiles of input channels before.
    pub(crate) partial_sums: u64,
    /// Elements of tiles that compute some junk.
    pub(crate) junk: u64,
    /// Whether it runs in software; all counts but `parts` are zero then.
    pub(crate) in_software: bool,
}

impl Tiling {
    /// What the engine executes for `work`.
    pub(crate) fn of(work: &Workload) -> Self {
        if !matches!(work.kind, Kind::Conv | Kind::DwConv) {
            return Self::default();
        }
        let Some(whole) = on_engine(work) else {
            return Self::in_software();
        };
        let groups = u64::from(work.groups.max(1));
        // More groups than channels are a file's mistake: a channel each.
        let of_group = |channels: u64| (channels / groups).max(1);
        let tiling = match (groups, of_group(whole.cin), of_group(whole.cout)) {
            (1, ..) => Self::of_dense(whole, work.pooled),
            (channels, 1, 1) => Self::of_depthwise(whole, channels),
            (groups, cin, cout) => Self::of_parts(whole.with_channels(cin, cout), groups),
        };
        tiling.times(u64::from(work.batch))
    }

    fn in_software() -> Self {
        Self { parts: 1, in_software: true, ..Self::default() }
    }

    /// A dense convolution: whole, or in parts if a pooling follows and the result is large.
    fn of_dense(whole: Convolution, pooled: Option<Pooling>) -> Self {
        match pooled.and_then(|pooling| channels_before(whole, pooling)) {
            Some(cout) => Self::of_parts(whole.with_channels(whole.cin, cout), whole.cout / cout),
            None => Self::of_parts(whole, 1),
        }
    }

    /// A depthwise convolution: dense ones of some channels, the last of what is left.
    fn of_depthwise(whole: Convolution, channels: u64) -> Self {
        let tile = depthwise_tile(whole, channels);
        let parts = channels.div_ceil(tile);
        let last = channels - (parts - 1) * tile;
        let last = Self::of_parts(whole.with_channels(last, last), 1);
        let others = Self::of_parts(whole.with_channels(tile, tile), parts - 1);
        Self { parts, ..others.and(&last) }
    }

    /// So many convolutions like `part`.
    fn of_parts(part: Convolution, parts: u64) -> Self {
        let Some(cut) = part.cut() else {
            return Self { parts, part_channels: part.cout, ..Self::in_software() };
        };
        let mut tiling = Self {
            plane_tiles: (cut.rows.len() * cut.columns.len()) as u64,
            channel_tiles: cut.channel_tiles,
            parts,
            part_channels: part.cout,
            ..Self::default()
        };
        tiling.count(part, &cut);
        tiling.times(parts)
    }

    /// Adds up what the tiles of `cut` execute.
    fn count(&mut self, part: Convolution, cut: &Cut) {
        let tiles = part.cin.div_ceil(cut.tile_channels);
        for (row, column) in cut.tiles() {
            let Some(made) = part.descriptors(row, column, cut.tile_channels) else { continue };
            let points = row.output.1 * column.output.1;
            let result = points * part.cout;
            let padded = part.cout.next_multiple_of(LINE_ALIGNMENT);
            self.mode = made.mode;
            self.stages += tiles;
            self.descriptors += tiles * made.count;
            self.cycles += tiles * made.cost() * points;
            self.coefficients += tiles * part.filter.taps() * made.channels * padded;
            self.partial_sums += (tiles - 1) * result;
            if row.junk + column.junk > 0 {
                self.junk += tiles * result;
            }
        }
    }

    /// All counts, so many times.
    fn times(self, times: u64) -> Self {
        Self {
            stages: self.stages.saturating_mul(times),
            descriptors: self.descriptors.saturating_mul(times),
            cycles: self.cycles.saturating_mul(times),
            coefficients: self.coefficients.saturating_mul(times),
            partial_sums: self.partial_sums.saturating_mul(times),
            junk: self.junk.saturating_mul(times),
            ..self
        }
    }

    /// The counts of both; the rest is this one's.
    fn and(self, other: &Self) -> Self {
        Self {
            stages: self.stages.saturating_add(other.stages),
            descriptors: self.descriptors.saturating_add(other.descriptors),
            cycles: self.cycles.saturating_add(other.cycles),
            coefficients: self.coefficients.saturating_add(other.coefficients),
            partial_sums: self.partial_sums.saturating_add(other.partial_sums),
            junk: self.junk.saturating_add(other.junk),
            ..self
        }
    }
}

/// The convolution that `work` is, groups left aside; `None` if the engine has none such: it knows
/// two axes, one stride and no dilation.
fn on_engine(work: &Workload) -> Option<Convolution> {
    let wide = |extents: Extents| extents.map(u64::from);
    let ([depth, height, width], [planes, rows, columns]) = (wide(work.input), wide(work.output));
    let ([along, tall, broad], [_, down, right]) = (wide(work.window), wide(work.stride));
    if [depth, planes, along] != [1; 3] || work.dilation != [1; 3] || down != right {
        return None;
    }
    let filter = Filter { height: tall, width: broad, stride: down };
    let channels = [u64::from(work.cin), u64::from(work.cout)];
    Convolution::new([height, width], [rows, columns], channels, filter)
}

/// Output channels of each part of a convolution in front of a pooling; `None` if it is not split.
///
/// A convolution of 3x3 and a maximum over 2x2 of stride 2 are one stage of the engine; any other
/// pooling takes its input from fast memory, if a part of the channels fits there. A concatenation
/// of two in between moves behind the pooling.
fn channels_before(whole: Convolution, pooling: Pooling) -> Option<u64> {
    let bytes = |channels| {
        let [rows, columns] = whole.result();
        result_bytes(columns, rows, channels)
    };
    let is_merged = whole.filter.height == 3
        && pooling.kind == Kind::MaxPool
        && (pooling.window, pooling.stride) == ([1, 2, 2], [1, 2, 2]);
    let fits =
        |channels: &u64| whole.cout.is_multiple_of(*channels) && bytes(*channels) <= RESULT_MEMORY;
    let splits = !is_merged && pooling.joined <= 2 && bytes(whole.cout) > RESULT_MEMORY;
    [128, 64, 32].into_iter().find(fits).filter(|_| splits)
}

/// Channels of a tile of a depthwise convolution: those of the least cost, the fewest of equals. A
/// tile of more channels that makes no fewer tiles is never better.
fn depthwise_tile(whole: Convolution, channels: u64) -> u64 {
    let [height, width] = whole.operand();
    let mut best = (u64::MAX, channels);
    let mut tile = 1;
    while tile < channels {
        let patch = Patch { height, width, channels: tile };
        let Some(found) = Descriptors::cheapest(patch, tile, whole.filter) else { break };
        let tiles = channels.div_ceil(tile);
        best = best.min((found.cost() * tiles, tile));
        tile = channels.div_ceil(tiles - 1);
    }
    best.1
}

#[cfg(test)]
mod tests;
