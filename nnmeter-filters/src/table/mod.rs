//! Cost tables: the cost of every sample of a space as a sum of table entries.
//!
//! A kernel's cost depends on few choices: on those that put its operators there, those that its
//! shapes come from, and those of its neighbours as far as fusion reaches. [`CostTable::compile`]
//! finds out which these are for every layer of a space, and has one table (a [`Factor`]) for every
//! group of choices that kernels depend on together. A sum of entries then equals the prediction of
//! the whole graph, up to the rounding of sums; fusion across the borders of blocks and shapes that
//! depend on earlier choices are in the entries, not neglected.

mod batch;
mod compile;
mod costing;
mod explore;
mod factor;
mod given;
mod memo;
mod pairs;
mod plan;
mod probe;
mod reach;
mod score;
mod score_file;

pub use batch::Batch;
pub use compile::{CompileOptions, Uncovered};
pub use costing::{Costing, GraphCosts};
pub use factor::Factor;
pub use given::GivenFactor;

use crate::metric::Quantity;
use crate::space::Sample;
use plan::Plan;

/// The cost of every sample of a space: `constant + sum of factors`. See the [module](self).
#[derive(Clone, Debug)]
pub struct CostTable {
    quantity: Quantity,
    device: Option<String>,
    cardinalities: Vec<usize>,
    constant: f64,
    factors: Vec<Factor>,
    /// By choice: the factors that it bears on.
    by_choice: Vec<Vec<usize>>,
    plan: Plan,
    uncovered: Vec<Uncovered>,
}

/// Largest relative difference between two sums of the same costs in different orders.
const TOLERANCE: f64 = 1e-9;

/// Whether a sum of known costs is what a prediction says.
fn agree(sum: f64, total: f64) -> bool {
    (sum - total).abs() <= TOLERANCE * total.abs()
}

impl CostTable {
    /// A table of `factors` over choices with so many options.
    fn new(quantity: Quantity, cardinalities: Vec<usize>, parts: Vec<Factor>) -> Self {
        let (constants, factors): (Vec<_>, Vec<_>) =
            parts.into_iter().partition(|factor| factor.choices().is_empty());
        let constant = constants.iter().flat_map(Factor::costs).fold(0.0, |sum, cost| sum + cost);
        let bears = |choice: usize| {
            let all = factors.iter().enumerate();
            all.filter(|(_, factor)| factor.choices().contains(&choice)).map(|(i, _)| i).collect()
        };
        let by_choice = (0..cardinalities.len()).map(bears).collect();
        let plan = Plan::new(constant, &factors, &cardinalities);
        Self {
            quantity,
            device: None,
            cardinalities,
            constant,
            factors,
            by_choice,
            plan,
            uncovered: Vec::new(),
        }
    }

    /// What the costs count.
    pub fn quantity(&self) -> Quantity {
        self.quantity
    }

    /// The device that they are for, if [`CompileOptions`] named one.
    pub fn device(&self) -> Option<&str> {
        self.device.as_deref()
    }

    /// Numbers of options of the choices of the space.
    pub fn cardinalities(&self) -> &[usize] {
        &self.cardinalities
    }

    /// What every sample costs at least: kernels that depend on no choice.
    pub fn constant(&self) -> f64 {
        self.constant
    }

    /// The tables, each over one choice or more, in the order of their first choices. No factor's
    /// choices are a subset of another's.
    pub fn factors(&self) -> &[Factor] {
        &self.factors
    }

    /// Indices of the factors that a choice bears on.
    ///
    /// # Panics
    /// If there is no such choice.
    pub fn factors_of(&self, choice: usize) -> &[usize] {
        &self.by_choice[choice]
    }

    /// Layers that some sample has a kernel without a price in; empty unless
    /// [`CompileOptions::allow_uncovered`] was set. Costs are without them.
    pub fn uncovered(&self) -> &[Uncovered] {
        &self.uncovered
    }

    /// Number of table entries.
    pub fn entries(&self) -> usize {
        self.factors.iter().map(|factor| factor.costs().len()).sum()
    }

    /// The cost of a sample, in the unit of [`CostTable::quantity`].
    ///
    /// # Panics
    /// If the sample is of another space and does not fit this one.
    pub fn cost(&self, sample: &Sample) -> f64 {
        self.plan.cost(sample)
    }

    /// Costs of many samples.
    ///
    /// # Panics
    /// If the batch is of a space with other choices.
    pub fn costs(&self, batch: &Batch) -> Vec<f64> {
        assert_eq!(batch.cardinalities(), self.cardinalities, "a batch of another space");
        self.plan.costs(batch)
    }

    /// How much more a sample costs if `choice` takes the option `new`.
    ///
    /// # Panics
    /// If the sample or the choice is not of this space.
    pub fn delta(&self, sample: &Sample, choice: usize, new: u8) -> f64 {
        let change = |&index: &usize| self.factors[index].delta(sample, choice, new);
        self.by_choice[choice].iter().map(change).sum()
    }

    /// The cost by the definition, factor by factor: what the faster ways must agree with.
    pub fn cost_by_factors(&self, sample: &Sample) -> f64 {
        self.factors.iter().fold(self.constant, |sum, factor| sum + factor.cost(sample))
    }
}
