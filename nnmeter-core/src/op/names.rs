//! Names of operators for people: ONNX's spelling, whatever the format of the file was.

use crate::op::{Binary, Norm, Op, PoolKind, RecurrentCell, ReduceKind, Reshape, Unary};

impl Op {
    /// ONNX's name of the operator (`Conv`, `BatchNormalization`), or the file's own name for one
    /// that is not known.
    pub fn name(&self) -> &str {
        match self {
            Op::Input(..) => "Input",
            Op::Const(_) => "Constant",
            Op::Conv(conv) if conv.transposed => "ConvTranspose",
            Op::Conv(_) => "Conv",
            Op::Pool(pool) => match pool.kind {
                PoolKind::Max => "MaxPool",
                PoolKind::Average => "AveragePool",
                PoolKind::Lp => "LpPool",
            },
            Op::GlobalPool(kind, _) => match kind {
                PoolKind::Max => "GlobalMaxPool",
                PoolKind::Average => "GlobalAveragePool",
                PoolKind::Lp => "GlobalLpPool",
            },
            Op::MatMul { .. } => "MatMul",
            Op::Norm(norm) => norm.name(),
            Op::Unary(unary) => unary.name(),
            Op::Binary(binary) => binary.name(),
            Op::Where => "Where",
            Op::Reduce { kind, .. } => kind.name(),
            Op::ArgReduce { .. } => "ArgMax",
            Op::Softmax { log: false, .. } => "Softmax",
            Op::Softmax { log: true, .. } => "LogSoftmax",
            Op::Concat { .. } => "Concat",
            Op::Stack { .. } => "Stack",
            Op::Split { .. } => "Split",
            Op::Slice => "Slice",
            Op::StridedSlice(_) => "StridedSlice",
            Op::Gather { .. } => "Gather",
            Op::Reshape(reshape) => match reshape {
                Reshape::To { .. } => "Reshape",
                Reshape::Flatten { .. } => "Flatten",
                Reshape::Squeeze => "Squeeze",
                Reshape::Unsqueeze => "Unsqueeze",
            },
            Op::Transpose(_) => "Transpose",
            Op::Expand => "Expand",
            Op::Tile => "Tile",
            Op::Pad => "Pad",
            Op::Resize(_) => "Resize",
            Op::DepthToSpace(..) => "DepthToSpace",
            Op::SpaceToDepth(..) => "SpaceToDepth",
            Op::Cast(_) => "Cast",
            Op::Shape { .. } => "Shape",
            Op::Size => "Size",
            Op::ConstantOfShape(_) => "ConstantOfShape",
            Op::Range => "Range",
            Op::TopK { .. } => "TopK",
            Op::Recurrent(layer) => match layer.cell {
                RecurrentCell::Rnn => "RNN",
                RecurrentCell::Gru => "GRU",
                RecurrentCell::Lstm => "LSTM",
            },
            Op::Other { op_type } => op_type,
        }
    }
}

impl Norm {
    /// ONNX's name.
    pub fn name(self) -> &'static str {
        match self {
            Norm::Batch(_) => "BatchNormalization",
            Norm::Layer { .. } => "LayerNormalization",
            Norm::Rms { .. } => "RMSNormalization",
            Norm::Instance => "InstanceNormalization",
            Norm::Group { .. } => "GroupNormalization",
            Norm::LocalResponse => "LRN",
            Norm::Lp => "LpNormalization",
            Norm::MeanVariance => "MeanVarianceNormalization",
        }
    }
}

impl ReduceKind {
    /// ONNX's name.
    pub fn name(self) -> &'static str {
        match self {
            ReduceKind::Mean => "ReduceMean",
            ReduceKind::Sum => "ReduceSum",
            ReduceKind::SumSquare => "ReduceSumSquare",
            ReduceKind::Max => "ReduceMax",
            ReduceKind::Min => "ReduceMin",
            ReduceKind::Prod => "ReduceProd",
            ReduceKind::L1 => "ReduceL1",
            ReduceKind::L2 => "ReduceL2",
            ReduceKind::LogSum => "ReduceLogSum",
            ReduceKind::LogSumExp => "ReduceLogSumExp",
        }
    }
}

/// Defines `name` and `from_name` of an enum from one table, so that they cannot disagree.
macro_rules! names {
    ($type:ident { $($variant:ident => $name:literal),* $(,)? } $(with { $($pattern:pat => $other:literal),* })?) => {
        impl $type {
            /// The names that [`Self::from_name`] knows.
            #[cfg(test)]
            pub(crate) const NAMES: &[&str] = &[$($name),*];

            /// ONNX's name.
            pub fn name(self) -> &'static str {
                match self {
                    $($type::$variant => $name,)*
                    $($($pattern => $other,)*)?
                }
            }

            /// The function of ONNX's `name`, if it has no attributes.
            pub fn from_name(name: &str) -> Option<Self> {
                match name {
                    $($name => Some($type::$variant),)*
                    _ => None,
                }
            }
        }
    };
}

names!(Unary {
    Relu => "Relu", LeakyRelu => "LeakyRelu", ThresholdedRelu => "ThresholdedRelu", Elu => "Elu",
    Selu => "Selu", Celu => "Celu", Sigmoid => "Sigmoid", HardSwish => "HardSwish",
    Swish => "Swish", Mish => "Mish", Gelu => "Gelu", Tanh => "Tanh", Softplus => "Softplus",
    Softsign => "Softsign", Shrink => "Shrink", Erf => "Erf", Exp => "Exp", Log => "Log",
    Sqrt => "Sqrt", Rsqrt => "Rsqrt", Square => "Square", Reciprocal => "Reciprocal",
    Neg => "Neg", Abs => "Abs", Sign => "Sign", Floor => "Floor", Ceil => "Ceil",
    Round => "Round", Not => "Not", IsNaN => "IsNaN", IsInf => "IsInf", Sin => "Sin",
    Cos => "Cos", Tan => "Tan", Asin => "Asin", Acos => "Acos", Atan => "Atan", Sinh => "Sinh",
    Cosh => "Cosh", Asinh => "Asinh", Acosh => "Acosh", Atanh => "Atanh", CumSum => "CumSum",
    QuantizeLinear => "QuantizeLinear",
} with { Unary::DequantizeLinear => "DequantizeLinear",
    Unary::Clip { .. } => "Clip", Unary::HardSigmoid { .. } => "HardSigmoid" });

names!(Binary {
    Add => "Add", Sub => "Sub", Mul => "Mul", Div => "Div", FloorDiv => "FloorDiv", Mod => "Mod",
    Pow => "Pow", Min => "Min", Max => "Max", Mean => "Mean",
    SquaredDifference => "SquaredDifference", PRelu => "PRelu", And => "And", Or => "Or",
    Xor => "Xor", BitShift => "BitShift", Equal => "Equal", Less => "Less",
    LessOrEqual => "LessOrEqual", Greater => "Greater", GreaterOrEqual => "GreaterOrEqual",
});
