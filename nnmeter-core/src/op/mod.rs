//! Operators: one closed enum for what every importer reads.
//!
//! Importers bring their formats to one spelling: whatever may be an attribute in one version of a
//! format and an operand in another (the shape of a Reshape, the axes of a Squeeze) is always an
//! operand here, and weights are always operands of constant nodes. Shape rules live in
//! [`crate::infer`], fusion in [`crate::detect`]; this file has no behaviour beyond names.

mod elementwise;
mod names;
mod window;

use smallvec::SmallVec;

use crate::tensor::{Constant, DType, Dim};

pub use elementwise::{Binary, ReduceKind, Unary};
pub use window::{Conv, FilterLayout, Padding, Pool, PoolKind};

/// Per-axis values over the spatial axes, outermost first (`[height, width]` for images).
pub type Spatial = SmallVec<[usize; 3]>;

/// Where the channel axis is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Layout {
    /// `NCHW` and its 1-D and 3-D relatives.
    #[default]
    ChannelsFirst,
    /// `NHWC` and its 1-D and 3-D relatives.
    ChannelsLast,
}

impl Layout {
    /// Index of the channel axis in a tensor of `rank` axes; `None` below two axes.
    pub fn channel_axis(self, rank: usize) -> Option<usize> {
        match self {
            _ if rank < 2 => None,
            Layout::ChannelsFirst => Some(1),
            Layout::ChannelsLast => Some(rank - 1),
        }
    }

    /// Indices of the spatial axes in a tensor of `rank` axes; empty below three axes.
    pub fn spatial_axes(self, rank: usize) -> std::ops::Range<usize> {
        match self {
            _ if rank < 3 => 0..0,
            Layout::ChannelsFirst => 2..rank,
            Layout::ChannelsLast => 1..rank - 1,
        }
    }
}

/// What a node does.
#[derive(Clone, Debug, PartialEq)]
pub enum Op {
    /// A graph input: its element type, and its extents if the format states them.
    Input(DType, Option<Vec<Dim>>),
    /// A weight or any other constant.
    Const(Constant),
    /// Convolution. Operands: data, weight, bias?
    Conv(Conv),
    /// Windowed pooling. Operands: data.
    Pool(Pool),
    /// Pooling over all spatial axes, which stay with extent 1. Operands: data.
    GlobalPool(PoolKind, Layout),
    /// Matrix product `op(A) op(B) (+ C)`. Operands: A, B, C?
    MatMul {
        /// A is used transposed in its last two axes.
        transpose_a: bool,
        /// B is used transposed in its last two axes.
        transpose_b: bool,
    },
    /// Normalisation. Operands: data, then its parameters.
    Norm(Norm),
    /// One-operand function of each element.
    Unary(Unary),
    /// Function of two or more operands, elementwise with broadcasting.
    Binary(Binary),
    /// Elementwise choice. Operands: condition, x, y.
    Where,
    /// Reduction. Operands: data, axes? (absent: all axes).
    Reduce {
        /// The function folded over the axes.
        kind: ReduceKind,
        /// Reduced axes stay with extent 1.
        keep_dims: bool,
    },
    /// Index of the extreme element along an axis. Operands: data.
    ArgReduce {
        /// The axis; negative counts from the end.
        axis: i64,
        /// The axis stays with extent 1.
        keep_dims: bool,
    },
    /// Softmax, or its logarithm. Operands: data.
    Softmax {
        /// The axis; negative counts from the end.
        axis: i64,
        /// Log-softmax.
        log: bool,
    },
    /// Concatenation of all operands along an axis.
    Concat {
        /// The axis; negative counts from the end.
        axis: i64,
    },
    /// Operands of equal shape stacked along a new axis.
    Stack {
        /// The new axis; negative counts from the end of the result.
        axis: i64,
    },
    /// Split into as many parts as the node has outputs. Operands: data, sizes? (absent: equal).
    Split {
        /// The axis; negative counts from the end.
        axis: i64,
    },
    /// Strided window. Operands: data, starts, ends, axes?, steps?
    Slice,
    /// TensorFlow's StridedSlice. Operands: data, begin, end, strides.
    StridedSlice(StridedSliceMasks),
    /// Selection by index along an axis. Operands: data, indices.
    Gather {
        /// The axis; negative counts from the end.
        axis: i64,
    },
    /// New extents for the same elements.
    Reshape(Reshape),
    /// Permutation of axes; `None` reverses them. Operands: data.
    Transpose(Option<SmallVec<[usize; 5]>>),
    /// Broadcast to a shape. Operands: data, shape.
    Expand,
    /// Repetition. Operands: data, repeats.
    Tile,
    /// Padding. Operands: data, pads (all begins, then all ends), value?, axes?
    Pad,
    /// Interpolation. Operands: data, roi?, scales?, sizes?
    Resize(ResizeMode),
    /// Channels to space by a block size. Operands: data.
    DepthToSpace(usize, Layout),
    /// Space to channels by a block size. Operands: data.
    SpaceToDepth(usize, Layout),
    /// Conversion of the element type. Operands: data.
    Cast(DType),
    /// Extents of the operand between two axes. Operands: data.
    Shape {
        /// First axis; negative counts from the end.
        start: i64,
        /// End axis, exclusive; `None` is the rank.
        end: Option<i64>,
    },
    /// Number of elements of the operand. Operands: data.
    Size,
    /// Constant of a shape. Operands: shape, value? (a scalar; absent: not known).
    ConstantOfShape(DType),
    /// Arithmetic progression. Operands: start, limit, delta.
    Range,
    /// The k largest elements along an axis: values, indices. Operands: data, k.
    TopK {
        /// The axis; negative counts from the end.
        axis: i64,
    },
    /// Recurrent layer. Operands: as ONNX's, X, W, R, ...
    Recurrent(Recurrent),
    /// An operator without a place of its own: reported by name, with the shapes that its file
    /// declares, if any.
    Other {
        /// The format's name of the operator, with its domain if it is not the default.
        op_type: Box<str>,
    },
}

