//! Fusion of units along their wires.
//!
//! A wire from unit `a` to unit `b` fuses if a rule allows their kinds in that order (by itself or
//! as part of a whole pattern) and `a` may fuse across all its consumers (`MON`). A unit takes in at
//! most one consumer and is taken in by at most one producer: of several that could, one that a whole
//! pattern covers, else the one in the lowest operand slot. So kernels are chains, and each is named
//! by its units in order. A rule that holds in a context asks for what lies around the wire as well
//! (`context`): wires are decided in topological order, so that the kernel before one is known.
//!
//! The slow, obviously right version that this is tested against is in tests/oracle.

use std::collections::HashSet;

use smallvec::SmallVec;

use crate::detect::blocks::Blocks;
use crate::detect::{Detection, Unit};
use crate::graph::{NodeId, Value};
use crate::rules::{FusionRules, Misfit, SeveralConsumers, Verdict};
use crate::typed::TypedGraph;

const NONE: u32 = u32::MAX;

/// Up to so many nodes are told apart by looking at all of them.
const FEW: usize = 16;

/// Why a wire between two units fuses, or does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// A rule on the two kinds allows it.
    Rule,
    /// A rule that holds in a context allows it: its index in [`FusionRules::contextual`].
    InContext(usize),
    /// A rule would allow it in another context.
    OutOfContext(usize, Misfit),
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
        matches!(self, Reason::Rule | Reason::InContext(_) | Reason::Pattern(_))
    }
}

/// The units of a graph and what each fuses with.
pub(super) struct Chains<'a> {
    pub(super) blocks: &'a Blocks<'a>,
    pub(super) rules: &'a FusionRules,
    /// Tails of the units, in topological order.
    pub(super) tails: Vec<NodeId>,
    /// By node: the tail of its unit; the end for what is no operator.
    pub(super) units: Vec<NodeId>,
    /// By tail: the only unit that may fuse to it; the end if none may.
    pub(super) heirs: Vec<NodeId>,
    /// By tail: the pattern that covers the wire to its heir.
    pub(super) by_pattern: Vec<Option<u16>>,
    /// By tail: the unit that it fuses to; the end if there is none.
    taken_by: Vec<NodeId>,
    /// By tail: the unit that its kernel begins with; the end as long as that is open.
    pub(super) heads: Vec<NodeId>,
}

/// Operators by the unit that owns them, each unit's in topological order.
struct Members {
    nodes: Vec<NodeId>,
    starts: Vec<u32>,
}

