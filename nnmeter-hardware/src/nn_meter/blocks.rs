//! The first step of nn-Meter's kernel detection: whole patterns of rules, and blocks of several
//! operators, become one node each.
//!
//! A pattern is found wherever its nodes are, with the same edges between them and no others. All
//! places are listed before the first is fused; one that lost a node to an earlier place is skipped.

use super::ir::IrGraph;
use super::split::Rules;
use crate::error::{Error, ErrorKind, Result};

/// What a place of a pattern takes.
#[derive(Clone, Debug, PartialEq)]
enum Slot {
    /// A node of this type.
    Of(String),
    /// Any node, which stays where it is: the input of a block that is read twice.
    Any,
}

/// A pattern: its name, and its nodes with the places of their producers.
///
/// nn-Meter starts looking for the root of a place at the first node.
#[derive(Clone, Debug)]
struct Pattern {
    name: String,
    slots: Vec<(Slot, Vec<usize>)>,
}

/// The type of a node, `*` for any, and the places of its producers.
type Place = (&'static str, &'static [usize]);

/// The blocks in the order in which they are looked for.
///
/// Source: `kernel_detector/fusion_lib/*.json`.
const BLOCKS: [(&str, &[Place]); 10] = [
    (
        "se",
        &[
            ("avgpool", &[10]),
            ("conv", &[0]),
            ("BiasAdd", &[1]),
            ("relu", &[2]),
            ("conv", &[3]),
            ("BiasAdd", &[4]),
            ("add", &[5]),
            ("relu", &[6]),
            ("mul", &[7]),
            ("mul", &[8, 10]),
            ("*", &[]),
        ],
    ),
    (
        "se",
        &[
            ("gap", &[6]),
            ("conv", &[0]),
            ("relu", &[1]),
            ("conv", &[2]),
            ("hardsigmoid", &[3]),
            ("mul", &[6, 4]),
            ("*", &[]),
        ],
    ),
    (
        "se",
        &[
            ("gap", &[]),
            ("gap", &[0]),
            ("conv", &[1]),
            ("relu", &[2]),
            ("conv", &[3]),
            ("add", &[4]),
            ("relu", &[5]),
            ("div", &[6]),
            ("mul", &[4, 7]),
            ("mul", &[8]),
        ],
    ),
    ("hswish", &[("add", &[4]), ("relu", &[0]), ("mul", &[1]), ("mul", &[2, 4]), ("*", &[])]),
    ("hswish", &[("add", &[4]), ("relu", &[0]), ("div", &[1]), ("mul", &[4, 2]), ("*", &[])]),
    ("hswish", &[("add", &[]), ("relu", &[0]), ("mul", &[1]), ("mul", &[2])]),
    ("hswish", &[("add", &[]), ("relu", &[0]), ("div", &[1]), ("mul", &[2])]),
    (
        "channelshuffle",
        &[
            ("reshape", &[1]),
            ("Pack", &[2]),
            ("StridedSlice", &[]),
            ("transpose", &[0]),
            ("reshape", &[3, 5]),
            ("Pack", &[6]),
            ("StridedSlice", &[]),
        ],
    ),
    ("channelshuffle", &[("reshape", &[1]), ("transpose", &[2]), ("reshape", &[])]),
    ("gap", &[("gap", &[]), ("reshape", &[0])]),
];

/// Most nodes that are tried for one pattern: far above any network's need, and an end for graphs
/// made to have none.
const MAX_TRIES: usize = 1 << 22;

/// Fuses all patterns of `rules`, and then all blocks.
pub(super) fn fuse(graph: &mut IrGraph, rules: &Rules) -> Result<()> {
    let whole = rules.patterns().iter().map(|kinds| Pattern::chain(kinds));
    let blocks = BLOCKS.iter().map(|(name, slots)| Pattern::block(name, slots));
    for pattern in whole.chain(blocks) {
        for place in places(graph, &pattern)? {
            if place.iter().all(|&node| !graph.nodes[node].gone) {
                let root = root(graph, &place);
                graph.fuse(&place, root, &pattern.name);
            }
        }
    }
    Ok(())
}

impl Pattern {
    fn chain(kinds: &[String]) -> Self {
        let producer = |place: usize| place.checked_sub(1).into_iter().collect();
        let slot = |(place, kind): (usize, &String)| (Slot::Of(kind.clone()), producer(place));
        Self { name: kinds.join("-"), slots: kinds.iter().enumerate().map(slot).collect() }
    }

