//! Expected costs against enumeration, against averages of many samples, and gradients against finite
//! differences.

mod support;

use nnmeter_filters::builtin;
use nnmeter_filters::error::ErrorKind;
use nnmeter_filters::expect::{
    AddLinear, Aggregate, BaselinePenalty, CostLoss, Distribution, ExpectedCost, MulLog,
    Nonlinearity, Softmax,
};
use nnmeter_filters::metric::Metric;
use nnmeter_filters::random::Random;
use nnmeter_filters::space::{Sample, SearchSpace};
use nnmeter_filters::table::{Batch, CompileOptions, CostTable};
use support::random_space::random_space;
use support::{GPU, GREEDY, cpu, made_up};

fn space(name: &str) -> SearchSpace {
    builtin::space(name).expect("a built-in space")
}

fn compile(space: &SearchSpace, metric: &impl Metric) -> CostTable {
    CostTable::compile(space, metric, &CompileOptions::default()).expect("a table")
}

/// Logits between -2 and 2.
fn logits(width: usize, seed: u64) -> Vec<f64> {
    let mut random = Random::new(seed);
    (0..width).map(|_| 4.0 * random.unit() - 2.0).collect()
}

fn softmax(table: &CostTable, logits: &[f64], temperature: f64) -> Softmax {
    Softmax::new(table.cardinalities(), logits, temperature).expect("a distribution")
}

fn probability(distribution: &Distribution, sample: &Sample) -> f64 {
    let of = |(choice, &option): (usize, &u8)| {
        distribution.values()[distribution.range(choice).start + usize::from(option)]
    };
    sample.iter().enumerate().map(of).product()
}

fn close(a: f64, b: f64, tolerance: f64) -> bool {
    (a - b).abs() <= tolerance * a.abs().max(b.abs())
}

#[test]
fn expectation_and_variance_are_those_of_all_samples() {
    let mut larger = 0;
    for seed in 0..40 {
        let space = random_space(seed);
        for rules in [GPU, GREEDY] {
            let metric = made_up(rules);
            let table = compile(&space, &metric);
            larger += usize::from(table.factors().iter().any(|f| f.choices().len() > 2));
            let expected = ExpectedCost::new(&table);
            let softmax = softmax(&table, &logits(expected.width(), seed), 0.7);
            let distribution = softmax.distribution();
            let samples: Vec<(f64, f64)> = space
                .samples()
                .map(|s| (probability(distribution, &s), table.cost_by_factors(&s)))
                .collect();
            let mean: f64 = samples.iter().map(|(p, cost)| p * cost).sum();
            let variance: f64 = samples.iter().map(|(p, cost)| p * (cost - mean).powi(2)).sum();
            assert!(close(expected.value(distribution), mean, 1e-12), "seed {seed}");
            let found = expected.variance(distribution);
            assert!((found - variance).abs() <= 1e-9 * variance + 1e-15 * mean * mean, "{seed}");
        }
    }
    assert!(larger > 5, "{larger} tables have factors of three choices or more");
}

#[test]
fn one_architecture_costs_what_it_costs_and_does_not_vary() {
    let space = space("once-for-all");
    let table = compile(&space, &cpu());
    let expected = ExpectedCost::new(&table);
    let sample = space.random_sample(&mut Random::new(3));
    let certain = certain(&table, &sample);
    assert!(close(expected.value(&certain), table.cost(&sample), 1e-12));
    assert!(expected.variance(&certain) <= 1e-20);
}

/// The distribution that gives this sample alone.
fn certain(table: &CostTable, sample: &Sample) -> Distribution {
    let one = |(&option, &options): (&u8, &usize)| {
        (0..options).map(move |other| f64::from(u8::from(other == usize::from(option))))
    };
    let values = sample.iter().zip(table.cardinalities()).flat_map(one).collect();
    Distribution::new(table.cardinalities(), values).expect("a distribution")
}

