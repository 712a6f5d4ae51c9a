//! The compiler's search for how to cut a convolution into tiles of rows, columns and input
//! channels.

use std::cell::OnceCell;

use super::axis::{Axis, Span, Spans};
use super::mode::{BYTES, Descriptors, Filter, LINE_ALIGNMENT, Patch};

/// Bytes of a tile's result that fit the chip's fast memory beside the input.
pub(super) const RESULT_MEMORY: u64 = 576 * 1024;
/// Parts that the search cuts each axis into at most.
const MOST_PARTS: u64 = 15;
/// Extents, channels and windows beyond these are not searched for; no tile of them would fit.
const MOST_EXTENT: u64 = 1 << 16;
const MOST_CIN: u64 = 2048 * MOST_PARTS;
const MOST_COUT: u64 = RESULT_MEMORY;
const MOST_WINDOW: u64 = 16;

/// A dense convolution of one image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Convolution {
    pub(super) cin: u64,
    pub(super) cout: u64,
    pub(super) filter: Filter,
    rows: Axis,
    columns: Axis,
}

/// How a convolution is cut.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Cut {
    pub(super) rows: Spans,
    pub(super) columns: Spans,
    /// Tiles along the input channels, and how many channels each has.
    pub(super) channel_tiles: u64,
    pub(super) tile_channels: u64,
}

impl Cut {
    /// Tiles of the plane, by row and column.
    pub(super) fn tiles(&self) -> impl Iterator<Item = (&Span, &Span)> {
        self.rows.iter().flat_map(|row| self.columns.iter().map(move |column| (row, column)))
    }
}

/// A convolution that the compiler's authors cut by hand: window (square, of stride 1), input and
/// output channels, side; then rows, columns and input channels of a tile.
struct ByHand([u64; 4], [u64; 3]);

const BY_HAND: [ByHand; 5] = [
    ByHand([3, 512, 512, 28], [28, 28, 172]),
    ByHand([3, 256, 256, 56], [30, 56, 128]),
    ByHand([3, 64, 64, 224], [82, 82, 64]),
    ByHand([3, 128, 128, 112], [32, 112, 32]),
    ByHand([1, 384, 64, 56], [56, 20, 384]),
];

impl Convolution {
    /// From height and width of input and result; `None` if the engine has no such convolution.
    pub(super) fn new(
        [height, width]: [u64; 2],
        [rows, columns]: [u64; 2],
        [cin, cout]: [u64; 2],
        filter: Filter,
    ) -> Option<Self> {
        let fits = [height, width, rows, columns].iter().all(|extent| *extent <= MOST_EXTENT)
            && (1..=MOST_CIN).contains(&cin)
            && (1..=MOST_COUT).contains(&cout)
            && [filter.height, filter.width, filter.stride]
                .iter()
                .all(|extent| (1..=MOST_WINDOW).contains(extent));
        if !fits {
            return None;
        }
        let mut rows = Axis::new(height, rows, filter.height, filter.stride)?;
        let mut columns = Axis::new(width, columns, filter.width, filter.stride)?;
        let rounds_up = rows.is_rounded_up() || columns.is_rounded_up();
        (rows.rounds_up, columns.rounds_up) = (rounds_up, rounds_up);
        Some(Self { cin, cout, filter, rows, columns })
    }

    /// As the same with other channels.
    pub(super) fn with_channels(self, cin: u64, cout: u64) -> Self {
        Self { cin, cout, ..self }
    }

    /// Height and width of the input.
    pub(super) fn operand(&self) -> [u64; 2] {
        [self.rows.input, self.columns.input]
    }

    /// Height and width of the result.
    pub(super) fn result(&self) -> [u64; 2] {
        [self.rows.output, self.columns.output]
    }

    /// How the compiler cuts it; `None` if no cut fits, and it runs in software.
    pub(super) fn cut(&self) -> Option<Cut> {
        self.cut_by_hand().or_else(|| self.cheapest_cut())
    }

