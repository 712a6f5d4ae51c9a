//! The terms of an Adreno GPU that runs TensorFlow Lite's OpenCL delegate: waves of threads over
//! slices of 4 channels, whose number costs in steps.
//!
//! Convolutions count their waves rounded up to several numbers: which of them run at once differs
//! between chips (about 18 on Adreno 640, 8 and 24 on 630), and the rates tell. No Winograd: windows
//! of 3 x 3 have the rate of 5 x 5. Additions, ReLUs after them, fully connected layers and global
//! means have no term but their start, for totals give them none: additions and batch
//! normalisation are linked into the kernel before, and the rest did not run in the time measured
//! or takes next to nothing.

use nnmeter_core::feature::Feature as F;
use nnmeter_core::kind::Kind;
use nnmeter_core::model::WindowClass as W;

use super::{CONV, DWCONV, Group as G, Prior, TermSpec, term, weighted};

const POOL: &[Kind] = &[Kind::MaxPool, Kind::AvgPool];
const CONCAT: &[Kind] = &[Kind::Concat];
const SE: &[Kind] = &[Kind::Se];

/// Every kind that the terms of [`ADRENO`] price.
const KINDS: &[Kind] = &[
    Kind::Conv,
    Kind::DwConv,
    Kind::Fc,
    Kind::MaxPool,
    Kind::AvgPool,
    Kind::GlobalAvgPool,
    Kind::BnRelu,
    Kind::Relu,
    Kind::Hswish,
    Kind::Se,
    Kind::Add,
    Kind::AddRelu,
    Kind::Concat,
];

/// Terms of an Adreno GPU that runs TensorFlow Lite's OpenCL delegate.
#[rustfmt::skip]
pub const ADRENO: &[TermSpec] = &[
    term("conv1.waves8", CONV, W::Pointwise, F::WaveMacsUp8, G::Pointwise),
    term("conv1.waves18", CONV, W::Pointwise, F::WaveMacsUp18, G::Pointwise),
    term("conv1.waves24", CONV, W::Pointwise, F::WaveMacsUp24, G::Pointwise),
    term("conv1.mac", CONV, W::Pointwise, F::SliceMacsFrom128, G::Pointwise),
    term("conv1.tiles", CONV, W::Pointwise, F::WaveReads, G::Activations),
    term("conv1.in", CONV, W::Pointwise, F::SliceRead, G::Activations),
    weighted(term("convk.loop", CONV, W::Spatial, F::WaveMacs, G::SmallWindow), 8.0),
    term("convk.waves4", CONV, W::Spatial, F::WaveMacsUp4, G::SmallWindow),
    term("convk.waves6", CONV, W::Spatial, F::WaveMacsUp6, G::SmallWindow),
    term("convk.waves18", CONV, W::Spatial, F::WaveMacsUp18, G::SmallWindow),
    term("convk.waves20", CONV, W::Spatial, F::WaveMacsUp20, G::SmallWindow),
    term("convk.least14", CONV, W::Spatial, F::WaveMacsFrom14, G::SmallWindow),
    term("conv.image", CONV, W::Any, F::OneSliceMacs, G::Pointwise),
    term("conv.out", CONV, W::Any, F::WaveWrites, G::Activations),
    term("dw.mac", DWCONV, W::Any, F::BlockMacs, G::Depthwise),
    term("dw3.mac", DWCONV, W::Any, F::BlockMacs3x3, G::Depthwise),
    weighted(term("dw.slices", DWCONV, W::Any, F::OutputSlices, G::Depthwise), 1000.0),
    term("dw.out", DWCONV, W::Any, F::BlockWrites, G::Activations),
    term("dw5.in", DWCONV, W::Large, F::Swept, G::Activations),
    term("pool.mac", POOL, W::Any, F::SliceWindowElements, G::Pooling),
    weighted(term("concat.unaligned", CONCAT, W::Any, F::Unaligned, G::Activations), 2.0),
    weighted(term("concat.e", CONCAT, W::Any, F::Appended, G::Activations), 2.0),
    weighted(term("se.starts", SE, W::Any, F::One, G::Start), 72.0),
    weighted(term("se.in", SE, W::Any, F::SliceRead, G::Serial), 4.0),
    term("se.mean256", SE, W::Any, F::SliceReadFrom256, G::Activations),
    term("se.mean512", SE, W::Any, F::SliceReadFrom512, G::Activations),
    weighted(term("se.mid", SE, W::Any, F::Bottleneck, G::Serial), 400.0),
    weighted(term("hswish.io", &[Kind::Hswish], W::Any, F::SliceMoved, G::Activations), 3.0),
    weighted(term("relu", &[Kind::Relu], W::Any, F::One, G::Start), 6.0),
    term("kernel", KINDS, W::Any, F::One, G::Start),
];

