//! Blocks: several operators in a file that are one operation to people and to runtimes.
//!
//! Operators are visited in topological order; each asks whether it is the *tail* of a block whose
//! other members lie before it. Small blocks collapse first and larger ones are then written in
//! terms of them: a squeeze-and-excite whose gate is a hard sigmoid matches however the hard sigmoid
//! was spelled. Members other than the tail are read by members only.
//!
//! The blocks: a bias added to a convolution or product; hard sigmoid, hard swish, swish and
//! squeeze-and-excite ([`gates`](super::gates)); GELU, softmax and layer normalisation
//! ([`attention`](super::attention)); batch normalisation ([`batch_norm`](super::batch_norm)); channel
//! shuffle and a global pool in two steps (here).

use petgraph::Direction;
use petgraph::graph::EdgeReference;
use petgraph::visit::EdgeRef;
use smallvec::SmallVec;

use crate::detect::{attention, batch_norm, classify, gates};
use crate::graph::{NodeId, Value, Wire};
use crate::kind::Kind;
use crate::op::{Binary, Op, ReduceKind};
use crate::tensor::Values;
use crate::typed::TypedGraph;

/// A block that was found: its kind, the value it works on, and the tails of the units that it takes
/// in beside its own tail.
pub(super) struct Match {
    pub(super) kind: Kind,
    pub(super) input: Value,
    pub(super) members: SmallVec<[NodeId; 8]>,
}

/// Up to how many nodes a block is looked through for its reads, instead of all readers.
const SMALL_BLOCK: usize = 32;

/// The state of collapsing: what each operator is and which unit owns it.
pub(super) struct Blocks<'a> {
    pub(super) graph: &'a TypedGraph,
    kinds: Vec<Kind>,
    owners: Vec<NodeId>,
    inputs: Vec<Option<Value>>,
    readers: Vec<u32>,
    returned: Vec<bool>,
}

/// Collapses every block of `graph`.
pub(super) fn collapse(graph: &TypedGraph) -> Blocks<'_> {
    let mut blocks = Blocks::new(graph);
    for &id in graph.order() {
        if graph.is_op(id) {
            blocks.classify(id);
            if let Some(found) = blocks.find(id) {
                blocks.merge(id, found);
            }
        }
    }
    for &id in graph.order().iter().rev() {
        blocks.owners[id.index()] = blocks.owner(id); // the tail of a unit comes after its members
    }
    blocks
}

impl<'a> Blocks<'a> {
    fn new(graph: &'a TypedGraph) -> Self {
        let dag = graph.graph().dag();
        let count = dag.node_count();
        let mut readers = vec![0; count];
        for edge in dag.edge_references() {
            readers[edge.source().index()] += u32::from(graph.is_op(edge.target()));
        }
        let mut returned = vec![false; count];
        for output in graph.graph().outputs() {
            readers[output.node.index()] += 1;
            returned[output.node.index()] = true;
        }
        let owners = dag.node_indices().collect();
        Self {
            graph,
            kinds: vec![Kind::Unknown; count],
            owners,
            inputs: vec![None; count],
            readers,
            returned,
        }
    }

    fn classify(&mut self, id: NodeId) {
        self.kinds[id.index()] = classify::kind(self.graph, id);
        self.inputs[id.index()] = self.only_data_operand(id);
    }

    fn find(&self, tail: NodeId) -> Option<Match> {
        match &self.graph.graph().node(tail).op {
            Op::Binary(Binary::Mul) => gates::ending_in_mul(self, tail)
                .or_else(|| attention::gelu(self, tail))
                .or_else(|| attention::affine(self, tail)),
            Op::Binary(Binary::Div) => gates::ending_in_div(self, tail)
                .or_else(|| attention::gelu(self, tail))
                .or_else(|| attention::softmax(self, tail))
                .or_else(|| attention::layer_norm(self, tail)),
            Op::Binary(Binary::Add) => self
                .bias(tail)
                .or_else(|| attention::affine(self, tail))
                .or_else(|| batch_norm::ending_in_add(self, tail)),
            Op::Unary(_) => gates::ending_in_clip(self, tail),
            Op::Reshape(_) => self.channel_shuffle(tail),
            Op::Reduce { kind: ReduceKind::Mean, .. } => self.pool_in_two_steps(tail),
            _ => None,
        }
    }

    fn merge(&mut self, tail: NodeId, found: Match) {
        self.kinds[tail.index()] = found.kind;
        self.inputs[tail.index()] = Some(found.input);
        for member in found.members {
            self.owners[member.index()] = tail;
        }
        self.read_as_one(found.input.node, tail);
    }

