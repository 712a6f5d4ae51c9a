//! Shape inference: from a [`Graph`] to a [`TypedGraph`].
//!
//! This file walks the graph; what an operator does to shapes is in the file of its family, and
//! `rules` says which. Values of small integer tensors are followed too (`fold`), because
//! exporters compute the target of a Reshape from the shape of its data. No value that depends on
//! the data of a graph input is ever computed here.

mod arithmetic;
mod arrange;
mod elementwise;
mod fold;
mod input;
mod matmul;
mod recurrent;
mod reduce;
mod resize;
mod rules;
mod site;
mod slicing;
mod split;
#[cfg(test)]
mod tests;
mod view;
mod window;
#[cfg(test)]
mod window_tests;

use petgraph::Direction;
use petgraph::visit::EdgeRef;
use smallvec::SmallVec;

use crate::error::{Error, ErrorKind, Result};
use crate::graph::{Graph, Node, NodeId, Rebatch, Value};
use crate::op::{Conv, Op};
use crate::tensor::{TensorType, Values};
use crate::typed::{Fact, TypedGraph};
use site::{Facts, Site, Stop, Types};

/// Constants of up to so many elements have their values copied into their facts. Rules read
/// larger ones where they are.
const COPIED_ELEMENTS: usize = 64;
/// How many axes a computed tensor may have. NumPy has 64, TensorFlow 254.
const MOST_AXES: usize = 254;
/// How many elements all folded values of a graph may have together; what comes later is not
/// known.
const FOLDED_ELEMENTS: usize = 1 << 20;

impl Graph {
    /// Gives every value its type.
    ///
    /// Values behind an operator without a shape rule ([`Op::Other`]), or with one that needs what
    /// is not known, have the type that the file declares for them, or none. Where a rule applies,
    /// it wins over the file's declaration.
    ///
    /// An open first extent of an input of two or more axes is taken to be a batch of one.
    ///
    /// # Errors
    /// If shapes contradict each other, an attribute is out of range, a needed operand is missing,
    /// or an extent of an input that is in use is open. The error names the node.
    pub fn infer_shapes(self) -> Result<TypedGraph> {
        let order = self.topological_order()?;
        let mut facts = Facts::new(&self);
        let mut operands = SmallVec::<[Option<Value>; 8]>::new();
        for &id in &order {
            self.operands_into(id, &mut operands);
            let site = Site { graph: &self, id, operands: &operands, facts: &facts };
            let known = site.infer().map_err(|error| self.advise(error))?;
            facts.set(id, known);
        }
        let groups = self.groups_by_weight(&facts);
        let Facts { first, facts, .. } = facts;
        Ok(TypedGraph::new(self.with_groups(groups), order, first, facts))
    }

    /// The convolutions whose number of groups follows from their weight, with that number.
    fn groups_by_weight(&self, facts: &Facts) -> Vec<(NodeId, usize)> {
        let ty = |id: NodeId, slot| facts.get(self.operand(id, slot)?).ty.as_ref();
        let groups = |id: NodeId| {
            let Op::Conv(conv) = &self.dag[id].op else { return None };
            if conv.groups != Conv::GROUPS_BY_WEIGHT {
                return None;
            }
            let channels =
                |data: &TensorType| Some(data.dims[conv.layout.channel_axis(data.rank())?]);
            let read = ty(id, 1).and_then(|weight| weight.dims.iter().nth_back(1).copied());
            let groups = ty(id, 0).and_then(channels).zip(read);
            Some((id, groups.map_or(1, |(channels, read)| conv.groups_of(channels, read))))
        };
        self.dag.node_indices().filter_map(groups).collect()
    }

    fn with_groups(mut self, groups: Vec<(NodeId, usize)>) -> Self {
        for (id, groups) in groups {
            if let Op::Conv(conv) = &mut self.dag[id].op {
                conv.groups = groups;
            }
        }
        self
    }

