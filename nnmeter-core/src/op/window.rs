//! Attributes of windowed operators: convolutions and poolings.

use super::{Layout, Spatial};

/// Attributes of a convolution. Weights are read as `filter` says.
#[derive(Clone, Debug, PartialEq)]
pub struct Conv {
    /// Transposed ("deconvolution").
    pub transposed: bool,
    /// Where the channels of the data are.
    pub layout: Layout,
    /// How the weight operand is laid out.
    pub filter: FilterLayout,
    /// Strides; empty for all ones.
    pub strides: Spatial,
    /// Dilations; empty for all ones.
    pub dilations: Spatial,
    /// Padding.
    pub padding: Padding,
    /// Extra extent at the end of a transposed convolution's output; empty for none.
    pub output_padding: Spatial,
    /// Number of groups. For [`FilterLayout::HwioDepthwise`] it is the number of input channels
    /// whatever is written here. [`Conv::GROUPS_BY_WEIGHT`] leaves it to shape inference.
    pub groups: usize,
}

impl Conv {
    /// The number of groups of a [`FilterLayout::Hwio`] convolution, not transposed, is that of the
    /// data's channels divided by the weight's. Shape inference puts the number in its place.
    pub const GROUPS_BY_WEIGHT: usize = 0;

    /// The number of groups for data of `channels` channels and a weight that reads `read` of them.
    pub(crate) fn groups_of(&self, channels: usize, read: usize) -> usize {
        let by_weight = self.groups == Self::GROUPS_BY_WEIGHT
            && self.filter == FilterLayout::Hwio
            && !self.transposed;
        match channels.checked_div(read) {
            Some(groups) if by_weight && groups > 0 && channels.is_multiple_of(read) => groups,
            _ if by_weight => 1,
            _ => self.groups,
        }
    }
}

impl Default for Conv {
    fn default() -> Self {
        Self {
            transposed: false,
            layout: Layout::ChannelsFirst,
            filter: FilterLayout::Oihw,
            strides: Spatial::new(),
            dilations: Spatial::new(),
            padding: Padding::default(),
            output_padding: Spatial::new(),
            groups: 1,
        }
    }
}

/// Order of the axes of a convolution's weight.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum FilterLayout {
    /// `[out, in / groups, spatial...]`; for a transposed one `[in, out / groups, spatial...]`.
    #[default]
    Oihw,
    /// `[spatial..., in / groups, out]`; for a transposed one `[spatial..., out, in]`.
    Hwio,
    /// TensorFlow's depthwise `[spatial..., in, multiplier]`.
    HwioDepthwise,
}

/// Padding of a windowed operator.
#[derive(Clone, Debug, PartialEq)]
pub enum Padding {
    /// Given amounts: begins, ends; empty for none.
    Explicit(Spatial, Spatial),
    /// Output extent is the input's divided by the stride, rounded up; odd padding at the end.
    SameUpper,
    /// As [`Padding::SameUpper`], odd padding at the begin.
    SameLower,
}

impl Default for Padding {
    /// No padding.
    fn default() -> Self {
        Padding::Explicit(Spatial::new(), Spatial::new())
    }
}

/// Attributes of a windowed pooling.
#[derive(Clone, Debug, PartialEq)]
pub struct Pool {
    /// The pooling function.
    pub kind: PoolKind,
    /// Where the channels of the data are.
    pub layout: Layout,
    /// Window extents.
    pub kernel: Spatial,
    /// Strides; empty for all ones.
    pub strides: Spatial,
    /// Dilations; empty for all ones.
    pub dilations: Spatial,
    /// Padding.
    pub padding: Padding,
    /// Partial windows at the end count.
    pub ceil_mode: bool,
}

/// Function of a pooling.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PoolKind {
    /// Largest element.
    Max,
    /// Mean.
    Average,
    /// L-p norm.
    Lp,
}