    fn block(name: &str, places: &[Place]) -> Self {
        let slot = |&(kind, producers): &Place| {
            let slot = if kind == "*" { Slot::Any } else { Slot::Of(kind.to_owned()) };
            (slot, producers.to_vec())
        };
        Self { name: name.to_owned(), slots: places.iter().map(slot).collect() }
    }

    /// How often the node at `consumer` reads the one at `producer`.
    fn edges(&self, producer: usize, consumer: usize) -> usize {
        self.slots[consumer].1.iter().filter(|&&other| other == producer).count()
    }

    /// The next slot to fill, after those in `filled`, and a filled neighbour of it.
    fn next(&self, filled: &[Option<usize>]) -> Option<(usize, usize)> {
        let free = |&slot: &usize| filled[slot].is_none();
        let neighbour = |slot: usize| {
            let linked = |&other: &usize| self.edges(other, slot) + self.edges(slot, other) > 0;
            (0..self.slots.len()).filter(|&other| filled[other].is_some()).find(linked)
        };
        (0..self.slots.len())
            .filter(free)
            .find_map(|slot| neighbour(slot).map(|other| (slot, other)))
    }
}

/// The places where a pattern is: nodes of the graph, without those of [`Slot::Any`].
fn places(graph: &IrGraph, pattern: &Pattern) -> Result<Vec<Vec<usize>>> {
    let filled = vec![None; pattern.slots.len()];
    let mut search = Search { graph, pattern, filled, found: Vec::new(), tries: 0 };
    for node in graph.drawn() {
        search.fill(0, node)?;
    }
    Ok(search.found)
}

/// A search for a pattern, some of whose slots are filled.
struct Search<'g> {
    graph: &'g IrGraph,
    pattern: &'g Pattern,
    filled: Vec<Option<usize>>,
    found: Vec<Vec<usize>>,
    tries: usize,
}

impl Search<'_> {
    /// Puts `node` into `slot`, if it fits there, and fills the slots that are left in all ways.
    fn fill(&mut self, slot: usize, node: usize) -> Result<()> {
        self.tries += 1;
        if self.tries > MAX_TRIES {
            let found = format!("more than {MAX_TRIES} ways to look for {}", self.pattern.name);
            return Err(Error::new(ErrorKind::BadData, "nn-Meter IR", found));
        }
        if !self.fits(slot, node) {
            return Ok(());
        }
        self.filled[slot] = Some(node);
        self.extend()?;
        self.filled[slot] = None;
        Ok(())
    }

    fn extend(&mut self) -> Result<()> {
        let Some((slot, neighbour)) = self.pattern.next(&self.filled) else {
            let slots = self.filled.iter().zip(&self.pattern.slots);
            let taken = slots.filter(|(_, slot)| slot.0 != Slot::Any);
            self.found.push(taken.filter_map(|(node, _)| *node).collect());
            return Ok(());
        };
        let Some(beside) = self.filled[neighbour].map(|node| &self.graph.nodes[node]) else {
            return Ok(());
        };
        let reads = self.pattern.edges(neighbour, slot) > 0;
        let mut candidates = if reads { beside.outbounds.clone() } else { beside.inbounds.clone() };
        candidates.sort_unstable();
        candidates.dedup();
        candidates.into_iter().try_for_each(|node| self.fill(slot, node))
    }

    /// Whether `node` may fill `slot`: its type, and its edges to the nodes in the other slots.
    fn fits(&self, slot: usize, node: usize) -> bool {
        let (nodes, pattern) = (&self.graph.nodes, self.pattern);
        let of_type = match &pattern.slots[slot].0 {
            Slot::Of(kind) => nodes[node].kind == *kind,
            Slot::Any => true,
        };
        let edges = |from: usize, to: usize| {
            nodes[to].inbounds.iter().filter(|&&producer| producer == from).count()
        };
        let agrees = |(other, filled): (usize, &Option<usize>)| {
            filled.is_none_or(|place| {
                place != node
                    && edges(place, node) == pattern.edges(other, slot)
                    && edges(node, place) == pattern.edges(slot, other)
            })
        };
        of_type && self.filled.iter().enumerate().all(agrees)
    }
}

/// Where one gets from the first node of a place by going to the first producer in it.
fn root(graph: &IrGraph, place: &[usize]) -> usize {
    let mut root = place[0];
    let mut steps = 0..place.len();
    while let (Some(_), Some(&producer)) =
        (steps.next(), graph.nodes[root].inbounds.iter().find(|producer| place.contains(producer)))
    {
        root = producer;
    }
    root
}
