//! Tables of spaces whose costs tie neighbouring choices only, as those of chains of layers mostly do:
//! far fewer predictions than [`CostTable::compile`] needs where choices have many options.
//!
//! With all other choices at their first options, every pair of neighbours is predicted. The first
//! pair's factor has these costs; each other pair's has what its second choice adds behind its first.
//! Whether costs are the sums of such factors is not known beforehand, but tried on random samples.

use super::factor::size;
use super::{CostTable, Factor, agree};
use crate::error::Result;
use crate::metric::Metric;
use crate::random::Random;
use crate::space::{Sample, SearchSpace};

/// Random samples that must agree.
const CHECKS: usize = 64;

impl CostTable {
    /// The costs by `metric` as sums over pairs of neighbouring choices; `None` if they are not such
    /// sums, or something has no price.
    ///
    /// # Errors
    /// What is wrong with a sample of the space.
    pub(crate) fn pairs(space: &SearchSpace, metric: &impl Metric) -> Result<Option<Self>> {
        let cardinalities: Vec<usize> = space.choices().iter().map(|c| c.options.len()).collect();
        let mut factors = Vec::new();
        for first in 0..cardinalities.len().saturating_sub(1).max(1) {
            match pair(space, metric, &cardinalities, first)? {
                Some(factor) => factors.push(factor),
                None => return Ok(None),
            }
        }
        let table = Self::new(metric.quantity(), cardinalities, factors);
        let mut random = Random::new(0);
        for _ in 0..CHECKS {
            let sample = space.random_sample(&mut random);
            let agrees = |cost: f64| agree(table.cost(&sample), cost);
            if !total(space, metric, &sample)?.is_some_and(agrees) {
                return Ok(None);
            }
        }
        Ok(Some(table))
    }
}

/// The factor of a choice and the next one, if there is one.
fn pair(
    space: &SearchSpace,
    metric: &impl Metric,
    cardinalities: &[usize],
    first: usize,
) -> Result<Option<Factor>> {
    let choices: Vec<usize> = (first..cardinalities.len()).take(2).collect();
    let count = size(&choices, cardinalities);
    let blank = Factor::new(choices.clone(), cardinalities, vec![0.0; count]);
    let mut costs = Vec::with_capacity(count);
    let mut options = vec![0; cardinalities.len()];
    for index in 0..count {
        blank.options(index, cardinalities, &mut options);
        match total(space, metric, &space.sample(&options)?)? {
            Some(cost) => costs.push(cost),
            None => return Ok(None),
        }
    }
    if first > 0 {
        for behind in costs.chunks_mut(cardinalities[first + 1]) {
            let alone = behind[0];
            behind.iter_mut().for_each(|cost| *cost -= alone);
        }
    }
    Ok(Some(Factor::new(choices, cardinalities, costs)))
}

/// What a sample costs; `None` if something has no price.
fn total(space: &SearchSpace, metric: &impl Metric, sample: &Sample) -> Result<Option<f64>> {
    let bill = metric.bill(&space.typed(sample)?);
    Ok(bill.uncovered.is_empty().then(|| bill.total()))
}
