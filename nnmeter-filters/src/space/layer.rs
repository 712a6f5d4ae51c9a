//! Layers: what a step may compute, and the numbers it may leave to choices.

/// A number of a layer: given, or picked by the option of a choice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Number {
    /// The same for every sample.
    Fixed(u32),
    /// The entry of `of` at the option of a choice.
    By {
        /// Index of the choice.
        choice: usize,
        /// A number for each of its options.
        of: Vec<Number>,
    },
}

impl Number {
    /// The number that `choice` picks from `of`.
    pub fn by(choice: usize, of: impl IntoIterator<Item = u32>) -> Self {
        Number::By { choice, of: of.into_iter().map(Number::Fixed).collect() }
    }

    /// Its value in a sample.
    pub(super) fn value(&self, sample: &[u8]) -> usize {
        match self {
            Number::Fixed(value) => *value as usize,
            Number::By { choice, of } => of[usize::from(sample[*choice])].value(sample),
        }
    }
}

impl From<u32> for Number {
    fn from(value: u32) -> Self {
        Number::Fixed(value)
    }
}

/// A function of one element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activation {
    /// `max(x, 0)`.
    Relu,
    /// `min(max(x, 0), 6)`.
    Relu6,
    /// `x relu6(x + 3) / 6`.
    HardSwish,
    /// `relu6(x + 3) / 6`.
    HardSigmoid,
    /// `1 / (1 + exp(-x))`.
    Sigmoid,
    /// `x sigmoid(x)`.
    Swish,
}

impl Activation {
    /// All of them.
    pub const ALL: [Activation; 6] = [
        Activation::Relu,
        Activation::Relu6,
        Activation::HardSwish,
        Activation::HardSigmoid,
        Activation::Sigmoid,
        Activation::Swish,
    ];

    /// The name in files.
    pub fn name(self) -> &'static str {
        match self {
            Activation::Relu => "relu",
            Activation::Relu6 => "relu6",
            Activation::HardSwish => "hswish",
            Activation::HardSigmoid => "hsigmoid",
            Activation::Sigmoid => "sigmoid",
            Activation::Swish => "swish",
        }
    }
}

/// What a step computes. Windows are square and padded by `(kernel - 1) / 2` on every side, as
/// PyTorch's models of these families are; the extent of the result is
/// `(extent + 2 padding - kernel) / stride + 1`, rounded down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Layer {
    /// Convolution of one operand.
    Conv {
        /// Channels of the result.
        channels: Number,
        /// Extent of the window.
        kernel: Number,
        /// Stride.
        stride: Number,
        /// Groups.
        groups: Number,
        /// Adds a bias.
        bias: bool,
    },
    /// Depthwise convolution of one operand, without bias.
    DepthwiseConv {
        /// Extent of the window.
        kernel: Number,
        /// Stride.
        stride: Number,
    },
    /// Batch normalisation of one operand.
    BatchNorm,
    /// A function of each element of one operand.
    Activation(Activation),
    /// Maximum over windows of one operand.
    MaxPool {
        /// Extent of the window.
        kernel: Number,
        /// Stride.
        stride: Number,
    },
    /// Mean over windows of one operand.
    AveragePool {
        /// Extent of the window.
        kernel: Number,
        /// Stride.
        stride: Number,
    },
    /// Mean of one operand over its spatial axes.
    GlobalPool,
    /// Fully connected layer over all elements of one operand.
    Linear {
        /// Columns of the result.
        channels: Number,
        /// Adds a bias.
        bias: bool,
    },
    /// Sum of two operands or more, from the first to the last.
    Add,
    /// Product of two operands, of which the second may have one element a channel.
    Multiply,
    /// Concatenation of two operands or more along the channels.
    Concat,
    /// One operand in equal parts along the channels; the only layer of several results.
    Split {
        /// How many parts.
        parts: u16,
    },
    /// Channel shuffle of one operand (Zhang et al., "ShuffleNet", CVPR 2018).
    Shuffle {
        /// Number of groups.
        groups: Number,
    },
    /// Zeros of the extents of one operand, known when the model is loaded: what is computed from
    /// them alone does not run, and a sum does without them.
    Zero,
}

impl Layer {
    /// A convolution of stride 1 without groups and bias.
    pub fn conv(channels: impl Into<Number>, kernel: impl Into<Number>) -> Self {
        Self::strided_conv(channels, kernel, 1)
    }

    /// A convolution without groups and bias.
    pub fn strided_conv(
        channels: impl Into<Number>,
        kernel: impl Into<Number>,
        stride: impl Into<Number>,
    ) -> Self {
        Layer::Conv {
            channels: channels.into(),
            kernel: kernel.into(),
            stride: stride.into(),
            groups: Number::Fixed(1),
            bias: false,
        }
    }

    /// A depthwise convolution.
    pub fn depthwise(kernel: impl Into<Number>, stride: impl Into<Number>) -> Self {
        Layer::DepthwiseConv { kernel: kernel.into(), stride: stride.into() }
    }

    /// The name in files.
    pub fn name(&self) -> &'static str {
        match self {
            Layer::Conv { .. } => "conv",
            Layer::DepthwiseConv { .. } => "dwconv",
            Layer::BatchNorm => "bn",
            Layer::Activation(activation) => activation.name(),
            Layer::MaxPool { .. } => "maxpool",
            Layer::AveragePool { .. } => "avgpool",
            Layer::GlobalPool => "gap",
            Layer::Linear { .. } => "fc",
            Layer::Add => "add",
            Layer::Multiply => "mul",
            Layer::Concat => "concat",
            Layer::Split { .. } => "split",
            Layer::Shuffle { .. } => "shuffle",
            Layer::Zero => "zero",
        }
    }

    /// Numbers of it, with their names in files.
    pub(super) fn numbers(&self) -> Vec<(&'static str, &Number)> {
        match self {
            Layer::Conv { channels, kernel, stride, groups, .. } => vec![
                ("channels", channels),
                ("kernel", kernel),
                ("stride", stride),
                ("groups", groups),
            ],
            Layer::DepthwiseConv { kernel, stride }
            | Layer::MaxPool { kernel, stride }
            | Layer::AveragePool { kernel, stride } => vec![("kernel", kernel), ("stride", stride)],
            Layer::Linear { channels, .. } => vec![("channels", channels)],
            Layer::Shuffle { groups } => vec![("groups", groups)],
            _ => Vec::new(),
        }
    }

    /// How many operands it may have.
    pub(super) fn operands(&self) -> std::ops::RangeInclusive<usize> {
        match self {
            Layer::Add | Layer::Concat => 2..=usize::MAX,
            Layer::Multiply => 2..=2,
            _ => 1..=1,
        }
    }

    /// How many results it has.
    pub(super) fn results(&self) -> u16 {
        match self {
            Layer::Split { parts } => *parts,
            _ => 1,
        }
    }
}
