//! One spatial axis of a convolution and how it is cut into tiles.
//!
//! A tile begins at a multiple of the stride and is padded on both sides like the whole, whether or
//! not it lies at an edge. So the engine computes some *junk* at inner edges, which is not kept.

use smallvec::SmallVec;

/// The least width of a tile of several columns of tiles.
const LEAST_WIDTH: u64 = 64;

/// Tiles along an axis.
pub(super) type Spans = SmallVec<[Span; 4]>;

/// A tile along an axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    /// First position of the input, and number of positions.
    pub(super) input: (u64, u64),
    /// First position of the result, and number of positions that are computed.
    pub(super) output: (u64, u64),
    /// How many of those are junk.
    pub(super) junk: u64,
}

/// An axis of a convolution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Axis {
    pub(super) input: u64,
    pub(super) output: u64,
    window: u64,
    stride: u64,
    before: u64,
    after: u64,
    /// Whether the extent of a tile's result is rounded up.
    pub(super) rounds_up: bool,
}

impl Axis {
    /// `None` unless the padding that the extents imply is less than the window.
    pub(super) fn new(input: u64, output: u64, window: u64, stride: u64) -> Option<Self> {
        let padding = (output.checked_sub(1)? * stride + window).saturating_sub(input);
        let (before, after) = (padding / 2, padding.div_ceil(2));
        let axis = Self { input, output, window, stride, before, after, rounds_up: false };
        (input > 0 && padding < window).then_some(axis)
    }

    /// Whether rounding up gives the extent of the result.
    pub(super) fn is_rounded_up(&self) -> bool {
        Self { rounds_up: true, ..*self }.outputs(self.input) == self.output
    }

    /// Positions of the result that an extent of the input gives, padded like the whole.
    fn outputs(&self, input: u64) -> u64 {
        let strides = (input + self.before + self.after).saturating_sub(self.window);
        1 + if self.rounds_up { strides.div_ceil(self.stride) } else { strides / self.stride }
    }

    /// Extent of the input of each of so many tiles of rows; `None` if that is too little.
    pub(super) fn height_of(&self, tiles: u64) -> Option<u64> {
        if tiles == 1 {
            return Some(self.input);
        }
        let height = self.input.div_ceil(tiles).next_multiple_of(self.stride);
        let outputs = self.output.div_ceil(tiles);
        let too_few = Self { rounds_up: false, ..*self }.outputs(height) < outputs;
        let padding = self.before + self.after;
        let needed = (outputs - 1) * self.stride + self.window - padding;
        Some(if too_few { needed } else { height }).filter(|height| *height >= self.window)
    }

    /// As [`Axis::height_of`], of tiles of columns.
    pub(super) fn width_of(&self, tiles: u64) -> Option<u64> {
        if tiles == 1 {
            return Some(self.input);
        }
        let width = self.input.div_ceil(tiles).next_multiple_of(self.stride);
        Some(width).filter(|width| *width >= LEAST_WIDTH)
    }

    /// The result in tiles whose input has the extent given; `None` if junk leaves no room.
    pub(super) fn cut(&self, input: u64) -> Option<Spans> {
        let most = self.outputs(input);
        if most >= self.output {
            let whole = Span { input: (0, self.input), output: (0, self.output), junk: 0 };
            return Some([whole].into_iter().collect());
        }
        let (mut spans, mut from) = (Spans::new(), 0);
        while from < self.output {
            let lengths = (1..=most.min(self.output - from)).rev();
            let span = lengths.map(|length| self.span(from, length));
            let longest = span.into_iter().find(|span| span.output.1 <= most)?;
            from += longest.output.1 - longest.junk;
            spans.push(longest);
        }
        Some(spans)
    }

    /// What it takes to make `length` positions of the result.
    fn span(&self, from: u64, length: u64) -> Span {
        let (start, junk_before) = match (from * self.stride).checked_sub(self.before) {
            Some(first) => {
                (first - first % self.stride, (first % self.stride + self.before) / self.stride)
            }
            None => (0, from),
        };
        let end = (from + length - 1) * self.stride + self.window - self.before;
        let padded = end.saturating_sub(self.input);
        let junk_after = self.after.saturating_sub(padded) / self.stride;
        let junk = junk_before + junk_after;
        let input = (start, end.min(self.input) - start);
        Span { input, output: (from, length + junk), junk }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn show(axis: Axis, input: u64) -> Vec<(u64, u64, u64, u64, u64)> {
        let spans = axis.cut(input).into_iter().flatten();
        spans.map(|s| (s.input.0, s.input.1, s.output.0, s.output.1, s.junk)).collect()
    }

    #[test]
    fn inner_edges_cost_junk() {
        let axis = Axis::new(56, 56, 3, 1).expect("an axis");
        assert_eq!(show(axis, 56), [(0, 56, 0, 56, 0)]);
        assert_eq!(show(axis, 28), [(0, 28, 0, 28, 1), (26, 28, 27, 28, 2), (52, 4, 53, 4, 1)]);
        let pointwise = Axis::new(56, 56, 1, 1).expect("an axis");
        assert_eq!(show(pointwise, 28), [(0, 28, 0, 28, 0), (28, 28, 28, 28, 0)]);
    }

    #[test]
    fn tiles_begin_at_multiples_of_the_stride() {
        let axis = Axis::new(224, 112, 7, 2).expect("an axis");
        let height = axis.height_of(4).expect("a height");
        for span in axis.cut(height).expect("tiles") {
            assert_eq!(span.input.0 % 2, 0);
        }
    }

    #[test]
    fn the_padding_of_a_convolution_is_less_than_its_window() {
        assert_eq!(Axis::new(10, 30, 3, 1), None);
        assert_eq!(Axis::new(10, 0, 3, 1), None);
        assert_eq!(Axis::new(0, 1, 3, 1), None);
        assert!(Axis::new(1, 1, 3, 1).is_some());
    }
}
