//! What the best is sought by, and what was found.

use std::cmp::Ordering;

use crate::space::Sample;
use crate::table::CostTable;

/// What is sought: the most or the least by a table.
#[derive(Clone, Copy, Debug)]
pub enum Objective<'a> {
    /// The higher, the better: a table of [scores](CostTable::additive), or capacity.
    Most(&'a CostTable),
    /// The lower, the better.
    Least(&'a CostTable),
}

impl<'a> Objective<'a> {
    /// The table.
    pub fn table(self) -> &'a CostTable {
        match self {
            Objective::Most(table) | Objective::Least(table) => table,
        }
    }

    /// What values are multiplied by for losses, of which the least is sought.
    pub(super) fn sign(self) -> f64 {
        match self {
            Objective::Most(_) => -1.0,
            Objective::Least(_) => 1.0,
        }
    }

    /// The better first.
    pub(super) fn compare(self, a: &Ranked, b: &Ranked) -> Ordering {
        (self.sign() * a.value).total_cmp(&(self.sign() * b.value))
    }
}

/// An architecture that was found.
#[derive(Clone, Debug, PartialEq)]
pub struct Ranked {
    /// The architecture.
    pub sample: Sample,
    /// Its value by the objective's table.
    pub value: f64,
    /// Its costs, by limit.
    pub costs: Vec<f64>,
}

impl Ranked {
    pub(super) fn new(sample: Sample, objective: Objective<'_>, costs: &[&CostTable]) -> Self {
        let value = objective.table().cost(&sample);
        let costs = costs.iter().map(|table| table.cost(&sample)).collect();
        Self { sample, value, costs }
    }
}
