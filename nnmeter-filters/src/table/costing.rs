//! The cost of samples of any space: by its table, or by predicting graphs where it has none.

use std::collections::HashMap;

use super::{CompileOptions, CostTable};
use crate::error::{Error, ErrorKind, Result};
use crate::metric::Metric;
use crate::space::{Sample, SearchSpace};

/// A way to the cost of every sample of a space.
#[derive(Debug)]
pub enum Costing<'a, M> {
    /// The space has a table.
    Table(CostTable),
    /// It has none of the size allowed.
    Graphs(GraphCosts<'a, M>),
}

impl<'a, M: Metric> Costing<'a, M> {
    /// A table if there is one, or else the prediction of graphs.
    ///
    /// # Errors
    /// As [`CostTable::compile`], but for [`ErrorKind::Indecomposable`], which is kept as the
    /// [reason](GraphCosts::reason) for predicting graphs.
    pub fn new(space: &'a SearchSpace, metric: &'a M, options: &CompileOptions) -> Result<Self> {
        match CostTable::compile(space, metric, options) {
            Ok(table) => Ok(Costing::Table(table)),
            Err(reason) if reason.kind() == ErrorKind::Indecomposable => {
                let allow_uncovered = options.allow_uncovered;
                let known = HashMap::new();
                Ok(Costing::Graphs(GraphCosts { space, metric, allow_uncovered, reason, known }))
            }
            Err(error) => Err(error),
        }
    }

    /// The cost of a sample, in the unit of the metric.
    ///
    /// # Errors
    /// Only where graphs are predicted: [`ErrorKind::Uncovered`] if a kernel of the sample has no price
    /// (unless that was allowed), or what is wrong with its graph.
    pub fn cost(&mut self, sample: &Sample) -> Result<f64> {
        match self {
            Costing::Table(table) => Ok(table.cost(sample)),
            Costing::Graphs(graphs) => graphs.cost(sample),
        }
    }
}

/// Costs by predicting the graphs of samples, each architecture once.
#[derive(Debug)]
pub struct GraphCosts<'a, M> {
    space: &'a SearchSpace,
    metric: &'a M,
    allow_uncovered: bool,
    reason: Error,
    known: HashMap<Sample, f64>,
}

impl<M: Metric> GraphCosts<'_, M> {
    /// Why there is no table: the choices that are to blame.
    pub fn reason(&self) -> &Error {
        &self.reason
    }

    fn cost(&mut self, sample: &Sample) -> Result<f64> {
        let sample = self.space.canonical(sample);
        if let Some(cost) = self.known.get(&sample) {
            return Ok(*cost);
        }
        let graph = self.space.typed(&sample)?;
        let bill = self.metric.bill(&graph);
        if let (Some((node, _)), false) = (bill.uncovered.first(), self.allow_uncovered) {
            let subject = graph.graph().label(*node);
            return Err(Error::new(ErrorKind::Uncovered, subject, "has no price")
                .hint("allow uncovered kernels, and costs will be without them"));
        }
        self.known.insert(sample, bill.total());
        Ok(bill.total())
    }
}
