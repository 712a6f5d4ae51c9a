//! The operators whose fusion is looked into, single ones and blocks as exporters spell them out.

use nnmeter_core::kind::Kind;

/// An operator, or a block of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs)] // the names are the operators' own
pub enum Operator {
    Conv,
    DwConv,
    ConvTrans,
    MaxPool,
    AvgPool,
    Concat,
    Bn,
    Relu,
    /// A clamp to 0..6.
    Relu6,
    Sigmoid,
    /// The sigmoid, and the product with it.
    Swish,
    /// ONNX's operator.
    Hswish,
    /// The hard sigmoid, and the product with it.
    HswishOfGate,
    /// The sum with 3, the clamp to 0..6, the product, the quotient by 6.
    HswishOfParts,
    /// Squeeze and excite: a global pooling, two convolutions with their activations, a product.
    Se,
    /// A reshaping, a transposition, a reshaping.
    ChannelShuffle,
    /// The sum with the result from before the two operators that come first, as a residual is.
    Add,
}

impl Operator {
    /// Those that kernels begin with.
    pub const HEAVY: &[Operator] = &[
        Operator::Conv,
        Operator::DwConv,
        Operator::ConvTrans,
        Operator::MaxPool,
        Operator::AvgPool,
        Operator::Concat,
    ];
    /// Those that the kernels asked about end in.
    pub const FIRST: &[Operator] = &[
        Operator::Conv,
        Operator::DwConv,
        Operator::ConvTrans,
        Operator::MaxPool,
        Operator::AvgPool,
        Operator::Concat,
        Operator::Bn,
        Operator::Relu,
        Operator::Add,
    ];
    /// Those that compute each element from elements at the same place, each as one operator.
    pub const ELEMENTWISE: &[Operator] =
        &[Operator::Bn, Operator::Relu, Operator::Sigmoid, Operator::Hswish, Operator::Add];
    /// Other spellings, and blocks.
    pub const SPELLED_OUT: &[Operator] = &[
        Operator::Relu6,
        Operator::Swish,
        Operator::HswishOfGate,
        Operator::HswishOfParts,
        Operator::Se,
        Operator::ChannelShuffle,
    ];

    /// What tables call it: as fusion rules do, and more where these have one name for several.
    pub fn name(self) -> &'static str {
        match self {
            Operator::Relu6 => "relu6",
            Operator::HswishOfGate => "hswish-of-gate",
            Operator::HswishOfParts => "hswish-of-parts",
            other => other.kind().name(),
        }
    }

    /// What fusion rules call it.
    pub fn kind(self) -> Kind {
        match self {
            Operator::Conv => Kind::Conv,
            Operator::DwConv => Kind::DwConv,
            Operator::ConvTrans => Kind::ConvTrans,
            Operator::MaxPool => Kind::MaxPool,
            Operator::AvgPool => Kind::AvgPool,
            Operator::Concat => Kind::Concat,
            Operator::Bn => Kind::Bn,
            Operator::Relu | Operator::Relu6 => Kind::Relu,
            Operator::Sigmoid => Kind::Sigmoid,
            Operator::Swish => Kind::Swish,
            Operator::Hswish | Operator::HswishOfGate | Operator::HswishOfParts => Kind::Hswish,
            Operator::Se => Kind::Se,
            Operator::ChannelShuffle => Kind::ChannelShuffle,
            Operator::Add => Kind::Add,
        }
    }

    /// Whether fusion rules are about it: not where it is another spelling of one they are about.
    pub fn has_rules(self) -> bool {
        !matches!(self, Operator::Relu6 | Operator::HswishOfGate | Operator::HswishOfParts)
    }

    /// Whether it computes each element from elements at the same place.
    pub fn is_elementwise(self) -> bool {
        !Self::HEAVY.contains(&self) && !matches!(self, Operator::Se | Operator::ChannelShuffle)
    }

    /// Whether it costs nothing to speak of once it is fused: it neither computes long nor reads
    /// another operand.
    pub fn is_light(self) -> bool {
        matches!(self, Operator::Bn | Operator::Relu)
    }

    /// Whether it reads a second result.
    pub fn reads_two(self) -> bool {
        matches!(self, Operator::Add | Operator::Concat)
    }

    /// Whether it is several operators.
    pub fn is_block(self) -> bool {
        matches!(
            self,
            Operator::Swish
                | Operator::HswishOfGate
                | Operator::HswishOfParts
                | Operator::Se
                | Operator::ChannelShuffle
        )
    }
}