impl Members {
    /// `units` is by node, as in [`Chains`].
    fn new(order: &[NodeId], units: &[NodeId]) -> Self {
        let mut starts = vec![0u32; units.len() + 1];
        for unit in units.iter().filter(|&&unit| unit != NodeId::end()) {
            starts[unit.index() + 1] += 1;
        }
        for i in 1..starts.len() {
            starts[i] += starts[i - 1];
        }
        let mut nodes = vec![NodeId::end(); starts[units.len()] as usize];
        let mut filled = starts.clone();
        for &id in order.iter().filter(|id| units[id.index()] != NodeId::end()) {
            let place = &mut filled[units[id.index()].index()];
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
        let units = blocks.units();
        let is_tail = |id: &NodeId| units[id.index()] == *id;
        let tails: Vec<NodeId> = graph.order().iter().copied().filter(is_tail).collect();
        let by_pattern = vec![None; units.len()];
        let open = vec![NodeId::end(); units.len()];
        let (taken_by, heads, heirs) = (open.clone(), open, Vec::new());
        let mut chains = Self { blocks, rules, tails, units, heirs, by_pattern, taken_by, heads };
        let mut shared = chains.find_heirs();
        if !rules.patterns().is_empty() {
            chains.match_patterns();
        }
        if rules.several_consumers() == SeveralConsumers::Never {
            shared.clear();
        }
        chains.decide(&shared.into_iter().collect());
        chains
    }

    /// Fills in what every unit fuses to; units in `shared` fuse with the first that may.
    fn decide(&mut self, shared: &HashSet<NodeId>) {
        for index in 0..self.tails.len() {
            let tail = self.tails[index];
            let producer = self.producer_of(tail);
            let head = producer.map_or(tail, |producer| self.heads[producer.index()]);
            self.taken_by[tail.index()] = producer.unwrap_or(NodeId::end());
            self.heads[tail.index()] = head;
            if shared.contains(&tail) {
                self.heirs[tail.index()] = self.first_allowed(tail);
            }
        }
    }

    /// Fills in the only consumer of each unit that has one and is not returned by the graph.
    /// Gives the units that have several.
    fn find_heirs(&mut self) -> Vec<NodeId> {
        self.heirs = vec![NodeId::end(); self.units.len()];
        let mut shared = Vec::new();
        let mut is_shared = vec![false; self.units.len()];
        for edge in self.blocks.graph.graph().dag().raw_edges() {
            let (from, to) = (edge.source(), self.units[edge.target().index()]);
            if self.units[from.index()] != from || to == NodeId::end() {
                continue;
            }
            let heir = &mut self.heirs[from.index()];
            if *heir == NodeId::end() {
                *heir = to;
            } else if *heir != to && !is_shared[from.index()] {
                is_shared[from.index()] = true;
                shared.push(from);
            }
        }
        for output in self.blocks.graph.graph().outputs() {
            self.heirs[output.node.index()] = NodeId::end();
        }
        shared.iter().for_each(|id| self.heirs[id.index()] = NodeId::end());
        shared.retain(|&id| !self.blocks.is_returned(id));
        shared
    }

    /// The kernels: each unit together with what fuses to it.
    pub(super) fn fuse(&self) -> Detection {
        let mut next = vec![NONE; self.units.len()];
        let mut taken = vec![false; next.len()];
        for &tail in &self.tails {
            let producer = self.taken_by[tail.index()];
            if producer != NodeId::end() {
                next[producer.index()] = tail.index() as u32;
                taken[tail.index()] = true;
            }
        }
        self.assemble(&next, &taken)
    }

    fn assemble(&self, next: &[u32], taken: &[bool]) -> Detection {
        let members = Members::new(self.blocks.graph.order(), &self.units);
        let count = self.tails.len();
        let mut found = Detection {
            nodes: Vec::with_capacity(members.nodes.len()),
            units: Vec::with_capacity(count),
            kernels: Vec::with_capacity(count),
        };
        for &head in self.tails.iter().filter(|head| !taken[head.index()]) {
            let start = found.units.len() as u32;
            let mut tail = head.index() as u32;
            while tail != NONE {
                let id = NodeId::new(tail as usize);
                let first = found.nodes.len() as u32;
                found.nodes.extend_from_slice(members.of(id));
                let nodes = first..found.nodes.len() as u32;
                let (kind, input) = (self.blocks.kind(id), self.blocks.input(id));
                found.units.push(Unit { kind, tail: id, input, nodes });
                tail = next[tail as usize];
            }
            found.kernels.push(start..found.units.len() as u32);
        }
        found
    }

    /// The producers of a unit, by operand slot.
    pub(super) fn producers(&self, tail: NodeId) -> SmallVec<[NodeId; 4]> {
        let values = match self.blocks.input(tail) {
            Some(input) => SmallVec::from_slice(&[input]),
            None => self.blocks.data_operands(tail),
        };
        let is_op = |id: &NodeId| self.units[id.index()] != NodeId::end();
        distinct(values.into_iter().map(|value| value.node).filter(is_op))
    }

    /// The units that read a unit; one that reads it twice may be here twice.
    fn consumers(&self, tail: NodeId) -> impl Iterator<Item = NodeId> + '_ {
        let readers = self.blocks.graph.graph().dag().neighbors(tail);
        readers.map(|id| self.units[id.index()]).filter(|&unit| unit != NodeId::end())
    }

