//! Functions of elements: of one, of several, and over many.

/// A function of one element.
#[derive(Clone, Copy, Debug, PartialEq)]
#[allow(missing_docs)] // the names are the functions' own
pub enum Unary {
    Relu,
    /// Clamp; an absent bound is open, or not known when the model is read.
    Clip {
        min: Option<f32>,
        max: Option<f32>,
    },
    LeakyRelu,
    ThresholdedRelu,
    Elu,
    Selu,
    Celu,
    Sigmoid,
    /// `max(0, min(1, alpha x + beta))`.
    HardSigmoid {
        alpha: f32,
        beta: f32,
    },
    /// `x hard_sigmoid(x)` with alpha 1/6, beta 1/2.
    HardSwish,
    /// `x sigmoid(x)`, also called SiLU.
    Swish,
    Mish,
    Gelu,
    Tanh,
    Softplus,
    Softsign,
    Shrink,
    Erf,
    Exp,
    Log,
    Sqrt,
    Rsqrt,
    Square,
    Reciprocal,
    Neg,
    Abs,
    Sign,
    Floor,
    Ceil,
    Round,
    Not,
    IsNaN,
    IsInf,
    Sin,
    Cos,
    Tan,
    Asin,
    Acos,
    Atan,
    Sinh,
    Cosh,
    Asinh,
    Acosh,
    Atanh,
    CumSum,
    /// From floats to the integers that its third operand is of.
    QuantizeLinear,
    /// Back from integers; of data, not of a stored weight.
    DequantizeLinear,
}

/// An elementwise function of two or more operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)] // the names are the functions' own
pub enum Binary {
    Add,
    Sub,
    Mul,
    Div,
    FloorDiv,
    Mod,
    Pow,
    Min,
    Max,
    Mean,
    SquaredDifference,
    PRelu,
    And,
    Or,
    Xor,
    BitShift,
    Equal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Binary {
    /// Whether the result is boolean whatever the operands are.
    pub fn is_comparison(self) -> bool {
        matches!(
            self,
            Binary::Equal
                | Binary::Less
                | Binary::LessOrEqual
                | Binary::Greater
                | Binary::GreaterOrEqual
        )
    }
}

/// Function of a reduction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)] // the names are the functions' own
pub enum ReduceKind {
    Mean,
    Sum,
    SumSquare,
    Max,
    Min,
    Prod,
    L1,
    L2,
    LogSum,
    LogSumExp,
}
