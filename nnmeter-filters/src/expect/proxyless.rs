//! The two losses of ProxylessNAS (Cai, Zhu and Han, "ProxylessNAS: Direct Neural Architecture Search
//! on Target Task and Hardware", ICLR 2019, arXiv 1812.00332).
//!
//! The paper's section 3.3 adds the expected latency to the loss; the forms and their names are those
//! of the authors' code (`search/nas_manager.py` of mit-han-lab/proxylessnas, `reg_loss_type`), as NNI
//! 2.x has them, too (`grad_reg_loss_type`). The norm of the weights that the paper adds is the
//! optimiser's.

use super::loss::{Combined, CostLoss, above, finite};
use crate::error::{Error, Result};

/// `add#linear`: `loss = task + lambda * (cost - reference) / reference`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AddLinear {
    reference: f64,
    lambda: f64,
}

impl AddLinear {
    /// The loss for a reference cost, in the unit of the cost. The authors' `lambda` is 0.2 unless
    /// told otherwise, NNI's 0.1.
    ///
    /// # Errors
    /// [`ErrorKind::BadLoss`](crate::error::ErrorKind::BadLoss) if the reference is not positive, or `lambda` is no number.
    pub fn new(reference: f64, lambda: f64) -> Result<Self> {
        Ok(Self {
            reference: above(0.0, "reference", reference)?,
            lambda: finite("lambda", lambda)?,
        })
    }
}

impl CostLoss for AddLinear {
    fn combine(&self, task: f64, cost: f64) -> Result<Combined> {
        let slope = self.lambda / self.reference;
        let value = task + slope * (cost - self.reference);
        Combined { value, by_task: 1.0, by_cost: slope }.checked(task, cost)
    }
}

/// `mul#log`: `loss = alpha * task * (ln cost / ln reference) ^ beta`.
///
/// The logarithm makes it depend on the unit: costs and reference must be above 1 in theirs
/// (milliseconds, in the authors' use). Below, a smaller cost would be a larger loss.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MulLog {
    reference: f64,
    alpha: f64,
    beta: f64,
}

impl MulLog {
    /// The loss for a reference cost, in the unit of the cost. The authors' `alpha` is 1 and their
    /// `beta` 0.6 unless told otherwise, NNI's 0.2 and 0.3.
    ///
    /// # Errors
    /// [`ErrorKind::BadLoss`](crate::error::ErrorKind::BadLoss) if the reference is not above 1, or `alpha` or `beta` is no number.
    pub fn new(reference: f64, alpha: f64, beta: f64) -> Result<Self> {
        Ok(Self {
            reference: above(1.0, "reference", reference).map_err(smaller_unit)?,
            alpha: finite("alpha", alpha)?,
            beta: finite("beta", beta)?,
        })
    }
}

impl CostLoss for MulLog {
    /// # Errors
    /// [`ErrorKind::BadLoss`](crate::error::ErrorKind::BadLoss), also if the cost is not above 1.
    fn combine(&self, task: f64, cost: f64) -> Result<Combined> {
        let log = above(1.0, "cost", cost).map_err(smaller_unit)?.ln();
        let by_task = self.alpha * (log / self.reference.ln()).powf(self.beta);
        let value = task * by_task;
        Combined { value, by_task, by_cost: value * self.beta / (log * cost) }.checked(task, cost)
    }
}

fn smaller_unit(error: Error) -> Error {
    error.hint("state costs in a smaller unit (microseconds for milliseconds)")
}