    /// The producer that `tail` fuses to, if any: by a whole pattern, or the first that may.
    fn producer_of(&self, tail: NodeId) -> Option<NodeId> {
        if let Some(Value { node, .. }) = self.blocks.input(tail) {
            return self.fuses(node, tail).then_some(node);
        }
        let producers = self.producers(tail);
        let by_pattern = |&&id: &&NodeId| {
            self.heirs[id.index()] == tail && self.by_pattern[id.index()].is_some()
        };
        let by_pair = || producers.iter().find(|&&id| self.fuses(id, tail));
        producers.iter().find(by_pattern).or_else(by_pair).copied()
    }

    /// Whether the wire between two units fuses, but for the consumer's choice among its producers.
    fn fuses(&self, producer: NodeId, consumer: NodeId) -> bool {
        self.heirs[producer.index()] == consumer && self.verdict(producer, consumer).fuses()
    }

    /// What becomes of each wire into a unit, by its producer.
    pub(super) fn reasons(&self, consumer: NodeId) -> Vec<(NodeId, Reason)> {
        let winner = self.taken_by[consumer.index()];
        let reason = |producer| match self.reason(producer, consumer) {
            fuses if fuses.fuses() && winner != producer => Reason::OtherProducer,
            reason => reason,
        };
        let producers = self.producers(consumer).into_iter();
        producers.map(|producer| (producer, reason(producer))).collect()
    }

    /// What becomes of the wire between two units, but for the consumer's choice among its
    /// producers.
    fn reason(&self, producer: NodeId, consumer: NodeId) -> Reason {
        let verdict = self.verdict(producer, consumer);
        if !verdict.fuses() || self.heirs[producer.index()] == consumer {
            return verdict;
        }
        if self.blocks.is_returned(producer) {
            return Reason::IsOutput;
        }
        match self.rules.several_consumers() {
            SeveralConsumers::First => Reason::OtherConsumer,
            SeveralConsumers::Never => {
                let mut consumers: Vec<NodeId> = self.consumers(producer).collect();
                consumers.sort_unstable();
                consumers.dedup();
                Reason::SeveralConsumers(consumers.len())
            }
        }
    }

    fn verdict(&self, producer: NodeId, consumer: NodeId) -> Reason {
        if let Some(pattern) = self.by_pattern[producer.index()]
            && self.heirs[producer.index()] == consumer
        {
            return Reason::Pattern(usize::from(pattern));
        }
        let (first, second) = (self.blocks.kind(producer), self.blocks.kind(consumer));
        match self.rules.verdict(first, second) {
            Verdict::Allowed => Reason::Rule,
            Verdict::InContext(rule) => {
                let misfit = |rule: usize| self.misfit(rule, producer, consumer);
                let mut rules = self.rules.contextual_on(first, second);
                let rule = rules.find(|&rule| misfit(rule).is_none()).unwrap_or(rule);
                let out_of_it = |misfit| Reason::OutOfContext(rule, misfit);
                misfit(rule).map_or(Reason::InContext(rule), out_of_it)
            }
            Verdict::Denied => Reason::Denied,
            Verdict::NoRule => Reason::NoRule,
        }
    }

    /// Of the consumers that rules allow, the first by slot, kind and name: an order that does not
    /// depend on the order of nodes in the file.
    fn first_allowed(&self, producer: NodeId) -> NodeId {
        let key = |&id: &NodeId| {
            let slot = self.producers(id).iter().position(|&p| p == producer);
            (slot, self.blocks.kind(id), &*self.blocks.graph.graph().node(id).name)
        };
        let allowed = self.consumers(producer).filter(|&id| self.verdict(producer, id).fuses());
        allowed.min_by(|a, b| key(a).cmp(&key(b))).unwrap_or(NodeId::end())
    }
}

/// Each node once, in the order of their first mention.
fn distinct(ids: impl Iterator<Item = NodeId>) -> SmallVec<[NodeId; 4]> {
    let mut found: SmallVec<[NodeId; 4]> = SmallVec::new();
    let mut seen = HashSet::new();
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
