//! Features: the numbers that kernel models are functions of, by name.
//!
//! A closed list, because the names are written into predictor packages. Counts are of elements (of
//! 32 bits unless [`Feature::ElementBits`] says otherwise) and of multiply-accumulates; the
//! GEMM-shaped ones count what a packed, blocked matrix product really executes: extents padded to
//! its blocks (8 x 8 for the product, 4 channels for packing and depthwise vectors, as in ruy and
//! TFLite's NEON kernels).

use crate::workload::Workload;

/// Floats that fit the second-level cache of a Cortex-A76 (512 KiB).
const L2_ELEMENTS: u64 = 131_072;

/// Defines [`Feature`] with its names from one table.
macro_rules! features {
    ($($(#[$doc:meta])* $variant:ident = $name:literal),* $(,)?) => {
        /// A number about a [`Workload`].
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Feature {
            $($(#[$doc])* $variant,)*
        }

        impl Feature {
            /// All features.
            pub const ALL: &'static [Feature] = &[$(Feature::$variant),*];

            /// The name in package files.
            pub fn name(self) -> &'static str {
                match self {
                    $(Feature::$variant => $name,)*
                }
            }

            /// The feature called `name`.
            pub fn from_name(name: &str) -> Option<Feature> {
                match name {
                    $($name => Some(Feature::$variant),)*
                    _ => None,
                }
            }
        }
    };
}

features! {
    /// 1 for every kernel: what it costs to start one.
    One = "one",
    /// Multiply-accumulates.
    Macs = "macs",
    /// Multiply-accumulates of a convolution as a matrix product of 8 x 8 blocks: result channels
    /// (of each group) padded to 8, and output points padded to 8 unless there is but one.
    GemmMacs = "gemm_macs",
    /// Elements of the patch matrix that a convolution's matrix product reads: window x input
    /// channels padded to 4 x output points.
    Patches = "patches",
    /// Of [`Feature::Patches`], what exceeds a 512 KiB cache of floats.
    PatchesSpilled = "patches_spilled",
    /// Multiply-accumulates of a depthwise convolution in vectors of 4 channels.
    VectorMacs = "vector_macs",
    /// Window elements x output points: starts of a depthwise convolution's inner loop.
    Taps = "taps",
    /// Window elements x elements of the result.
    WindowElements = "window_elements",
    /// Elements read from data operands.
    Read = "read",
    /// Elements written.
    Written = "written",
    /// Elements read and written.
    Moved = "moved",
    /// Elements of weights.
    Weights = "weights",
    /// Batch size.
    Batch = "batch",
    /// Input depth (third spatial axis).
    Depth = "depth",
    /// Input height.
    Height = "height",
    /// Input width.
    Width = "width",
    /// Longer over shorter of input height and width.
    Aspect = "aspect",
    /// Input channels.
    Cin = "cin",
    /// Output channels.
    Cout = "cout",
    /// Input channels modulo 8: how far from a vector's width.
    CinMod8 = "cin_mod_8",
    /// Output channels modulo 8.
    CoutMod8 = "cout_mod_8",
    /// Output channels over input channels.
    ChannelRatio = "channel_ratio",
    /// Window height.
    KernelHeight = "kernel_height",
    /// Window width.
    KernelWidth = "kernel_width",
    /// Larger of the two strides.
    Stride = "stride",
    /// Larger over smaller stride.
    StrideAspect = "stride_aspect",
    /// Larger of the dilations.
    Dilation = "dilation",
    /// Groups of a convolution.
    Groups = "groups",
    /// Number of data operands.
    Operands = "operands",
    /// Bits of an element.
    ElementBits = "element_bits",
}

impl Feature {
    /// Its value for `work`.
    pub fn of(self, work: &Workload) -> f64 {
        match self {
            Feature::One => 1.0,
            Feature::Macs => work.macs as f64,
            Feature::GemmMacs => gemm_macs(work) as f64,
            Feature::Patches => patches(work) as f64,
            Feature::PatchesSpilled => patches(work).saturating_sub(L2_ELEMENTS) as f64,
            Feature::VectorMacs => {
                product([work.window_area(), work.output_points(), padded(work.cout, 4)]) as f64
            }
            Feature::Taps => product([work.window_area(), work.output_points()]) as f64,
            Feature::WindowElements => product([work.window_area(), work.written]) as f64,
            Feature::Read => work.read as f64,
            Feature::Written => work.written as f64,
            Feature::Moved => work.read.saturating_add(work.written) as f64,
            Feature::Weights => work.weights as f64,
            _ => configuration(work)[self.place().unwrap_or_default()],
        }
    }

    /// Place of a feature about the configuration in [`configuration`].
    pub(crate) fn place(self) -> Option<usize> {
        (self as usize).checked_sub(Feature::Batch as usize)
    }
}

/// Number of features about the configuration of a kernel, the last in [`Feature::ALL`].
pub(crate) const CONFIGURATION: usize = Feature::ALL.len() - Feature::Batch as usize;

/// All features about the configuration of a kernel at once, in their order.
pub(crate) fn configuration(work: &Workload) -> [f64; CONFIGURATION] {
    let [depth, height, width] = work.input;
    let [_, stride_y, stride_x] = work.stride;
    let [dilation_z, dilation_y, dilation_x] = work.dilation;
    [
        f64::from(work.batch),
        f64::from(depth),
        f64::from(height),
        f64::from(width),
        aspect(height, width),
        f64::from(work.cin),
        f64::from(work.cout),
        f64::from(work.cin % 8),
        f64::from(work.cout % 8),
        f64::from(work.cout) / f64::from(work.cin.max(1)),
        f64::from(work.window[1]),
        f64::from(work.window[2]),
        f64::from(stride_y.max(stride_x)),
        aspect(stride_y, stride_x),
        f64::from(dilation_z.max(dilation_y).max(dilation_x)),
        f64::from(work.groups),
        f64::from(work.operands),
        f64::from(work.bits),
    ]
}

fn gemm_macs(work: &Workload) -> u64 {
    let groups = work.groups.max(1);
    let points = work.output_points();
    let rows = if points > 1 { next_multiple(points, 8) } else { points };
    let columns = product([padded(work.cout / groups, 8), u64::from(groups)]);
    product([work.window_area(), u64::from(work.cin / groups), columns, rows])
}

fn patches(work: &Workload) -> u64 {
    product([work.window_area(), padded(work.cin, 4), work.output_points()])
}

fn padded(extent: u32, block: u64) -> u64 {
    next_multiple(u64::from(extent), block)
}

fn next_multiple(count: u64, block: u64) -> u64 {
    count.checked_next_multiple_of(block).unwrap_or(u64::MAX)
}

/// A product that saturates: no file's extents may overflow a count.
fn product<const N: usize>(factors: [u64; N]) -> u64 {
    factors.into_iter().fold(1, u64::saturating_mul)
}

fn aspect(a: u32, b: u32) -> f64 {
    f64::from(a.max(b)) / f64::from(a.min(b).max(1))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::kind::Kind;

    /// A convolution 3x3 of stride 2, from 56x56x64 to 28x28x128.
    pub(crate) fn convolution() -> Workload {
        Workload {
            kind: Kind::Conv,
            batch: 1,
            input: [1, 56, 56],
            output: [1, 28, 28],
            cin: 64,
            cout: 128,
            window: [1, 3, 3],
            stride: [1, 2, 2],
            dilation: [1; 3],
            groups: 1,
            operands: 1,
            channels: [64, 0, 0, 0],
            bits: 32,
            macs: 9 * 64 * 128 * 28 * 28,
            weights: 9 * 64 * 128,
            read: 56 * 56 * 64,
            written: 28 * 28 * 128,
        }
    }

    #[test]
    fn physical_features_have_their_units() {
        let conv = convolution();
        assert_eq!(conv.flops().0, 2 * conv.macs);
        assert_eq!(conv.weight_bytes().0, 4 * 9 * 64 * 128);
        assert_eq!(conv.bytes_read().0 + conv.bytes_written().0, 4 * (200_704 + 100_352));
        assert_eq!(Feature::GemmMacs.of(&conv), conv.macs as f64);
        let odd = Workload { cout: 9, ..conv };
        assert_eq!(Feature::GemmMacs.of(&odd), (9 * 64 * 16 * 784) as f64);
        assert_eq!(Feature::CoutMod8.of(&odd), 1.0);
    }

    #[test]
    fn names_read_back() {
        for &feature in Feature::ALL {
            assert_eq!(Feature::from_name(feature.name()), Some(feature));
        }
    }
}
