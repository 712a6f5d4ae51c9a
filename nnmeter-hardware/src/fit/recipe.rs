//! The constants of a fit: those of its linear part, and those of the trees that correct it.
//!
//! They are choices, made by nested leave-one-family-out ([`nested`](super::nested)), and part of
//! what identifies a fit. Which terms there are is said in [`terms`].

use nnmeter_core::feature::Feature;
use nnmeter_core::kind::Kind;

use crate::fit::terms::{self, Prior};

/// Constants of a fit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Recipe {
    /// Weight of the prior: `lambda`.
    pub ridge: f64,
    /// Share of a family's median residual that counts as its effect: `kappa`.
    pub family_effect: f64,
    /// Rounds of fitting and estimating effects.
    pub rounds: usize,
    /// Least share of the mean model that a group's coarse rate explains.
    pub floor: f64,
    /// Least multiple of its coarse rate that a term may have: `theta_min`.
    pub least_multiple: f64,
    /// Rate of [`Group::Start`](super::terms::Group::Start): the cost of starting a kernel, in the
    /// metric's unit.
    pub start: f64,
    /// Rates of the groups relative to each other, for groups without data.
    pub prior: Prior,
    /// Trees that correct the linear models; none if there are to be none.
    pub correction: Option<Correction>,
}

impl Recipe {
    /// For one CPU core; times in ms.
    pub const CPU: Recipe = Recipe {
        ridge: 1e-6,
        family_effect: 0.5,
        rounds: 6,
        floor: 0.003,
        least_multiple: 0.1,
        start: 0.002,
        prior: terms::CPU_PRIOR,
        correction: None,
    };

    /// For an Adreno GPU; times in ms.
    pub const ADRENO: Recipe = Recipe {
        ridge: 1e-6,
        family_effect: 0.0,
        rounds: 1,
        floor: 0.0005,
        least_multiple: 0.1,
        start: 0.001,
        prior: terms::ADRENO_PRIOR,
        correction: Some(Correction { trees: ADRENO_TREES, ..Correction::USUAL }),
    };

    /// For a Myriad X; times in ms.
    pub const MYRIAD: Recipe = Recipe {
        start: 0.0,
        prior: terms::MYRIAD_PRIOR,
        correction: Some(Correction { trees: MYRIAD_TREES, ..Correction::USUAL }),
        ..Recipe::CPU
    };

    /// For a processor whose kernels were measured in generated networks; times in ms.
    pub const HOST: Recipe = Recipe {
        family_effect: 0.0,
        rounds: 1,
        floor: 0.0002,
        start: 0.0,
        prior: terms::HOST_PRIOR,
        correction: Some(Correction {
            rounds: 60,
            step: 0.3,
            least_leaf: 0.05,
            ridge: 0.1,
            family_effect: 0.0,
            trees: HOST_TREES,
            ..Correction::USUAL
        }),
        ..Recipe::CPU
    };
}

use Feature as F;
use Trend::Free;

const ADRENO_TREES: &[TreeSpec] = &[
    TreeSpec {
        kinds: &[Kind::Conv],
        features: &[
            (F::Waves, Free),
            (F::LoopSteps, Free),
            (F::WindowArea, Free),
            (F::Stride, Free),
            (F::OutputPoints, Free),
            (F::OutputSlices, Free),
            (F::InputSlices, Free),
            (F::OutputSlicesMod2, Free),
            (F::SliceRead, Free),
        ],
    },
    TreeSpec {
        kinds: &[Kind::DwConv],
        features: &[
            (F::WindowArea, Free),
            (F::Stride, Free),
            (F::OutputPoints, Free),
            (F::OutputSlices, Free),
        ],
    },
    TreeSpec {
        kinds: &[Kind::Concat],
        features: &[
            (F::OutputPoints, Free),
            (F::OutputSlices, Free),
            (F::CinMod4, Free),
            (F::Operands, Free),
            (F::ChannelRatio, Free),
        ],
    },
    TreeSpec {
        kinds: &[Kind::Se],
        features: &[(F::OutputPoints, Free), (F::OutputSlices, Free), (F::Weights, Free)],
    },
    TreeSpec {
        kinds: &[Kind::MaxPool],
        features: &[
            (F::OutputPoints, Free),
            (F::OutputSlices, Free),
            (F::WindowArea, Free),
            (F::Stride, Free),
        ],
    },
];

