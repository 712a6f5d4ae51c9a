//! Extents of values while a graph is put together: what weights and channel shuffles need. Whether
//! they are possible at all is for shape inference to say.

/// Channels and spatial extents of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shape {
    pub(super) channels: usize,
    pub(super) height: usize,
    pub(super) width: usize,
}

impl Shape {
    /// After a square window with the padding of [`Layer`](super::Layer).
    pub(super) fn windowed(self, kernel: usize, stride: usize) -> Self {
        let extent = |extent: usize| {
            let padded = extent + 2 * padding(kernel);
            padded.saturating_sub(kernel) / stride + 1
        };
        Self { height: extent(self.height), width: extent(self.width), ..self }
    }

    pub(super) fn with_channels(self, channels: usize) -> Self {
        Self { channels, ..self }
    }

    /// One element a channel.
    pub(super) fn pooled(self) -> Self {
        Self { height: 1, width: 1, ..self }
    }

    pub(super) fn elements(self) -> usize {
        self.channels.saturating_mul(self.height).saturating_mul(self.width)
    }
}

/// Padding on every side of a window.
pub(super) fn padding(kernel: usize) -> usize {
    (kernel - 1) / 2
}