#[test]
fn choices_of_layers_that_are_not_there_have_no_gradient() {
    let space = space("once-for-all");
    let table = compile(&space, &cpu());
    let expected = ExpectedCost::new(&table);
    // The least of every depth is certain; all else is open.
    let mut logits = logits(expected.width(), 5);
    let uniform = Distribution::uniform(table.cardinalities());
    let is_depth =
        |choice: usize| space.activity().iter().any(|a| a.depends_on().contains(&choice));
    for depth in (0..space.choices().len()).filter(|&choice| is_depth(choice)) {
        logits[uniform.range(depth)].fill(f64::NEG_INFINITY);
        logits[uniform.range(depth).start] = 0.0;
    }
    let shallow = space.sample(&vec![0; space.choices().len()]).expect("a sample");
    let softmax = softmax(&table, &logits, 1.0);
    let gradient = expected.gradient(softmax.distribution());
    let by_logit = softmax.by_logit(&gradient.by_probability);
    let (mut active, mut inactive) = (0, 0);
    for (choice, activity) in space.activity().iter().enumerate() {
        let part = &by_logit[uniform.range(choice)];
        let most = part.iter().fold(0.0, |most: f64, slope| most.max(slope.abs()));
        if !activity.holds(&shallow) {
            assert!(most <= 1e-13 * gradient.value, "{}: {most}", space.choices()[choice].name);
            inactive += 1;
        } else if !is_depth(choice) {
            assert!(most > 1e-6 * gradient.value, "{}: {most}", space.choices()[choice].name);
            active += 1;
        }
    }
    assert!(active > 10 && inactive > 10, "{active} {inactive}");
}

#[test]
fn gradients_are_finite_differences_on_every_built_in_space() {
    let cpu = cpu();
    for (name, _) in builtin::ALL {
        let space = space(name);
        let table = compile(&space, &cpu);
        check_gradient(name, &table);
    }
    for name in ["spos-channels", "proxylessnas", "once-for-all"] {
        check_gradient(name, &compile(&space(name), &made_up(GPU)));
    }
}

fn check_gradient(name: &str, table: &CostTable) {
    const STEP: f64 = 1e-4;
    let expected = ExpectedCost::new(table);
    let logits = logits(expected.width(), 11);
    let at = |logits: &[f64]| softmax(table, logits, 1.5);
    let here = at(&logits);
    let gradient = expected.gradient(here.distribution());
    let by_logit = here.by_logit(&gradient.by_probability);
    // By probability, the value is linear: any step will do.
    let value = |row: &[f64]| {
        expected.batch(row, &mut vec![0.0; row.len()]).expect("a row of the right size")[0]
    };
    let differ = |values: &[f64], index: usize, step: f64, value: &dyn Fn(&[f64]) -> f64| {
        let shifted = |by: f64| {
            let mut values = values.to_vec();
            values[index] += by;
            value(&values)
        };
        (shifted(step) - shifted(-step)) / (2.0 * step)
    };
    let noise = 1e-10 * gradient.value;
    // A table over many choices is slow to differ; some of its variables show it all the same.
    let every = 1 + table.entries() / 10_000;
    for index in (0..logits.len()).step_by(every) {
        let found = differ(here.distribution().values(), index, 0.1, &value);
        let slope = gradient.by_probability[index];
        assert!((found - slope).abs() <= 1e-6 * slope.abs() + noise, "{name}: {found} {slope}");
        let of_logits = |logits: &[f64]| expected.value(at(logits).distribution());
        let found = differ(&logits, index, STEP, &of_logits);
        let slope = by_logit[index];
        assert!((found - slope).abs() <= 1e-6 * slope.abs() + noise, "{name}: {found} {slope}");
    }
}

#[test]
fn averages_of_samples_tend_to_expectation_and_variance() {
    const SAMPLES: usize = 100_000;
    for (name, rules) in [("spos", GPU), ("proxylessnas", GPU), ("once-for-all", GREEDY)] {
        let space = space(name);
        let table = compile(&space, &made_up(rules));
        let expected = ExpectedCost::new(&table);
        let softmax = softmax(&table, &logits(expected.width(), 2), 1.0);
        let distribution = softmax.distribution();
        let mut random = Random::new(9);
        let mut batch = Batch::new(&space);
        (0..SAMPLES).for_each(|_| batch.push(&draw(&space, distribution, &mut random)));
        let costs = table.costs(&batch);
        let moment = |power: i32, about: f64| {
            costs.iter().map(|cost| (cost - about).powi(power)).sum::<f64>() / SAMPLES as f64
        };
        let (value, variance) = (expected.value(distribution), expected.variance(distribution));
        let error = (variance / SAMPLES as f64).sqrt();
        assert!((moment(1, value)).abs() < 4.0 * error, "{name}: {}", moment(1, value) / error);
        let spread = moment(2, value);
        let error = ((moment(4, value) - spread * spread) / SAMPLES as f64).sqrt();
        assert!((spread - variance).abs() < 4.0 * error, "{name}: {spread} {variance}");
    }
}

