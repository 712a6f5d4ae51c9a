//! The trellis of a space: a graph in layers, in which every path is an architecture and its length,
//! by each of several tables, the architecture's cost.
//!
//! A layer decides one choice. Its nodes are the combinations of options of the choices that are
//! carried along; an edge is an option that is possible after them, with what it adds to the costs.
//! Choices without effect take their first option, so paths are exactly the canonical samples.

use std::collections::HashMap;

use smallvec::SmallVec;

use super::order::{frontier, order};
use crate::error::{Error, ErrorKind, Result};
use crate::space::{Sample, SearchSpace};
use crate::table::{CostTable, Factor};

/// How many edges a trellis may have.
const MOST_EDGES: usize = 1 << 21;

/// See the [module](self).
#[derive(Clone, Debug)]
pub(super) struct Trellis {
    pub(super) layers: Vec<Layer>,
}

/// The edges that decide one choice.
#[derive(Clone, Debug)]
pub(super) struct Layer {
    pub(super) choice: usize,
    /// By node: where its edges begin; and their number in the end.
    first: Vec<usize>,
    pub(super) edges: Vec<Edge>,
}

#[derive(Clone, Debug)]
pub(super) struct Edge {
    pub(super) option: u8,
    /// Node of the next layer.
    pub(super) target: usize,
    /// By table: what it adds.
    pub(super) costs: SmallVec<[f64; 2]>,
}

impl Layer {
    pub(super) fn nodes(&self) -> usize {
        self.first.len() - 1
    }

    /// The edges of a node, with their numbers in the layer.
    pub(super) fn edges_of(&self, node: usize) -> impl Iterator<Item = (usize, &Edge)> {
        let range = self.first[node]..self.first[node + 1];
        range.clone().zip(&self.edges[range])
    }
}

impl Trellis {
    /// The trellis of `space` with costs by `tables`.
    ///
    /// # Errors
    /// [`ErrorKind::TooLarge`] if too many choices are tied together, which are named.
    pub(super) fn new(space: &SearchSpace, tables: &[&CostTable]) -> Result<Self> {
        let cardinalities: Vec<usize> = space.choices().iter().map(|c| c.options.len()).collect();
        if let Some(table) = tables.iter().find(|table| table.cardinalities() != cardinalities) {
            let subject = format!("table of {}", table.quantity().metric);
            return Err(Error::new(ErrorKind::BadConstraint, subject, "is of another space")
                .expected(format!("a table compiled from {}", space.name())));
        }
        let terms = terms(space, tables);
        let order = order(&cardinalities, &terms);
        let mut trellis = Self { layers: Vec::new() };
        let mut making = Making::new(space, tables, &terms, &order);
        for &choice in &order {
            trellis.layers.push(making.layer(choice)?);
        }
        trellis.drop_dead_ends();
        Ok(trellis)
    }

    /// Drops edges from which no path goes on.
    fn drop_dead_ends(&mut self) {
        let mut alive = vec![true];
        for layer in self.layers.iter_mut().rev() {
            let mut first = vec![0];
            let mut edges = Vec::with_capacity(layer.edges.len());
            for node in 0..layer.nodes() {
                let kept = layer.edges_of(node).map(|(_, edge)| edge);
                edges.extend(kept.filter(|edge| alive[edge.target]).cloned());
                first.push(edges.len());
            }
            alive = first.windows(2).map(|ends| ends[0] < ends[1]).collect();
            *layer = Layer { choice: layer.choice, first, edges };
        }
    }

    /// Number of nodes of a layer; the last is behind all choices and has one.
    pub(super) fn nodes(&self, layer: usize) -> usize {
        self.layers.get(layer).map_or(1, Layer::nodes)
    }

    /// Numbers of nodes of all layers.
    pub(super) fn all_nodes(&self) -> usize {
        (0..=self.layers.len()).map(|layer| self.nodes(layer)).sum()
    }

    /// The sample that takes these options, by layer.
    pub(super) fn sample(&self, options: &[u8]) -> Sample {
        let mut sample = vec![0; self.layers.len()];
        for (layer, &option) in self.layers.iter().zip(options) {
            sample[layer.choice] = option;
        }
        Sample::of(sample)
    }

