//! The terms of a single CPU core that runs TensorFlow Lite: convolutions as blocked matrix products
//! over packed patches, compute and memory costs adding up.

use nnmeter_core::feature::Feature as F;
use nnmeter_core::kind::Kind;
use nnmeter_core::model::WindowClass as W;

use super::{AVGPOOL, CONV, DWCONV, Group as G, MAXPOOL, Prior, TermSpec, term, weighted};

/// Every kind that the terms of [`CPU`] price.
pub const CPU_KINDS: &[Kind] = &[
    Kind::Conv,
    Kind::DwConv,
    Kind::Fc,
    Kind::MaxPool,
    Kind::AvgPool,
    Kind::GlobalAvgPool,
    Kind::Bn,
    Kind::BnRelu,
    Kind::Relu,
    Kind::Hswish,
    Kind::Se,
    Kind::Add,
    Kind::AddRelu,
    Kind::Concat,
    Kind::Split,
    Kind::ChannelShuffle,
];

/// A term that counts the elements a kind writes, `weight` of them for one.
const fn elements(name: &'static str, kinds: &'static [Kind], weight: f64) -> TermSpec {
    weighted(term(name, kinds, W::Any, F::Written, G::Activations), weight)
}

/// Terms of a single CPU core that runs TensorFlow Lite: convolutions as blocked matrix products
/// over packed patches, compute and memory costs adding up.
#[rustfmt::skip]
pub const CPU: &[TermSpec] = &[
    term("conv1.mac", CONV, W::Pointwise, F::GemmMacs, G::Pointwise),
    term("conv3.mac", CONV, W::Small, F::GemmMacs, G::SmallWindow),
    term("conv5.mac", CONV, W::Large, F::GemmMacs, G::LargeWindow),
    term("conv1.in", CONV, W::Pointwise, F::Patches, G::Activations),
    term("convk.in", CONV, W::Spatial, F::Patches, G::Activations),
    term("convk.spill", CONV, W::Spatial, F::PatchesSpilled, G::Activations),
    term("conv1.out", CONV, W::Pointwise, F::Written, G::Activations),
    term("convk.out", CONV, W::Spatial, F::Written, G::Activations),
    term("conv.w", CONV, W::Any, F::Weights, G::Weights),
    term("dw.mac", DWCONV, W::Any, F::VectorMacs, G::Depthwise),
    weighted(term("dw.px", DWCONV, W::Any, F::Taps, G::Depthwise), 8.0),
    term("dw.io", DWCONV, W::Any, F::Moved, G::Activations),
    term("maxpool.mac", MAXPOOL, W::Any, F::WindowElements, G::Pooling),
    term("maxpool.io", MAXPOOL, W::Any, F::Moved, G::Activations),
    term("avgpool.mac", AVGPOOL, W::Any, F::WindowElements, G::Pooling),
    term("avgpool.io", AVGPOOL, W::Any, F::Moved, G::Activations),
    weighted(term("gap.in", &[Kind::GlobalAvgPool], W::Any, F::Read, G::Activations), 10.0),
    term("fc.w", &[Kind::Fc], W::Any, F::Weights, G::FullyConnected),
    elements("relu.e", &[Kind::Relu], 2.0),
    elements("bn.e", &[Kind::Bn, Kind::BnRelu], 2.0),
    elements("add.e", &[Kind::Add], 3.0),
    elements("addrelu.e", &[Kind::AddRelu], 3.0),
    elements("concat.e", &[Kind::Concat], 2.0),
    elements("split.e", &[Kind::Split], 2.0),
    elements("shuffle.e", &[Kind::ChannelShuffle], 6.0),
    elements("hswish.e", &[Kind::Hswish], 2.0),
    elements("se.e", &[Kind::Se], 3.0),
    term("se.w", &[Kind::Se], W::Any, F::Weights, G::Weights),
    term("kernel", CPU_KINDS, W::Any, F::One, G::Start),
];

/// What the terms of [`CPU`] cost relative to a multiply-accumulate of a pointwise convolution, to
/// one digit, as the fit on nn-Meter's benchmark set found it.
pub const CPU_PRIOR: Prior = Prior(&[
    (G::Pointwise, 1.0),
    (G::SmallWindow, 1.0),
    (G::LargeWindow, 1.0),
    (G::Activations, 5.0),
    (G::Weights, 5.0),
    (G::Depthwise, 4.0),
    (G::Pooling, 5.0),
    (G::FullyConnected, 4.0),
]);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fit::terms::tests::{counts, square};

    #[test]
    fn every_kind_is_priced_by_more_than_its_start() {
        for kind in CPU_KINDS {
            let priced = CPU.iter().filter(|term| term.kinds.contains(kind)).count();
            assert!(priced >= 2, "{kind}");
        }
    }

    #[test]
    fn names_are_unique() {
        let mut names: Vec<&str> = CPU.iter().map(|term| term.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), 29);
    }

    #[test]
    fn counts_what_a_blocked_product_executes() {
        let first = square(Kind::Conv, 7, 2, [224, 3], [112, 64]);
        expect_test::expect![[r#"
            conv5.mac 118.013952
            convk.in 2.458624
            convk.spill 2.327552
            convk.out 0.802816
            conv.w 0.009408
            kernel 1.000000
        "#]]
        .assert_eq(&counts(CPU, &first));
        let one_pixel = square(Kind::Conv, 1, 1, [1, 960], [1, 1280]);
        expect_test::expect![[r#"
            conv1.mac 1.228800
            conv1.in 0.000960
            conv1.out 0.001280
            conv.w 1.228800
            kernel 1.000000
        "#]]
        .assert_eq(&counts(CPU, &one_pixel));
    }

    #[test]
    fn counts_what_vectors_of_four_channels_execute() {
        let depthwise = square(Kind::DwConv, 5, 2, [112, 51], [56, 51]);
        expect_test::expect![[r#"
            dw.mac 4.076800
            dw.px 0.627200
            dw.io 0.799680
            kernel 1.000000
        "#]]
        .assert_eq(&counts(CPU, &depthwise));
    }
}
