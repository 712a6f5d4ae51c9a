//! The best architectures under constraints, exactly: best-first search (A*) on the trellis.
//!
//! What a partial architecture can still reach is read off the [fronts](super::front) of the ways to go
//! on: the least loss of those that the budget has room for. For one budget that is what it will reach,
//! so the search goes straight to the best, the next best and so on. With several limits it is a bound,
//! that of the limit that allows least, and the search may have to try more; lower bounds only drop
//! partial architectures that can no longer reach them.
//!
//! Fronts can be huge. So it is first supposed that the best are hardly worse than what no architecture
//! can be better than ([relaxed](super::relaxed)), and only ways are followed on which that may be so.
//! Where too few are found, more is supposed, until nothing is left out.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

use smallvec::SmallVec;

use super::feasible::Feasible;
use super::front::{Fronts, room};
use super::grid::SLACK;
use super::ranked::{Objective, Ranked};
use super::relaxed::Relaxation;
use super::trellis::{Edge, Trellis};
use crate::constraint::Limit;
use crate::error::{Error, ErrorKind, Result};
use crate::space::Sample;
use crate::stop::Stop;
use crate::table::CostTable;

/// How many partial architectures may be looked at.
const MOST_PARTIAL: usize = 1 << 22;
/// How much worse than the bound the best are supposed to be, as shares of the range of losses: the
/// first, and how many times more each next one is.
const FIRST_GAP: f64 = 1.0 / 32768.0;
const WIDER: f64 = 8.0;

impl Feasible<'_> {
    /// The best `count` architectures within the constraints, the best first; fewer if there are
    /// fewer. Which of several with the same value come last is not said.
    ///
    /// # Errors
    /// [`ErrorKind::TooLarge`] if it takes too many steps or too many choices are tied together,
    /// [`ErrorKind::BadConstraint`] if the objective's table is of another space,
    /// [`ErrorKind::Infeasible`] if no architecture satisfies all constraints.
    pub fn best(&self, objective: Objective<'_>, count: usize) -> Result<Vec<Ranked>> {
        let problem = Problem::new(self, objective)?;
        let mut found = Vec::new();
        for ceiling in problem.ceilings() {
            found = self.up_to(&problem, ceiling, objective, count)?;
            if found.len() == count {
                break;
            }
        }
        if found.is_empty() && count > 0 {
            let found = "no architecture satisfies all of them";
            return Err(
                Error::new(ErrorKind::Infeasible, "constraints", found).expected("wider bounds")
            );
        }
        found.sort_by(|a, b| objective.compare(a, b));
        Ok(found)
    }

    /// The best of those that have at most so much loss.
    fn up_to(
        &self,
        problem: &Problem,
        ceiling: f64,
        objective: Objective<'_>,
        count: usize,
    ) -> Result<Vec<Ranked>> {
        let limits: Vec<&CostTable> = self.constraints.limits().iter().map(Limit::table).collect();
        let mut search = Search::new(problem, ceiling)?;
        let mut found = Vec::new();
        while found.len() < count
            && let Some(sample) = search.next(&self.stop)?
        {
            if self.constraints.allow(&sample) {
                found.push(Ranked::new(sample, objective, &limits));
            }
        }
        Ok(found)
    }
}

/// What is searched, and what is known of it beforehand.
struct Problem {
    trellis: Trellis,
    /// Column of the trellis, and what values are multiplied by for losses.
    objective: (usize, f64),
    bounds: Vec<Bound>,
    /// By layer and node: the least loss of all ways on.
    least_loss: Vec<Vec<f64>>,
}

/// A limit, without what every architecture costs.
struct Bound {
    upper: Option<(f64, Relaxation)>,
    /// What is needed, and by layer and node the negative of the most that ways on cost.
    lower: Option<(f64, Vec<Vec<f64>>)>,
}

/// A search as far as it has come.
struct Search<'a> {
    problem: &'a Problem,
    /// By limit, of those with an upper bound.
    fronts: Vec<Option<Fronts>>,
    ceiling: f64,
    partial: Vec<Partial>,
    open: BinaryHeap<Open>,
}

/// The first options of an architecture.
struct Partial {
    before: usize,
    option: u8,
    layer: usize,
    node: usize,
    spent: SmallVec<[f64; 2]>,
    loss: f64,
}

/// A partial architecture, by what it may reach; of equal ones the longest, then the oldest first.
struct Open {
    loss: f64,
    layer: usize,
    index: usize,
}

impl Ord for Open {
    fn cmp(&self, other: &Self) -> Ordering {
        let key = |open: &Self| (open.layer, Reverse(open.index));
        other.loss.total_cmp(&self.loss).then_with(|| key(self).cmp(&key(other)))
    }
}

impl PartialOrd for Open {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Open {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Open {}

impl Bound {
    fn new(trellis: &Trellis, index: usize, limit: &Limit, objective: (usize, f64)) -> Self {
        let upper = limit.upper().map(|upper| {
            let room = room(limit.table(), upper);
            (room, Relaxation::new(trellis, index, objective, room))
        });
        let lower = limit.lower().map(|lower| {
            let needed = lower - limit.table().constant() - SLACK * lower.abs();
            (needed, trellis.least(|edge| -edge.costs[index]))
        });
        Self { upper, lower }
    }

