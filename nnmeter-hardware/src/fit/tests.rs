//! Fits of made-up devices whose rates are known.

use nnmeter_core::model::FittedRange;

use super::intervals::Residuals;
use super::problem::{Fit, Problem};
use super::protocol::{HeldOut, Training};
use super::recipe::Recipe;
use super::terms::{CPU, Group};
use super::*;
use nnmeter_core::workload::Workload;

/// Numbers from 0 to 1 in a fixed order that looks random.
fn noise(index: usize) -> f64 {
    (index as f64 * 0.618_033_988_749_895).fract()
}

/// A made-up kernel: the `index`th of its kind.
fn work(kind: Kind, window: u32, index: u32) -> Workload {
    let side = 7 + index * 5 % 50;
    let (cin, cout) = (3 + index * 37 % 200, 8 + index * 53 % 300);
    let same = !matches!(kind, Kind::Conv | Kind::Fc);
    let cout = if same { cin } else { cout };
    let elements = u64::from(side * side);
    let filter = if kind == Kind::DwConv { 1 } else { cin };
    Workload {
        kind,
        batch: 1,
        input: [1, side, side],
        output: [1, side, side],
        cin,
        cout,
        window: [1, window, window],
        stride: [1; 3],
        dilation: [1; 3],
        groups: if kind == Kind::DwConv { cin } else { 1 },
        operands: 1,
        channels: [0; 4],
        bits: 32,
        macs: 0,
        weights: u64::from(window * window * filter * cout),
        read: elements * u64::from(cin),
        written: elements * u64::from(cout),
        pooled: None,
    }
}

/// What a device of the rates given takes.
pub(super) fn linear_cost(work: &Workload, rates: &[f64]) -> f64 {
    CPU.iter().zip(rates).map(|(term, rate)| rate * term.count(work)).sum()
}

/// Models of two families, measured on a device that takes `cost`.
pub(super) fn made_up(cost: impl Fn(&Workload) -> f64) -> Samples {
    let kinds =
        [(Kind::Conv, 1), (Kind::Conv, 3), (Kind::Conv, 5), (Kind::DwConv, 3), (Kind::DwConv, 5)];
    let mut samples = Samples::new();
    for model in 0..400 {
        let layer = |i: usize| {
            let (kind, window) = kinds[(noise(model * 31 + i) * 5.0) as usize];
            work(kind, window, (model * 7 + i) as u32)
        };
        let works: Vec<Workload> = (0..12).map(layer).collect();
        let family = if model % 2 == 0 { "even" } else { "odd" };
        samples.push(format!("m_{model}"), family, works.iter().map(&cost).sum(), &works);
    }
    samples
}

/// As [`made_up`], of [`known_rates`].
fn linear() -> Samples {
    made_up(|work| linear_cost(work, &known_rates()))
}

pub(super) fn known_rates() -> Vec<f64> {
    (0..CPU.len()).map(|term| 0.1 + 0.05 * term as f64).collect()
}

/// No prior and no family effects, so that exact data are fitted exactly.
const EXACT: Recipe =
    Recipe { ridge: 1e-14, family_effect: 0.0, rounds: 1, least_multiple: 0.0, ..Recipe::CPU };

fn fit_all(problem: &Problem<'_>, recipe: &Recipe) -> Fit {
    problem.fit_on(recipe, &Training::All).expect("linear fits do not fail")
}

fn split(problem: &Problem<'_>, seed: u64) -> HeldOut {
    HeldOut::random_split(problem, seed, |training| problem.fit_on(&Recipe::CPU, training))
        .expect("linear fits do not fail")
}

#[test]
fn finds_the_rates_behind_totals() {
    let (rates, samples) = (known_rates(), linear());
    let problem = Problem::new(&samples, CPU);
    let fit = fit_all(&problem, &EXACT);
    for (term, spec) in CPU.iter().enumerate() {
        let in_data = samples.kinds().iter().any(|kind| spec.kinds.contains(kind));
        let (found, right) = (fit.rates[term], rates[term]);
        assert!(!in_data || (found / right - 1.0).abs() < 0.01, "{}: {found} {right}", spec.name);
    }
    let all: Vec<usize> = (0..problem.len()).collect();
    let pairs = problem.pairs(&fit, &all);
    let worst = pairs.iter().map(|pair| pair.relative_error().abs()).fold(0.0, f64::max);
    assert!(worst < 1e-5, "{worst}");
}

