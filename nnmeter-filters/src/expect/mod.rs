//! The expected cost of a space under independent categorical distributions, and losses made of it:
//! what differentiable search (ProxylessNAS, FBNet, DARTS under a budget) trains with.
//!
//! Every choice takes its options with probabilities of its own ([`Distribution`], or [`Softmax`] of
//! logits), independently of the others. The cost is a sum of tables over few choices each, so its
//! expectation is, exactly, the sum of the tables contracted with the probabilities ([`ExpectedCost`]):
//!
//! ```text
//! E[cost] = constant + sum over factors f, sum over entries x of f, f(x) * product over c in f of p_c(x_c)
//! ```
//!
//! Kernels that fuse across blocks and shapes that depend on earlier choices are in the tables, so
//! they are in the expectation; and a choice that others leave without effect is one in the tables,
//! too. The gradient is exact like the value, and so is the variance. (The ProxylessNAS paper's own
//! latency is the case in which every table is over one choice.)
//!
//! Losses are in [`CostLoss`]'s implementors: [`AddLinear`] and [`MulLog`], the two of ProxylessNAS, and
//! [`BaselinePenalty`], the forms of NNI. Training, and drawing samples, is not the business of this
//! module.
//!
//! ```
//! use nnmeter_filters::builtin;
//! use nnmeter_filters::expect::{AddLinear, ExpectedCost, Softmax};
//! use nnmeter_filters::metric::Macs;
//! use nnmeter_filters::table::{CompileOptions, CostTable};
//!
//! let space = builtin::space("proxylessnas")?;
//! let table = CostTable::compile(&space, &Macs, &CompileOptions::default())?;
//! let expected = ExpectedCost::new(&table);
//! // Logits of 0 for every option: all are equally likely.
//! let logits = vec![0.0; expected.width()];
//! let softmax = Softmax::new(table.cardinalities(), &logits, 1.0)?;
//! let half = AddLinear::new(0.5 * expected.value(softmax.distribution()), 0.2)?;
//! let loss = expected.loss(&softmax, 2.3, &half)?;
//! // The expected cost is twice the reference: 2.3 + 0.2 * (2 - 1).
//! assert!((loss.value - 2.5).abs() < 1e-12);
//! assert_eq!(loss.by_logit.len(), logits.len());
//! # Ok::<(), nnmeter_filters::error::Error>(())
//! ```

mod contract;
mod distribution;
mod loss;
mod penalty;
mod proxyless;
mod variance;

use smallvec::SmallVec;

pub use distribution::{Distribution, Softmax};
pub use loss::{Combined, CostLoss, LogitLoss};
pub use penalty::{Aggregate, BaselinePenalty, Nonlinearity};
pub use proxyless::{AddLinear, MulLog};

use crate::error::{Error, ErrorKind, Result};
use crate::table::{CostTable, Factor};
use contract::Scratch;
use distribution::Layout;

/// Probabilities of the options of a factor's choices, choice after choice.
type Axes<'p> = SmallVec<[&'p [f64]; 4]>;

/// The expectation of the costs in a table. See the [module](self).
#[derive(Clone, Debug)]
pub struct ExpectedCost<'t> {
    table: &'t CostTable,
    layout: Layout,
}

/// An expected cost and its gradient.
#[derive(Clone, Debug, PartialEq)]
pub struct Expected {
    /// The expectation, in the unit of the table.
    pub value: f64,
    /// Its derivatives by every probability, the others held fixed (they are taken as independent
    /// variables, though those of a choice add up to 1): that by option `o` of choice `c` is, up to a
    /// constant for each choice, the expected cost if `c` takes `o`. In the order of
    /// [`Distribution::values`].
    pub by_probability: Vec<f64>,
}

impl<'t> ExpectedCost<'t> {
    /// Expectations of the costs in `table`.
    pub fn new(table: &'t CostTable) -> Self {
        Self { table, layout: Layout::new(table.cardinalities()) }
    }

    /// How many probabilities a distribution has: one for each option of each choice.
    pub fn width(&self) -> usize {
        self.layout.width()
    }