    /// By layer and node: the least sum of the lengths of edges of the ways on.
    pub(super) fn least(&self, length: impl Fn(&Edge) -> f64) -> Vec<Vec<f64>> {
        let mut least = vec![vec![0.0]];
        for layer in self.layers.iter().rev() {
            let behind = &least[least.len() - 1];
            let of = |node| {
                let ends = layer.edges_of(node).map(|(_, e)| length(e) + behind[e.target]);
                ends.fold(f64::INFINITY, f64::min)
            };
            let next = (0..layer.nodes()).map(of).collect();
            least.push(next);
        }
        least.reverse();
        least
    }

    /// By layer and node: the least sum of the lengths of edges of the ways to it.
    pub(super) fn least_to(&self, length: impl Fn(&Edge) -> f64) -> Vec<Vec<f64>> {
        let mut least = vec![vec![0.0]];
        for (number, layer) in self.layers.iter().enumerate() {
            let mut next = vec![f64::INFINITY; self.nodes(number + 1)];
            for (node, before) in least[number].iter().enumerate() {
                for (_, edge) in layer.edges_of(node) {
                    let sum: f64 = before + length(edge);
                    next[edge.target] = sum.min(next[edge.target]);
                }
            }
            least.push(next);
        }
        least
    }

    /// The edges of the path with the least sum of lengths.
    pub(super) fn path(&self, length: impl Fn(&Edge) -> f64) -> Vec<&Edge> {
        let least = self.least(&length);
        let mut node = 0;
        let mut path = Vec::new();
        for (layer, behind) in self.layers.iter().zip(&least[1..]) {
            let sum = |edge: &Edge| length(edge) + behind[edge.target];
            let edges = layer.edges_of(node).map(|(_, edge)| edge);
            let Some(best) = edges.min_by(|a, b| sum(a).total_cmp(&sum(b))) else { break };
            path.push(best);
            node = best.target;
        }
        path
    }

    /// The sample that costs least (or most, with the sign -1) by `table`.
    pub(super) fn extreme(&self, table: usize, sign: f64) -> Sample {
        let path = self.path(|edge| sign * edge.costs[table]);
        self.sample(&path.iter().map(|edge| edge.option).collect::<Vec<u8>>())
    }

    /// Number of paths; `None` if it exceeds 128 bits.
    pub(super) fn paths(&self) -> Option<u128> {
        self.paths_from().first().copied().filter(|&paths| paths < u128::MAX)
    }

    /// By layer: number of paths to its nodes together, or the largest there is if that exceeds 128 bits.
    pub(super) fn paths_to(&self) -> Vec<u128> {
        let mut counts = vec![1u128];
        let mut sums = vec![1];
        for (number, layer) in self.layers.iter().enumerate() {
            let mut next = vec![0u128; self.nodes(number + 1)];
            for (node, count) in counts.iter().enumerate() {
                for (_, edge) in layer.edges_of(node) {
                    next[edge.target] = next[edge.target].saturating_add(*count);
                }
            }
            sums.push(together(&next));
            counts = next;
        }
        sums
    }

    /// By layer: number of paths from its nodes on, as [`Trellis::paths_to`].
    pub(super) fn paths_from(&self) -> Vec<u128> {
        let mut counts = vec![1u128];
        let mut sums = vec![1];
        for layer in self.layers.iter().rev() {
            let of = |node| {
                let ends = layer.edges_of(node).map(|(_, edge)| counts[edge.target]);
                ends.fold(0, u128::saturating_add)
            };
            counts = (0..layer.nodes()).map(of).collect();
            sums.push(together(&counts));
        }
        sums.reverse();
        sums
    }
}

fn together(counts: &[u128]) -> u128 {
    counts.iter().copied().fold(0, u128::saturating_add)
}

/// Groups of choices that are settled together.
fn terms(space: &SearchSpace, tables: &[&CostTable]) -> Vec<Vec<usize>> {
    let factors = tables.iter().flat_map(|table| table.factors());
    let mut terms: Vec<Vec<usize>> = factors.map(|factor| factor.choices().to_vec()).collect();
    for (choice, activity) in space.activity().iter().enumerate().filter(|(_, a)| !a.is_always()) {
        let mut tied = activity.depends_on();
        tied.push(choice);
        terms.push(tied);
    }
    terms
}

