//! The settings that keep most within a budget: exactly, or with a bound on what more there could be.
//!
//! Costs and what is kept are tables, so the [exact search](crate::exact) applies. Where its Pareto
//! fronts have too many points, what is kept is rounded down to steps, which leaves fewer points and
//! loses at most a step a table. How much more there could be is then bounded by duality: nothing within
//! the budget keeps more than the most that is kept less a price for all cost above the budget, whatever
//! the price is (Everett, "Generalized Lagrange multiplier method", 1963).

use std::sync::Arc;

use crate::constraint::{Constraints, Limit, brief};
use crate::error::{Error, ErrorKind, Result};
use crate::exact::{Feasible, Objective, cheapest, dearest};
use crate::metric::Quantity;
use crate::space::{Sample, SearchSpace};
use crate::table::{CostTable, Factor};

/// How much of what settings make a difference to may be lost by rounding, from fine to coarse.
const LOSSES: [f64; 3] = [5e-3, 2e-2, 5e-2];
/// Prices of a unit of cost that are tried for the bound; each halves the interval they are in.
const PRICES: usize = 60;

/// The best settings.
pub(super) struct Optimum {
    pub(super) settings: Sample,
    pub(super) cost: f64,
    pub(super) kept: f64,
    /// No settings within the budget keep more; what the best keep, if the search was exact.
    pub(super) at_most: f64,
}

/// The settings of `knobs` that keep most by `keep` at a cost of at most `budget`.
///
/// # Errors
/// [`ErrorKind::Infeasible`] with the least cost there is; [`ErrorKind::TooLarge`] if too many knobs
/// are tied to each other.
pub(super) fn most(
    space: &SearchSpace,
    cost: &Arc<CostTable>,
    keep: &CostTable,
    budget: f64,
) -> Result<Optimum> {
    let too_little = |least| infeasible(cost.quantity(), cost.device(), least, budget);
    let (_, least) = cheapest(space, cost)?;
    if least > budget {
        return Err(too_little(least));
    }
    let limit = Limit::at_most(Arc::clone(cost), budget)?;
    let feasible = Feasible::new(space, Constraints::new([limit]))?;
    let best = |by: &CostTable| -> Result<Optimum> {
        let best = feasible.best(Objective::Most(by), 1)?.into_iter().next();
        let best = best.ok_or_else(|| too_little(least))?;
        let (kept, cost) = (keep.cost(&best.sample), best.costs[0]);
        Ok(Optimum { settings: best.sample, cost, kept, at_most: kept })
    };
    match best(keep) {
        Err(error) if error.kind() == ErrorKind::TooLarge => {
            let found = rounded(keep, best).ok_or(error)?;
            dual(space, cost, keep, budget, found)
        }
        found => found,
    }
}

/// The best after rounding, with the finest steps for which there is one.
fn rounded(keep: &CostTable, best: impl Fn(&CostTable) -> Result<Optimum>) -> Option<Optimum> {
    let span: f64 = keep.factors().iter().map(span).sum();
    let tables = keep.factors().len() as f64;
    LOSSES.into_iter().find_map(|loss| best(&keep.rounded_down(loss * span / tables)).ok())
}

/// What was found, or better settings that are met on the way to the bound; with the bound.
fn dual(
    space: &SearchSpace,
    cost: &CostTable,
    keep: &CostTable,
    budget: f64,
    mut found: Optimum,
) -> Result<Optimum> {
    found.at_most = f64::INFINITY;
    let (mut low, mut high) = (0.0, f64::INFINITY);
    let mut price = found.kept.abs().max(1.0) / budget;
    for _ in 0..PRICES {
        let (settings, worth) = dearest(space, &keep.plus(-price, cost))?;
        found.at_most = found.at_most.min(worth + price * budget);
        let (spent, kept) = (cost.cost(&settings), keep.cost(&settings));
        if spent > budget {
            low = price;
        } else {
            high = price;
            if kept > found.kept {
                found = Optimum { settings, cost: spent, kept, at_most: found.at_most };
            }
        }
        price = if high.is_finite() { (low + high) / 2.0 } else { price * 2.0 };
    }
    found.at_most = found.at_most.max(found.kept);
    Ok(found)
}

/// How far apart the entries of a table are.
fn span(factor: &Factor) -> f64 {
    let most = factor.costs().iter().copied().fold(f64::NEG_INFINITY, f64::max);
    most - factor.costs().iter().copied().fold(f64::INFINITY, f64::min)
}

/// The error that nothing costs less than `least`.
pub(super) fn infeasible(
    quantity: Quantity,
    device: Option<&str>,
    least: f64,
    budget: f64,
) -> Error {
    let unit = quantity.suffix;
    let device = device.map_or(String::new(), |device| format!(" on {device}"));
    let found = format!("the least that can be reached is {} {unit}{device}", brief(least));
    Error::new(ErrorKind::Infeasible, "over budget", found)
        .expected(format!("{} {unit}", brief(budget)))
        .hint("allow smaller widths, or take blocks out of the network")
}