/// What the terms of [`ADRENO`] cost relative to a multiply-accumulate of a pointwise convolution,
/// to one digit, as the fits on nn-Meter's benchmark set found it.
pub const ADRENO_PRIOR: Prior = Prior(&[
    (G::Pointwise, 1.0),
    (G::SmallWindow, 0.7),
    (G::Activations, 20.0),
    (G::Depthwise, 20.0),
    (G::Pooling, 60.0),
    (G::Serial, 100.0),
]);

#[cfg(test)]
mod tests {
    use nnmeter_core::workload::Workload;

    use super::*;
    use crate::fit::terms::tests::{counts, square};

    #[test]
    fn every_kind_is_priced() {
        for kind in KINDS {
            assert!(ADRENO.iter().any(|term| term.kinds.contains(kind)), "{kind}");
        }
    }

    #[test]
    fn convolutions_count_waves_in_steps() {
        let pointwise = square(Kind::Conv, 1, 1, [14, 583], [14, 83]);
        expect_test::expect![[r#"
            conv1.waves8 14.352384
            conv1.waves18 21.528576
            conv1.waves24 14.352384
            conv1.mac 9.614976
            conv1.tiles 0.149504
            conv1.in 0.114464
            conv.out 0.021504
            kernel 1.000000
        "#]]
        .assert_eq(&counts(ADRENO, &pointwise));
        let first = square(Kind::Conv, 3, 2, [224, 3], [112, 32]);
        expect_test::expect![[r#"
            convk.loop 0.294912
            convk.waves4 14.450688
            convk.waves6 14.598144
            convk.waves18 14.598144
            convk.waves20 14.745600
            convk.least14 14.450688
            conv.image 14.450688
            conv.out 0.401408
            kernel 1.000000
        "#]]
        .assert_eq(&counts(ADRENO, &first));
    }

    #[test]
    fn depthwise_convolutions_count_blocks() {
        let general = square(Kind::DwConv, 5, 2, [56, 190], [28, 190]);
        expect_test::expect![[r#"
            dw.mac 4.300800
            dw.slices 0.048000
            dw.out 0.172032
            dw5.in 0.668352
            kernel 1.000000
        "#]]
        .assert_eq(&counts(ADRENO, &general));
        let fast = square(Kind::DwConv, 3, 1, [28, 96], [28, 96]);
        expect_test::expect![[r#"
            dw3.mac 0.774144
            dw.slices 0.024000
            dw.out 0.086016
            kernel 1.000000
        "#]]
        .assert_eq(&counts(ADRENO, &fast));
    }

    #[test]
    fn concatenations_shift_what_does_not_end_with_a_slice() {
        let concat = |cin: u32, operands: u32, cout: u32| {
            let work = square(Kind::Concat, 1, 1, [28, cin], [28, cout]);
            counts(ADRENO, &Workload { operands, ..work })
        };
        expect_test::expect![[r#"
            concat.e 0.043904
            kernel 1.000000
        "#]]
        .assert_eq(&concat(356, 2, 384));
        expect_test::expect![[r#"
            concat.unaligned 0.589568
            concat.e 0.450016
            kernel 1.000000
        "#]]
        .assert_eq(&concat(89, 4, 376));
    }

    #[test]
    fn blocks_and_pools() {
        let se = square(Kind::Se, 1, 1, [7, 700], [7, 700]);
        expect_test::expect![[r#"
            se.starts 72.000000
            se.in 0.137200
            se.mean256 0.050176
            se.mean512 0.100352
            se.mid 0.070000
            kernel 1.000000
        "#]]
        .assert_eq(&counts(ADRENO, &Workload { weights: 245_000, ..se }));
        let pool = square(Kind::MaxPool, 3, 2, [28, 283], [14, 283]);
        expect_test::expect![[r#"
            pool.mac 0.500976
            kernel 1.000000
        "#]]
        .assert_eq(&counts(ADRENO, &pool));
        let hswish = square(Kind::Hswish, 1, 1, [14, 360], [14, 360]);
        expect_test::expect![[r#"
            hswish.io 0.423360
            kernel 1.000000
        "#]]
        .assert_eq(&counts(ADRENO, &hswish));
    }
}
