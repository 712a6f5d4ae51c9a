//! A bound on losses within one budget: the budget's Lagrangian relaxation.
//!
//! Instead of being limited, cost is charged at a price: whatever the price, no path within `room` has a
//! lower loss than the least of `loss + price * (cost - room)` over all paths, which a shortest path
//! finds. The price that gives the highest bound is found by walking the lower convex hull of costs and
//! losses (Handler and Zang, "A dual algorithm for the constrained shortest path problem", Networks 10,
//! 1980). It is at the same time a bound for all paths that have a given rest, by which the
//! [fronts](super::front) are kept to ways that can still be among the best.

use super::trellis::{Edge, Trellis};

/// Prices that are tried at most; any price gives a bound, these are only getting better.
const MOST_PRICES: usize = 64;

/// See the [module](self).
pub(super) struct Relaxation {
    room: f64,
    /// Loss for a unit of cost.
    price: f64,
    /// By layer and node: least of `loss + price * cost` of the ways to it.
    before: Vec<Vec<f64>>,
    /// What no path within the budget has less loss than.
    pub(super) least: f64,
}

impl Relaxation {
    /// The relaxation of "costs by one table (a column of the trellis) are at most `room`" for losses
    /// by another table, times `sign`.
    pub(super) fn new(trellis: &Trellis, cost: usize, loss: (usize, f64), room: f64) -> Self {
        let price = price(trellis, cost, loss, room);
        let (column, sign) = loss;
        let before = trellis.least_to(|e| sign * e.costs[column] + price * e.costs[cost]);
        let end = before.last().and_then(|ends| ends.first()).copied().unwrap_or(0.0);
        Self { room, price, before, least: end - price * room }
    }

    /// What no path within the budget has less loss than that goes on from a node at such a cost and
    /// loss.
    pub(super) fn with_rest(&self, layer: usize, node: usize, cost: f64, loss: f64) -> f64 {
        self.before[layer][node] + loss + self.price * (cost - self.room)
    }
}

/// The price at which the bound is highest.
fn price(trellis: &Trellis, cost: usize, (loss, sign): (usize, f64), room: f64) -> f64 {
    let loss = |edge: &Edge| sign * edge.costs[loss];
    let ends = |path: Vec<&Edge>| -> (f64, f64) {
        (path.iter().map(|e| e.costs[cost]).sum(), path.iter().map(|e| loss(e)).sum())
    };
    let mut over = ends(trellis.path(loss));
    let mut within = ends(trellis.path(|edge| edge.costs[cost]));
    if over.0 <= room || within.0 >= over.0 {
        return 0.0;
    }
    let mut price = 0.0;
    for _ in 0..MOST_PRICES {
        price = ((within.1 - over.1) / (over.0 - within.0)).max(0.0);
        let middle = ends(trellis.path(|edge| loss(edge) + price * edge.costs[cost]));
        let side = if middle.0 > room { &mut over } else { &mut within };
        if *side == middle {
            break;
        }
        *side = middle;
    }
    price
}
