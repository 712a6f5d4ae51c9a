//! Fits of made-up devices whose rates are known.

use nnmeter_core::model::FittedRange;

use super::linear::{Problem, Recipe};
use super::protocol::HeldOut;
use super::terms::CPU;
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
    }
}

/// Models of two families, measured on a device of the rates given.
fn made_up(rates: &[f64]) -> Samples {
    let kinds =
        [(Kind::Conv, 1), (Kind::Conv, 3), (Kind::Conv, 5), (Kind::DwConv, 3), (Kind::DwConv, 5)];
    let mut samples = Samples::new();
    for model in 0..400 {
        let layer = |i: usize| {
            let (kind, window) = kinds[(noise(model * 31 + i) * 5.0) as usize];
            work(kind, window, (model * 7 + i) as u32)
        };
        let works: Vec<Workload> = (0..12).map(layer).collect();
        let cost = |work: &Workload| -> f64 {
            CPU.iter().zip(rates).map(|(term, rate)| rate * term.count(work)).sum()
        };
        let family = if model % 2 == 0 { "even" } else { "odd" };
        samples.push(format!("m_{model}"), family, works.iter().map(cost).sum(), &works);
    }
    samples
}

fn known_rates() -> Vec<f64> {
    (0..CPU.len()).map(|term| 0.1 + 0.05 * term as f64).collect()
}

/// No prior and no family effects, so that exact data are fitted exactly.
const EXACT: Recipe =
    Recipe { ridge: 1e-14, family_effect: 0.0, rounds: 1, least_multiple: 0.0, ..Recipe::CPU };

#[test]
fn finds_the_rates_behind_totals() {
    let (rates, samples) = (known_rates(), made_up(&known_rates()));
    let problem = Problem::new(&samples, CPU);
    let fit = problem.fit(&EXACT, |_| true);
    for (term, spec) in CPU.iter().enumerate() {
        let in_data = samples.kinds().iter().any(|kind| spec.kinds.contains(kind));
        let (found, right) = (fit.rates[term], rates[term]);
        assert!(!in_data || (found / right - 1.0).abs() < 0.01, "{}: {found} {right}", spec.name);
    }
    let worst =
        (0..problem.len()).map(|i| (problem.ratio(&fit, i) - 1.0).abs()).fold(0.0, f64::max);
    assert!(worst < 1e-5, "{worst}");
}

#[test]
fn a_term_without_data_keeps_its_groups_rate() {
    let samples = made_up(&known_rates());
    let fit = Problem::new(&samples, CPU).fit(&Recipe::CPU, |_| true);
    let relu = CPU.iter().position(|term| term.name == "relu.e").expect("a term");
    assert!((fit.rates[relu] / fit.coarse[relu] - 1.0).abs() < 1e-6);
}

#[test]
fn the_same_data_give_the_same_bits() {
    let judge = || {
        let samples = made_up(&known_rates());
        let problem = Problem::new(&samples, CPU);
        let fit = problem.fit(&Recipe::CPU, |_| true);
        (fit, HeldOut::random_split(&problem, &Recipe::CPU, &samples, 1))
    };
    assert_eq!(judge(), judge());
}

#[test]
fn held_out_models_are_predicted_once_each() {
    let samples = made_up(&known_rates());
    let problem = Problem::new(&samples, CPU);
    let held = HeldOut::leave_one_family_out(&problem, &EXACT, 2);
    let table = held.table(samples.families()).expect("two families");
    assert_eq!(table.overall.models, 400);
    assert_eq!(table.families.len(), 2);
    assert!(held.interval().expect("two families").inside < 0.01);
    let random = HeldOut::random_split(&problem, &Recipe::CPU, &samples, 1);
    assert_eq!(random.table(samples.families()).expect("some").overall.models, 60);
}

#[test]
fn twins_stay_together() {
    let mut samples = made_up(&known_rates());
    for twin in 0..200 {
        samples.push(format!("t_{twin}"), "twins", 1.0, &[work(Kind::Conv, 3, 1)]);
    }
    let problem = Problem::new(&samples, CPU);
    for seed in 0..20 {
        let random = HeldOut::random_split(&problem, &Recipe::CPU, &samples, seed);
        assert!([0, 200].contains(&random.families[2].len()));
    }
}

#[test]
fn models_price_as_the_fit_does_and_know_their_range() {
    let samples = made_up(&known_rates());
    let problem = Problem::new(&samples, CPU);
    let fit = problem.fit(&Recipe::CPU, |_| true);
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
    let mut samples = made_up(&known_rates());
    samples.push("odd_one".to_owned(), "even", 1.0, &[work(Kind::Softmax, 1, 1)]);
    let fit = Problem::new(&samples, CPU).fit(&Recipe::CPU, |_| true);
    let error = kernel_models(&samples, CPU, &fit).expect_err("softmax has no terms");
    expect_test::expect![[r#"model "odd_one": has kernels of kind "softmax" (1 models have); expected kinds that the terms of the fit price"#]]
        .assert_eq(&error.to_string());
}
