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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text;

    /// The pooling behind the convolution `c` of a 16x16 image with 8 channels in it and out of it.
    fn after(text: &str) -> Option<Pooling> {
        let text = format!("x = input 1x8x16x16 ; c = conv x k=3 p=1 out=8\n{text}");
        let graph = text::graph(&text).infer_shapes().expect("valid shapes");
        let mut nodes = graph.order().iter().copied();
        Pooling::after(&graph, nodes.find(|&id| &*graph.graph().node(id).name == "c")?)
    }

    const HALVING: Pooling =
        Pooling { kind: Kind::MaxPool, window: [1, 2, 2], stride: [1, 2, 2], joined: 1 };

    #[test]
    fn poolings_are_found_past_what_folds_into_a_convolution() {
        assert_eq!(after("p = maxpool c k=2 s=2"), Some(HALVING));
        let folded = "b = bn c ; m = mul b 0.5 ; r = relu6 m ; p = maxpool r k=2 s=2";
        assert_eq!(after(folded), Some(HALVING));
        let average = Pooling { kind: Kind::AvgPool, window: [1, 3, 3], stride: [1; 3], joined: 1 };
        assert_eq!(after("r = relu c ; p = avgpool r k=3 s=1 p=1"), Some(average));
    }

    #[test]
    fn poolings_are_found_past_a_concatenation() {
        let joined = "d = conv x k=1 out=8 ; r = relu c ; j = concat r d ; p = maxpool j k=2 s=2";
        assert_eq!(after(joined), Some(Pooling { joined: 2, ..HALVING }));
        let twice =
            "d = conv x k=1 out=8 ; j = concat c d ; k = concat j d ; p = maxpool k k=2 s=2";
        assert_eq!(after(twice), None);
    }

    #[test]
    fn other_readers_leave_none() {
        assert_eq!(after(""), None);
        assert_eq!(after("p = maxpool c k=2 s=2 ; r = relu c"), None);
        assert_eq!(after("a = add c x ; p = maxpool a k=2 s=2"), None);
        assert_eq!(after("g = gap c"), None);
        let relus = "a = relu c ; b = relu a ; d = relu b ; e = relu d ; f = relu e ; g = relu f";
        assert_eq!(after(&format!("{relus} ; h = relu g ; p = maxpool h k=2 s=2")), Some(HALVING));
        assert_eq!(
            after(&format!("{relus} ; h = relu g ; i = relu h ; p = maxpool i k=2 s=2")),
            None,
            "too far"
        );
    }
}
