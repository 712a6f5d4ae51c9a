//! The terms that a linear kernel model may be made of, and what is known of their rates before any
//! measurement.
//!
//! A term counts one thing about kernels of some kinds. Terms of the same [`Group`] share one
//! coarse rate, which is what a term falls back to where the data say little; a term's `weight`
//! says how many such units one of it is thought to cost (TensorFlow Lite's mean is a scalar loop,
//! so each element counts ten; a channel shuffle passes three times over its data, reading and
//! writing). Which terms there are is a claim about the runtime and has to be made anew for
//! another kind of device.

use nnmeter_core::feature::Feature;
use nnmeter_core::kind::Kind;
use nnmeter_core::model::WindowClass;
use nnmeter_core::workload::Workload;

/// Counts are in millions, so that rates in ms are nanoseconds each.
const MILLION: f64 = 1e6;

/// Terms that share a coarse rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Group {
    /// Multiply-accumulates of pointwise convolutions.
    Pointwise,
    /// Multiply-accumulates of convolutions with small windows.
    SmallWindow,
    /// Multiply-accumulates of convolutions with large windows.
    LargeWindow,
    /// Elements of activations read or written.
    Activations,
    /// Weights of convolutions.
    Weights,
    /// Multiply-accumulates of depthwise convolutions.
    Depthwise,
    /// Operations of pooling.
    Pooling,
    /// Weights of fully connected layers.
    FullyConnected,
    /// Starts of kernels. Its rate is given, not fitted: totals hardly tell it.
    Start,
}

impl Group {
    /// All groups.
    pub const ALL: [Group; 9] = [
        Group::Pointwise,
        Group::SmallWindow,
        Group::LargeWindow,
        Group::Activations,
        Group::Weights,
        Group::Depthwise,
        Group::Pooling,
        Group::FullyConnected,
        Group::Start,
    ];
}

/// A term of the linear model.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TermSpec {
    /// A short name for tables.
    pub name: &'static str,
    /// The kinds of kernels that have it; they share its rate.
    pub kinds: &'static [Kind],
    /// What it counts.
    pub feature: Feature,
    /// For which windows.
    pub window: WindowClass,
    /// Whose coarse rate it starts from.
    pub group: Group,
    /// Units of the group's rate that one unit of the feature is thought to cost.
    pub weight: f64,
}

impl TermSpec {
    /// What the term counts in `work`, in weighted millions (in weighted units for starts); zero if
    /// it does not apply.
    pub fn count(&self, work: &Workload) -> f64 {
        if self.kinds.contains(&work.kind) && self.window.contains(work.window_area()) {
            self.unit() * self.feature.of(work)
        } else {
            0.0
        }
    }

    /// By what a unit of the feature enters the count.
    pub fn unit(&self) -> f64 {
        match self.group {
            Group::Start => self.weight,
            _ => self.weight / MILLION,
        }
    }
}

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

const CONV: &[Kind] = &[Kind::Conv];
const DWCONV: &[Kind] = &[Kind::DwConv];
const MAXPOOL: &[Kind] = &[Kind::MaxPool];
const AVGPOOL: &[Kind] = &[Kind::AvgPool];

const fn term(
    name: &'static str,
    kinds: &'static [Kind],
    window: WindowClass,
    feature: Feature,
    group: Group,
) -> TermSpec {
    TermSpec { name, kinds, feature, window, group, weight: 1.0 }
}

/// A term that counts the elements a kind writes, `weight` of them for one.
const fn elements(name: &'static str, kinds: &'static [Kind], weight: f64) -> TermSpec {
    weighted(term(name, kinds, WindowClass::Any, Feature::Written, Group::Activations), weight)
}

const fn weighted(term: TermSpec, weight: f64) -> TermSpec {
    TermSpec { weight, ..term }
}

use Feature as F;
use Group as G;
use WindowClass as W;

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

#[cfg(test)]
mod tests {
    use super::*;

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

    /// A square kernel of batch 1: window, stride, then side and channels before and after.
    fn square(kind: Kind, k: u32, s: u32, from: [u32; 2], to: [u32; 2]) -> Workload {
        let fan_in = if kind == Kind::DwConv { 1 } else { from[1] };
        Workload {
            kind,
            batch: 1,
            input: [1, from[0], from[0]],
            output: [1, to[0], to[0]],
            cin: from[1],
            cout: to[1],
            window: [1, k, k],
            stride: [1, s, s],
            dilation: [1; 3],
            groups: if kind == Kind::DwConv { from[1] } else { 1 },
            operands: 1,
            channels: [0; 4],
            bits: 32,
            macs: 0,
            weights: u64::from(k * k * fan_in * to[1]),
            read: u64::from(from[0] * from[0] * from[1]),
            written: u64::from(to[0] * to[0] * to[1]),
        }
    }

    /// The terms that count something, as `name count`.
    fn counts(work: &Workload) -> String {
        let counts = CPU.iter().map(|term| (term.name, term.count(work)));
        let counted = counts.filter(|(_, count)| *count != 0.0);
        counted.map(|(name, count)| format!("{name} {count:.6}\n")).collect()
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
        .assert_eq(&counts(&first));
        let one_pixel = square(Kind::Conv, 1, 1, [1, 960], [1, 1280]);
        expect_test::expect![[r#"
            conv1.mac 1.228800
            conv1.in 0.000960
            conv1.out 0.001280
            conv.w 1.228800
            kernel 1.000000
        "#]]
        .assert_eq(&counts(&one_pixel));
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
        .assert_eq(&counts(&depthwise));
    }
}
