//! Costs of samples of SPOS's space: by the compiled table, by the obvious look-up, by predicting
//! graphs; and the compilation of every built-in space.
//!
//! Run it with `cargo bench -p nnmeter-filters`. All figures are of one run, so compare them with each
//! other.

use std::collections::HashMap;
use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use nnmeter_core::predict::Predictor;
use nnmeter_core::units::Millis;
use nnmeter_filters::builtin;
use nnmeter_filters::metric::Metric;
use nnmeter_filters::random::Random;
use nnmeter_filters::space::{Sample, SearchSpace};
use nnmeter_filters::table::{Batch, CompileOptions, CostTable, Costing};
use nnmeter_hardware::registry::Registry;

const DEVICE: &str = "cortexA76cpu_tflite21";
const SAMPLES: usize = 100_000;

fn predictor() -> Predictor<Millis> {
    let device = Registry::built_in().open(DEVICE).expect("a built-in device");
    device.latency().expect("a predictor of latency").clone()
}

/// What one writes first: a map from choice and option names to costs, for every sample a sum.
struct Obvious {
    costs: HashMap<(String, String), f64>,
    constant: f64,
}

impl Obvious {
    fn new(space: &SearchSpace, table: &CostTable) -> Self {
        let mut costs = HashMap::new();
        for factor in table.factors() {
            let [choice] = factor.choices() else { panic!("a factor of one choice") };
            let choice = &space.choices()[*choice];
            for (option, &cost) in choice.options.iter().zip(factor.costs()) {
                costs.insert((choice.name.clone(), option.clone()), cost);
            }
        }
        Self { costs, constant: table.constant() }
    }

    fn cost(&self, architecture: &[(String, String)]) -> f64 {
        self.constant + architecture.iter().map(|entry| self.costs[entry]).sum::<f64>()
    }
}

fn named(space: &SearchSpace, sample: &Sample) -> Vec<(String, String)> {
    let name = |(choice, &option): (&nnmeter_filters::space::Choice, &u8)| {
        (choice.name.clone(), choice.options[usize::from(option)].clone())
    };
    space.choices().iter().zip(sample.iter()).map(name).collect()
}

fn evaluation(c: &mut Criterion) {
    let space = builtin::space("spos").expect("a built-in space");
    let predictor = predictor();
    let table = CostTable::compile(&space, &predictor, &CompileOptions::default());
    let table = table.expect("a table");
    let mut random = Random::new(0);
    let samples: Vec<Sample> = (0..SAMPLES).map(|_| space.random_sample(&mut random)).collect();
    let mut batch = Batch::new(&space);
    samples.iter().for_each(|sample| batch.push(sample));
    let obvious = Obvious::new(&space, &table);
    let architectures: Vec<_> = samples.iter().map(|sample| named(&space, sample)).collect();

    let mut group = c.benchmark_group("many samples");
    group.throughput(Throughput::Elements(SAMPLES as u64));
    group.bench_function("table, batch", |b| b.iter(|| table.costs(black_box(&batch))));
    group.bench_function("table, one by one", |b| {
        b.iter(|| samples.iter().map(|sample| table.cost(black_box(sample))).sum::<f64>());
    });
    group.bench_function("factor by factor", |b| {
        b.iter(|| samples.iter().map(|s| table.cost_by_factors(black_box(s))).sum::<f64>());
    });
    group.bench_function("one change each", |b| {
        let change = |(i, sample): (usize, &Sample)| table.delta(black_box(sample), i % 20, 3);
        b.iter(|| samples.iter().enumerate().map(change).sum::<f64>());
    });
    group.sample_size(10);
    group.bench_function("maps by name", |b| {
        b.iter(|| architectures.iter().map(|a| obvious.cost(black_box(a))).sum::<f64>());
    });
    group.finish();
}

fn graphs(c: &mut Criterion) {
    let space = builtin::space("spos").expect("a built-in space");
    let predictor = predictor();
    let mut random = Random::new(0);
    let samples: Vec<Sample> = (0..64).map(|_| space.random_sample(&mut random)).collect();
    let typed: Vec<_> = samples.iter().map(|s| space.typed(s).expect("a valid sample")).collect();
    let mut group = c.benchmark_group("graphs");
    group.throughput(Throughput::Elements(samples.len() as u64));
    group.bench_function("instantiate", |b| {
        b.iter(|| samples.iter().for_each(|s| drop(black_box(space.instantiate(s)))));
    });
    group.bench_function("instantiate, infer shapes", |b| {
        b.iter(|| samples.iter().for_each(|s| drop(black_box(space.typed(s)))));
    });
    group.bench_function("predict typed graphs", |b| {
        b.iter(|| typed.iter().map(|graph| predictor.bill(graph).total()).sum::<f64>());
    });
    group.finish();
}

/// Samples of a space that is to have no table, all of whose kernels have been predicted before.
fn known_kernels(c: &mut Criterion) {
    let space = builtin::space("spos").expect("a built-in space");
    let predictor = predictor();
    let options = CompileOptions { most_entries: 2, ..CompileOptions::default() };
    let mut costing = Costing::new(&space, &predictor, &options).expect("a way to costs");
    let mut random = Random::new(0);
    let samples: Vec<Sample> = (0..10_000).map(|_| space.random_sample(&mut random)).collect();
    let mut total = |samples: &[Sample]| -> f64 {
        samples.iter().map(|sample| costing.cost(black_box(sample)).expect("a cost")).sum()
    };
    total(&samples);
    let mut group = c.benchmark_group("known kernels");
    group.throughput(Throughput::Elements(samples.len() as u64));
    group.bench_function("again", |b| b.iter(|| total(&samples)));
    group.finish();
    let Costing::Graphs(graphs) = &costing else { panic!("there is a table") };
    eprintln!("known kernels: {} graphs were predicted in all", graphs.predicted());
}

fn compilation(c: &mut Criterion) {
    let predictor = predictor();
    let options = CompileOptions { allow_uncovered: true, ..CompileOptions::default() };
    let mut group = c.benchmark_group("compile");
    group.sample_size(10);
    for (name, _) in builtin::ALL {
        let space = builtin::space(name).expect("a built-in space");
        group.bench_function(*name, |b| {
            b.iter(|| CostTable::compile(&space, &predictor, &options).expect("a table"));
        });
    }
    group.finish();
}

criterion_group!(benches, evaluation, graphs, known_kernels, compilation);
criterion_main!(benches);