#[test]
fn a_term_without_data_keeps_its_groups_rate() {
    let samples = linear();
    let fit = fit_all(&Problem::new(&samples, CPU), &Recipe::CPU);
    let relu = CPU.iter().position(|term| term.name == "relu.e").expect("a term");
    assert!((fit.rates[relu] / fit.coarse[relu] - 1.0).abs() < 1e-6);
}

#[test]
fn the_same_data_give_the_same_bits() {
    let judge = || {
        let samples = linear();
        let problem = Problem::new(&samples, CPU);
        let fit = fit_all(&problem, &Recipe::CPU);
        (fit, split(&problem, 1))
    };
    assert_eq!(judge(), judge());
}

#[test]
fn held_out_models_are_predicted_once_each() {
    let samples = linear();
    let problem = Problem::new(&samples, CPU);
    let fit = |training: &Training| problem.fit_on(&EXACT, training);
    let held = HeldOut::leave_one_family_out(&problem, fit).expect("linear fits do not fail");
    let table = held.table(samples.families()).expect("two families");
    assert_eq!(table.overall.models, 400);
    assert_eq!(table.families.len(), 2);
    let residuals = Residuals::of_families_left_out(&held, &samples);
    let uncertainty = residuals.uncertainty().expect("finite errors");
    assert!(uncertainty.inside().at(0.95) < 0.01);
    assert_eq!(
        *uncertainty.totals().start(),
        samples.samples().iter().map(|s| s.measured).fold(f64::INFINITY, f64::min)
    );
    let random = split(&problem, 1);
    assert_eq!(random.table(samples.families()).expect("some").overall.models, 60);
}

#[test]
fn twins_stay_together() {
    let mut samples = linear();
    for twin in 0..200 {
        samples.push(format!("t_{twin}"), "twins", 1.0, &[work(Kind::Conv, 3, 1)]);
    }
    let problem = Problem::new(&samples, CPU);
    for seed in 0..20 {
        let random = split(&problem, seed);
        assert!([0, 200].contains(&random.families[2].len()));
    }
}

#[test]
fn models_price_as_the_fit_does_and_know_their_range() {
    let samples = linear();
    let problem = Problem::new(&samples, CPU);
    let fit = fit_all(&problem, &Recipe::CPU);
    let models = kernel_models(&samples, CPU, &fit).expect("all kinds have terms");
    let work = samples.workloads()[0];
    let (_, fitted) = models.iter().find(|(kind, _)| *kind == work.kind).expect("a model");
    let sum: f64 = CPU.iter().zip(&fit.rates).map(|(term, rate)| rate * term.count(&work)).sum();
    assert!((fitted.model.cost(&work) / sum - 1.0).abs() < 1e-12);
    let outside = |range: &FittedRange, work: &Workload| range.outside(work).len();
    assert_eq!(outside(&fitted.range, &work), 0);
    assert_eq!(outside(&fitted.range, &Workload { batch: 8, ..work }), 1);
}

