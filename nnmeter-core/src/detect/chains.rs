//! Fusion of units along their wires.
//!
//! A wire from unit `a` to unit `b` fuses if a rule allows their kinds in that order (by itself or
//! as part of a whole pattern) and `a` may fuse across all its consumers (`MON`). A unit takes in at
//! most one consumer and is taken in by at most one producer: of several that could, the one in the
//! lowest operand slot. So kernels are chains, and each is named by its units in order.
//!
//! The slow, obviously right version that this is tested against is in tests/oracle.

use std::collections::HashSet;

use petgraph::Direction;
use petgraph::visit::EdgeRef;
use smallvec::SmallVec;

use crate::detect::blocks::Blocks;
use crate::detect::{Detection, Unit};
use crate::graph::NodeId;
use crate::rules::{FusionRules, Pattern, SeveralConsumers, Verdict};
use crate::typed::TypedGraph;

const NONE: u32 = u32::MAX;

/// Up to how many nodes it is quicker to look at each.
const FEW: usize = 16;

/// Why a wire between two units fuses, or does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// A rule on the two kinds allows it.
    Rule,
    /// A whole pattern covers it: its index in [`FusionRules::patterns`].
    Pattern(usize),
    /// The producer has this many consumers, and nothing fuses across it.
    SeveralConsumers(usize),
    /// The producer's result is an output of the model.
    IsOutput,
    /// The producer fuses with another of its consumers (`MON` is 1).
    OtherConsumer,
    /// The consumer is fused to another of its producers.
    OtherProducer,
    /// A rule denies it.
    Denied,
    /// No rule speaks of it.
    NoRule,
}

impl Reason {
    /// Whether the wire fuses.
    pub fn fuses(self) -> bool {
        matches!(self, Reason::Rule | Reason::Pattern(_))
    }
}

/// The units of a graph and what each fuses with.
pub(super) struct Chains<'a> {
    blocks: &'a Blocks<'a>,
    rules: &'a FusionRules,
    /// Tails of the units, in topological order.
    pub(super) tails: Vec<NodeId>,
    /// By node: the pattern whose wire to the next unit ends here, and which unit that is.
    by_pattern: Vec<Option<(u16, NodeId)>>,
    /// By node: what its consumers let it do.
    across: Vec<Across>,
}

/// What a unit may do for the sake of its consumers.
#[derive(Clone, Copy)]
enum Across {
    /// Its result is an output of the model.
    IsOutput,
    /// It has one consumer.
    Only,
    /// It has several, and rules prefer this one.
    First(NodeId),
    /// It has so many, and nothing fuses.
    Never(usize),
}

/// Fuses the units of `blocks`.
pub(super) fn fuse(graph: &TypedGraph, rules: &FusionRules, blocks: &Blocks<'_>) -> Detection {
    let chains = Chains::new(graph, rules, blocks);
    let mut next = vec![NONE; graph.graph().dag().node_count()];
    let mut taken = vec![false; next.len()];
    for &tail in &chains.tails {
        if let Some(producer) = chains.producer_of(tail) {
            next[producer.index()] = tail.index() as u32;
            taken[tail.index()] = true;
        }
    }
    assemble(graph, blocks, &chains.tails, &next, &taken)
}

fn assemble(
    graph: &TypedGraph,
    blocks: &Blocks<'_>,
    tails: &[NodeId],
    next: &[u32],
    taken: &[bool],
) -> Detection {
    let members = Members::new(graph, blocks);
    let count = tails.len();
    let mut found = Detection {
        nodes: Vec::with_capacity(members.nodes.len()),
        units: Vec::with_capacity(count),
        kernels: Vec::with_capacity(count),
    };
    for &head in tails.iter().filter(|head| !taken[head.index()]) {
        let start = found.units.len() as u32;
        let mut tail = head.index() as u32;
        while tail != NONE {
            let id = NodeId::new(tail as usize);
            let first = found.nodes.len() as u32;
            found.nodes.extend_from_slice(members.of(id));
            let nodes = first..found.nodes.len() as u32;
            let (kind, input) = (blocks.kind(id), blocks.input(id));
            found.units.push(Unit { kind, tail: id, input, nodes });
            tail = next[tail as usize];
        }
        found.kernels.push(start..found.units.len() as u32);
    }
    found
}

