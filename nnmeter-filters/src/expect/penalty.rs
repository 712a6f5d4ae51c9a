//! Penalties for the distance of a cost from a baseline, in the forms of NNI 3.0's `ProfilerPenalty`
//! (`nni/nas/oneshot/pytorch/profiler.py`, whose `ExpectationProfilerPenalty` they reproduce on expected
//! costs).
//!
//! With `x = nonlinear(cost / baseline - 1)`:
//!
//! ```text
//! add: loss = task + scale * x
//! mul: loss = task * (1 + x) ^ scale
//! ```
//!
//! TuNAS's loss (Bender et al. 2020, arXiv 2008.06120), `task + scale * |cost / baseline - 1|`, is the
//! absolute one that is added; ProxylessNAS's `add#linear` the linear one. At a kink the derivative is
//! 0, as PyTorch has it for `relu` and `abs`.

use super::loss::{Combined, CostLoss, above, finite};
use crate::error::Result;

/// Which deviations from the baseline count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nonlinearity {
    /// All, with their sign: `x`.
    Linear,
    /// Costs above the baseline: `max(0, x)`.
    Positive,
    /// Costs below the baseline, as a reward: `min(0, x)`.
    Negative,
    /// Both ways: `|x|`.
    Absolute,
}

/// How the penalty goes with the task's loss.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Aggregate {
    /// Added to it, times the scale.
    Add,
    /// Multiplied with it: one plus the penalty, to the power of the scale.
    Mul,
}

/// A penalty on a cost by its ratio to a baseline. See the formulas of [`Nonlinearity`] and
/// [`Aggregate`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BaselinePenalty {
    baseline: f64,
    scale: f64,
    nonlinear: Nonlinearity,
    aggregate: Aggregate,
}

impl Nonlinearity {
    /// The value at `x` and the derivative there.
    fn at(self, x: f64) -> (f64, f64) {
        let slope = match self {
            Nonlinearity::Linear => 1.0,
            Nonlinearity::Positive if x > 0.0 => 1.0,
            Nonlinearity::Negative if x < 0.0 => 1.0,
            Nonlinearity::Absolute if x != 0.0 => x.signum(),
            Nonlinearity::Positive | Nonlinearity::Negative | Nonlinearity::Absolute => 0.0,
        };
        (slope * x, slope)
    }
}

impl BaselinePenalty {
    /// The penalty for a baseline in the unit of the cost. NNI's scale is 1 unless told otherwise, its
    /// forms linear and added.
    ///
    /// # Errors
    /// [`ErrorKind::BadLoss`](crate::error::ErrorKind::BadLoss) if the baseline is not positive, or the
    /// scale is no number.
    pub fn new(
        baseline: f64,
        scale: f64,
        nonlinear: Nonlinearity,
        aggregate: Aggregate,
    ) -> Result<Self> {
        let (baseline, scale) = (above(0.0, "baseline", baseline)?, finite("scale", scale)?);
        Ok(Self { baseline, scale, nonlinear, aggregate })
    }
}

impl CostLoss for BaselinePenalty {
    fn combine(&self, task: f64, cost: f64) -> Result<Combined> {
        let Self { baseline, scale, nonlinear, aggregate } = *self;
        let (penalty, slope) = nonlinear.at(cost / baseline - 1.0);
        let slope = slope / baseline;
        let combined = match aggregate {
            Aggregate::Add => {
                Combined { value: task + scale * penalty, by_task: 1.0, by_cost: scale * slope }
            }
            Aggregate::Mul => {
                let factor = (1.0 + penalty).powf(scale);
                let by_cost = match slope {
                    0.0 => 0.0,
                    _ => task * scale * (1.0 + penalty).powf(scale - 1.0) * slope,
                };
                Combined { value: task * factor, by_task: factor, by_cost }
            }
        };
        combined.checked(task, cost)
    }
}