    /// The least loss to come once so much is spent; `None` if no way on is within the bounds.
    fn loss_ahead(
        &self,
        fronts: Option<&Fronts>,
        (layer, node): (usize, usize),
        spent: f64,
    ) -> Option<f64> {
        if let Some((lower, most)) = &self.lower
            && spent - most[layer][node] < *lower
        {
            return None;
        }
        match (&self.upper, fronts) {
            (Some((room, _)), Some(fronts)) => fronts.least_loss(layer, node, room - spent),
            _ => Some(f64::NEG_INFINITY),
        }
    }
}

impl Problem {
    fn new(feasible: &Feasible<'_>, objective: Objective<'_>) -> Result<Self> {
        let limits = feasible.constraints.limits();
        let tables: Vec<&CostTable> =
            limits.iter().map(Limit::table).chain([objective.table()]).collect();
        let trellis = Trellis::new(feasible.space, &tables)?;
        let objective = (limits.len(), objective.sign());
        let bound = |(index, limit): (usize, &Limit)| Bound::new(&trellis, index, limit, objective);
        let bounds = limits.iter().enumerate().map(bound).collect();
        let (table, sign) = objective;
        let least_loss = trellis.least(|edge| sign * edge.costs[table]);
        Ok(Self { trellis, objective, bounds, least_loss })
    }

    /// Losses that the best may be supposed to have at most, the last one without any limit.
    fn ceilings(&self) -> impl Iterator<Item = f64> {
        let (table, sign) = self.objective;
        let first = |sums: &[Vec<f64>]| sums[0].first().copied().unwrap_or(0.0);
        let least = first(&self.least_loss);
        let most = -first(&self.trellis.least(|edge| -sign * edge.costs[table]));
        let relaxed = self.bounds.iter().filter_map(|bound| bound.upper.as_ref());
        let bound = relaxed.map(|(_, relaxation)| relaxation.least).fold(least, f64::max);
        let gaps = std::iter::successors(Some(FIRST_GAP), |gap| Some(gap * WIDER));
        let slack = SLACK * least.abs().max(most.abs());
        let within = gaps.take_while(|gap| *gap < 1.0).map(move |gap| gap * (most - least));
        within.map(move |gap| bound + gap + slack).chain([f64::INFINITY])
    }
}

impl<'a> Search<'a> {
    fn new(problem: &'a Problem, ceiling: f64) -> Result<Self> {
        let fronts = |(index, bound): (usize, &Bound)| {
            let of = |(room, relaxation): &(f64, Relaxation)| {
                let ceiling = Some((relaxation, ceiling));
                Fronts::new(&problem.trellis, index, problem.objective, *room, ceiling)
            };
            bound.upper.as_ref().map(of).transpose()
        };
        let fronts = problem.bounds.iter().enumerate().map(fronts).collect::<Result<_>>()?;
        let (partial, open) = (Vec::new(), BinaryHeap::new());
        let mut search = Self { problem, fronts, ceiling, partial, open };
        let spent = SmallVec::from_elem(0.0, problem.bounds.len());
        search.add(Partial { before: 0, option: 0, layer: 0, node: 0, spent, loss: 0.0 });
        Ok(search)
    }

    /// Adds a partial architecture, unless it cannot be completed within the bounds and the ceiling.
    fn add(&mut self, partial: Partial) {
        let (layer, node) = (partial.layer, partial.node);
        let mut ahead = self.problem.least_loss[layer][node];
        let bounds = self.problem.bounds.iter().zip(&self.fronts);
        for ((bound, fronts), &spent) in bounds.zip(&partial.spent) {
            let Some(loss) = bound.loss_ahead(fronts.as_ref(), (layer, node), spent) else {
                return;
            };
            ahead = ahead.max(loss);
        }
        let loss = partial.loss + ahead;
        if loss > self.ceiling {
            return;
        }
        self.open.push(Open { loss, layer, index: self.partial.len() });
        self.partial.push(partial);
    }

    /// The best architecture that is left.
    fn next(&mut self, stop: &Stop) -> Result<Option<Sample>> {
        while let Some(Open { layer, index, .. }) = self.open.pop() {
            stop.step()?;
            if layer == self.problem.trellis.layers.len() {
                return Ok(Some(self.sample(index)));
            }
            if self.partial.len() > MOST_PARTIAL {
                let found = format!("has looked at {MOST_PARTIAL} partial architectures");
                return Err(Error::new(ErrorKind::TooLarge, "search for the best", found)
                    .hint("ask for fewer, or set fewer limits"));
            }
            let node = self.partial[index].node;
            let edges: Vec<Edge> = self.problem.trellis.layers[layer]
                .edges_of(node)
                .map(|(_, edge)| edge.clone())
                .collect();
            for edge in edges {
                let partial = self.after(index, &edge);
                self.add(partial);
            }
        }
        Ok(None)
    }

    fn after(&self, index: usize, edge: &Edge) -> Partial {
        let from = &self.partial[index];
        let (table, sign) = self.problem.objective;
        Partial {
            before: index,
            option: edge.option,
            layer: from.layer + 1,
            node: edge.target,
            spent: from.spent.iter().zip(&edge.costs).map(|(spent, cost)| spent + cost).collect(),
            loss: from.loss + sign * edge.costs[table],
        }
    }

    fn sample(&self, mut index: usize) -> Sample {
        let mut options = Vec::new();
        while self.partial[index].layer > 0 {
            options.push(self.partial[index].option);
            index = self.partial[index].before;
        }
        options.reverse();
        self.problem.trellis.sample(&options)
    }
}
