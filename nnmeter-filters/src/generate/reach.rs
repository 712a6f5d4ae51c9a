//! A measure of whole spaces that needs no training: how much capacity architectures reach within a
//! budget.
//!
//! Capacity is a table: multiply-accumulates, or parameters. The best is exact, by
//! [`Feasible::best`]; the typical ones are those of draws that are exactly uniform over all
//! architectures within the budget ([`Feasible::sampler`]), so median and mean are those of the space up
//! to the error of sampling, which is stated.

use std::sync::Arc;

use super::{Subspace, Survey, Target};
use crate::constraint::{Constraints, Limit};
use crate::error::{ErrorKind, Result};
use crate::exact::{CountBounds, Feasible, Objective, Ranked, SamplerOptions, cheapest, dearest};
use crate::metric::{Macs, Metric, Parameters, Quantity};
use crate::random::Random;
use crate::space::SearchSpace;
use crate::table::{CompileOptions, CostTable};

/// What architectures reach.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Capacity {
    /// Multiply-accumulates.
    #[default]
    Macs,
    /// Trained parameters.
    Parameters,
}

/// The costs of a space that reaches are measured by: capacity, and latencies on devices.
#[derive(Clone, Debug)]
pub struct Yardstick<'a> {
    space: &'a SearchSpace,
    capacity: CostTable,
    latencies: Vec<Arc<CostTable>>,
}

impl<'a> Yardstick<'a> {
    /// The costs of a space of operators of `survey`, which was made for `targets`: sums of what it
    /// found if costs are such sums, or else of pairs of neighbouring layers; where not even that is
    /// so, tables that are compiled.
    ///
    /// # Errors
    /// As [`CostTable::compile`]; [`ErrorKind::Indecomposable`] if that takes too many predictions.
    pub fn new(
        survey: &Survey<'_>,
        subspace: &'a Subspace,
        capacity: Capacity,
        targets: &[Target<'_>],
    ) -> Result<Self> {
        let space = &subspace.space;
        let sums = |quantity: Quantity, metric: usize| {
            let (fixed, costs) = survey.costs(subspace, metric);
            CostTable::sums(space, quantity, fixed, &costs)
        };
        let capacity = match capacity {
            Capacity::Macs => sums(Macs.quantity(), 0),
            Capacity::Parameters => sums(Parameters.quantity(), 1),
        }?;
        let latency = |(device, target): (usize, &Target<'_>)| {
            let table = match survey.is_additive() {
                true => sums(target.predictor.quantity(), 2 + device)?,
                false => tied(space, target)?,
            };
            Ok(Arc::new(table.on_device(target.name)))
        };
        let latencies = targets.iter().enumerate().map(latency).collect::<Result<_>>()?;
        Ok(Self { space, capacity, latencies })
    }

    /// Least and most latency of an architecture on the target at `device`, in milliseconds.
    ///
    /// # Errors
    /// As [`cheapest`].
    ///
    /// # Panics
    /// If there are not as many targets.
    pub fn range(&self, device: usize) -> Result<[f64; 2]> {
        let table = &self.latencies[device];
        Ok([cheapest(self.space, table)?.1, dearest(self.space, table)?.1])
    }

    /// What architectures reach that take at most `budgets_ms`, by target.
    ///
    /// # Errors
    /// As [`Reach::new`]; [`ErrorKind::BadConstraint`] if a
    /// budget is not finite.
    pub fn reach(&self, budgets_ms: &[f64], options: &ReachOptions) -> Result<Reach> {
        let limits = self.latencies.iter().zip(budgets_ms);
        let limits = limits.map(|(table, &budget)| Limit::at_most(Arc::clone(table), budget));
        let constraints = Constraints::new(limits.collect::<Result<Vec<_>>>()?);
        Reach::new(self.space, &self.capacity, constraints, options)
    }
}

/// Latencies where layers bear on each other.
fn tied(space: &SearchSpace, target: &Target<'_>) -> Result<CostTable> {
    match CostTable::pairs(space, target.predictor)? {
        Some(table) => Ok(table),
        None => {
            let options =
                CompileOptions { most_predictions: MOST_PREDICTIONS, ..CompileOptions::default() };
            CostTable::compile(space, target.predictor, &options)
        }
    }
}

/// Networks that are predicted at most where more than neighbours bear on each other.
const MOST_PREDICTIONS: usize = 4000;
/// Standard errors to each side in an interval of 95 %.
const Z: f64 = 1.96;

/// How the typical architecture is found.
#[derive(Clone, Copy, Debug)]
pub struct ReachOptions {
    /// Architectures that are drawn.
    pub draws: usize,
    /// Seed of the draws.
    pub seed: u64,
    /// How finely costs are told apart.
    pub sampler: SamplerOptions,
}

impl Default for ReachOptions {
    /// 2,000 draws.
    fn default() -> Self {
        Self { draws: 2000, seed: 0, sampler: SamplerOptions::default() }
    }
}

/// What architectures within a budget reach.
#[derive(Clone, Debug)]
pub struct Reach {
    /// How many there are.
    pub architectures: CountBounds,
    /// The one of the highest capacity; `None` if the exact search would take too many steps.
    pub best: Option<Ranked>,
    /// Median of the capacity.
    pub median: f64,
    /// Where the median of all lies with 95 % confidence, by the ranks of the draws.
    pub median_interval: [f64; 2],
    /// Mean of the capacity.
    pub mean: f64,
    /// Standard error of the mean.
    pub mean_error: f64,
}

impl Reach {
    /// What architectures of `space` within `constraints` reach.
    ///
    /// # Errors
    /// [`ErrorKind::Infeasible`] if there are none; as [`Feasible::new`], [`Feasible::count`] and
    /// [`Feasible::sampler`].
    pub fn new(
        space: &SearchSpace,
        capacity: &CostTable,
        constraints: Constraints,
        options: &ReachOptions,
    ) -> Result<Self> {
        let feasible = Feasible::new(space, constraints)?;
        let mut sampler = feasible.sampler(&options.sampler)?;
        let best = match feasible.best(Objective::Most(capacity), 1) {
            Ok(best) => best.into_iter().next(),
            Err(error) if error.kind() == ErrorKind::TooLarge => None,
            Err(error) => return Err(error),
        };
        let mut random = Random::new(options.seed);
        let draw = |_| Ok(capacity.cost(&sampler.draw(&mut random)?));
        let mut values = (0..options.draws.max(1)).map(draw).collect::<Result<Vec<f64>>>()?;
        values.sort_unstable_by(f64::total_cmp);
        let (mean, mean_error) = mean(&values);
        let count = values.len();
        let half = Z * (count as f64).sqrt() / 2.0;
        let at = |rank: f64| values[(rank.max(0.0) as usize).min(count - 1)];
        let middle = count as f64 / 2.0;
        Ok(Self {
            architectures: feasible.count(&options.sampler)?,
            best,
            median: (values[(count - 1) / 2] + values[count / 2]) / 2.0,
            median_interval: [at((middle - half).floor()), at((middle + half).ceil())],
            mean,
            mean_error,
        })
    }
}

/// The mean with its standard error.
fn mean(values: &[f64]) -> (f64, f64) {
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    (mean, (squares / (count - 1.0).max(1.0) / count).sqrt())
}