    /// From outside, a block reads its input once, however many of its members do.
    fn read_as_one(&mut self, input: NodeId, tail: NodeId) {
        let inside = match self.reads_within(input, tail) {
            Some(inside) => inside,
            None => self.reads_by_owner(input, tail),
        };
        let readers = &mut self.readers[input.index()];
        *readers = (*readers + 1).saturating_sub(inside);
    }

    /// How often the nodes of a small block read `input`; `None` if it is not small.
    fn reads_within(&self, input: NodeId, tail: NodeId) -> Option<u32> {
        let dag = self.graph.graph().dag();
        let mut nodes: SmallVec<[NodeId; SMALL_BLOCK]> = smallvec::smallvec![tail];
        let (mut reads, mut at) = (0, 0);
        while let Some(&id) = nodes.get(at) {
            for edge in dag.edges_directed(id, Direction::Incoming) {
                let source = edge.source();
                reads += u32::from(source == input);
                if self.owners[source.index()] != source && !nodes.contains(&source) {
                    if nodes.len() == SMALL_BLOCK || self.owner(source) != tail {
                        return None;
                    }
                    nodes.push(source);
                }
            }
            at += 1;
        }
        Some(reads)
    }

    /// The same, by asking every reader of `input` where it belongs.
    fn reads_by_owner(&mut self, input: NodeId, tail: NodeId) -> u32 {
        let graph = self.graph;
        let readers = graph.graph().dag().edges_directed(input, Direction::Outgoing);
        readers.map(|edge| u32::from(self.shorten(edge.target()) == tail)).sum()
    }

    /// As [`Blocks::owner`], with the way there halved for the next time.
    fn shorten(&mut self, mut id: NodeId) -> NodeId {
        while self.owners[id.index()] != id {
            let next = self.owners[id.index()];
            self.owners[id.index()] = self.owners[next.index()];
            id = next;
        }
        id
    }

    /// Kind of the unit that ends in `tail`.
    pub(super) fn kind(&self, tail: NodeId) -> Kind {
        self.kinds[tail.index()]
    }

    /// The unit that `id` belongs to, by its tail.
    pub(super) fn owner(&self, mut id: NodeId) -> NodeId {
        while self.owners[id.index()] != id {
            id = self.owners[id.index()];
        }
        id
    }

    /// By node: the tail of the unit that it belongs to; the end for what is no operator.
    pub(super) fn units(&self) -> Vec<NodeId> {
        let mut units = vec![NodeId::end(); self.owners.len()];
        for &id in self.graph.order().iter().rev().filter(|&&id| self.graph.is_op(id)) {
            let owner = self.owners[id.index()];
            units[id.index()] = if owner == id { id } else { units[owner.index()] };
        }
        units
    }

    /// The value that the unit ending in `tail` works on, if it is one.
    pub(super) fn input(&self, tail: NodeId) -> Option<Value> {
        self.inputs[tail.index()]
    }

    /// Operands that are not constant, by slot.
    pub(super) fn data_operands(&self, id: NodeId) -> SmallVec<[Value; 4]> {
        let mut operands: SmallVec<[(u16, Value); 4]> = self.unordered_data_operands(id).collect();
        operands.sort_unstable_by_key(|&(slot, _)| slot);
        operands.into_iter().map(|(_, value)| value).collect()
    }

    fn only_data_operand(&self, id: NodeId) -> Option<Value> {
        let mut operands = self.unordered_data_operands(id);
        let (_, first) = operands.next()?;
        operands.next().is_none().then_some(first)
    }