/// A normalisation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Norm {
    /// Batch normalisation, at inference: one scale and shift a channel.
    Batch(Layout),
    /// Layer normalisation over the axes from `axis` on.
    Layer {
        /// First normalised axis; negative counts from the end.
        axis: i64,
    },
    /// Root-mean-square normalisation over the axes from `axis` on.
    Rms {
        /// First normalised axis; negative counts from the end.
        axis: i64,
    },
    /// Instance normalisation.
    Instance,
    /// Group normalisation.
    Group {
        /// Number of groups.
        groups: usize,
    },
    /// Local response normalisation across channels.
    LocalResponse,
    /// L-p normalisation along an axis.
    Lp,
    /// Mean-variance normalisation.
    MeanVariance,
}

/// How a Reshape gets its extents.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reshape {
    /// Operands: data, shape (-1: whatever is left). A zero copies the extent of the data unless
    /// `allow_zero`.
    To {
        /// A zero means an empty axis.
        allow_zero: bool,
    },
    /// To two axes, split before `axis`. Operands: data.
    Flatten {
        /// The axis; negative counts from the end.
        axis: i64,
    },
    /// Axes of extent 1 dropped. Operands: data, axes? (absent: all of them).
    Squeeze,
    /// Axes of extent 1 added. Operands: data, axes.
    Unsqueeze,
}

/// Masks of TensorFlow's StridedSlice; bit `i` is about axis `i` of the specification.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[allow(missing_docs)] // the names are TensorFlow's own
pub struct StridedSliceMasks {
    pub begin: u32,
    pub end: u32,
    pub ellipsis: u32,
    pub new_axis: u32,
    pub shrink_axis: u32,
}

/// Interpolation of a Resize.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ResizeMode {
    /// Nearest neighbour.
    Nearest,
    /// (Bi-, tri-)linear.
    Linear,
    /// Cubic.
    Cubic,
}

/// Attributes of a recurrent layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Recurrent {
    /// The cell.
    pub cell: RecurrentCell,
    /// Width of the hidden state; 0 if only the weights tell.
    pub hidden: usize,
    /// Forward and backward.
    pub bidirectional: bool,
    /// The batch axis comes before the time axis.
    pub batch_first: bool,
}

/// Cell of a recurrent layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)] // the names are the cells' own
pub enum RecurrentCell {
    Rnn,
    Gru,
    Lstm,
}
