//! The terms of a Myriad X vision processor that runs OpenVINO: an engine for convolutions, whose
//! tiles, descriptors and cycles are those of the compiler's own search, and stages of software on
//! vector processors for the rest.
//!
//! The search explains most: with plain multiply-accumulates in the place of its cycles, 74 % of
//! networks instead of 91 % come within 10 %. The engine pads both sides alike, so padding of one
//! row more on one side is a stage of its own; for a depthwise convolution, one a tile of channels.
//! Additions and the like have no term for their start, for totals give them none.

use nnmeter_core::feature::Feature as F;
use nnmeter_core::kind::Kind;
use nnmeter_core::model::WindowClass as W;

use super::{AVGPOOL, CONV, DWCONV, Group as G, MAXPOOL, Prior, TermSpec};

const FC: &[Kind] = &[Kind::Fc];
const ADD: &[Kind] = &[Kind::Add, Kind::AddRelu];
const BN: &[Kind] = &[Kind::Bn, Kind::BnRelu];
const RELU: &[Kind] = &[Kind::Relu];
const HSWISH: &[Kind] = &[Kind::Hswish];
const SE: &[Kind] = &[Kind::Se];
const SHUFFLE: &[Kind] = &[Kind::ChannelShuffle];
const SPLIT: &[Kind] = &[Kind::Split];
const CONCAT: &[Kind] = &[Kind::Concat];
const GAP: &[Kind] = &[Kind::GlobalAvgPool];

const fn term(
    name: &'static str,
    kinds: &'static [Kind],
    feature: F,
    group: G,
    weight: f64,
) -> TermSpec {
    TermSpec { name, kinds, feature, window: W::Any, group, weight }
}

/// Terms of a Myriad X that runs OpenVINO. Counts of starts are in thousands of a million's share,
/// so that they weigh like elements.
#[rustfmt::skip]
pub const MYRIAD: &[TermSpec] = &[
    term("conv.cycles", CONV, F::EngineCycles, G::EngineCycles, 1.0),
    term("conv.cycles16", CONV, F::EngineCyclesBy16, G::EngineCycles, 0.1),
    term("conv.rows", CONV, F::DescriptorRows, G::EngineCycles, 200.0),
    term("conv.desc", CONV, F::Descriptors, G::Descriptors, 1e3),
    term("conv.stage", CONV, F::EngineStages, G::EngineStages, 1e4),
    term("conv.io", CONV, F::LineMoved, G::Activations, 0.2),
    term("conv.out", CONV, F::LineWritten, G::Activations, 0.2),
    term("conv.reload", CONV, F::Reloads, G::Weights, 1.0),
    term("conv.sums", CONV, F::PartialSums, G::Activations, 1.0),
    term("conv.spill", CONV, F::PartialSumsSpilled, G::Activations, 1.0),
    term("conv.junk", CONV, F::Junk, G::Activations, 0.2),
    term("conv.pad", CONV, F::LopsidedPadding, G::SoftwareStages, 5e4),
    term("software.mac", &[Kind::Conv, Kind::DwConv], F::SoftwareMacs, G::Activations, 0.03),
    term("dw.cycles", DWCONV, F::EngineCycles, G::EngineCycles, 1.0),
    term("dw.px", DWCONV, F::PartPoints, G::EngineCycles, 10.0),
    term("dw.part", DWCONV, F::EngineParts, G::EngineStages, 1e4),
    term("dw.pad", DWCONV, F::LopsidedParts, G::SoftwareStages, 5e4),
    term("dw.in", DWCONV, F::LineRead, G::Activations, 0.3),
    term("dw.out", DWCONV, F::LineWritten, G::Activations, 0.3),
    term("dw", DWCONV, F::One, G::SoftwareStages, 1e4),
    term("maxpool.mac", MAXPOOL, F::LineWindowElements, G::Pooling, 1.0),
    term("avgpool.mac", AVGPOOL, F::LineWindowElements, G::Pooling, 1.0),
    term("avgpool.io", AVGPOOL, F::LineMoved, G::Pooling, 1.0),
    term("avgpool", AVGPOOL, F::One, G::EngineStages, 2e4),
    term("avgpool1", AVGPOOL, F::UnitStride, G::SoftwareStages, 5e4),
    term("gap", GAP, F::One, G::SoftwareStages, 4e4),
    term("fc.w", FC, F::Weights, G::Weights, 1.0),
    term("fc", FC, F::One, G::SoftwareStages, 4e4),
    term("add.e", ADD, F::Written, G::Activations, 1.8),
    term("bn.e", BN, F::Larger, G::Activations, 1.0),
    term("relu.e", RELU, F::Larger, G::Activations, 0.1),
    term("relu", RELU, F::One, G::SoftwareStages, 2e3),
    term("hswish.e", HSWISH, F::Larger, G::Activations, 2.5),
    term("se.e", SE, F::Larger, G::Activations, 14.0),
    term("se.c", SE, F::Cin, G::SoftwareStages, 1e3),
    term("se", SE, F::One, G::SoftwareStages, 8e4),
    term("shuffle.e", SHUFFLE, F::Larger, G::Activations, 10.0),
    term("shuffle", SHUFFLE, F::One, G::SoftwareStages, 2e4),
    term("split.e", SPLIT, F::Larger, G::Activations, 0.3),
    term("split", SPLIT, F::One, G::SoftwareStages, 2e4),
    term("concat.e", CONCAT, F::Larger, G::Activations, 0.1),
    term("concat", CONCAT, F::One, G::SoftwareStages, 2e3),
];

/// What the terms of [`MYRIAD`] cost relative to a cycle of the engine, to one digit, as the fit on
/// nn-Meter's benchmark set found it.
pub const MYRIAD_PRIOR: Prior = Prior(&[
    (G::EngineCycles, 1.0),
    (G::Descriptors, 10.0),
    (G::EngineStages, 0.6),
    (G::Activations, 1.0),
    (G::Weights, 0.2),
    (G::SoftwareStages, 0.8),
    (G::Pooling, 0.02),
]);
