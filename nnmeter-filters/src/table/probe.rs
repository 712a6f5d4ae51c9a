//! Observing a space: what the kernels of a sample cost, layer by layer.

use std::collections::BTreeMap;

use nnmeter_core::predict::NoPrice;

use crate::error::Result;
use crate::metric::Metric;
use crate::random::Random;
use crate::space::{Action, Block, Sample, SearchSpace};

/// Costs of a sample by site: of the kernels whose first operator is of that layer.
pub(super) struct Observation {
    pub(super) costs: Vec<f64>,
    pub(super) total: f64,
}

/// Predicts graphs of samples.
pub(super) struct Probe<'a, M> {
    pub(super) space: &'a SearchSpace,
    metric: &'a M,
    /// By choice: the option that leaves the fewest layers, if options differ in that.
    emptiest: Vec<Option<u8>>,
    /// By site: why a kernel there has no price.
    pub(super) uncovered: BTreeMap<u32, NoPrice>,
    pub(super) random: Random,
}

impl<'a, M: Metric> Probe<'a, M> {
    pub(super) fn new(space: &'a SearchSpace, metric: &'a M, seed: u64) -> Self {
        let emptiest = emptiest(space);
        Self { space, metric, emptiest, uncovered: BTreeMap::new(), random: Random::new(seed) }
    }

    pub(super) fn observe(&mut self, sample: &Sample) -> Result<Observation> {
        let instance = self.space.instance(sample)?;
        let bill = self.metric.bill(&instance.graph);
        let mut costs = vec![0.0; self.space.places().len()];
        for (node, cost) in &bill.costs {
            costs[instance.sites[node.index()] as usize] += cost;
        }
        for (node, reason) in &bill.uncovered {
            self.uncovered.entry(instance.sites[node.index()]).or_insert(*reason);
        }
        Ok(Observation { costs, total: bill.total() })
    }

    /// A random sample. Every other one takes the emptiest option of most choices: where candidates
    /// are empty, kernels meet that lie far apart otherwise.
    pub(super) fn draw(&mut self, number: usize) -> Sample {
        let sample = self.space.random_sample(&mut self.random);
        if number % 2 == 0 {
            return sample;
        }
        let share = [0.9, 0.5][number / 2 % 2];
        let mut emptied = sample;
        for (choice, option) in self.emptiest.iter().enumerate() {
            if let Some(option) = option
                && self.random.unit() < share
            {
                emptied = emptied.with(choice, *option);
            }
        }
        emptied
    }
}

/// By choice: the option with the fewest layers; `None` if all have equally many.
fn emptiest(space: &SearchSpace) -> Vec<Option<u8>> {
    let mut layers: Vec<Vec<usize>> =
        space.choices().iter().map(|choice| vec![0; choice.options.len()]).collect();
    weigh(space.body(), &mut layers);
    let least = |counts: Vec<usize>| {
        let differs = counts.windows(2).any(|pair| pair[0] != pair[1]);
        let (option, _) = counts.iter().enumerate().min_by_key(|(_, count)| **count)?;
        differs.then_some(option as u8)
    };
    layers.into_iter().map(least).collect()
}

/// Number of layers in a block, with that of each option added to `layers`.
fn weigh(block: &Block, layers: &mut [Vec<usize>]) -> usize {
    let mut count = 0;
    for step in block.steps() {
        match step.action() {
            Action::Layer(_) => count += 1,
            Action::Choose { choice, candidates } => {
                for (option, candidate) in candidates.iter().enumerate() {
                    let weight = weigh(candidate, layers);
                    layers[*choice][option] += weight;
                    count += weight;
                }
            }
            Action::Repeat { choice, times, layers: blocks } => {
                for (option, times) in times.iter().enumerate() {
                    layers[*choice][option] += times;
                }
                count += blocks.iter().map(|block| weigh(block, layers)).sum::<usize>();
            }
        }
    }
    count
}
