//! The exact number of architectures within one limit: meet in the middle (Horowitz and Sahni,
//! "Computing partitions with applications to the knapsack problem", 1974).
//!
//! The trellis is cut at a layer; costs of all ways behind it are sorted by node, and every way up to
//! it counts those that fit. Sums of floating-point numbers depend on their order, so those that come
//! very close to a bound are checked one by one with the cost table itself: the count is that of the
//! samples which the constraints allow, to the last one. For counts (of multiply-accumulates, say) sums
//! are exact, and nothing is close. Only spaces are counted whose two halves can be listed.

use std::ops::Range;

use super::feasible::Feasible;
use super::trellis::{Edge, Trellis};
use crate::error::Result;
use crate::table::CostTable;

/// How many ways each half may have.
const MOST_WAYS: u128 = 1 << 22;
/// How many edges may be looked at for ways that are close to a bound.
const MOST_CLOSE: usize = 1 << 24;
/// Integers up to here are exact, and so are their sums.
const EXACT: f64 = (1u64 << 53) as f64;

/// How many architectures satisfy the constraints, of which the limit `index` alone binds; `None` if
/// there are too many to list a half of them.
///
/// # Errors
/// If it is stopped.
pub(super) fn count(feasible: &Feasible<'_>, index: usize) -> Result<Option<u128>> {
    feasible.stop.step()?;
    let trellis = &feasible.trellis;
    let Some(cut) = cut(trellis) else { return Ok(None) };
    let limit = &feasible.constraints.limits()[index];
    let span = &feasible.spans[index];
    let slack = if is_integral(limit.table(), span.most) { 0.0 } else { span.slack() };
    let constant = limit.table().constant();
    let mut halves = Halves {
        feasible,
        index,
        cut,
        behind: behind(trellis, index, cut),
        least: trellis.least(|edge| edge.costs[index]),
        negated_most: trellis.least(|edge| -edge.costs[index]),
        lower: limit.lower().map_or(f64::NEG_INFINITY, |lower| lower - constant),
        upper: limit.upper().map_or(f64::INFINITY, |upper| upper - constant),
        slack,
        path: Vec::new(),
        looked_at: 0,
    };
    halves.before(0, 0, 0.0)
}

/// The layer at which both halves have the fewest ways together.
fn cut(trellis: &Trellis) -> Option<usize> {
    let (to, from) = (trellis.paths_to(), trellis.paths_from());
    let halves = to.iter().zip(&from).enumerate();
    let least = halves.min_by_key(|(_, (to, from))| to.saturating_add(**from));
    least.filter(|(_, (to, from))| **to <= MOST_WAYS && **from <= MOST_WAYS).map(|(cut, _)| cut)
}

/// Whether all costs are integers that are added without rounding.
fn is_integral(table: &CostTable, most: f64) -> bool {
    let costs = table.factors().iter().flat_map(|factor| factor.costs());
    most < EXACT && costs.chain([&table.constant()]).all(|cost| cost.fract() == 0.0)
}

/// By node of the layer `cut`: the costs of all ways on, in ascending order.
fn behind(trellis: &Trellis, index: usize, cut: usize) -> Vec<Vec<f64>> {
    let mut behind = vec![vec![0.0]];
    for layer in trellis.layers[cut..].iter().rev() {
        let of = |node| {
            let edges = layer.edges_of(node).map(|(_, edge)| edge);
            let ways = |edge: &Edge| {
                let cost = edge.costs[index];
                behind[edge.target].iter().map(move |rest| cost + rest).collect::<Vec<f64>>()
            };
            edges.flat_map(ways).collect()
        };
        behind = (0..layer.nodes()).map(of).collect();
    }
    behind.iter_mut().for_each(|ways| ways.sort_unstable_by(f64::total_cmp));
    behind
}

struct Halves<'a> {
    feasible: &'a Feasible<'a>,
    /// Of the limit that binds.
    index: usize,
    cut: usize,
    behind: Vec<Vec<f64>>,
    least: Vec<Vec<f64>>,
    negated_most: Vec<Vec<f64>>,
    /// Bounds without the table's constant.
    lower: f64,
    upper: f64,
    slack: f64,
    /// Options up to here, by layer, with what each added.
    path: Vec<(u8, f64)>,
    looked_at: usize,
}

impl Halves<'_> {
    /// Counts the architectures that go on from a node, so much having been spent.
    fn before(&mut self, layer: usize, node: usize, spent: f64) -> Result<Option<u128>> {
        if layer == self.cut {
            return Ok(self.meet(node, spent));
        }
        let feasible = self.feasible;
        if layer <= self.cut / 2 {
            feasible.stop.step()?;
        }
        let mut sum = 0;
        for (_, edge) in feasible.trellis.layers[layer].edges_of(node) {
            let cost = edge.costs[self.index];
            self.path.push((edge.option, cost));
            let Some(count) = self.before(layer + 1, edge.target, spent + cost)? else {
                return Ok(None);
            };
            sum += count;
            self.path.pop();
        }
        Ok(Some(sum))
    }

    /// Counts the ways behind a node that fit what is spent before it.
    fn meet(&mut self, node: usize, spent: f64) -> Option<u128> {
        let ways = &self.behind[node];
        let below = |bound: f64| ways.partition_point(|way| spent + way < bound);
        let within = |bound: f64| ways.partition_point(|way| spent + way <= bound);
        let low = below(self.lower - self.slack)..below(self.lower + self.slack);
        let first = within(self.upper - self.slack).max(low.end);
        let high = first..within(self.upper + self.slack).max(first);
        let certain = (first - low.end) as u128;
        let mut close = 0;
        for range in [low, high] {
            close += self.close(node, range)?;
        }
        Some(certain + close)
    }

    /// Counts those of the ways with the costs in `range` that the table itself allows.
    fn close(&mut self, node: usize, range: Range<usize>) -> Option<u128> {
        let ways = &self.behind[node][range];
        let (Some(&from), Some(&to)) = (ways.first(), ways.last()) else { return Some(0) };
        self.after(self.cut, node, 0.0, (from, to))
    }

    /// Goes through the ways on that cost `from` to `to` behind the cut.
    fn after(&mut self, layer: usize, node: usize, spent: f64, range: (f64, f64)) -> Option<u128> {
        let feasible = self.feasible;
        let Some(edges) = feasible.trellis.layers.get(layer) else {
            return Some(u128::from(self.allows(range)));
        };
        let mut sum = 0;
        for (_, edge) in edges.edges_of(node) {
            self.looked_at += 1;
            if self.looked_at > MOST_CLOSE {
                return None;
            }
            let cost = edge.costs[self.index];
            self.path.push((edge.option, cost));
            let spent = spent + cost;
            let least = spent + self.least[layer + 1][edge.target];
            let most = spent - self.negated_most[layer + 1][edge.target];
            if least <= range.1 + self.slack && most >= range.0 - self.slack {
                sum += self.after(layer + 1, edge.target, spent, range)?;
            }
            self.path.pop();
        }
        Some(sum)
    }

    /// Whether the path is one of those that cost `from` to `to` behind the cut, and is allowed.
    fn allows(&self, (from, to): (f64, f64)) -> bool {
        // Added up as the sorted costs were.
        let cost = self.path[self.cut..].iter().rev().fold(0.0, |sum, step| step.1 + sum);
        let options: Vec<u8> = self.path.iter().map(|step| step.0).collect();
        let is_close = from <= cost && cost <= to;
        is_close && self.feasible.constraints.allow(&self.feasible.trellis.sample(&options))
    }
}