/// Operators by the unit that owns them, each unit's in topological order.
struct Members {
    nodes: Vec<NodeId>,
    starts: Vec<u32>,
}

impl Members {
    fn new(graph: &TypedGraph, blocks: &Blocks<'_>) -> Self {
        let operators = || graph.order().iter().copied().filter(|&id| graph.is_op(id));
        let mut starts = vec![0u32; graph.graph().dag().node_count() + 1];
        for id in operators() {
            starts[blocks.owner(id).index() + 1] += 1;
        }
        for i in 1..starts.len() {
            starts[i] += starts[i - 1];
        }
        let mut nodes = vec![NodeId::end(); starts[starts.len() - 1] as usize];
        let mut filled = starts.clone();
        for id in operators() {
            let place = &mut filled[blocks.owner(id).index()];
            nodes[*place as usize] = id;
            *place += 1;
        }
        Self { nodes, starts }
    }

    fn of(&self, tail: NodeId) -> &[NodeId] {
        let (start, end) = (self.starts[tail.index()], self.starts[tail.index() + 1]);
        &self.nodes[start as usize..end as usize]
    }
}

impl<'a> Chains<'a> {
    pub(super) fn new(
        graph: &'a TypedGraph,
        rules: &'a FusionRules,
        blocks: &'a Blocks<'a>,
    ) -> Self {
        let is_tail = |id: &NodeId| graph.is_op(*id) && blocks.owner(*id) == *id;
        let tails: Vec<NodeId> = graph.order().iter().copied().filter(is_tail).collect();
        let by_pattern = vec![None; graph.graph().dag().node_count()];
        let across = vec![Across::Only; by_pattern.len()];
        let mut chains = Self { blocks, rules, tails, by_pattern, across };
        chains.match_patterns();
        for i in 0..chains.tails.len() {
            let tail = chains.tails[i];
            chains.across[tail.index()] = chains.across(tail);
        }
        chains
    }

    /// The producers of a unit, by operand slot.
    pub(super) fn producers(&self, tail: NodeId) -> SmallVec<[NodeId; 4]> {
        let values = match self.blocks.input(tail) {
            Some(input) => SmallVec::from_slice(&[input]),
            None => self.blocks.data_operands(tail),
        };
        let is_op = |id: &NodeId| self.blocks.graph.is_op(*id);
        distinct(values.into_iter().map(|value| value.node).filter(is_op))
    }

    /// The units that read a unit, without repetition, and whether the graph returns it.
    fn consumers(&self, tail: NodeId) -> (SmallVec<[NodeId; 4]>, bool) {
        let graph = self.blocks.graph.graph();
        let targets = graph.dag().edges_directed(tail, Direction::Outgoing).map(|e| e.target());
        let operators = targets.filter(|&id| self.blocks.graph.is_op(id));
        let consumers = distinct(operators.map(|id| self.blocks.owner(id)));
        (consumers, self.blocks.is_returned(tail))
    }

    /// The producer that `tail` fuses to, if any.
    fn producer_of(&self, tail: NodeId) -> Option<NodeId> {
        self.producers(tail).into_iter().find(|&producer| self.wire(producer, tail).fuses())
    }

    /// What becomes of each wire into a unit, all things considered, by its producer.
    pub(super) fn reasons(&self, consumer: NodeId) -> Vec<(NodeId, Reason)> {
        let mut winner = None;
        let mut reason = |producer: NodeId| {
            let reason = self.wire(producer, consumer);
            let loses = reason.fuses() && *winner.get_or_insert(producer) != producer;
            if loses { Reason::OtherProducer } else { reason }
        };
        let producers = self.producers(consumer).into_iter();
        producers.map(|producer| (producer, reason(producer))).collect()
    }

