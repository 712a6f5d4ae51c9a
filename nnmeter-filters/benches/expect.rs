//! Expected costs, their gradients by probability and by logit, and variances.
//!
//! Run it with `cargo bench -p nnmeter-filters --bench expect`. All figures are of one run, so compare
//! them with each other.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use nnmeter_filters::builtin;
use nnmeter_filters::expect::{ExpectedCost, Softmax};
use nnmeter_filters::random::Random;
use nnmeter_filters::table::{CompileOptions, CostTable};
use nnmeter_hardware::registry::Registry;

const DEVICE: &str = "cortexA76cpu_tflite21";

fn expectation(c: &mut Criterion) {
    let device = Registry::built_in().open(DEVICE).expect("a built-in device");
    let predictor = device.latency().expect("a predictor of latency");
    for name in ["spos", "proxylessnas", "once-for-all", "spos-channels"] {
        let space = builtin::space(name).expect("a built-in space");
        let table = CostTable::compile(&space, predictor, &CompileOptions::default());
        let table = table.expect("a table");
        let expected = ExpectedCost::new(&table);
        let mut random = Random::new(0);
        let logits: Vec<f64> = (0..expected.width()).map(|_| random.unit()).collect();
        let softmax = || Softmax::new(table.cardinalities(), black_box(&logits), 1.0);
        let made = softmax().expect("a distribution");
        let distribution = made.distribution();
        let mut gradient = vec![0.0; expected.width()];

        let mut group = c.benchmark_group(format!("{name} ({} entries)", table.entries()));
        group.bench_function("expectation", |b| b.iter(|| expected.value(black_box(distribution))));
        group.bench_function("with gradient", |b| {
            b.iter(|| expected.batch(black_box(distribution.values()), &mut gradient));
        });
        group.bench_function("logits to gradient by logit", |b| {
            b.iter(|| {
                let softmax = softmax().expect("a distribution");
                softmax.by_logit(&expected.gradient(softmax.distribution()).by_probability)
            });
        });
        group.bench_function("variance", |b| b.iter(|| expected.variance(black_box(distribution))));
        group.finish();
    }
}

criterion_group!(benches, expectation);
criterion_main!(benches);
