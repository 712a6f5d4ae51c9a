//! The Pareto front of cost against an objective, exactly: labels of costs and losses are set at every
//! node, from the end to the beginning, and those dropped that another one is at least as good as in
//! both (Hansen, "Bicriterion path problems", 1980). Dominance is on the numbers as they are, without
//! rounding to steps; sums differ from those of the tables by the order of addition only.

use super::feasible::infeasible;
use super::grid::SLACK;
use super::ranked::{Objective, Ranked};
use super::relaxed::Relaxation;
use super::trellis::{Edge, Layer, Trellis};
use crate::error::{Error, ErrorKind, Result};
use crate::space::SearchSpace;
use crate::table::CostTable;

/// How many labels may be kept in all.
const MOST_LABELS: usize = 1 << 22;

/// A way to go on from a node that no other way dominates.
#[derive(Clone, Copy, Debug)]
pub(super) struct Label {
    pub(super) cost: f64,
    pub(super) loss: f64,
    /// Number of the edge in its layer, and of the label behind it.
    edge: u32,
    next: u32,
}

/// By layer and node: labels with rising costs and falling losses.
pub(super) struct Fronts(Vec<Vec<Vec<Label>>>);

impl Fronts {
    /// Fronts of the costs by one table (a column of the trellis) and the losses by another, times
    /// `sign`. Ways are left out that no way to their node leads to within `room`; and, with a ceiling,
    /// those of which a relaxation shows that every path over them has more loss than that.
    pub(super) fn new(
        trellis: &Trellis,
        cost: usize,
        (loss, sign): (usize, f64),
        room: f64,
        ceiling: Option<(&Relaxation, f64)>,
    ) -> Result<Self> {
        let before = trellis.least_to(|edge| edge.costs[cost]);
        let mut fronts = vec![vec![vec![Label { cost: 0.0, loss: 0.0, edge: 0, next: 0 }]]];
        let mut kept = 0;
        for (number, layer) in trellis.layers.iter().enumerate().rev() {
            let behind = &fronts[fronts.len() - 1];
            let mut here = Vec::with_capacity(layer.nodes());
            for (node, spent) in before[number].iter().enumerate() {
                let edges = useful(layer, node, (cost, loss, sign));
                let looked_at = edges.iter().map(|(_, edge)| behind[edge.target].len());
                if kept + looked_at.sum::<usize>() > MOST_LABELS {
                    return Err(too_many());
                }
                let may_do = |label: &Label| {
                    let bound =
                        |of: &Relaxation| of.with_rest(number, node, label.cost, label.loss);
                    spent + label.cost <= room && ceiling.is_none_or(|(of, most)| bound(of) <= most)
                };
                let labels: Vec<Label> = edges
                    .into_iter()
                    .flat_map(|(index, edge)| {
                        let costs = (edge.costs[cost], sign * edge.costs[loss]);
                        ahead(index, costs, &behind[edge.target])
                    })
                    .filter(may_do)
                    .collect();
                let front = undominated(labels);
                kept += front.len();
                here.push(front);
            }
            fronts.push(here);
        }
        fronts.reverse();
        Ok(Self(fronts))
    }

    /// The least loss of the ways on from a node that cost at most `room`.
    pub(super) fn least_loss(&self, layer: usize, node: usize, room: f64) -> Option<f64> {
        let labels = &self.0[layer][node];
        let within = labels.partition_point(|label| label.cost <= room);
        within.checked_sub(1).map(|last| labels[last].loss)
    }

    /// The options of a label of the first node, by layer.
    fn options(&self, trellis: &Trellis, label: Label) -> Vec<u8> {
        let mut options = Vec::new();
        let mut label = label;
        for (number, layer) in trellis.layers.iter().enumerate() {
            let edge = &layer.edges[label.edge as usize];
            options.push(edge.option);
            label = self.0[number + 1][edge.target][label.next as usize];
        }
        options
    }
}

