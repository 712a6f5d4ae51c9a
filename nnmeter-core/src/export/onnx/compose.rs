//! Operators that ONNX has no name for, or only in operator sets that few runtimes know, spelled
//! with several, as exporters do.

use crate::graph::NodeId;
use crate::op::{Binary, Op, Unary};
use crate::typed::TypedGraph;

/// One operator of a spelling.
pub(super) struct Step {
    /// Its name in ONNX.
    pub(super) op_type: &'static str,
    /// What it reads.
    pub(super) reads: &'static [Read],
}

/// What a step reads.
pub(super) enum Read {
    /// An operand of the whole, by slot.
    Operand(usize),
    /// The result of an earlier step.
    Step(usize),
}

use Read::{Operand, Step as Of};

const SWISH: &[Step] = &[
    Step { op_type: "Sigmoid", reads: &[Operand(0)] },
    Step { op_type: "Mul", reads: &[Operand(0), Of(0)] },
];
const SQUARE: &[Step] = &[Step { op_type: "Mul", reads: &[Operand(0), Operand(0)] }];
const RSQRT: &[Step] = &[
    Step { op_type: "Sqrt", reads: &[Operand(0)] },
    Step { op_type: "Reciprocal", reads: &[Of(0)] },
];
const SQUARED_DIFFERENCE: &[Step] = &[
    Step { op_type: "Sub", reads: &[Operand(0), Operand(1)] },
    Step { op_type: "Mul", reads: &[Of(0), Of(0)] },
];

/// The steps of a node that takes several; `None` for one that is an operator of ONNX.
pub(super) fn steps(graph: &TypedGraph, id: NodeId) -> Option<&'static [Step]> {
    match graph.graph().node(id).op {
        Op::Unary(Unary::Swish) => Some(SWISH),
        Op::Unary(Unary::Square) => Some(SQUARE),
        Op::Unary(Unary::Rsqrt) => Some(RSQRT),
        Op::Binary(Binary::SquaredDifference) => Some(SQUARED_DIFFERENCE),
        _ => None,
    }
}
