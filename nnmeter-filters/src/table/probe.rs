//! Observing a space: what the kernels of a sample cost, layer by layer.

use std::collections::BTreeMap;

use nnmeter_core::graph::NodeId;
use nnmeter_core::predict::NoPrice;

use super::reach::{self, ChoiceSet};
use crate::error::Result;
use crate::metric::{Bill, Metric};
use crate::random::Random;
use crate::space::{Instance, Sample, SearchSpace};

/// A predicted sample.
pub(super) struct Observation {
    /// Costs by site: of the kernels whose first operator is of that layer.
    pub(super) costs: Vec<f64>,
    pub(super) total: f64,
    instance: Instance,
    bill: Bill,
}

impl Observation {
    /// Operators without a price.
    pub(super) fn uncovered(&self) -> &[(NodeId, NoPrice)] {
        &self.bill.uncovered
    }

    /// How messages name a node.
    pub(super) fn label(&self, node: NodeId) -> String {
        self.instance.graph.graph().label(node)
    }
}

/// Predicts graphs of samples.
#[derive(Debug)]
pub(super) struct Probe<'a, M> {
    space: &'a SearchSpace,
    metric: &'a M,
    /// By site: why a kernel there has no price.
    pub(super) uncovered: BTreeMap<u32, NoPrice>,
    pub(super) random: Random,
}

impl<'a, M: Metric> Probe<'a, M> {
    pub(super) fn new(space: &'a SearchSpace, metric: &'a M, seed: u64) -> Self {
        Self { space, metric, uncovered: BTreeMap::new(), random: Random::new(seed) }
    }

    pub(super) fn observe(&mut self, sample: &Sample) -> Result<Observation> {
        let instance = self.space.instance(sample)?;
        let bill = self.metric.bill(&instance.graph);
        let mut costs = vec![0.0; self.space.sites().len()];
        let site = |node: NodeId| instance.origin.sites[node.index()];
        for part in &bill.parts {
            costs[site(part.nodes[0]) as usize] += part.cost;
        }
        for (node, reason) in &bill.uncovered {
            self.uncovered.entry(site(*node)).or_insert(*reason);
        }
        Ok(Observation { costs, total: bill.total(), instance, bill })
    }

    /// By site: the choices that costs there can depend on.
    pub(super) fn reach(&self, observed: &Observation) -> Vec<ChoiceSet> {
        let choices = self.space.choices().len();
        reach::of(self.space.sites(), choices, &observed.instance, &observed.bill)
    }
}
