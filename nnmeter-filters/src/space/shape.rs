//! Extents of values, without a graph: what weights and channel shuffles need, and what tells on which
//! choices extents depend. Whether they are possible at all is for shape inference to say.

use super::Layer;

/// Channels and spatial extents of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shape {
    pub(super) channels: usize,
    pub(super) height: usize,
    pub(super) width: usize,
}

impl Shape {
    fn windowed(self, kernel: usize, stride: usize) -> Self {
        let extent = |extent: usize| {
            let padded = extent + 2 * padding(kernel);
            padded.saturating_sub(kernel) / stride + 1
        };
        Self { height: extent(self.height), width: extent(self.width), ..self }
    }

    fn with_channels(self, channels: usize) -> Self {
        Self { channels, ..self }
    }

    /// One element a channel.
    fn pooled(self) -> Self {
        Self { height: 1, width: 1, ..self }
    }

    pub(super) fn elements(self) -> usize {
        self.channels.saturating_mul(self.height).saturating_mul(self.width)
    }
}

impl Layer {
    /// Extents of each of its results.
    pub(super) fn shape(&self, from: &[Shape], sample: &[u8]) -> Shape {
        let first = from[0];
        match self {
            Layer::Conv { channels, kernel, stride, .. } => first
                .windowed(kernel.value(sample), stride.value(sample))
                .with_channels(channels.value(sample)),
            Layer::DepthwiseConv { kernel, stride }
            | Layer::MaxPool { kernel, stride }
            | Layer::AveragePool { kernel, stride } => {
                first.windowed(kernel.value(sample), stride.value(sample))
            }
            Layer::GlobalPool => first.pooled(),
            Layer::Linear { channels, .. } => first.pooled().with_channels(channels.value(sample)),
            Layer::Concat => first.with_channels(from.iter().map(|shape| shape.channels).sum()),
            Layer::Split { parts } => first.with_channels(first.channels / usize::from(*parts)),
            Layer::BatchNorm
            | Layer::Activation(_)
            | Layer::Add
            | Layer::Multiply
            | Layer::Shuffle { .. }
            | Layer::Zero => first,
        }
    }
}

/// Padding on every side of a window.
pub(super) fn padding(kernel: usize) -> usize {
    (kernel - 1) / 2
}