    /// What becomes of the wire, but for the consumer's choice among its producers.
    fn wire(&self, producer: NodeId, consumer: NodeId) -> Reason {
        let verdict = self.verdict(producer, consumer);
        match self.across[producer.index()] {
            _ if !verdict.fuses() => verdict,
            Across::IsOutput => Reason::IsOutput,
            Across::Never(count) => Reason::SeveralConsumers(count),
            Across::First(first) if first != consumer => Reason::OtherConsumer,
            Across::Only | Across::First(_) => verdict,
        }
    }

    fn across(&self, producer: NodeId) -> Across {
        let (consumers, is_output) = self.consumers(producer);
        match (consumers.as_slice(), self.rules.several_consumers()) {
            _ if is_output => Across::IsOutput,
            ([] | [_], _) => Across::Only,
            (_, SeveralConsumers::Never) => Across::Never(consumers.len()),
            (_, SeveralConsumers::First) => Across::First(self.first_allowed(producer, &consumers)),
        }
    }

    fn verdict(&self, producer: NodeId, consumer: NodeId) -> Reason {
        if let Some((pattern, next)) = self.by_pattern[producer.index()]
            && next == consumer
        {
            return Reason::Pattern(usize::from(pattern));
        }
        match self.rules.verdict(self.blocks.kind(producer), self.blocks.kind(consumer)) {
            Verdict::Allowed => Reason::Rule,
            Verdict::Denied => Reason::Denied,
            Verdict::NoRule => Reason::NoRule,
        }
    }

    /// Of the consumers that rules allow, the first by slot, kind and name: an order that does not
    /// depend on the order of nodes in the file.
    fn first_allowed(&self, producer: NodeId, consumers: &[NodeId]) -> NodeId {
        let key = |&id: &NodeId| {
            let slot = self.producers(id).iter().position(|&p| p == producer);
            (slot, self.blocks.kind(id), &*self.blocks.graph.graph().node(id).name)
        };
        let allowed = consumers.iter().filter(|&&id| self.verdict(producer, id).fuses());
        allowed.min_by_key(|id| key(id)).copied().unwrap_or(NodeId::end())
    }

    /// Marks the wires that whole patterns cover. Patterns do not overlap: at each unit, in
    /// topological order, the longest that fits wins.
    fn match_patterns(&mut self) {
        let mut covered = vec![false; self.by_pattern.len()];
        for i in 0..self.tails.len() {
            let head = self.tails[i];
            if covered[head.index()] {
                continue;
            }
            let patterns = self.rules.patterns();
            let found = patterns.iter().enumerate().find_map(|(index, pattern)| {
                Some((index as u16, self.match_pattern(pattern, head, &covered)?))
            });
            if let Some((index, chain)) = found {
                chain.iter().for_each(|id| covered[id.index()] = true);
                for pair in chain.windows(2) {
                    self.by_pattern[pair[0].index()] = Some((index, pair[1]));
                }
            }
        }
    }

    fn match_pattern(
        &self,
        pattern: &Pattern,
        head: NodeId,
        covered: &[bool],
    ) -> Option<SmallVec<[NodeId; 8]>> {
        let mut chain: SmallVec<[NodeId; 8]> = SmallVec::new();
        let mut current = head;
        for (place, kinds) in pattern.places.iter().enumerate() {
            if place > 0 {
                let (consumers, is_output) = self.consumers(current);
                let [only] = consumers[..] else { return None };
                current = (!is_output).then_some(only)?;
            }
            let fits = kinds.contains(&self.blocks.kind(current)) && !covered[current.index()];
            fits.then(|| chain.push(current))?;
        }
        Some(chain)
    }
}

/// Each node once, in the order of their first mention.
fn distinct(ids: impl Iterator<Item = NodeId>) -> SmallVec<[NodeId; 4]> {
    let mut found: SmallVec<[NodeId; 4]> = SmallVec::new();
    let mut seen: HashSet<NodeId> = HashSet::new();
    for id in ids {
        let is_new = if found.len() < FEW {
            !found.contains(&id)
        } else {
            if seen.is_empty() {
                seen.extend(&found);
            }
            seen.insert(id)
        };
        if is_new {
            found.push(id);
        }
    }
    found
}
