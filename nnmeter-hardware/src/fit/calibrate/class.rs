//! Classes of kernels that another device of the same make is faster or slower at as a whole.

use nnmeter_core::kind::Kind;
use nnmeter_core::model::WindowClass;

/// A class of kernels, or of parts of their cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Class {
    /// Pointwise convolutions, and what all convolutions have in common.
    Pointwise,
    /// Convolutions with small windows.
    SmallWindow,
    /// Convolutions with large windows.
    LargeWindow,
    /// Depthwise convolutions.
    Depthwise,
    /// Products with matrices that are no convolutions, and recurrent layers.
    Product,
    /// Pooling and other reductions.
    Pooling,
    /// Functions of single elements and of several tensors, normalisation.
    Elementwise,
    /// Copies: concatenation, split, shuffle, padding, interpolation.
    Movement,
    /// Squeeze and excite.
    SqueezeExcite,
}

impl Class {
    /// The class of what kernels of `kind` with such windows cost.
    pub(super) fn of(kind: Kind, window: WindowClass) -> Self {
        match kind {
            Kind::Conv | Kind::ConvTrans => match window {
                WindowClass::Any | WindowClass::Pointwise => Class::Pointwise,
                WindowClass::Spatial | WindowClass::Small => Class::SmallWindow,
                WindowClass::Large => Class::LargeWindow,
            },
            Kind::DwConv => Class::Depthwise,
            Kind::Fc | Kind::MatMul | Kind::Recurrent => Class::Product,
            Kind::MaxPool
            | Kind::AvgPool
            | Kind::GlobalAvgPool
            | Kind::OtherPool
            | Kind::Softmax
            | Kind::Reduce => Class::Pooling,
            Kind::Bn
            | Kind::BnRelu
            | Kind::Relu
            | Kind::LeakyRelu
            | Kind::Hswish
            | Kind::HardSigmoid
            | Kind::Sigmoid
            | Kind::Swish
            | Kind::Gelu
            | Kind::Unary
            | Kind::Add
            | Kind::AddRelu
            | Kind::Mul
            | Kind::Binary
            | Kind::Norm
            | Kind::Unknown => Class::Elementwise,
            Kind::Concat
            | Kind::Split
            | Kind::ChannelShuffle
            | Kind::Select
            | Kind::Reshape
            | Kind::Transpose
            | Kind::Pad
            | Kind::Resize
            | Kind::Copy => Class::Movement,
            Kind::Se => Class::SqueezeExcite,
        }
    }
}
