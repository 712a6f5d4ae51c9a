//! How far choices reach: for every layer of a sample, the choices that its kernel's cost can depend
//! on, whatever the rules.
//!
//! A kernel's own operators count with all that decides about them: whether they are there, their
//! numbers, the extents of their operands. Fusion looks at neighbours: which operators read a value,
//! what kind they are, what else they read. So kernels up to two away count with what they look like
//! from outside, and every wire with the choices that it passes through: an empty candidate is a wire.
//! Another sample that agrees in these choices has the same kernel there.
//!
//! Two assumptions: blocks that are recognised end in their product (as squeeze-and-excite does) and
//! reach back at most so many operators; and whole patterns of fusion rules do not overlap each other
//! in long rows. Where they did, tables would rest on samples alone.

use std::collections::BTreeMap;

use nnmeter_core::op::{Binary, Op};

use crate::metric::Bill;
use crate::space::{Instance, Pass, Site};

/// How many kernels away a neighbour bears on fusion.
const KERNELS: usize = 2;
/// How many operators a block that ends in a product may reach back.
const BLOCK: usize = 8;
const NONE: u32 = u32::MAX;

/// Choices that something depends on.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ChoiceSet {
    /// On the option itself.
    exact: Vec<u64>,
    /// On what the option looks like from outside.
    rough: Vec<u64>,
}

impl ChoiceSet {
    pub(super) fn new(choices: usize) -> Self {
        let words = choices.div_ceil(64);
        Self { exact: vec![0; words], rough: vec![0; words] }
    }

    fn insert(&mut self, choice: usize, exact: bool) {
        let words = if exact { &mut self.exact } else { &mut self.rough };
        words[choice / 64] |= 1 << (choice % 64);
    }

    pub(super) fn unite(&mut self, other: &Self) {
        self.exact.iter_mut().zip(&other.exact).for_each(|(word, other)| *word |= other);
        self.rough.iter_mut().zip(&other.rough).for_each(|(word, other)| *word |= other);
    }

    /// The choices, and whether the option itself counts.
    pub(super) fn iter(&self) -> impl Iterator<Item = (usize, bool)> + '_ {
        let has = |words: &[u64], choice: usize| words[choice / 64] >> (choice % 64) & 1 == 1;
        (0..self.exact.len() * 64).filter_map(move |choice| {
            let exact = has(&self.exact, choice);
            (exact || has(&self.rough, choice)).then_some((choice, exact))
        })
    }
}

/// By site: the choices that the kernel there can depend on; for a layer that is not in the sample,
/// those that decide whether it is.
pub(super) fn of(
    sites: &[Site],
    choices: usize,
    instance: &Instance,
    bill: &Bill,
) -> Vec<ChoiceSet> {
    let guards = |site: &Site| {
        let mut set = ChoiceSet::new(choices);
        site.guards.iter().for_each(|&choice| set.insert(choice, true));
        set
    };
    let mut sets: Vec<ChoiceSet> = sites.iter().map(guards).collect();
    let reach = Reach::new(sites, choices, instance, bill);
    for part in 0..reach.parts.len() {
        let set = reach.of(part);
        for &node in &reach.parts[part] {
            sets[instance.origin.sites[node as usize] as usize].unite(&set);
        }
    }
    sets
}

/// The layers in groups, in which kernels reach equally far and layers depend on the same choices.
pub(super) fn alike(sites: &[Site], sets: &[ChoiceSet]) -> Vec<Vec<u32>> {
    let mut groups: BTreeMap<(&ChoiceSet, &[usize]), Vec<u32>> = BTreeMap::new();
    for (number, (site, set)) in sites.iter().zip(sets).enumerate() {
        groups.entry((set, &site.extents)).or_default().push(number as u32);
    }
    groups.into_values().collect()
}

