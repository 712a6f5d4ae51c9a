//! Draws under latency budgets from SPOS's space: exactly uniform ones, and rejection as peers have it.
//!
//! Run it with `cargo bench -p nnmeter-filters --bench budget`. NNI's one-shot samplers draw up to 100
//! times and then give up with an error; SPOS's code draws up to 500 times and then takes an
//! architecture without regard to the budget. Both are written here against the same table, so the
//! difference is in the method alone. Their shares of failures are printed first, over a fixed number of
//! attempts; all figures are of one run.

use std::hint::black_box;
use std::sync::Arc;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use nnmeter_filters::builtin;
use nnmeter_filters::constraint::{Constraints, Limit};
use nnmeter_filters::exact::{
    CountBounds, Feasible, Objective, Sampler, SamplerOptions, cheapest, pareto,
};
use nnmeter_filters::metric::Macs;
use nnmeter_filters::random::Random;
use nnmeter_filters::space::{Sample, SearchSpace};
use nnmeter_filters::table::{CompileOptions, CostTable};
use nnmeter_hardware::registry::Registry;

const DEVICE: &str = "cortexA76cpu_tflite21";
/// Budgets, relative to the cheapest architecture.
const BUDGETS: [f64; 4] = [1.02, 1.05, 1.1, 1.3];
const ATTEMPTS: usize = 2000;

fn table(space: &SearchSpace) -> Arc<CostTable> {
    let device = Registry::built_in().open(DEVICE).expect("a built-in device");
    let latency = device.latency().expect("a predictor of latency");
    let table = CostTable::compile(space, latency, &CompileOptions::default());
    Arc::new(table.expect("a table"))
}

/// Rejection: a draw within the budget, if one of so many is.
fn reject(
    space: &SearchSpace,
    constraints: &Constraints,
    tries: usize,
    random: &mut Random,
) -> Option<Sample> {
    let mut draws = (0..tries).map(|_| space.random_sample(random));
    draws.find(|sample| constraints.allow(sample))
}

struct Case {
    space: SearchSpace,
    constraints: Constraints,
    name: String,
}

fn cases() -> Vec<Case> {
    let space = builtin::space("spos").expect("a built-in space");
    let table = table(&space);
    let least = cheapest(&space, &table).expect("a sample").1;
    let case = |budget: &f64| Case {
        space: space.clone(),
        constraints: Constraints::new([
            Limit::at_most(table.clone(), budget * least).expect("a limit")
        ]),
        name: format!("{budget} x the least"),
    };
    BUDGETS.iter().map(case).collect()
}

fn sampler(case: &Case) -> Sampler {
    let feasible = Feasible::new(&case.space, case.constraints.clone()).expect("feasible");
    feasible.sampler(&SamplerOptions::default()).expect("a sampler")
}

fn failures(case: &Case, tries: usize) -> f64 {
    let mut random = Random::new(0);
    let fails = |_: &usize| reject(&case.space, &case.constraints, tries, &mut random).is_none();
    (0..ATTEMPTS).filter(fails).count() as f64 / ATTEMPTS as f64
}

fn shares() {
    for case in cases() {
        let feasible = Feasible::new(&case.space, case.constraints.clone()).expect("feasible");
        let CountBounds { certain, possible } =
            feasible.count(&SamplerOptions::default()).expect("a count");
        let mut sampler = sampler(&case);
        let mut random = Random::new(0);
        (0..ATTEMPTS).for_each(|_| drop(sampler.draw(&mut random).expect("a draw")));
        eprintln!(
            "{}: {certain} to {possible} architectures of 4^20; 100 tries fail {:.2} %, 500 tries \
             {:.2} %, exact draws 0 % with an acceptance of {:.4}",
            case.name,
            100.0 * failures(&case, 100),
            100.0 * failures(&case, 500),
            sampler.acceptance()
        );
    }
}

fn draws(c: &mut Criterion) {
    shares();
    for case in cases() {
        let mut group = c.benchmark_group(&case.name);
        group.sample_size(10);
        group.bench_function("make a sampler", |b| b.iter(|| sampler(black_box(&case))));
        group.throughput(Throughput::Elements(1));
        let (mut exact, mut random) = (sampler(&case), Random::new(0));
        group.bench_function("exactly uniform draw", |b| b.iter(|| exact.draw(&mut random)));
        group.bench_function("NNI's way: 100 tries, then an error", |b| {
            b.iter(|| reject(&case.space, &case.constraints, 100, &mut random));
        });
        group.bench_function("SPOS's way: 500 tries, then anything", |b| {
            b.iter(|| {
                let draw = reject(&case.space, &case.constraints, 500, &mut random);
                draw.unwrap_or_else(|| case.space.random_sample(&mut random))
            });
        });
        group.finish();
    }
}

fn best(c: &mut Criterion) {
    let space = builtin::space("spos").expect("a built-in space");
    let latency = table(&space);
    let macs = CostTable::compile(&space, &Macs, &CompileOptions::default()).expect("a table");
    let budget = 1.3 * cheapest(&space, &latency).expect("a sample").1;
    let limit = Limit::at_most(latency.clone(), budget).expect("a limit");
    let feasible = Feasible::new(&space, Constraints::new([limit])).expect("feasible");
    let mut group = c.benchmark_group("most multiply-accumulates within 1.3 x the least latency");
    group.sample_size(10);
    group.bench_function("100 best", |b| {
        b.iter(|| feasible.best(Objective::Most(&macs), 100).expect("the best"));
    });
    group.bench_function("Pareto front", |b| {
        b.iter(|| pareto(&space, &latency, Objective::Most(&macs), Some(budget)).expect("a front"));
    });
    group.finish();
}

criterion_group!(benches, draws, best);
criterion_main!(benches);
