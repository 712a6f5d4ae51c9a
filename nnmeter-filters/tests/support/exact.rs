//! Brute force on small spaces, and a space of the form of SPOS's that is small enough for it.

use std::collections::BTreeMap;
use std::sync::Arc;

use nnmeter_filters::metric::Metric;
use nnmeter_filters::space::{Activation, Block, Choice, Layer, Sample, SearchSpace};
use nnmeter_filters::table::{CompileOptions, CostTable};

pub(crate) fn compile(space: &SearchSpace, metric: &impl Metric) -> Arc<CostTable> {
    Arc::new(CostTable::compile(space, metric, &CompileOptions::default()).expect("a table"))
}

/// All architectures.
pub(crate) fn canonical(space: &SearchSpace) -> Vec<Sample> {
    let mut all: Vec<Sample> = space.samples().map(|sample| space.canonical(&sample)).collect();
    all.sort();
    all.dedup();
    all
}

/// The cost that the given share of architectures does not exceed.
pub(crate) fn quantile(table: &CostTable, all: &[Sample], share: f64) -> f64 {
    let mut costs: Vec<f64> = all.iter().map(|sample| table.cost(sample)).collect();
    costs.sort_by(f64::total_cmp);
    costs[((costs.len() - 1) as f64 * share) as usize]
}

/// Pearson's statistic of `draws` against equal frequencies, with its standardised excess: some 1
/// where they are equal. A draw that is not `expected` fails.
pub(crate) fn excess(draws: &[Sample], expected: &[Sample]) -> f64 {
    let mut counts: BTreeMap<&Sample, f64> = expected.iter().map(|s| (s, 0.0)).collect();
    for draw in draws {
        *counts.get_mut(draw).expect("a sample within the constraints") += 1.0;
    }
    let mean = draws.len() as f64 / expected.len() as f64;
    let statistic: f64 = counts.values().map(|count| (count - mean).powi(2) / mean).sum();
    let freedom = (expected.len() as f64 - 1.0).max(1.0);
    (statistic - freedom) / (2.0 * freedom).sqrt()
}

/// Six blocks, each one of three kernels or none, as SPOS's are but for their number: 4096.
pub(crate) fn small_spos() -> SearchSpace {
    let choices = (0..6).map(|i| Choice::new(format!("block {i}"), ["k3", "k5", "k7", "none"]));
    let mut body = Block::new();
    let mut value = body.layer(Layer::strided_conv(16, 3, 2), &[body.input()]);
    for index in 0..6 {
        let candidate = |kernel: u32| {
            let mut block = Block::new();
            let relu = Layer::Activation(Activation::Relu);
            let wide = 16 + 8 * index as u32;
            block.chain(
                [Layer::conv(wide, 1), relu, Layer::depthwise(kernel, 1), Layer::conv(16, 1)],
                block.input(),
            );
            block
        };
        let candidates = vec![candidate(3), candidate(5), candidate(7), Block::new()];
        value = body.choose(index, candidates, value);
    }
    body.layer(Layer::GlobalPool, &[value]);
    SearchSpace::new("small SPOS", [1, 3, 64, 64], choices.collect(), body).expect("a valid space")
}