struct Reach<'a> {
    sites: &'a [Site],
    choices: usize,
    instance: &'a Instance,
    /// Nodes by kernel.
    parts: Vec<Vec<u32>>,
    /// By node: its kernel.
    part_of: Vec<u32>,
    /// By node: its neighbours along wires, with the wires' last passes; whether they come before it.
    neighbours: Vec<Vec<(u32, u32, bool)>>,
}

impl<'a> Reach<'a> {
    fn new(sites: &'a [Site], choices: usize, instance: &'a Instance, bill: &Bill) -> Self {
        let origin = &instance.origin;
        let count = origin.sites.len();
        let index = |node: &nnmeter_core::graph::NodeId| node.index() as u32;
        let mut parts: Vec<Vec<u32>> =
            bill.parts.iter().map(|part| part.nodes.iter().map(index).collect()).collect();
        let mut part_of = vec![NONE; count];
        for (number, part) in parts.iter().enumerate() {
            part.iter().for_each(|&node| part_of[node as usize] = number as u32);
        }
        for (node, part) in part_of.iter_mut().enumerate() {
            if *part == NONE && origin.sites[node] != NONE {
                *part = parts.len() as u32;
                parts.push(vec![node as u32]);
            }
        }
        let mut neighbours = vec![Vec::new(); count];
        for &(from, to, pass) in &origin.wires {
            neighbours[from as usize].push((to, pass, false));
            neighbours[to as usize].push((from, pass, true));
        }
        Self { sites, choices, instance, parts, part_of, neighbours }
    }

    /// What the kernel `part` can depend on.
    fn of(&self, part: usize) -> ChoiceSet {
        let mut set = ChoiceSet::new(self.choices);
        let mut visited = vec![part];
        let mut layer = 0..1;
        for distance in 0..=KERNELS {
            for index in layer.clone() {
                for &node in &self.parts[visited[index]] {
                    self.node(node, distance == 0, &mut set);
                    self.wires(node, &mut set, &mut visited);
                }
            }
            layer = layer.end..visited.len();
        }
        set
    }

    /// Adds what decides about a node: whether it is there; what it is, if that counts.
    fn node(&self, node: u32, own: bool, set: &mut ChoiceSet) {
        let Some(site) = self.sites.get(self.instance.origin.sites[node as usize] as usize) else {
            return;
        };
        site.guards.iter().for_each(|&choice| set.insert(choice, own));
        if own || site.has_open_kind {
            site.extents.iter().for_each(|&choice| set.insert(choice, true));
        }
    }

    /// Adds what decides about a node's wires and whether there is something at their other ends, and
    /// the kernels there to those visited.
    fn wires(&self, node: u32, set: &mut ChoiceSet, visited: &mut Vec<usize>) {
        for &(other, pass, _) in &self.neighbours[node as usize] {
            self.pass(pass, set);
            self.node(other, false, set);
            let part = self.part_of[other as usize];
            if part != NONE && !visited.contains(&(part as usize)) {
                visited.push(part as usize);
            }
        }
        let (result, pass) = self.instance.origin.result;
        if result == node {
            self.pass(pass, set);
        }
        let graph = self.instance.graph.graph();
        let op = &graph.node(nnmeter_core::graph::NodeId::new(node as usize)).op;
        if matches!(op, Op::Binary(Binary::Mul)) {
            self.before(node, BLOCK, set);
        }
    }

    /// Adds what decides about the nodes that lie up to `steps` before a node.
    fn before(&self, node: u32, steps: usize, set: &mut ChoiceSet) {
        for &(other, pass, is_before) in &self.neighbours[node as usize] {
            self.pass(pass, set);
            self.node(other, false, set);
            if is_before && steps > 1 {
                self.before(other, steps - 1, set);
            }
        }
    }

    fn pass(&self, last: u32, set: &mut ChoiceSet) {
        Pass::choices(&self.instance.origin.passes, last)
            .for_each(|choice| set.insert(choice, false));
    }
}
