//! The cost of samples of any space: by its table, or by predicting graphs where it has none.

use std::collections::HashMap;

use super::compile::Refused;
use super::memo::Memo;
use super::probe::{Observation, Probe};
use super::{CompileOptions, CostTable, agree};
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
        match CostTable::try_compile(space, metric, options) {
            Ok(table) => Ok(Costing::Table(table)),
            Err(refused) if refused.error.kind() == ErrorKind::Indecomposable => {
                Ok(Costing::Graphs(GraphCosts::new(space, metric, options, refused)))
            }
            Err(refused) => Err(refused.error),
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

/// Costs by predicting the graphs of samples.
///
/// What has been predicted is kept: where a table would only be too large, by kernel, so that no graph
/// is made of a sample all of whose kernels are known; otherwise by architecture.
#[derive(Debug)]
pub struct GraphCosts<'a, M> {
    space: &'a SearchSpace,
    probe: Probe<'a, M>,
    allow_uncovered: bool,
    reason: Error,
    known: Known,
    predicted: usize,
}

#[derive(Debug)]
enum Known {
    Kernels {
        memo: Memo,
        /// How many sums over known kernels are still to be checked by prediction.
        checks: usize,
    },
    Samples(HashMap<Sample, f64>),
}

impl<'a, M: Metric> GraphCosts<'a, M> {
    fn new(
        space: &'a SearchSpace,
        metric: &'a M,
        options: &CompileOptions,
        Refused { error, is_too_large }: Refused,
    ) -> Self {
        let known = if is_too_large {
            Known::Kernels { memo: Memo::default(), checks: options.checks }
        } else {
            Known::Samples(HashMap::new())
        };
        let probe = Probe::new(space, metric, options.seed);
        let allow_uncovered = options.allow_uncovered;
        Self { space, probe, allow_uncovered, reason: error, known, predicted: 0 }
    }

    /// Why there is no table: the choices that are to blame.
    pub fn reason(&self) -> &Error {
        &self.reason
    }

    /// How many graphs have been predicted.
    pub fn predicted(&self) -> usize {
        self.predicted
    }

    fn cost(&mut self, sample: &Sample) -> Result<f64> {
        let found = match &self.known {
            Known::Kernels { memo, .. } => memo.cost(self.space, sample),
            Known::Samples(known) => known.get(&self.space.canonical(sample)).copied(),
        };
        match (found, &mut self.known) {
            (Some(cost), Known::Kernels { checks: 1.., .. }) => self.checked(sample, cost),
            (Some(cost), _) => Ok(cost),
            (None, _) => self.predict(sample),
        }
    }

    /// Predicts what the sum over known kernels is. If they differ, kernels depend on more than is
    /// known, and from now on only whole architectures are kept.
    fn checked(&mut self, sample: &Sample, sum: f64) -> Result<f64> {
        let total = self.observe(sample)?.total;
        if !agree(sum, total) {
            self.known = Known::Samples(HashMap::new());
        } else if let Known::Kernels { checks, .. } = &mut self.known {
            *checks -= 1;
        }
        Ok(total)
    }

    fn predict(&mut self, sample: &Sample) -> Result<f64> {
        let observed = self.observe(sample)?;
        match &mut self.known {
            Known::Kernels { memo, .. } => memo.note(self.space, sample, &self.probe, &observed),
            Known::Samples(known) => {
                known.insert(self.space.canonical(sample), observed.total);
            }
        }
        Ok(observed.total)
    }

    fn observe(&mut self, sample: &Sample) -> Result<Observation> {
        let observed = self.probe.observe(sample)?;
        self.predicted += 1;
        match observed.uncovered().first() {
            Some((node, _)) if !self.allow_uncovered => {
                Err(Error::new(ErrorKind::Uncovered, observed.label(*node), "has no price")
                    .hint("allow uncovered kernels, and costs will be without them"))
            }
            _ => Ok(observed),
        }
    }
}
