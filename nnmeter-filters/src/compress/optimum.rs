//! The settings that keep most within a budget: exactly, or with a bound on what more there could be.
//!
//! Costs and what is kept are tables, so the [exact search](crate::exact) applies. Where its Pareto
//! fronts have too many points, what is kept is rounded down to steps: settings that are best after
//! rounding keep at most a step a table less than the best there is.

use std::sync::Arc;

use crate::constraint::{Constraints, Limit, brief};
use crate::error::{Error, ErrorKind, Result};
use crate::exact::{Feasible, Objective, cheapest};
use crate::space::{Sample, SearchSpace};
use crate::table::{CostTable, Factor};

/// How much of what settings make a difference to may be lost by rounding, from fine to coarse.
const LOSSES: [f64; 3] = [1e-3, 1e-2, 5e-2];

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
    let (_, least) = cheapest(space, cost)?;
    if least > budget {
        return Err(infeasible(cost, least, budget));
    }
    let limit = Limit::at_most(Arc::clone(cost), budget)?;
    let feasible = Feasible::new(space, Constraints::new([limit]))?;
    let best = |keep: &CostTable| {
        let best = feasible.best(Objective::Most(keep), 1)?.into_iter().next();
        best.ok_or_else(|| infeasible(cost, least, budget))
    };
    let whole = best(keep);
    if let Ok(found) = whole {
        let (kept, cost) = (found.value, found.costs[0]);
        return Ok(Optimum { settings: found.sample, cost, kept, at_most: kept });
    }
    let tables = keep.factors().len() as f64;
    let span: f64 = keep.factors().iter().map(span).sum();
    for loss in LOSSES {
        let step = loss * span / tables;
        if let Ok(found) = best(&keep.rounded_down(step)) {
            let (kept, cost) = (keep.cost(&found.sample), found.costs[0]);
            let at_most = found.value + step * tables;
            return Ok(Optimum { settings: found.sample, cost, kept, at_most });
        }
    }
    Err(whole.err().unwrap_or_else(|| infeasible(cost, least, budget)))
}

/// How far apart the entries of a table are.
fn span(factor: &Factor) -> f64 {
    let most = factor.costs().iter().copied().fold(f64::NEG_INFINITY, f64::max);
    most - factor.costs().iter().copied().fold(f64::INFINITY, f64::min)
}

pub(super) fn infeasible(table: &CostTable, least: f64, budget: f64) -> Error {
    let unit = table.quantity().suffix;
    let device = table.device().map_or(String::new(), |device| format!(" on {device}"));
    let found = format!("the least that can be reached is {} {unit}{device}", brief(least));
    Error::new(ErrorKind::Infeasible, "over budget", found)
        .expected(format!("{} {unit}", brief(budget)))
}
