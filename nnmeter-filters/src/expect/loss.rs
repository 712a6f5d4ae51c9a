//! Losses made of a task's loss and a cost.

use crate::error::{Error, ErrorKind, Result};

/// A loss made of a task's loss and the (expected) cost of an architecture.
pub trait CostLoss {
    /// The loss and its derivatives, for a task's loss and a cost.
    ///
    /// # Errors
    /// [`ErrorKind::BadLoss`] if the loss or a derivative is no finite number there.
    fn combine(&self, task: f64, cost: f64) -> Result<Combined>;
}

/// A loss and its derivatives.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Combined {
    /// The loss.
    pub value: f64,
    /// Its derivative by the task's loss.
    pub by_task: f64,
    /// Its derivative by the cost.
    pub by_cost: f64,
}

/// A loss, and its gradient by the logits of a distribution.
#[derive(Clone, Debug, PartialEq)]
pub struct LogitLoss {
    /// The loss.
    pub value: f64,
    /// The expected cost that is in it, in the unit of the table.
    pub cost: f64,
    /// Its derivative by the task's loss, whose own gradient is for whoever computes it.
    pub by_task: f64,
    /// Its derivatives by every logit with the task's loss held fixed.
    pub by_logit: Vec<f64>,
}

impl Combined {
    /// Itself, if all of it is finite.
    pub(super) fn checked(self, task: f64, cost: f64) -> Result<Self> {
        let Self { value, by_task, by_cost } = self;
        if [value, by_task, by_cost].iter().all(|number| number.is_finite()) {
            return Ok(self);
        }
        let found = format!("is {value} with slopes of {by_task} and {by_cost}");
        let subject = format!("loss at a task's loss of {task} and a cost of {cost}");
        Err(Error::new(ErrorKind::BadLoss, subject, found).expected("finite numbers"))
    }
}

/// `number`, if it is finite and more than `least`.
pub(super) fn above(least: f64, name: &str, number: f64) -> Result<f64> {
    if number.is_finite() && number > least {
        return Ok(number);
    }
    Err(Error::new(ErrorKind::BadLoss, name, format!("is {number}"))
        .expected(format!("a number above {least}")))
}

/// `number`, if it is finite.
pub(super) fn finite(name: &str, number: f64) -> Result<f64> {
    if number.is_finite() {
        return Ok(number);
    }
    Err(Error::new(ErrorKind::BadLoss, name, format!("is {number}")).expected("a finite number"))
}