    /// The expected cost.
    ///
    /// # Panics
    /// If the distribution is of a space with other choices; so do all methods here.
    pub fn value(&self, distribution: &Distribution) -> f64 {
        let values = self.values_of(distribution);
        let mut scratch = Scratch::default();
        let expectation = |factor| scratch.expectation(factor, &self.axes(factor, values));
        self.table.constant() + self.table.factors().iter().map(expectation).sum::<f64>()
    }

    /// The expected cost and its gradient by probability.
    pub fn gradient(&self, distribution: &Distribution) -> Expected {
        let mut by_probability = vec![0.0; self.width()];
        let values = self.values_of(distribution);
        let value = self.row(values, &mut by_probability, &mut Scratch::default());
        Expected { value, by_probability }
    }

    /// Expected costs and gradients of many rows of [`width`](Self::width) numbers each, one after
    /// another; gradients are written to `gradients`, of the size of `rows`. The numbers are taken as
    /// they are, whether or not they are probabilities: the value is then that of the polynomial in
    /// the description of the [module](self).
    ///
    /// # Errors
    /// [`ErrorKind::BadDistribution`] if the sizes do not fit.
    pub fn batch(&self, rows: &[f64], gradients: &mut [f64]) -> Result<Vec<f64>> {
        let width = self.width();
        if !rows.len().is_multiple_of(width.max(1)) || rows.len() != gradients.len() {
            let found =
                format!("has {} numbers, and {} for gradients", rows.len(), gradients.len());
            return Err(Error::new(ErrorKind::BadDistribution, "batch", found)
                .expected(format!("a multiple of {width} for both")));
        }
        gradients.fill(0.0);
        let mut scratch = Scratch::default();
        let rows = rows.chunks_exact(width.max(1)).zip(gradients.chunks_exact_mut(width.max(1)));
        Ok(rows.map(|(row, gradient)| self.row(row, gradient, &mut scratch)).collect())
    }

    /// The variance of the cost, exactly: the sum of the covariances of all pairs of factors that have
    /// choices in common, each from what is expected of the two given these choices. Takes at most
    /// the time of two passes over the tables for every such pair.
    pub fn variance(&self, distribution: &Distribution) -> f64 {
        variance::variance(self, self.values_of(distribution))
    }

    /// A loss that is made of a task's loss (cross entropy) and the expected cost, with its gradient by
    /// logit as far as it comes through the cost.
    ///
    /// # Errors
    /// [`ErrorKind::BadLoss`] if `loss` is not defined there.
    pub fn loss(&self, softmax: &Softmax, task: f64, loss: &impl CostLoss) -> Result<LogitLoss> {
        let expected = self.gradient(softmax.distribution());
        let combined = loss.combine(task, expected.value)?;
        let mut by_logit = softmax.by_logit(&expected.by_probability);
        by_logit.iter_mut().for_each(|slope| *slope *= combined.by_cost);
        let Combined { value, by_task, .. } = combined;
        Ok(LogitLoss { value, cost: expected.value, by_task, by_logit })
    }

    fn values_of<'p>(&self, distribution: &'p Distribution) -> &'p [f64] {
        assert!(*distribution.layout() == self.layout, "a distribution of another space");
        distribution.values()
    }

    /// The value of a row; adds its gradient to `gradient`.
    fn row(&self, values: &[f64], gradient: &mut [f64], scratch: &mut Scratch) -> f64 {
        let mut sum = self.table.constant();
        for factor in self.table.factors() {
            let axes = self.axes(factor, values);
            let add = |place: usize, option: usize, slope: f64| {
                gradient[self.layout.start(factor.choices()[place]) + option] += slope;
            };
            sum += scratch.gradient(factor, &axes, add);
        }
        sum
    }

    fn axes<'p>(&self, factor: &Factor, values: &'p [f64]) -> Axes<'p> {
        factor.choices().iter().map(|&choice| &values[self.layout.range(choice)]).collect()
    }
}