/// Convolutions are told no channels: with them (free, or as trends), networks whose convolutions
/// are larger than any fitted on come out too high.
const MYRIAD_TREES: &[TreeSpec] = &[
    TreeSpec {
        kinds: &[Kind::Conv],
        features: &[
            (F::Height, Free),
            (F::Stride, Free),
            (F::KernelHeight, Free),
            (F::ChannelRatio, Free),
            (F::PlaneTiles, Free),
            (F::ChannelTiles, Free),
            (F::EngineMode, Free),
            (F::EngineParts, Free),
        ],
    },
    TreeSpec {
        kinds: &[Kind::DwConv],
        features: &[
            (F::Height, Free),
            (F::Stride, Free),
            (F::KernelHeight, Free),
            (F::Cin, Free),
            (F::CinMod8, Free),
            (F::LineRead, Free),
            (F::LineWritten, Free),
            (F::PlaneTiles, Free),
            (F::EngineMode, Free),
            (F::EngineParts, Free),
            (F::PartChannels, Free),
        ],
    },
    TreeSpec {
        kinds: &[
            Kind::Se,
            Kind::Hswish,
            Kind::ChannelShuffle,
            Kind::Concat,
            Kind::Add,
            Kind::AddRelu,
        ],
        features: &[(F::Height, Free), (F::Cin, Free), (F::Cout, Free), (F::LineWritten, Free)],
    },
    TreeSpec {
        kinds: &[Kind::MaxPool],
        features: &[
            (F::Height, Free),
            (F::Stride, Free),
            (F::KernelHeight, Free),
            (F::Cin, Free),
            (F::LineWritten, Free),
        ],
    },
];

/// What a kernel is, and how far its channels are off whole vectors.
const HOST_TREES: &[TreeSpec] = &[
    TreeSpec {
        kinds: &[Kind::Conv, Kind::ConvTrans],
        features: &[
            (F::Height, Free),
            (F::Cin, Free),
            (F::Cout, Free),
            (F::KernelHeight, Free),
            (F::Stride, Free),
            (F::Groups, Free),
            (F::CinMod16, Free),
            (F::CoutMod16, Free),
            (F::Macs, Free),
            (F::Weights, Free),
            (F::Moved, Free),
        ],
    },
    TreeSpec {
        kinds: &[Kind::DwConv, Kind::MaxPool, Kind::AvgPool, Kind::OtherPool],
        features: &[
            (F::Height, Free),
            (F::Cin, Free),
            (F::KernelHeight, Free),
            (F::Stride, Free),
            (F::CinMod16, Free),
            (F::Moved, Free),
        ],
    },
    TreeSpec {
        kinds: &[Kind::Concat],
        features: &[
            (F::Height, Free),
            (F::Cout, Free),
            (F::CoutMod16, Free),
            (F::ChannelRatio, Free),
            (F::Operands, Free),
            (F::Moved, Free),
        ],
    },
    TreeSpec {
        kinds: &[
            Kind::Fc,
            Kind::GlobalAvgPool,
            Kind::Se,
            Kind::Swish,
            Kind::Hswish,
            Kind::Sigmoid,
            Kind::LeakyRelu,
            Kind::Relu,
            Kind::Bn,
            Kind::BnRelu,
            Kind::Add,
            Kind::AddRelu,
            Kind::Split,
            Kind::ChannelShuffle,
        ],
        features: &[
            (F::Height, Free),
            (F::Cin, Free),
            (F::Cout, Free),
            (F::CinMod16, Free),
            (F::Moved, Free),
        ],
    },
];

/// How trees correct the linear models: `cost = linear x exp(sum of leaves)`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Correction {
    /// Rounds of boosting; each adds a tree to every kind of kernel.
    pub rounds: usize,
    /// Greatest depth of a tree.
    pub depth: u32,
    /// Share of the best step that a tree takes: `eta`.
    pub step: f64,
    /// How much the curvature is relaxed; `step x relax` must be below 2, or boosting diverges.
    pub relax: f64,
    /// Weight of leaves' squares: `lambda`.
    pub ridge: f64,
    /// Least curvature in a leaf, about a third of the models that it speaks for.
    pub least_leaf: f64,
    /// Values of a feature that are told apart.
    pub bins: u32,
    /// Log residuals beyond this count linearly, not squared.
    pub huber: f64,
    /// Share of a family's median residual that counts as its effect: `kappa`.
    pub family_effect: f64,
    /// Rounds after which the effects are estimated anew.
    pub refresh: usize,
    /// Which kinds are corrected, and by which features.
    pub trees: &'static [TreeSpec],
}

/// What the trees of some kinds look at. Each kind has trees of its own.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TreeSpec {
    /// The kinds.
    pub kinds: &'static [Kind],
    /// The features.
    pub features: &'static [(Feature, Trend)],
}

/// How a correction may follow a feature when all others stay the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trend {
    /// In any way.
    Free,
    /// It never falls where the feature grows.
    Rising,
    /// It never rises where the feature grows.
    Falling,
}

impl Correction {
    /// Constants that serve all devices; of no kind yet. More rounds and other depths hardly
    /// matter, the share of a family's effect does.
    const USUAL: Correction = Correction {
        rounds: 20,
        depth: 6,
        step: 0.5,
        relax: 3.0,
        ridge: 1.0,
        least_leaf: 1.0,
        bins: 64,
        huber: 0.3,
        family_effect: 0.7,
        refresh: 5,
        trees: &[],
    };

    /// What the trees of `kind` look at; `None` if it is not corrected.
    pub fn features(&self, kind: Kind) -> Option<&'static [(Feature, Trend)]> {
        let spec = self.trees.iter().find(|spec| spec.kinds.contains(&kind))?;
        Some(spec.features)
    }
}