/// The edges of a node but for those that another one to the same node is at least as good as in both:
/// ways over them are dominated.
fn useful(
    layer: &Layer,
    node: usize,
    (cost, loss, sign): (usize, usize, f64),
) -> Vec<(usize, &Edge)> {
    let mut edges: Vec<(usize, &Edge)> = layer.edges_of(node).collect();
    let key = |edge: &Edge| (edge.costs[cost], sign * edge.costs[loss]);
    edges.sort_by(|(_, a), (_, b)| {
        let ((a_cost, a_loss), (b_cost, b_loss)) = (key(a), key(b));
        let costs = a_cost.total_cmp(&b_cost).then(a_loss.total_cmp(&b_loss));
        a.target.cmp(&b.target).then(costs)
    });
    let mut best = (usize::MAX, f64::INFINITY);
    edges.retain(|(_, edge)| {
        let loss = key(edge).1;
        let better = edge.target != best.0 || loss < best.1;
        if better {
            best = (edge.target, loss);
        }
        better
    });
    edges
}

/// The ways on over an edge.
fn ahead(edge: usize, (cost, loss): (f64, f64), behind: &[Label]) -> impl Iterator<Item = Label> {
    behind.iter().enumerate().map(move |(next, label)| Label {
        cost: cost + label.cost,
        loss: loss + label.loss,
        edge: edge as u32,
        next: next as u32,
    })
}

/// What the choices may add to a cost of at most `upper`, a little more than it is.
pub(super) fn room(table: &CostTable, upper: f64) -> f64 {
    upper - table.constant() + SLACK * upper.abs()
}

fn undominated(mut labels: Vec<Label>) -> Vec<Label> {
    labels.sort_by(|a, b| a.cost.total_cmp(&b.cost).then(a.loss.total_cmp(&b.loss)));
    let mut least = f64::INFINITY;
    labels.retain(|label| {
        let better = label.loss < least;
        least = least.min(label.loss);
        better
    });
    labels
}

fn too_many() -> Error {
    let found = format!("has more than {MOST_LABELS} points in its parts");
    Error::new(ErrorKind::TooLarge, "Pareto front", found)
        .hint("set a tighter budget, or round scores to fewer digits")
}

/// The Pareto front of cost against an objective: all trade-offs, from the cheapest on. Of several
/// architectures with the same cost and objective it has one. Costs are at most `upper`, if given.
///
/// # Errors
/// [`ErrorKind::TooLarge`] if the front, or those of parts of the space, have too many points, or too
/// many choices are tied together; [`ErrorKind::BadConstraint`] if a table is of another space;
/// [`ErrorKind::Infeasible`] if nothing is within the budget.
pub fn pareto(
    space: &SearchSpace,
    cost: &CostTable,
    objective: Objective<'_>,
    upper: Option<f64>,
) -> Result<Vec<Ranked>> {
    let trellis = Trellis::new(space, &[cost, objective.table()])?;
    let most = upper.unwrap_or(f64::INFINITY);
    let least = cost.cost(&trellis.extreme(0, 1.0));
    if least > most {
        return Err(infeasible(space, &trellis, (0, cost), 1.0, most));
    }
    let room = room(cost, most);
    let fronts = Fronts::new(&trellis, 0, (1, objective.sign()), room, None)?;
    let first = fronts.0[0].first().map_or(&[][..], Vec::as_slice);
    let ranked = first.iter().map(|&label| {
        Ranked::new(trellis.sample(&fronts.options(&trellis, label)), objective, &[cost])
    });
    let mut front: Vec<Ranked> = ranked.filter(|point| point.costs[0] <= most).collect();
    front.sort_by(|a, b| a.costs[0].total_cmp(&b.costs[0]).then(objective.compare(a, b)));
    let mut best = f64::INFINITY;
    front.retain(|point| {
        let loss = objective.sign() * point.value;
        let better = loss < best;
        best = best.min(loss);
        better
    });
    Ok(front)
}
