//! What a unit of fusion is: one operator, or a multi-operator block that runtimes treat as one.
//!
//! The same closed enum serves the operands of fusion rules (`BF_conv_relu`), the names of kernels
//! (`conv-bn-relu`) and the choice of a kernel model, so that the three cannot drift apart.

use std::fmt;

use crate::op::{Binary, Norm, Op, PoolKind, Unary};

/// Defines [`Kind`] with its names from one table.
macro_rules! kinds {
    ($($(#[$doc:meta])* $variant:ident = $name:literal),* $(,)?) => {
        /// Kind of a unit of fusion, and of the kernel it gives its name to.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u8)]
        pub enum Kind {
            $($(#[$doc])* $variant,)*
        }

        impl Kind {
            /// All kinds.
            pub const ALL: &'static [Kind] = &[$(Kind::$variant),*];

            /// The name in kernel names and package files: nn-Meter's, where it has one.
            pub fn name(self) -> &'static str {
                match self {
                    $(Kind::$variant => $name,)*
                }
            }

            /// The kind called `name`.
            pub fn from_name(name: &str) -> Option<Kind> {
                match name {
                    $($name => Some(Kind::$variant),)*
                    _ => None,
                }
            }
        }
    };
}

kinds! {
    /// Convolution with any number of groups that is not depthwise.
    Conv = "conv",
    /// Depthwise convolution.
    DwConv = "dwconv",
    /// Transposed convolution.
    ConvTrans = "convtrans",
    /// Product with a constant matrix.
    Fc = "fc",
    /// Product of two activations.
    MatMul = "matmul",
    /// Windowed maximum.
    MaxPool = "maxpool",
    /// Windowed mean.
    AvgPool = "avgpool",
    /// Mean over all spatial axes.
    GlobalAvgPool = "global-avgpool",
    /// Another windowed or global pooling.
    OtherPool = "pool",
    /// Batch normalisation.
    Bn = "bn",
    /// Batch normalisation and ReLU.
    BnRelu = "bnrelu",
    /// ReLU, ReLU6 and other clamps.
    Relu = "relu",
    /// Leaky or parametric ReLU.
    LeakyRelu = "leakyrelu",
    /// Hard swish.
    Hswish = "hswish",
    /// Hard sigmoid.
    HardSigmoid = "hardsigmoid",
    /// Sigmoid.
    Sigmoid = "sigmoid",
    /// Swish (SiLU).
    Swish = "swish",
    /// GELU.
    Gelu = "gelu",
    /// Another function of one element.
    Unary = "unary",
    /// Squeeze and excite.
    Se = "se",
    /// Sum of tensors.
    Add = "add",
    /// Sum of tensors and ReLU.
    AddRelu = "addrelu",
    /// Product of tensors.
    Mul = "mul",
    /// Another elementwise function of several tensors.
    Binary = "binary",
    /// Concatenation.
    Concat = "concat",
    /// Split, or slices, along the channels.
    Split = "split",
    /// Channel shuffle.
    ChannelShuffle = "channelshuffle",
    /// Slice along other axes, gather, top-k: selection of elements.
    Select = "select",
    /// New extents for the same bytes: costs nothing.
    Reshape = "reshape",
    /// Permutation of axes.
    Transpose = "transpose",
    /// Padding.
    Pad = "pad",
    /// Interpolation.
    Resize = "resize",
    /// Repetition and other copies.
    Copy = "copy",
    /// Layer, RMS, instance, group and other normalisations computed from the data.
    Norm = "norm",
    /// Softmax.
    Softmax = "softmax",
    /// Another reduction.
    Reduce = "reduce",
    /// Recurrent layer.
    Recurrent = "recurrent",
    /// An operator that is not known.
    Unknown = "unknown",
}

impl Kind {
    /// Number of kinds; at most 64, because fusion rules keep a row of kinds in as many bits.
    pub const COUNT: usize = Kind::ALL.len();

    /// Whether a kernel that holds such a unit is priced by it, whatever is fused to it.
    pub fn is_anchor(self) -> bool {
        matches!(
            self,
            Kind::Conv
                | Kind::DwConv
                | Kind::ConvTrans
                | Kind::Fc
                | Kind::MatMul
                | Kind::MaxPool
                | Kind::AvgPool
                | Kind::GlobalAvgPool
                | Kind::OtherPool
                | Kind::Se
                | Kind::Recurrent
        )
    }

    /// Kind of an operator on its own, as far as the operator alone tells; whether a convolution
    /// is depthwise, a product has a constant side or a reduction is a global pool takes shapes
    /// (see [`crate::detect`]).
    pub fn of(op: &Op) -> Kind {
        match op {
            Op::Conv(conv) if conv.transposed => Kind::ConvTrans,
            Op::Conv(_) => Kind::Conv,
            Op::Pool(pool) => Kind::of_pool(pool.kind),
            Op::GlobalPool(PoolKind::Average, _) => Kind::GlobalAvgPool,
            Op::GlobalPool(PoolKind::Max | PoolKind::Lp, _) => Kind::OtherPool,
            Op::MatMul { .. } => Kind::MatMul,
            Op::Norm(Norm::Batch(_)) => Kind::Bn,
            Op::Norm(_) => Kind::Norm,
            Op::Unary(unary) => Kind::of_unary(*unary),
            Op::Binary(binary) => Kind::of_binary(*binary),
            Op::Where => Kind::Binary,
            Op::Reduce { .. } | Op::ArgReduce { .. } => Kind::Reduce,
            Op::Softmax { .. } => Kind::Softmax,
            Op::Concat { .. } => Kind::Concat,
            Op::Split { .. } => Kind::Split,
            Op::Slice | Op::StridedSlice(_) | Op::Gather { .. } | Op::TopK { .. } => Kind::Select,
            Op::Reshape(_) => Kind::Reshape,
            Op::Transpose(_) | Op::DepthToSpace(..) | Op::SpaceToDepth(..) => Kind::Transpose,
            Op::Expand | Op::Tile | Op::Stack { .. } => Kind::Copy,
            Op::ConstantOfShape(_) | Op::Range | Op::Shape { .. } | Op::Size => Kind::Copy,
            Op::Pad => Kind::Pad,
            Op::Resize(_) => Kind::Resize,
            Op::Cast(_) => Kind::Unary,
            Op::Recurrent(_) => Kind::Recurrent,
            Op::Input(..) | Op::Const(_) | Op::Other { .. } => Kind::Unknown,
        }
    }

    pub(crate) fn of_pool(kind: PoolKind) -> Kind {
        match kind {
            PoolKind::Max => Kind::MaxPool,
            PoolKind::Average => Kind::AvgPool,
            PoolKind::Lp => Kind::OtherPool,
        }
    }

    fn of_unary(unary: Unary) -> Kind {
        match unary {
            Unary::Relu | Unary::Clip { .. } => Kind::Relu,
            Unary::LeakyRelu => Kind::LeakyRelu,
            Unary::HardSwish => Kind::Hswish,
            Unary::HardSigmoid { .. } => Kind::HardSigmoid,
            Unary::Sigmoid => Kind::Sigmoid,
            Unary::Swish => Kind::Swish,
            Unary::Gelu => Kind::Gelu,
            _ => Kind::Unary,
        }
    }

    fn of_binary(binary: Binary) -> Kind {
        match binary {
            Binary::Add => Kind::Add,
            Binary::Mul => Kind::Mul,
            Binary::PRelu => Kind::LeakyRelu,
            _ => Kind::Binary,
        }
    }
}

const _: () = assert!(Kind::COUNT <= 64);

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_read_back() {
        for &kind in Kind::ALL {
            assert_eq!(Kind::from_name(kind.name()), Some(kind));
        }
    }
}