    fn cut_by_hand(&self) -> Option<Cut> {
        let Self { filter, rows, columns, .. } = self;
        let is_square = rows == columns && filter.height == filter.width && filter.stride == 1;
        let shape = [filter.height, self.cin, self.cout, rows.input];
        let same = |by_hand: &&ByHand| by_hand.0 == shape;
        let applies = is_square && rows.input == rows.output;
        let ByHand(_, [height, width, channels]) = BY_HAND.iter().find(same).filter(|_| applies)?;
        let (rows, columns) = (rows.cut(*height)?, columns.cut(*width)?);
        let channel_tiles = self.cin.div_ceil(*channels);
        Some(Cut { rows, columns, channel_tiles, tile_channels: self.cin.div_ceil(channel_tiles) })
    }

    /// The cut of the least cost, of the fewest parts among equal ones.
    fn cheapest_cut(&self) -> Option<Cut> {
        let rows: [OnceCell<Option<Spans>>; MOST_PARTS as usize] = Default::default();
        let mut best: Option<((u64, u64), Cut)> = None;
        for channel_tiles in 1..=MOST_PARTS {
            for column_tiles in 1..=MOST_PARTS {
                let Some(width) = self.columns.width_of(column_tiles) else { break };
                let Some(columns) = self.columns.cut(width) else { continue };
                let Some((parts, cut, cost)) = self.fewest_rows(&rows, columns, channel_tiles)
                else {
                    continue;
                };
                let rank = (cost, channel_tiles * column_tiles * parts);
                if best.as_ref().is_none_or(|(least, _)| rank < *least) {
                    best = Some((rank, cut));
                }
            }
        }
        best.map(|(_, cut)| cut)
    }

    /// The cut into the fewest tiles of rows that fits, their number, and what the compiler thinks
    /// that the cut costs.
    fn fewest_rows(
        &self,
        rows: &[OnceCell<Option<Spans>>],
        columns: Spans,
        channel_tiles: u64,
    ) -> Option<(u64, Cut, u64)> {
        let tile_channels = self.cin.div_ceil(channel_tiles);
        let mut cut = Cut { rows: Spans::new(), columns, channel_tiles, tile_channels };
        for (parts, made) in (1..).zip(rows) {
            let make = || self.rows.height_of(parts).and_then(|height| self.rows.cut(height));
            if let Some(rows) = made.get_or_init(make)
                && let Some(cost) = self.cost(rows, &cut)
            {
                cut.rows.clone_from(rows);
                return Some((parts, cut, cost));
            }
        }
        None
    }

    /// What the compiler thinks that a cut costs, with the tiles of rows given; `None` if a tile
    /// does not fit.
    fn cost(&self, rows: &[Span], cut: &Cut) -> Option<u64> {
        let mut cost = 0;
        for row in rows {
            for column in &cut.columns {
                let descriptors = self.descriptors(row, column, cut.tile_channels)?;
                if result_bytes(column.output.1, row.output.1, self.cout) > RESULT_MEMORY {
                    return None;
                }
                let result = column.output.1 * row.output.1 * self.cout;
                let starts_unaligned = |(start, _): (u64, u64)| start % LINE_ALIGNMENT != 0;
                cost += descriptors.cost() * cut.channel_tiles + (cut.channel_tiles - 1) * result;
                if starts_unaligned(column.output) {
                    cost += result;
                }
                if starts_unaligned(column.input) {
                    cost += column.input.1 * row.input.1 * descriptors.channels;
                }
            }
        }
        Some(cost)
    }

    /// The descriptors of a tile; `None` if it fits in no mode.
    pub(super) fn descriptors(
        &self,
        row: &Span,
        column: &Span,
        channels: u64,
    ) -> Option<Descriptors> {
        let patch = Patch { height: row.input.1, width: column.input.1, channels };
        Descriptors::cheapest(patch, self.cout, self.filter)
    }
}

/// Bytes of a result in memory.
pub(super) fn result_bytes(width: u64, height: u64, channels: u64) -> u64 {
    width.next_multiple_of(LINE_ALIGNMENT) * height * channels * BYTES
}