    fn unordered_data_operands(&self, id: NodeId) -> impl Iterator<Item = (u16, Value)> + '_ {
        let edges = self.graph.graph().dag().edges_directed(id, Direction::Incoming);
        let operand = |edge: EdgeReference<'_, Wire>| {
            (edge.weight().slot, Value { node: edge.source(), port: edge.weight().port })
        };
        edges.map(operand).filter(|&(_, value)| !self.graph.fact(value).constant)
    }

    /// Whether exactly one operator reads `id`, once, and it is no output of the graph.
    pub(super) fn read_once(&self, id: NodeId) -> bool {
        self.readers[id.index()] == 1
    }

    /// Whether `id` makes an output of the graph.
    pub(super) fn is_returned(&self, id: NodeId) -> bool {
        self.returned[id.index()]
    }

    /// How many times operators (or the outside) read `id`.
    pub(super) fn readers(&self, id: NodeId) -> u32 {
        self.readers[id.index()]
    }

    /// The unit that makes `value`, if only one operator reads it and its kind is `kind`.
    pub(super) fn inner(&self, value: Value, kind: Kind) -> Option<NodeId> {
        let id = value.node;
        (self.read_once(id) && self.graph.is_op(id) && self.kind(id) == kind).then_some(id)
    }

    /// For a binary operator with one constant operand: the data, and the constant if it is a known
    /// scalar.
    pub(super) fn with_constant(&self, id: NodeId) -> Option<(Value, Option<f64>)> {
        let operands = self.graph.graph().operands(id);
        let [Some(a), Some(b)] = operands[..] else { return None };
        let (data, constant) = match (self.graph.fact(a).constant, self.graph.fact(b).constant) {
            (false, true) => (a, b),
            (true, false) => (b, a),
            _ => return None,
        };
        let scalar = match &self.graph.fact(constant).values {
            Some(Values::Floats(v)) if v.len() == 1 => Some(v[0]),
            Some(Values::Ints(v)) if v.len() == 1 => Some(v[0] as f64),
            _ => None,
        };
        Some((data, scalar))
    }

    /// Number of elements of the constant operand of a binary operator, if its type is known.
    pub(super) fn constant_elements(&self, id: NodeId) -> Option<usize> {
        let operands = self.graph.graph().operands(id);
        let constant = operands.iter().flatten().find(|v| self.graph.fact(**v).constant)?;
        self.graph.ty(*constant).map(|ty| ty.elements())
    }

    /// A block of `kind` over `input` that takes in the units ending in `tails`.
    pub(super) fn found(&self, kind: Kind, input: Value, tails: &[NodeId]) -> Option<Match> {
        Some(Match { kind, input, members: SmallVec::from_slice(tails) })
    }

    /// A constant vector added to the result of a convolution or product: every runtime folds it
    /// into the weights' bias when it converts the model.
    fn bias(&self, tail: NodeId) -> Option<Match> {
        let (data, scalar) = self.with_constant(tail)?;
        let linear = data.node;
        let kind = self.kind(linear);
        if !matches!(kind, Kind::Conv | Kind::DwConv | Kind::ConvTrans | Kind::Fc) {
            return None;
        }
        let ty = self.graph.output_type(linear)?;
        let channels = match kind {
            Kind::Fc => ty.dims.last().copied()?,
            _ => ty.dims[self.graph.graph().layout().channel_axis(ty.rank())?],
        };
        let fits = self.constant_elements(tail)? == channels && scalar.is_none();
        if !fits || !self.read_once(linear) || !self.graph.is_op(linear) {
            return None;
        }
        self.found(kind, self.input(linear)?, &[linear])
    }

    /// `reshape, transpose, reshape` that swaps two axes the channels were split into.
    fn channel_shuffle(&self, tail: NodeId) -> Option<Match> {
        let transpose = self.inner(self.input(tail)?, Kind::Transpose)?;
        let first = self.inner(self.input(transpose)?, Kind::Reshape)?;
        let input = self.input(first)?;
        let Op::Transpose(Some(perm)) = &self.graph.graph().node(transpose).op else { return None };
        let (from, to) = (self.graph.ty(input)?, self.graph.output_type(tail)?);
        let split = self.graph.output_type(first)?;
        let moved: SmallVec<[usize; 4]> =
            (0..perm.len()).filter(|&axis| perm[axis] != axis).collect();
        let [a, b] = moved[..] else { return None };
        let channels = from.dims[self.graph.graph().layout().channel_axis(from.rank())?];
        let swaps_groups = b == a + 1 && split.dims[a].checked_mul(split.dims[b]) == Some(channels);
        if from.dims != to.dims || !swaps_groups {
            return None;
        }
        self.found(Kind::ChannelShuffle, input, &[transpose, first])
    }

    /// The mean over one spatial axis and then over the other.
    fn pool_in_two_steps(&self, tail: NodeId) -> Option<Match> {
        let first = self.inner(self.data_operands(tail).first().copied()?, Kind::Reduce)?;
        let is_mean = |id| {
            let op = &self.graph.graph().node(id).op;
            matches!(op, Op::Reduce { kind: ReduceKind::Mean, keep_dims: true })
        };
        let input = self.data_operands(first).first().copied()?;
        let ty = self.graph.ty(input)?;
        let mut axes = classify::reduced_axes(self.graph, first)?;
        axes.extend(classify::reduced_axes(self.graph, tail)?);
        axes.sort_unstable();
        let spatial = self.graph.graph().layout().spatial_axes(ty.rank());
        if !is_mean(first) || spatial.is_empty() || !axes.into_iter().eq(spatial) {
            return None;
        }
        self.found(Kind::GlobalAvgPool, input, &[first])
    }
}