#[test]
fn a_kind_without_terms_is_an_error() {
    let mut samples = linear();
    samples.push("odd_one".to_owned(), "even", 1.0, &[work(Kind::Softmax, 1, 1)]);
    let fit = fit_all(&Problem::new(&samples, CPU), &Recipe::CPU);
    let error = kernel_models(&samples, CPU, &fit).expect_err("softmax has no terms");
    expect_test::expect![[r#"model "odd_one": has kernels of kind "softmax" (1 models have); expected kinds that the terms of the fit price"#]]
        .assert_eq(&error.to_string());
}

/// Single kernels of a made-up device; those of kind ReLU occur in no model.
fn add_kernels(samples: &mut Samples) {
    let rates = known_rates();
    for index in 0..60 {
        for (kind, window) in [(Kind::Conv, 3), (Kind::Relu, 1)] {
            let work = work(kind, window, index);
            let id = format!("{kind}_{index}");
            samples.push_kernel(id, "kernels", linear_cost(&work, &rates), &work);
        }
    }
}

#[test]
fn kernels_measured_alone_tell_what_models_do_not() {
    let relu = CPU.iter().position(|term| term.name == "relu.e").expect("a term");
    let found = |samples: &Samples| fit_all(&Problem::new(samples, CPU), &EXACT).rates[relu];
    let mut both = linear();
    assert!((found(&both) / known_rates()[relu] - 1.0).abs() > 0.1);
    add_kernels(&mut both);
    assert!((found(&both) / known_rates()[relu] - 1.0).abs() < 0.01);
    let mut kernels = Samples::new();
    add_kernels(&mut kernels);
    assert!((found(&kernels) / known_rates()[relu] - 1.0).abs() < 0.01);
}

#[test]
fn kernels_are_fitted_on_and_never_held_out() {
    let mut samples = linear();
    add_kernels(&mut samples);
    let problem = Problem::new(&samples, CPU);
    let mut trainings = Vec::new();
    let held = HeldOut::leave_one_family_out(&problem, |training| {
        trainings.push(training.clone());
        problem.fit_on(&EXACT, training)
    });
    let counts = |held: HeldOut| held.families.iter().map(Vec::len).collect::<Vec<_>>();
    assert_eq!(counts(held.expect("linear fits do not fail")), [200, 200, 0]);
    assert_eq!(trainings, [Training::Without(vec![0]), Training::Without(vec![1])]);
    assert_eq!(counts(split(&problem, 1))[2], 0);
}

#[test]
fn weights_say_whom_to_believe() {
    // Kernels measured alone take twice as long as they do within models.
    let rates = known_rates();
    let fitted = |weight: f64| {
        let mut samples = linear();
        for index in 0..400 {
            let work = work(Kind::Conv, 3, index);
            let twice = 2.0 * linear_cost(&work, &rates);
            samples.push_kernel(format!("k_{index}"), "kernels", twice, &work);
        }
        samples.weigh_family(2, weight);
        fit_all(&Problem::new(&samples, CPU), &EXACT)
    };
    let mac = CPU.iter().position(|term| term.name == "conv3.mac").expect("a term");
    let multiple = |fit: &Fit| fit.rates[mac] / rates[mac];
    let [none, some, much] = [0.0, 1.0, 100.0].map(|weight| multiple(&fitted(weight)));
    assert!((none - 1.0).abs() < 0.01, "{none}");
    assert!(none < some && some < much, "{none} {some} {much}");
    assert!((much - 2.0).abs() < 0.1, "{much}");
}

#[test]
fn a_group_without_data_has_its_priors_rate() {
    let samples = linear();
    let fit = fit_all(&Problem::new(&samples, CPU), &Recipe::CPU);
    let coarse = |name: &str| {
        let term = CPU.iter().position(|term| term.name == name).expect("a term");
        fit.coarse[term]
    };
    // Fully connected layers and pools occur in no model.
    let prior = |group| Recipe::CPU.prior.of(group);
    let ratio = prior(Group::FullyConnected) / prior(Group::Pooling);
    assert!(coarse("fc.w") > 0.0);
    assert!((coarse("fc.w") / coarse("maxpool.mac") / ratio - 1.0).abs() < 1e-9);
    // The scale is that of what there are data for.
    let known = ["conv1.mac", "conv3.mac", "conv5.mac"].map(coarse);
    let scaled = coarse("fc.w") / prior(Group::FullyConnected);
    let [least, most] = [f64::min, f64::max].map(|pick| known.into_iter().reduce(pick));
    assert!(scaled > 0.1 * least.expect("three") && scaled < 10.0 * most.expect("three"));
}

#[test]
fn a_few_models_are_enough_for_a_fit_that_prices_everything() {
    let mut samples = Samples::new();
    let layers: Vec<Workload> = (0..4).map(|index| work(Kind::Conv, 3, index)).collect();
    let cost = layers.iter().map(|work| linear_cost(work, &known_rates())).sum();
    samples.push("only_0".to_owned(), "only", cost, &layers);
    let fit = fit_all(&Problem::new(&samples, CPU), &Recipe::CPU);
    assert!(fit.rates.iter().all(|rate| rate.is_finite() && *rate > 0.0), "{:?}", fit.rates);
}