    /// Constants first, then the file's own order where it is one that inputs precede their readers
    /// in, as in most files.
    fn topological_order(&self) -> Result<Vec<NodeId>> {
        let is_constant = |id: &NodeId| matches!(self.dag[*id].op, Op::Const(_));
        let in_order = |edge: petgraph::graph::EdgeReference<'_, _, u32>| {
            edge.source() < edge.target() || is_constant(&edge.source())
        };
        if self.dag.edge_references().all(in_order) {
            let (mut order, rest): (Vec<_>, Vec<_>) =
                self.dag.node_indices().partition(is_constant);
            order.extend(rest);
            return Ok(order);
        }
        petgraph::algo::toposort(&self.dag, None).map_err(|cycle| {
            let label = self.label(cycle.node_id());
            Error::new(ErrorKind::Cyclic, label, "depends on its own output")
        })
    }

    /// As [`Graph::operands`], into a list that is used again for the next node.
    fn operands_into(&self, id: NodeId, operands: &mut SmallVec<[Option<Value>; 8]>) {
        operands.clear();
        for edge in self.dag.edges_directed(id, Direction::Incoming) {
            let slot = usize::from(edge.weight().slot);
            if operands.len() <= slot {
                operands.resize(slot + 1, None);
            }
            operands[slot] = Some(Value { node: edge.source(), port: edge.weight().port });
        }
    }

    /// A contradiction after a change of the batch size is most likely due to the change.
    fn advise(&self, error: Error) -> Error {
        match self.rebatch {
            Some(Rebatch { from, to })
                if error.kind() == ErrorKind::ShapeMismatch && error.advice().is_none() =>
            {
                error.hint(format!(
                    "the file has batch size {from} written into it; \
                     export it with batch size {to}, or with an open one"
                ))
            }
            _ => error,
        }
    }
}

/// What is known of the outputs of one node.
struct Known {
    types: Types,
    values: SmallVec<[Option<Values>; 2]>,
    constant: bool,
}

impl Facts {
    /// Nothing known about any value.
    fn new(graph: &Graph) -> Self {
        let mut total = 0;
        let mut first = Vec::with_capacity(graph.dag.node_count());
        for node in graph.dag.node_weights() {
            first.push(total);
            total += u32::from(node.outputs);
        }
        Self { first, facts: vec![Fact::default(); total as usize], folded: 0 }
    }

    fn set(&mut self, id: NodeId, known: Known) {
        let start = self.first[id.index()] as usize;
        let end = self.first.get(id.index() + 1).map_or(self.facts.len(), |&end| end as usize);
        let mut types = known.types.into_iter();
        self.folded += known.values.iter().flatten().map(site::count).sum::<usize>();
        let mut values = known.values.into_iter();
        for fact in &mut self.facts[start..end] {
            *fact = Fact {
                ty: types.next().flatten(),
                values: values.next().flatten(),
                constant: known.constant,
            };
        }
    }
}

impl Site<'_> {
    fn infer(&self) -> Result<Known> {
        let node = self.node();
        if let Op::Const(constant) = &node.op {
            let few = constant.ty.elements() <= COPIED_ELEMENTS;
            let values = constant.values.as_ref().filter(|_| few);
            return Ok(Known {
                types: site::one(constant.ty.clone()),
                values: values.cloned().into_iter().map(Some).collect(),
                constant: true,
            });
        }
        let (types, ruled) = match self.rule() {
            Ok(types) => (self.or_declared(types), true),
            Err(Stop::Unknown) => (self.or_declared(Types::new()), false),
            Err(Stop::Wrong(error)) => return Err(error),
        };
        self.check_ranks(&types)?;
        let constant = self.is_constant();
        let room = self.facts.folded <= FOLDED_ELEMENTS;
        let values = if constant && ruled && room { self.fold(&types)? } else { SmallVec::new() };
        Ok(Known { types, values, constant })
    }

    /// Refuses tensors of more axes than any runtime has.
    fn check_ranks(&self, types: &Types) -> Result<()> {
        match types.iter().flatten().find(|ty| ty.rank() > MOST_AXES) {
            None => Ok(()),
            Some(ty) => {
                let found = format!("has a result of {} axes", ty.rank());
                Err(Error::new(ErrorKind::Unsupported, self.graph.label(self.id), found)
                    .expected(format!("at most {MOST_AXES}")))
            }
        }
    }

    /// Whether the outputs depend on no input's data.
    fn is_constant(&self) -> bool {
        match self.node().op {
            Op::Input(..) => false,
            Op::Const(_) => true,
            Op::Shape { .. } | Op::Size if self.ty(0).is_ok() => true,
            _ => {
                let mut given = self.operands.iter().flatten().peekable();
                given.peek().is_some() && given.all(|&value| self.facts.get(value).constant)
            }
        }
    }

    /// Fills the gaps in what the rules know with what the file declares.
    fn or_declared(&self, mut types: Types) -> Types {
        let node = self.node();
        for (port, declared) in node.declared.iter().enumerate() {
            let current = declared.as_ref().filter(|ty| !self.is_stale(node, ty));
            match types.get_mut(port) {
                Some(ty) => *ty = ty.take().or_else(|| current.cloned()),
                None => types.push(current.cloned()),
            }
        }
        types
    }

    /// Whether a declared type is from before a change of the batch size.
    fn is_stale(&self, node: &Node, declared: &TensorType) -> bool {
        let constant = !matches!(node.op, Op::Input(..)) && self.is_constant();
        let first = declared.dims.first().copied();
        !constant && self.graph.rebatch.is_some_and(|rebatch| first == Some(rebatch.from))
    }
}