fn draw(space: &SearchSpace, distribution: &Distribution, random: &mut Random) -> Sample {
    let option = |choice: usize| {
        let mut left = random.unit();
        let values = &distribution.values()[distribution.range(choice)];
        let taken = values.iter().position(|value| {
            left -= value;
            left < 0.0
        });
        taken.unwrap_or(values.len() - 1) as u8
    };
    let options: Vec<u8> = (0..space.choices().len()).map(option).collect();
    space.sample(&options).expect("a sample")
}

#[test]
fn a_batch_is_its_rows() {
    let table = compile(&space("proxylessnas"), &made_up(GPU));
    let expected = ExpectedCost::new(&table);
    let softmaxes: Vec<Softmax> =
        (0..3).map(|seed| softmax(&table, &logits(expected.width(), seed), 1.0)).collect();
    let rows: Vec<f64> =
        softmaxes.iter().flat_map(|s| s.distribution().values()).copied().collect();
    let mut gradients = vec![f64::NAN; rows.len()];
    let values = expected.batch(&rows, &mut gradients).expect("rows of the right size");
    for (index, softmax) in softmaxes.iter().enumerate() {
        let one = expected.gradient(softmax.distribution());
        assert_eq!(values[index], one.value);
        assert!(close(expected.value(softmax.distribution()), one.value, 1e-15));
        let width = expected.width();
        assert_eq!(gradients[index * width..(index + 1) * width], one.by_probability);
    }
    let error = expected.batch(&rows[1..], &mut gradients).expect_err("too few");
    assert_eq!(error.kind(), ErrorKind::BadDistribution);
}

#[test]
fn losses_reach_the_logits() {
    let table = compile(&space("proxylessnas"), &made_up(GPU));
    let expected = ExpectedCost::new(&table);
    let logits = logits(expected.width(), 4);
    let task = 1.7;
    let cost = expected.value(softmax(&table, &logits, 2.0).distribution());
    check_loss(&expected, &table, &logits, task, &AddLinear::new(0.8 * cost, 0.2).expect("valid"));
    check_loss(
        &expected,
        &table,
        &logits,
        task,
        &MulLog::new(2.0 * cost, 0.9, 0.6).expect("valid"),
    );
    for nonlinear in [Nonlinearity::Positive, Nonlinearity::Absolute] {
        let penalty = BaselinePenalty::new(0.9 * cost, 1.3, nonlinear, Aggregate::Mul);
        check_loss(&expected, &table, &logits, task, &penalty.expect("valid"));
    }
}

fn check_loss(
    expected: &ExpectedCost<'_>,
    table: &CostTable,
    logits: &[f64],
    task: f64,
    loss: &impl CostLoss,
) {
    let value = |logits: &[f64], task: f64| {
        expected.loss(&softmax(table, logits, 2.0), task, loss).expect("defined").value
    };
    let here = expected.loss(&softmax(table, logits, 2.0), task, loss).expect("defined");
    let by_task = (value(logits, task + 1e-4) - value(logits, task - 1e-4)) / 2e-4;
    assert!(close(by_task, here.by_task, 1e-6));
    for index in 0..logits.len() {
        let shifted = |by: f64| {
            let mut logits = logits.to_vec();
            logits[index] += by;
            value(&logits, task)
        };
        let (found, slope) = ((shifted(1e-4) - shifted(-1e-4)) / 2e-4, here.by_logit[index]);
        assert!((found - slope).abs() <= 1e-6 * slope.abs() + 1e-10, "{found} {slope}");
    }
}
