//! Cost tables against predictions of whole graphs.

use nnmeter_core::predict::Predictor;
use nnmeter_core::units::Millis;
use nnmeter_filters::builtin;
use nnmeter_filters::metric::Metric;
use nnmeter_filters::random::Random;
use nnmeter_filters::space::SearchSpace;
use nnmeter_filters::table::{CompileOptions, CostTable};
use nnmeter_hardware::registry::Registry;

const DEVICE: &str = "cortexA76cpu_tflite21";

fn predictor() -> Predictor<Millis> {
    let device = Registry::built_in().open(DEVICE).expect("a built-in device");
    device.latency().expect("a predictor of latency").clone()
}

fn check(space: &SearchSpace, metric: &impl Metric, samples: usize) {
    let options = CompileOptions { allow_uncovered: true, ..CompileOptions::default() };
    let start = std::time::Instant::now();
    let table = CostTable::compile(space, metric, &options).expect("a table");
    let took = start.elapsed();
    println!(
        "{}: {took:?} {} entries, uncovered {:?}",
        space.name(),
        table.entries(),
        table.uncovered().len()
    );
    for factor in table.factors() {
        println!("   {:?} {}", factor.choices(), factor.costs().len());
    }
    let mut random = Random::new(1);
    for _ in 0..samples {
        let sample = space.random_sample(&mut random);
        let total = metric.bill(&space.typed(&sample).expect("a valid sample")).total();
        let cost = table.cost(&sample);
        assert!((cost - total).abs() <= 1e-9 * total, "{cost} {total}");
    }
    println!("    then {:?}", start.elapsed());
}

#[test]
fn spos() {
    for (name, _) in builtin::ALL {
        check(&builtin::space(name).expect("a built-in space"), &predictor(), 300);
    }
}
