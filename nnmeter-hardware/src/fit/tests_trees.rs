//! Fits of trees, of made-up devices that the linear models cannot follow.

use nnmeter_core::feature::Feature;

use super::problem::{Fit, Problem};
use super::protocol::Training;
use super::recipe::{Correction, Recipe, TreeSpec, Trend};
use super::samples::Samples;
use super::terms::CPU;
use super::tests::{known_rates, linear_cost, made_up};
use super::*;
use nnmeter_core::workload::Workload;

const FEATURES: &[(Feature, Trend)] = &[
    (Feature::Height, Trend::Free),
    (Feature::Cin, Trend::Free),
    (Feature::Cout, Trend::Free),
    (Feature::KernelHeight, Trend::Free),
];

const CORRECTION: Correction = Correction {
    rounds: 60,
    depth: 3,
    step: 0.5,
    relax: 3.0,
    ridge: 0.1,
    least_leaf: 0.1,
    bins: 64,
    huber: 0.3,
    family_effect: 0.0,
    refresh: 5,
    trees: &[TreeSpec { kinds: &[Kind::Conv, Kind::DwConv], features: FEATURES }],
};

const TREES: Recipe =
    Recipe { family_effect: 0.0, rounds: 1, correction: Some(CORRECTION), ..Recipe::CPU };

/// A device on which kernels with many input channels take half as long again.
fn uneven(work: &Workload) -> f64 {
    linear_cost(work, &known_rates()) * if work.cin > 100 { 1.5 } else { 1.0 }
}

fn fit(samples: &Samples, recipe: &Recipe) -> Fit {
    Problem::new(samples, CPU).fit_on(recipe, &Training::All).expect("fits")
}

fn rmspe(samples: &Samples, fit: &Fit) -> f64 {
    let all: Vec<usize> = (0..samples.samples().len()).collect();
    let pairs = Problem::new(samples, CPU).pairs(fit, &all);
    let squares: f64 = pairs.iter().map(|pair| pair.relative_error().powi(2)).sum();
    (squares / pairs.len() as f64).sqrt()
}

#[test]
fn trees_find_what_rates_cannot_say() {
    let samples = made_up(uneven);
    let linear = rmspe(&samples, &fit(&samples, &Recipe { correction: None, ..TREES }));
    let corrected = rmspe(&samples, &fit(&samples, &TREES));
    assert!(linear > 0.04, "{linear}");
    assert!(corrected < 0.01, "{corrected}");
}

#[test]
fn boosting_does_not_diverge() {
    let samples = made_up(uneven);
    let error = |rounds: usize| {
        let correction = Correction { rounds, ..CORRECTION };
        rmspe(&samples, &fit(&samples, &Recipe { correction: Some(correction), ..TREES }))
    };
    let errors: Vec<f64> = [2, 8, 32, 128].map(error).into();
    assert!(errors.is_sorted_by(|before, after| after < before), "{errors:?}");
}

#[test]
fn the_same_data_give_the_same_bytes() {
    let bytes = || {
        let samples = made_up(uneven);
        let fit = fit(&samples, &TREES);
        let trees = fit.corrections.iter().map(|(_, learned)| learned.ensemble().to_bytes());
        (trees.collect::<Vec<_>>(), fit.rates)
    };
    assert_eq!(bytes(), bytes());
}

#[test]
fn models_price_as_the_corrected_fit_does() {
    let samples = made_up(uneven);
    let fit = fit(&samples, &TREES);
    let models = kernel_models(&samples, CPU, &fit).expect("all kinds have terms");
    let cost = |work: &Workload| {
        let (_, fitted) = models.iter().find(|(kind, _)| *kind == work.kind).expect("a model");
        assert!(matches!(fitted.model, KernelModel::Corrected(..)));
        fitted.model.cost(work)
    };
    let problem = Problem::new(&samples, CPU);
    let all: Vec<usize> = (0..problem.len()).collect();
    for (pair, sample) in problem.pairs(&fit, &all).iter().zip(samples.samples()) {
        let kernels = sample.kernels.iter();
        let total: f64 = kernels
            .map(|&(work, times)| f64::from(times) * cost(&samples.workloads()[work as usize]))
            .sum();
        assert!((total / pair.predicted - 1.0).abs() < 1e-12, "{}", sample.id);
    }
}

#[test]
fn a_rising_correction_never_falls() {
    const RISING: &[(Feature, Trend)] = &[(Feature::Cin, Trend::Rising)];
    const SPECS: &[TreeSpec] = &[TreeSpec { kinds: &[Kind::Conv], features: RISING }];
    // Fewer channels cost more here, which the trees must not say.
    let samples =
        made_up(|work| linear_cost(work, &known_rates()) * if work.cin > 100 { 1.0 } else { 1.5 });
    let correction = Correction { trees: SPECS, ..CORRECTION };
    let fit = fit(&samples, &Recipe { correction: Some(correction), ..TREES });
    let trees = fit.correction(Kind::Conv).expect("trees").ensemble();
    let logs: Vec<f32> = (1..300u16).map(|cin| trees.predict_row(&[f32::from(cin)])).collect();
    assert!(logs.is_sorted());
    assert!(fit.correction(Kind::DwConv).is_none());
}

#[test]
fn what_xgboost_refuses_is_an_error() {
    let samples = made_up(uneven);
    let correction = Correction { depth: 0, bins: 0, ..CORRECTION };
    let recipe = Recipe { correction: Some(correction), ..TREES };
    let error = Problem::new(&samples, CPU).fit_on(&recipe, &Training::All).expect_err("no bins");
    assert!(error.to_string().starts_with("XGBoost: "), "{error}");
}
