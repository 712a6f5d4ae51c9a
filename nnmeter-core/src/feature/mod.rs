//! Features: the numbers that kernel models are functions of, by name.
//!
//! A closed list, because the names are written into predictor packages. Counts are of elements (of
//! 32 bits unless [`Feature::ElementBits`] says otherwise) and of multiply-accumulates. What a kind
//! of hardware really executes is counted by formulas of its own: `gemm` (CPUs), `slices` (mobile
//! GPUs) and `engine` (a vision processor, by the tiling of its compiler). Which features matter
//! for a device is not known here.

mod configuration;
mod engine;
mod examined;
mod gemm;
mod slices;

pub(crate) use configuration::{CONFIGURATION, configuration};
pub use examined::Examined;

use crate::workload::Workload;

/// A count, which saturates.
type Count = u64;

/// Defines [`Feature`] with its names and formulas from one table.
macro_rules! features {
    (
        counts { $($(#[$doc:meta])* $variant:ident = $name:literal: $formula:expr;)* }
        tilings { $($(#[$tiled_doc:meta])* $tiled:ident = $tiled_name:literal: $by_tiling:expr;)* }
        configuration { $($(#[$config_doc:meta])* $config:ident = $config_name:literal;)* }
    ) => {
        /// A number about a [`Workload`].
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Feature {
            $($(#[$doc])* $variant,)*
            $($(#[$tiled_doc])* $tiled,)*
            $($(#[$config_doc])* $config,)*
        }

        impl Feature {
            /// All features.
            pub const ALL: &'static [Feature] =
                &[$(Feature::$variant,)* $(Feature::$tiled,)* $(Feature::$config,)*];

            /// The name in package files.
            pub fn name(self) -> &'static str {
                match self {
                    $(Feature::$variant => $name,)*
                    $(Feature::$tiled => $tiled_name,)*
                    $(Feature::$config => $config_name,)*
                }
            }

            /// The feature called `name`.
            pub fn from_name(name: &str) -> Option<Feature> {
                match name {
                    $($name => Some(Feature::$variant),)*
                    $($tiled_name => Some(Feature::$tiled),)*
                    $($config_name => Some(Feature::$config),)*
                    _ => None,
                }
            }

            /// Its value for `work`, of which other features may be asked, too.
            pub fn at(self, work: &Examined<'_>) -> f64 {
                match self {
                    $(Feature::$variant => {
                        let formula: fn(&Workload) -> _ = $formula;
                        formula(work.workload()) as f64
                    })*
                    $(Feature::$tiled => {
                        let formula: fn(&Examined<'_>) -> Count = $by_tiling;
                        formula(work) as f64
                    })*
                    _ => configuration(work.workload())[self.place().unwrap_or_default()],
                }
            }
        }
    };
}

features! {
    counts {
    /// 1 for every kernel: what it costs to start one.
    One = "one": |_| 1.0;
    /// Multiply-accumulates.
    Macs = "macs": |work| work.macs;
    /// Multiply-accumulates of a convolution as a matrix product of 8 x 8 blocks: result channels
    /// (of each group) padded to 8, and output points padded to 8 unless there is but one.
    GemmMacs = "gemm_macs": gemm::macs;
    /// Elements of the patch matrix that a convolution's matrix product reads: window x input
    /// channels padded to 4 x output points.
    Patches = "patches": gemm::patches;
    /// Of [`Feature::Patches`], what exceeds a 512 KiB cache of floats.
    PatchesSpilled = "patches_spilled": gemm::patches_spilled;
    /// Multiply-accumulates of a depthwise convolution in vectors of 4 channels.
    VectorMacs = "vector_macs": gemm::vector_macs;
    /// Window elements x output points: starts of a depthwise convolution's inner loop.
    Taps = "taps": |work| product([work.window_area(), work.output_points()]);
    /// Window elements x elements of the result.
    WindowElements = "window_elements": |work| product([work.window_area(), work.written]);
    /// Elements read from data operands.
    Read = "read": |work| work.read;
    /// Elements written.
    Written = "written": |work| work.written;
    /// Elements read and written.
    Moved = "moved": |work| work.read.saturating_add(work.written);
    /// Elements of weights.
    Weights = "weights": |work| work.weights;
    /// Elements of the window.
    WindowArea = "window_area": Workload::window_area;
    /// Points of the result, of all images of the batch.
    OutputPoints = "output_points": Workload::output_points;
    /// Input channels in slices of 4.
    InputSlices = "input_slices": slices::input;
    /// Output channels in slices of 4.
    OutputSlices = "output_slices": slices::output;
    /// 1 if the number of output slices is odd: threads make two.
    OutputSlicesMod2 = "output_slices_mod_2": |work| slices::output(work) % 2;
    /// Input channels modulo 4.
    CinMod4 = "cin_mod_4": |work| u64::from(work.cin % 4);
    /// Input channels modulo 16: how far from the widest vectors of floats.
    CinMod16 = "cin_mod_16": |work| u64::from(work.cin % 16);
    /// Output channels modulo 16.
    CoutMod16 = "cout_mod_16": |work| u64::from(work.cout % 16);
    /// Steps of a GPU's loop for a convolution: window x input slices.
    LoopSteps = "loop_steps": slices::steps;
    /// Waves of a GPU's convolution: tiles of 16 x 8 points x pairs of output slices.
    Waves = "waves": slices::waves;
    /// Multiply-accumulates of one wave: what a convolution takes however small its result is.
    WaveMacs = "wave_macs": slices::wave_macs;
    /// [`Feature::WaveMacs`] of all waves, rounded up to whole 4s.
    WaveMacsUp4 = "wave_macs_up_4": |work| slices::wave_macs_up(work, 4);
    /// [`Feature::WaveMacs`] of all waves, rounded up to whole 6s.
    WaveMacsUp6 = "wave_macs_up_6": |work| slices::wave_macs_up(work, 6);
    /// [`Feature::WaveMacs`] of all waves, rounded up to whole 8s.
    WaveMacsUp8 = "wave_macs_up_8": |work| slices::wave_macs_up(work, 8);
    /// [`Feature::WaveMacs`] of all waves, rounded up to whole 18s.
    WaveMacsUp18 = "wave_macs_up_18": |work| slices::wave_macs_up(work, 18);
    /// [`Feature::WaveMacs`] of all waves, rounded up to whole 20s.
    WaveMacsUp20 = "wave_macs_up_20": |work| slices::wave_macs_up(work, 20);
    /// [`Feature::WaveMacs`] of all waves, rounded up to whole 24s.
    WaveMacsUp24 = "wave_macs_up_24": |work| slices::wave_macs_up(work, 24);
    /// [`Feature::WaveMacs`] of all waves, of 14 at least.
    WaveMacsFrom14 = "wave_macs_from_14": |work| slices::wave_macs_from(work, 14);
    /// [`Feature::WaveMacs`] of all waves if the input is one slice, as an image is; else 0.
    OneSliceMacs = "one_slice_macs": slices::one_slice_macs;
    /// Multiply-accumulates of a convolution in whole slices, over 128 output points at least.
    SliceMacsFrom128 = "slice_macs_from_128": slices::macs_from_128_points;
    /// Elements that the waves of a convolution read: loop steps x 4 x points in whole tiles.
    WaveReads = "wave_reads": slices::wave_reads;
    /// Elements of the result, in whole tiles of 16 x 8 points and whole slices.
    WaveWrites = "wave_writes": slices::wave_writes;
    /// Elements of the first operand, in whole slices.
    SliceRead = "slice_read": slices::read;
    /// Elements of the first operand, of 256 slices at least.
    SliceReadFrom256 = "slice_read_from_256": |work| slices::read_from(work, 256);
    /// Elements of the first operand, of 512 slices at least.
    SliceReadFrom512 = "slice_read_from_512": |work| slices::read_from(work, 512);
    /// Elements of all operands (taken as large as the first) and of the result, in whole slices.
    SliceMoved = "slice_moved": slices::moved;
    /// Window elements x elements of the result in whole slices.
    SliceWindowElements = "slice_window_elements": slices::window_elements;
    /// Elements of the result in whole slices, if the first operand's channels are no multiple of
    /// 4, else 0.
    Unaligned = "unaligned": slices::unaligned;
    /// Elements of a concatenation's operands after the first.
    Appended = "appended": slices::appended;
    /// Elements of the result, in whole blocks of 8 x 4 points and whole slices.
    BlockWrites = "block_writes": slices::block_writes;
    /// Window elements x [`Feature::BlockWrites`] where the window is not 3 x 3 of stride 1, else 0.
    BlockMacs = "block_macs": |work| slices::block_macs(work, false);
    /// Window elements x [`Feature::BlockWrites`] where the window is 3 x 3 of stride 1, else 0.
    BlockMacs3x3 = "block_macs_3x3": |work| slices::block_macs(work, true);
    /// Elements under the window as it sweeps the result, padding included, in whole slices.
    Swept = "swept": slices::swept;
    /// Channels between the two products of a squeeze-and-excite block.
    Bottleneck = "bottleneck": slices::bottleneck;
    /// Elements of the first operand, rows padded to 8 elements.
    LineRead = "line_read": engine::read;
    /// Elements of the result, rows padded to 8 elements.
    LineWritten = "line_written": engine::written;
    /// Elements of the first operand and of the result, rows padded to 8 elements.
    LineMoved = "line_moved": |work| engine::read(work).saturating_add(engine::written(work));
    /// Window elements x elements of the result, rows padded to 8 elements.
    LineWindowElements = "line_window_elements": engine::window_elements;
    /// Elements of the first operand or of the result, whichever are more.
    Larger = "larger": engine::larger;
    /// 1 if the padding that the extents imply has one row more on one side, else 0.
    LopsidedPadding = "lopsided_padding": engine::lopsided_padding;
    /// 1 if all strides are 1, else 0.
    UnitStride = "unit_stride": |work| u64::from(work.stride == [1; 3]);
    }
    tilings {
    /// Cycles of the Myriad X's engine for a convolution, over all tiles.
    EngineCycles = "engine_cycles": |work| work.tiling().cycles;
    /// Of [`Feature::EngineCycles`], those in the mode that takes 16 input channels at a time.
    EngineCyclesBy16 = "engine_cycles_by_16": engine::cycles_by_16;
    /// Starts of the engine, one for each tile.
    EngineStages = "engine_stages": |work| work.tiling().stages;
    /// Descriptors of all stages.
    Descriptors = "descriptors": |work| work.tiling().descriptors;
    /// Descriptors x rows of the result.
    DescriptorRows = "descriptor_rows": engine::descriptor_rows;
    /// Coefficients that the engine loads where rows or columns are cut into tiles, else 0.
    Reloads = "reloads": engine::reloads;
    /// Partial sums that are added to those of tiles of input channels before.
    PartialSums = "partial_sums": |work| work.tiling().partial_sums;
    /// [`Feature::PartialSums`] where two results do not fit the fast memory, else 0.
    PartialSumsSpilled = "partial_sums_spilled": engine::partial_sums_spilled;
    /// Elements of tiles that compute some positions in vain.
    Junk = "junk": |work| work.tiling().junk;
    /// Multiply-accumulates of a convolution that the engine cannot do, else 0.
    SoftwareMacs = "software_macs": engine::software_macs;
    /// Tiles of rows and columns.
    PlaneTiles = "plane_tiles": |work| work.tiling().plane_tiles;
    /// Tiles along the input channels.
    ChannelTiles = "channel_tiles": |work| work.tiling().channel_tiles;
    /// `log2` of the input channels that the engine takes at a time.
    EngineMode = "engine_mode": |work| work.tiling().mode;
    /// Dense convolutions that a convolution is split into: of depthwise tiles, of groups, or of
    /// parts in front of a pooling.
    EngineParts = "engine_parts": |work| work.tiling().parts;
    /// Output channels of one such part.
    PartChannels = "part_channels": |work| work.tiling().part_channels;
    /// Such parts x output points.
    PartPoints = "part_points": engine::part_points;
    /// Such parts, if the padding has one row more on one side, else 0.
    LopsidedParts = "lopsided_parts": engine::lopsided_parts;
    }
    configuration {
    /// Batch size.
    Batch = "batch";
    /// Input depth (third spatial axis).
    Depth = "depth";
    /// Input height.
    Height = "height";
    /// Input width.
    Width = "width";
    /// Longer over shorter of input height and width.
    Aspect = "aspect";
    /// Input channels.
    Cin = "cin";
    /// Output channels.
    Cout = "cout";
    /// Input channels modulo 8: how far from a vector's width.
    CinMod8 = "cin_mod_8";
    /// Output channels modulo 8.
    CoutMod8 = "cout_mod_8";
    /// Output channels over input channels.
    ChannelRatio = "channel_ratio";
    /// Window height.
    KernelHeight = "kernel_height";
    /// Window width.
    KernelWidth = "kernel_width";
    /// Larger of the two strides.
    Stride = "stride";
    /// Larger over smaller stride.
    StrideAspect = "stride_aspect";
    /// Larger of the dilations.
    Dilation = "dilation";
    /// Groups of a convolution.
    Groups = "groups";
    /// Number of data operands.
    Operands = "operands";
    /// Bits of an element.
    ElementBits = "element_bits";
    }
}

impl Feature {
    /// Its value for `work`.
    pub fn of(self, work: &Workload) -> f64 {
        self.at(&Examined::new(work))
    }
}

fn padded(extent: impl Into<u64>, block: u64) -> Count {
    extent.into().checked_next_multiple_of(block).unwrap_or(u64::MAX)
}

/// A product that saturates: no file's extents may overflow a count.
fn product<T: Into<u64>, const N: usize>(factors: [T; N]) -> Count {
    factors.into_iter().map(T::into).fold(1, u64::saturating_mul)
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
            pooled: None,
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