/// A trellis as far as it has been made.
struct Making<'a> {
    space: &'a SearchSpace,
    terms: &'a [Vec<usize>],
    tables: usize,
    /// By choice: the factors that it settles, with their tables.
    settled: Vec<Vec<(usize, &'a Factor)>>,
    /// By choice: choices whose effect is known with it.
    known: Vec<Vec<usize>>,
    decided: Vec<bool>,
    /// Options of the choices carried along, by node of the next layer.
    nodes: Vec<Vec<u8>>,
    carried: Vec<usize>,
    edges: usize,
}

impl<'a> Making<'a> {
    fn new(
        space: &'a SearchSpace,
        tables: &[&'a CostTable],
        terms: &'a [Vec<usize>],
        order: &[usize],
    ) -> Self {
        let count = order.len();
        let last = |choices: &[usize]| order.iter().rev().copied().find(|c| choices.contains(c));
        let mut settled = vec![Vec::new(); count];
        for (table, costs) in tables.iter().enumerate() {
            for factor in costs.factors() {
                settled[last(factor.choices()).unwrap_or(0)].push((table, factor));
            }
        }
        let mut known = vec![Vec::new(); count];
        for (choice, activity) in space.activity().iter().enumerate() {
            let mut tied = activity.depends_on();
            tied.push(choice);
            known[last(&tied).unwrap_or(0)].push(choice);
        }
        let (decided, nodes) = (vec![false; count], vec![Vec::new()]);
        let (tables, carried) = (tables.len(), Vec::new());
        Self { space, terms, tables, settled, known, decided, nodes, carried, edges: 0 }
    }

    fn layer(&mut self, choice: usize) -> Result<Layer> {
        self.decided[choice] = true;
        let carried = frontier(&self.decided, self.terms);
        let options = self.space.choices()[choice].options.len();
        self.edges = self.edges.saturating_add(self.nodes.len().saturating_mul(options));
        if self.edges > MOST_EDGES {
            return Err(self.too_large(choice));
        }
        let mut ends: HashMap<Vec<u8>, usize> = HashMap::new();
        let mut nodes = Vec::new();
        let mut layer = Layer { choice, first: vec![0], edges: Vec::new() };
        let mut sample = vec![0; self.decided.len()];
        for node in &self.nodes {
            for (&choice, &option) in self.carried.iter().zip(node) {
                sample[choice] = option;
            }
            for option in 0..options as u16 {
                sample[choice] = option as u8;
                if !self.is_canonical(choice, &sample) {
                    continue;
                }
                let end: Vec<u8> = carried.iter().map(|&choice| sample[choice]).collect();
                let target = *ends.entry(end).or_insert_with_key(|end| {
                    nodes.push(end.clone());
                    nodes.len() - 1
                });
                let costs = self.costs(choice, &sample);
                layer.edges.push(Edge { option: option as u8, target, costs });
            }
            layer.first.push(layer.edges.len());
        }
        (self.nodes, self.carried) = (nodes, carried);
        Ok(layer)
    }

    /// Whether choices that turn out to have no effect take their first option.
    fn is_canonical(&self, choice: usize, sample: &[u8]) -> bool {
        let activity = self.space.activity();
        self.known[choice].iter().all(|&other| sample[other] == 0 || activity[other].holds(sample))
    }

    fn costs(&self, choice: usize, sample: &[u8]) -> SmallVec<[f64; 2]> {
        let mut costs = SmallVec::from_elem(0.0, self.tables);
        for (table, factor) in &self.settled[choice] {
            costs[*table] += factor.cost(sample);
        }
        costs
    }

    fn too_large(&self, choice: usize) -> Error {
        let name = |&choice: &usize| self.space.choices()[choice].name.as_str();
        let names: Vec<&str> = self.carried.iter().chain([&choice]).map(name).collect();
        let found =
            format!("{} choices are tied together by costs: {}", names.len(), names.join(", "));
        Error::new(ErrorKind::TooLarge, format!("space {:?}", self.space.name()), found)
            .expected(format!("at most {MOST_EDGES} combinations of choices to carry along"))
    }
}
