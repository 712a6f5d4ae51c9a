//! The terms of a processor that nobody described: what runtimes on CPUs have in common. Blocks are
//! those that vectors of 8 or 16 floats make; where a runtime computes in another way, trees correct
//! the rates.

use nnmeter_core::feature::Feature as F;
use nnmeter_core::kind::Kind;
use nnmeter_core::model::WindowClass as W;

use super::{AVGPOOL, CONV, DWCONV, Group as G, MAXPOOL, Prior, TermSpec, term, weighted};

/// Kinds whose kernels cost what they move.
const MOVERS: &[Kind] = &[
    Kind::Bn,
    Kind::BnRelu,
    Kind::Relu,
    Kind::LeakyRelu,
    Kind::Hswish,
    Kind::HardSigmoid,
    Kind::Sigmoid,
    Kind::Swish,
    Kind::Gelu,
    Kind::Unary,
    Kind::Add,
    Kind::AddRelu,
    Kind::Mul,
    Kind::Binary,
    Kind::Concat,
    Kind::Split,
    Kind::ChannelShuffle,
    Kind::Select,
    Kind::Transpose,
    Kind::Pad,
    Kind::Resize,
    Kind::Copy,
    Kind::Norm,
    Kind::Softmax,
    Kind::Reduce,
];

/// Kinds that compute products with weights, or pass windows over an image.
const COMPUTERS: &[Kind] = &[
    Kind::Conv,
    Kind::DwConv,
    Kind::ConvTrans,
    Kind::Fc,
    Kind::MatMul,
    Kind::MaxPool,
    Kind::AvgPool,
    Kind::OtherPool,
    Kind::GlobalAvgPool,
    Kind::Se,
];

/// What one kind costs for each element that it reads or writes, over what a copy does.
const fn moved(name: &'static str, kinds: &'static [Kind], weight: f64) -> TermSpec {
    weighted(term(name, kinds, W::Any, F::Moved, G::Activations), weight)
}

/// Terms of a CPU and its runtime, whichever they are.
#[rustfmt::skip]
pub const HOST: &[TermSpec] = &[
    term("conv1.mac", CONV, W::Pointwise, F::GemmMacs, G::Pointwise),
    term("conv3.mac", CONV, W::Small, F::GemmMacs, G::SmallWindow),
    term("conv5.mac", CONV, W::Large, F::GemmMacs, G::LargeWindow),
    term("conv.in", CONV, W::Any, F::Read, G::Activations),
    term("convk.patches", CONV, W::Spatial, F::Patches, G::Activations),
    term("conv.out", CONV, W::Any, F::Written, G::Activations),
    term("conv.w", CONV, W::Any, F::Weights, G::Weights),
    term("dw.mac", DWCONV, W::Any, F::VectorMacs, G::Depthwise),
    weighted(term("dw.px", DWCONV, W::Any, F::Taps, G::Depthwise), 8.0),
    term("dw.io", DWCONV, W::Any, F::Moved, G::Activations),
    term("convtrans.mac", &[Kind::ConvTrans], W::Any, F::Macs, G::SmallWindow),
    term("convtrans.io", &[Kind::ConvTrans], W::Any, F::Moved, G::Activations),
    term("maxpool.window", MAXPOOL, W::Any, F::WindowElements, G::Pooling),
    term("maxpool.io", MAXPOOL, W::Any, F::Moved, G::Activations),
    term("avgpool.window", AVGPOOL, W::Any, F::WindowElements, G::Pooling),
    term("avgpool.io", AVGPOOL, W::Any, F::Moved, G::Activations),
    term("pool.window", &[Kind::OtherPool], W::Any, F::WindowElements, G::Pooling),
    term("gap.in", &[Kind::GlobalAvgPool], W::Any, F::Read, G::Activations),
    term("fc.w", &[Kind::Fc], W::Any, F::Weights, G::FullyConnected),
    term("matmul.mac", &[Kind::MatMul], W::Any, F::Macs, G::Pointwise),
    term("matmul.io", &[Kind::MatMul], W::Any, F::Moved, G::Activations),
    term("se.io", &[Kind::Se], W::Any, F::Moved, G::Activations),
    term("se.w", &[Kind::Se], W::Any, F::Weights, G::Weights),
    moved("norm.io", &[Kind::Bn, Kind::BnRelu, Kind::Norm], 1.0),
    moved("clamp.io", &[Kind::Relu, Kind::LeakyRelu], 1.0),
    moved("hswish.io", &[Kind::Hswish, Kind::HardSigmoid], 2.0),
    moved("sigmoid.io", &[Kind::Sigmoid, Kind::Swish, Kind::Gelu, Kind::Softmax], 4.0),
    moved("unary.io", &[Kind::Unary], 4.0),
    moved("sum.io", &[Kind::Add, Kind::AddRelu, Kind::Mul, Kind::Binary], 1.0),
    moved("concat.io", &[Kind::Concat], 1.0),
    moved("split.io", &[Kind::Split, Kind::Select], 1.0),
    moved("shuffle.io", &[Kind::ChannelShuffle, Kind::Transpose], 2.0),
    moved("copy.io", &[Kind::Copy, Kind::Pad, Kind::Resize, Kind::Reduce], 1.0),
    weighted(term("computing.start", COMPUTERS, W::Any, F::One, G::FoundStart), 2.0),
    term("moving.start", MOVERS, W::Any, F::One, G::FoundStart),
];

/// What the terms of [`HOST`] cost relative to a multiply-accumulate of a pointwise convolution: round
/// numbers for kinds that nobody measured.
pub const HOST_PRIOR: Prior = Prior(&[
    (G::Pointwise, 1.0),
    (G::SmallWindow, 1.0),
    (G::LargeWindow, 1.0),
    (G::Activations, 10.0),
    (G::Weights, 4.0),
    (G::Depthwise, 4.0),
    (G::Pooling, 4.0),
    (G::FullyConnected, 4.0),
    (G::FoundStart, 50_000.0),
]);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_priced_by_more_than_its_start() {
        for kind in MOVERS.iter().chain(COMPUTERS) {
            let priced = HOST.iter().filter(|term| term.kinds.contains(kind)).count();
            assert!(priced >= 2, "{kind}");
        }
        let rest = [Kind::Reshape, Kind::Recurrent, Kind::Unknown];
        let all = MOVERS.iter().chain(COMPUTERS).chain(&rest).count();
        assert_eq!(all, Kind::COUNT, "a kind is missing");
    }
}
