//! What a mobile GPU executes under TFLite's OpenCL delegate of early 2020: tensors are slices of 4
//! channels, and a thread of a convolution makes 2 x 2 points of 2 slices of the result in a serial
//! loop over the window and the input's slices (`ConvTexture`).
//!
//! Threads run in *waves*. That one covers 16 x 8 points of 2 slices, and that some number of waves
//! runs at once (so that costs rise in steps), is not in the source: it is what fits measurements
//! of Adreno 630 and 640. A batch lies along the width, as in the delegate's tensors; a third
//! spatial axis is taken as so many planes, which the delegate does not have. No count falls where
//! an extent or a number of channels grows, but those that mark a code path of their own.

use super::{Count, padded, product};
use crate::workload::{Extents, Workload};

/// Channels of a slice.
const SLICE: u64 = 4;
/// Width and height of a wave, in points of the result.
const WAVE: [u64; 2] = [16, 8];
/// Width and height of the block of points that a depthwise convolution is padded to.
const BLOCK: [u64; 2] = [8, 4];
/// Multiply-accumulates of a wave in one step of its loop: points x 2 slices x 4 x 4 channels.
const STEP_MACS: u64 = WAVE[0] * WAVE[1] * 2 * SLICE * SLICE;

/// Slices of the first operand.
pub(super) fn input(work: &Workload) -> Count {
    u64::from(work.cin.div_ceil(SLICE as u32))
}

/// Slices of the result.
pub(super) fn output(work: &Workload) -> Count {
    u64::from(work.cout.div_ceil(SLICE as u32))
}

/// Steps of a convolution's loop: window x input slices (of a group).
pub(super) fn steps(work: &Workload) -> Count {
    let of_group = work.cin / work.groups.max(1);
    product([work.window_area(), u64::from(of_group.div_ceil(SLICE as u32))])
}

/// Waves of a convolution, the last of each row, column and pair of slices being whole.
pub(super) fn waves(work: &Workload) -> Count {
    product([points(work, WAVE) / (WAVE[0] * WAVE[1]), output(work).div_ceil(2)])
}

/// Multiply-accumulates of one wave.
pub(super) fn wave_macs(work: &Workload) -> Count {
    product([steps(work), STEP_MACS])
}

/// Multiply-accumulates of all waves, their number rounded up to whole `rounds`.
pub(super) fn wave_macs_up(work: &Workload, rounds: u64) -> Count {
    product([wave_macs(work), padded(waves(work), rounds)])
}

/// Multiply-accumulates of all waves, their number being at least `least`.
pub(super) fn wave_macs_from(work: &Workload, least: u64) -> Count {
    product([wave_macs(work), waves(work).max(least)])
}

/// Multiply-accumulates of all waves where the input is one slice, as an image's is: such a loop is
/// slower.
pub(super) fn one_slice_macs(work: &Workload) -> Count {
    if input(work) == 1 { wave_macs_from(work, 1) } else { 0 }
}

/// Multiply-accumulates in whole slices, of 128 points at least.
pub(super) fn macs_from_128_points(work: &Workload) -> Count {
    product([steps(work), SLICE, work.output_points().max(128), output(work), SLICE])
}

/// Elements that waves read, in every step of their loops.
pub(super) fn wave_reads(work: &Workload) -> Count {
    product([steps(work), SLICE, points(work, WAVE)])
}

/// Elements of the result, its points padded to waves.
pub(super) fn wave_writes(work: &Workload) -> Count {
    product([points(work, WAVE), output(work), SLICE])
}

/// Elements of the first operand in whole slices.
pub(super) fn read(work: &Workload) -> Count {
    product([input_points(work), input(work), SLICE])
}

/// As [`read`], of at least so many slices: a thread each, that runs through all points.
pub(super) fn read_from(work: &Workload, slices: u64) -> Count {
    product([input_points(work), input(work).max(slices), SLICE])
}

/// Elements of the result in whole slices.
fn written(work: &Workload) -> Count {
    product([work.output_points(), output(work), SLICE])
}

/// Elements of all operands, taken as large as the first, and of the result.
pub(super) fn moved(work: &Workload) -> Count {
    product([read(work), u64::from(work.operands)]).saturating_add(written(work))
}

/// Window elements x elements of the result.
pub(super) fn window_elements(work: &Workload) -> Count {
    product([work.window_area(), written(work)])
}

/// Elements of the result where the first operand ends within a slice; the rest must shift then.
pub(super) fn unaligned(work: &Workload) -> Count {
    if u64::from(work.cin).is_multiple_of(SLICE) { 0 } else { written(work) }
}

/// Elements of a concatenation's operands after the first.
pub(super) fn appended(work: &Workload) -> Count {
    product([work.output_points(), u64::from(work.cout.saturating_sub(work.cin))])
}

/// Elements of the result of a depthwise convolution, its points padded to blocks.
pub(super) fn block_writes(work: &Workload) -> Count {
    product([points(work, BLOCK), output(work), SLICE])
}

