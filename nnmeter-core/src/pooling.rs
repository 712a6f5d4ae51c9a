//! The pooling that a convolution's result goes to: a fact about the graph around a kernel that
//! some runtimes plan the convolution by. What they make of it is not known here.

use petgraph::Direction;
use petgraph::visit::EdgeRef;

use crate::graph::NodeId;
use crate::kind::Kind;
use crate::op::{Norm, Op, Pool};
use crate::typed::TypedGraph;
use crate::workload::{Extents, extents, extents_or_ones};

/// Operators that are looked at behind a convolution.
const REACH: usize = 8;

/// A pooling that is the only reader of a convolution's result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Pooling {
    /// [`Kind::MaxPool`], [`Kind::AvgPool`] or [`Kind::OtherPool`].
    pub kind: Kind,
    /// Its window.
    pub window: Extents,
    /// Its strides.
    pub stride: Extents,
    /// Operands of the concatenation that it reads the result through; 1 if there is none.
    pub joined: u32,
}

impl Pooling {
    /// The pooling behind the operator `id`; `None` if anything else reads its result. Between them
    /// may lie what runtimes fold into a convolution (biases, batch normalisation, ReLU), and a
    /// concatenation.
    pub(crate) fn after(graph: &TypedGraph, id: NodeId) -> Option<Self> {
        let (mut at, mut joined) = (id, 1);
        for _ in 0..REACH {
            at = only_reader(graph, at)?;
            let op = &graph.graph().node(at).op;
            match op {
                Op::Pool(pool) => return Some(Self::new(pool, joined)),
                Op::Concat { .. } if joined == 1 => joined = data_operands(graph, at),
                Op::Norm(Norm::Batch(_)) => {}
                Op::Unary(_) if matches!(Kind::of(op), Kind::Relu | Kind::LeakyRelu) => {}
                Op::Binary(_) if data_operands(graph, at) == 1 => {}
                _ => return None,
            }
        }
        None
    }

    fn new(pool: &Pool, joined: u32) -> Self {
        let kind = Kind::of_pool(pool.kind);
        let (window, stride) = (extents(&pool.kernel), extents_or_ones(&pool.strides));
        Self { kind, window, stride, joined }
    }
}

/// The operator that reads the results of `id`, if there is one and no other.
fn only_reader(graph: &TypedGraph, id: NodeId) -> Option<NodeId> {
    let edges = graph.graph().dag().edges_directed(id, Direction::Outgoing);
    let mut readers = edges.map(|edge| edge.target()).filter(|&reader| graph.is_op(reader));
    let first = readers.next()?;
    readers.next().is_none().then_some(first)
}

fn data_operands(graph: &TypedGraph, id: NodeId) -> u32 {
    let operands = graph.graph().operands(id);
    operands.into_iter().flatten().filter(|&value| !graph.fact(value).constant).count() as u32
}
