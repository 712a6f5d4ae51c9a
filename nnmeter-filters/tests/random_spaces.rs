//! Random spaces, every sample of each: tables against predictions, activity and counts against
//! enumeration, JSON there and back.

mod support;

use std::collections::{HashMap, HashSet};

use nnmeter_filters::metric::{Macs, Metric, Parameters};
use nnmeter_filters::space::{Sample, SearchSpace};
use nnmeter_filters::table::{Batch, CompileOptions, CostTable};
use support::random_space::random_space;
use support::{GPU, GREEDY, made_up};

const SPACES: u64 = 80;

/// The table of `metric`, checked on every sample by every way to evaluate it.
fn check(space: &SearchSpace, metric: &impl Metric) {
    let table = CostTable::compile(space, metric, &CompileOptions::default()).expect("a table");
    let mut batch = Batch::new(space);
    let samples: Vec<Sample> = space.samples().collect();
    samples.iter().for_each(|sample| batch.push(sample));
    let costs = table.costs(&batch);
    let close = |a: f64, b: f64| (a - b).abs() <= 1e-9 * b.abs().max(1e-9);
    for (sample, cost) in samples.iter().zip(costs) {
        let predicted = metric.bill(&space.typed(sample).expect("a valid sample")).total();
        let ways = [cost, table.cost(sample), table.cost_by_factors(sample)];
        assert!(ways.iter().all(|&way| close(way, predicted)), "{ways:?} {predicted}");
        let choice = predicted.to_bits() as usize % sample.len();
        let changed = sample.with(choice, 0);
        assert!(close(cost + table.delta(sample, choice, 0), table.cost(&changed)));
    }
}

#[test]
fn tables_equal_predictions_on_every_sample() {
    for seed in 0..SPACES {
        let space = random_space(seed);
        for rules in [GPU, GREEDY] {
            check(&space, &made_up(rules));
        }
        check(&space, &Parameters);
    }
}

#[test]
fn architectures_are_counted_as_by_enumeration() {
    let mut conditional = 0;
    for seed in 0..SPACES {
        let space = random_space(seed);
        let canonical: HashSet<Sample> = space.samples().map(|s| space.canonical(&s)).collect();
        assert_eq!(space.architectures(), Some(canonical.len() as u128), "seed {seed}");
        conditional += u32::from(canonical.len() < space.samples().count());
    }
    assert!(conditional > 5, "{conditional} spaces have choices without effect");
}

#[test]
fn choices_without_effect_have_none() {
    for seed in 0..SPACES {
        let space = random_space(seed);
        let mut costs: HashMap<Sample, f64> = HashMap::new();
        for sample in space.samples() {
            let cost = Macs.bill(&space.typed(&sample).expect("a valid sample")).total();
            assert_eq!(*costs.entry(space.canonical(&sample)).or_insert(cost), cost);
        }
    }
}

#[test]
fn json_reads_back() {
    for seed in 0..SPACES {
        let space = random_space(seed);
        let json = space.to_json().to_string();
        assert_eq!(
            SearchSpace::from_json(json.as_bytes()).expect("a valid space"),
            space,
            "{json}"
        );
    }
}