/// Multiply-accumulates of a depthwise convolution over padded points, if its path is `of_3x3`:
/// 3 x 3 windows of stride 1 have a kernel of their own.
pub(super) fn block_macs(work: &Workload, of_3x3: bool) -> Count {
    let is_3x3 = work.window_area() == 9 && work.stride == [1; 3];
    if is_3x3 == of_3x3 { product([work.window_area(), block_writes(work)]) } else { 0 }
}

/// Elements under the window as it sweeps the result: the input and its padding.
pub(super) fn swept(work: &Workload) -> Count {
    let along = |axis: usize| {
        let reach = product([work.window[axis].saturating_sub(1), work.dilation[axis]]);
        let sweep = product([work.output[axis].saturating_sub(1), work.stride[axis]]);
        sweep.saturating_add(reach).saturating_add(1)
    };
    let plane = product([along(0), along(1), along(2)]);
    product([plane, u64::from(work.batch), output(work), SLICE])
}

/// Channels between the two products of a squeeze-and-excite block, by its weights.
pub(super) fn bottleneck(work: &Workload) -> f64 {
    work.weights as f64 / 2.0 / f64::from(work.cout.max(1))
}

/// Points of the result, padded to whole tiles.
fn points(work: &Workload, [width, height]: [u64; 2]) -> Count {
    let [depth, rows, columns]: Extents = work.output;
    let columns = product([columns, work.batch]);
    product([u64::from(depth), padded(rows, height), padded(columns, width)])
}

fn input_points(work: &Workload) -> Count {
    let [depth, height, width] = work.input;
    product([depth, height, width, work.batch])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::feature::Feature;
    use crate::feature::tests::convolution;

    /// Counts that mark a code path or a remainder: they may fall as an extent grows.
    const MARKS: [Feature; 8] = [
        Feature::Unaligned,
        Feature::BlockMacs,
        Feature::BlockMacs3x3,
        Feature::OneSliceMacs,
        Feature::OutputSlicesMod2,
        Feature::CinMod4,
        Feature::CinMod16,
        Feature::CoutMod16,
    ];

    fn counts(work: &Workload) -> Vec<(Feature, f64)> {
        let first = Feature::WindowArea as usize;
        let last = Feature::Swept as usize;
        let all = Feature::ALL[first..=last].iter().filter(|feature| !MARKS.contains(feature));
        all.map(|feature| (*feature, feature.of(work))).collect()
    }

    #[test]
    fn waves_of_a_convolution() {
        let conv = convolution();
        // 28 x 28 points are 2 x 4 tiles of 16 x 8; 128 channels are 16 pairs of slices.
        assert_eq!(waves(&conv), 2 * 4 * 16);
        assert_eq!(wave_macs(&conv), 9 * 16 * 4096);
        assert_eq!(wave_macs_up(&conv, 18), 9 * 16 * 4096 * 144);
        assert_eq!(wave_macs_from(&conv, 200), 9 * 16 * 4096 * 200);
        assert_eq!(waves(&Workload { batch: 2, ..conv }), 4 * 4 * 16);
        assert_eq!(waves(&Workload { output: [3, 28, 28], ..conv }), 3 * 2 * 4 * 16);
        assert_eq!(steps(&Workload { groups: 2, ..conv }), 9 * 8);
        assert_eq!(swept(&conv), 57 * 57 * 128);
        assert_eq!(swept(&Workload { dilation: [1, 2, 1], ..conv }), 59 * 57 * 128);
    }

    #[test]
    fn nothing_overflows() {
        let most = [u32::MAX; 3];
        let huge = Workload {
            batch: u32::MAX,
            input: most,
            output: most,
            cin: u32::MAX,
            cout: u32::MAX,
            window: most,
            stride: most,
            dilation: most,
            operands: u32::MAX,
            channels: [u32::MAX; 4],
            ..convolution()
        };
        let none = Workload {
            output: [0; 3],
            cin: 0,
            cout: 0,
            window: [0; 3],
            groups: 0,
            ..convolution()
        };
        for feature in Feature::ALL {
            assert!(feature.of(&huge).is_finite(), "{}", feature.name());
            assert!(feature.of(&none).is_finite(), "{}", feature.name());
        }
    }

    proptest! {
        #[test]
        fn more_work_is_never_less(
            batch in 1u32..5,
            output in prop::array::uniform3(1u32..70),
            channels in prop::array::uniform2(1u32..90),
            window in prop::array::uniform3(1u32..6),
            grown in 0usize..10,
            by in 1u32..20,
        ) {
            let work = |add: [u32; 10]| Workload {
                batch: batch + add[0],
                input: [output[0] + add[1], output[1] + add[2], output[2] + add[3]],
                output: [output[0] + add[1], output[1] + add[2], output[2] + add[3]],
                cin: channels[0] + add[4],
                // Beyond its first operand, a concatenation has what is appended.
                cout: channels[0] + add[4] + channels[1] + add[5],
                window: [window[0] + add[6], window[1] + add[7], window[2] + add[8]],
                stride: [1; 3],
                operands: 1 + add[9],
                channels: [0; 4],
                ..convolution()
            };
            let mut add = [0; 10];
            let before = counts(&work(add));
            add[grown] = by;
            for ((feature, before), (_, after)) in before.iter().zip(counts(&work(add))) {
                prop_assert!(after >= *before, "{}: {before} {after}", feature.name());
            }
        }
    }
}
