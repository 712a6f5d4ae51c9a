//! Calibration to made-up devices whose rates are multiples of a made-up base's.

use nnmeter_core::ensemble::{Ensemble, Node, PlainEnsemble, Tree};
use nnmeter_core::feature::Feature;
use nnmeter_core::model::{FittedRange, Learned, Parametric, Term, WindowClass};
use nnmeter_core::predict::FittedModel;
use nnmeter_core::uncertainty::{Quantiles, Uncertainty};
use nnmeter_core::workload::Workload;

use super::*;

/// Numbers from 0 to 1 in a fixed order that looks random.
fn noise(index: usize) -> f64 {
    (index as f64 * 0.618_033_988_749_895).fract()
}

fn work(kind: Kind, window: u32, index: usize) -> Workload {
    let side = 7 + (noise(3 * index) * 40.0) as u32;
    let (cin, cout) =
        (8 + (noise(5 * index) * 200.0) as u32, 8 + (noise(7 * index) * 200.0) as u32);
    let elements = u64::from(side * side);
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
        groups: 1,
        operands: 1,
        channels: [0; 4],
        bits: 32,
        macs: elements * u64::from(window * window * cin * cout),
        weights: u64::from(window * window * cin * cout),
        read: elements * u64::from(cin),
        written: elements * u64::from(cout),
        pooled: None,
    }
}

fn terms(kind: Kind) -> Vec<Term> {
    let any = |feature, rate| Term { feature, window: WindowClass::Any, rate };
    let macs = |window, rate| Term { feature: Feature::Macs, window, rate };
    match kind {
        Kind::Conv => vec![
            macs(WindowClass::Pointwise, 2e-7),
            macs(WindowClass::Small, 1e-7),
            any(Feature::Written, 1e-6),
        ],
        _ => vec![any(Feature::Moved, 3e-6), any(Feature::One, 0.01)],
    }
}

const KINDS: [Kind; 3] = [Kind::Conv, Kind::MaxPool, Kind::Add];

/// A tree that adds `leaf` for wide kernels.
fn trees(leaf: f32) -> Learned {
    let split = Node::Split { feature: 0, threshold: 100.0, default_left: true, left: 1, right: 2 };
    let nodes = vec![split, Node::Leaf { value: 0.0 }, Node::Leaf { value: leaf }];
    let plain = PlainEnsemble { n_features: 1, trees: vec![Tree { nodes }], ..Default::default() };
    let ensemble = Ensemble::new(&plain).expect("a valid tree");
    Learned::new(vec![Feature::Cout], ensemble).expect("one feature")
}

/// A base whose convolutions are corrected by trees.
fn base() -> MetricModels {
    let model = |kind: Kind| {
        let rates = Parametric::new(terms(kind)).expect("valid rates");
        let model = match kind {
            Kind::Conv => KernelModel::Corrected(rates, trees(0.4)),
            _ => KernelModel::Parametric(rates),
        };
        (kind, FittedModel { model, range: FittedRange::default() })
    };
    let errors = Quantiles::new(vec![(0.05, -0.04), (0.95, 0.04)]).expect("they rise");
    let uncertainty = Uncertainty::new(0.9, errors.clone(), errors, 0.01..=1e4).expect("a level");
    MetricModels { uncertainty: Some(uncertainty), kernels: KINDS.map(model).to_vec() }
}

/// `count` networks of `families` families that cost what `device` says, off by up to `error`.
fn timings(device: &MetricModels, count: usize, families: usize, error: f64) -> Samples {
    let mut samples = Samples::new();
    for network in 0..count {
        let layer = |at: usize| {
            let pick = noise(network * 31 + at * 7);
            let window = if pick < 0.3 { 1 } else { 3 };
            work(KINDS[(pick * 3.0) as usize], window, network * 17 + at)
        };
        let works: Vec<Workload> = (0..6).map(layer).collect();
        let cost = total(device, &works) * (1.0 + error * (2.0 * noise(network * 13) - 1.0));
        samples.push(format!("net_{network}"), &format!("f{}", network % families), cost, &works);
    }
    samples
}

fn total(device: &MetricModels, works: &[Workload]) -> f64 {
    let model = |kind: Kind| &device.kernels.iter().find(|of| of.0 == kind).expect("a model").1;
    works.iter().map(|work| model(work.kind).model.cost(work)).sum()
}

/// The largest error on networks of another seed, as a share.
fn worst(found: &MetricModels, right: &MetricModels) -> f64 {
    let samples = timings(right, 240, 1, 0.0);
    let later = samples.samples().iter().skip(120);
    later.fold(0.0, |worst, sample| {
        let works = sample.kernels.iter().flat_map(|&(work, times)| {
            std::iter::repeat_n(samples.workloads()[work as usize], times as usize)
        });
        let works: Vec<Workload> = works.collect();
        f64::max(worst, (total(found, &works) / sample.measured - 1.0).abs())
    })
}

/// A device with the base's rates times `multiples`.
fn device(multiples: &[f64], corrected: bool) -> MetricModels {
    let base = base();
    let kernels = Design::of_base(&base.kernels, corrected).models(multiples).expect("valid rates");
    MetricModels { kernels, ..base.clone() }
}

fn found(device: &MetricModels, count: usize, error: f64) -> Calibrated {
    let samples = timings(device, count, 5, error);
    calibrate(&base(), &samples, Families::Stated).expect("can be calibrated")
}

#[test]
fn one_timing_sets_the_scale() {
    let twice = device(&[2.0; 7], true);
    let calibrated = found(&twice, 1, 0.0);
    assert!(worst(&calibrated.models, &twice) < 1e-9);
    assert_eq!(calibrated.strengths, Strengths::DEFAULT);
    assert!(calibrated.held_out.is_none());
    let uncertainty = calibrated.models.uncertainty.as_ref().expect("made");
    assert!(uncertainty.inside().at(0.95) > 0.5, "one timing says little");
    assert!((uncertainty.totals().end() / 2e4 - 1.0).abs() < 1e-9);
}

#[test]
fn finds_the_multiples_behind_totals() {
    let other = device(&[2.0, 0.7, 1.5, 4.0, 1.0, 0.5, 3.0], true);
    let few = worst(&found(&other, 3, 0.0).models, &other);
    let many = worst(&found(&other, 60, 0.0).models, &other);
    assert!(many < 0.01 && many < few, "{few} {many}");
}

#[test]
fn drops_corrections_that_the_device_does_not_have() {
    let plain = device(&[1.5, 0.7, 1.5, 4.0, 1.0, 0.5, 3.0], false);
    let calibrated = found(&plain, 60, 0.0);
    assert!(calibrated.strengths.start == Start::Rates, "{}", calibrated.strengths);
    assert!(worst(&calibrated.models, &plain) < 0.01);
    let same = found(&device(&[1.5; 7], true), 60, 0.01);
    assert!(same.strengths.start == Start::Base, "{}", same.strengths);
}

/// Rates of a device that is nothing like the base: a pooled element costs a hundred times as much.
fn stranger() -> MetricModels {
    let generic = generic::kernels(&base().kernels).expect("valid rates");
    let columns = Design::generic(&generic).groups().len();
    let multiples: Vec<f64> = (0..columns).map(|at| 1e-7 * (0.4 + 2.0 * noise(at))).collect();
    let kernels = Design::generic(&generic).models(&multiples).expect("valid rates");
    MetricModels { kernels, ..base() }
}

#[test]
fn a_device_unlike_the_base_is_fitted_by_generic_terms() {
    let other = stranger();
    let samples = timings(&other, 60, 5, 0.01);
    let errors = |starts: &[Start]| {
        let calibrated = calibrate_from(&base(), &samples, Families::Stated, starts);
        let calibrated = calibrated.expect("can be calibrated");
        (calibrated.strengths.start, worst(&calibrated.models, &other))
    };
    let (start, chosen) = errors(&Start::ALL);
    let (_, by_base) = errors(&[Start::Base, Start::Rates]);
    assert_eq!(start, Start::Generic);
    assert!(chosen < 0.2 && chosen < by_base / 2.0, "{chosen} {by_base}");
    let few = calibrate(&base(), &timings(&other, 5, 5, 0.0), Families::Stated).expect("can be");
    assert_eq!(few.strengths, Strengths::DEFAULT, "five timings choose nothing");
}

#[test]
fn generic_terms_price_every_kind() {
    let fitted = |kind| (kind, base().kernels[0].1.clone());
    let all: Vec<(Kind, FittedModel)> = Kind::ALL.iter().map(|&kind| fitted(kind)).collect();
    for (kind, fitted) in generic::kernels(&all).expect("valid rates") {
        assert!(fitted.model.cost(&work(kind, 3, 1)) > 0.0, "{kind}");
    }
    assert!(calibrate_from(&base(), &timings(&base(), 9, 3, 0.0), Families::Stated, &[]).is_err());
}

#[test]
fn intervals_hold_and_narrow_with_timings() {
    let other = device(&[2.0, 1.7, 1.5, 2.5, 2.0, 2.0, 2.0], true);
    let width = |calibrated: &Calibrated| {
        let inside = calibrated.models.uncertainty.as_ref().expect("made").inside();
        inside.at(0.95) - inside.at(0.05)
    };
    let (few, many) = (found(&other, 3, 0.1), found(&other, 100, 0.1));
    assert!(width(&few) > 2.0 * width(&many), "{} {}", width(&few), width(&many));
    let held = many.held_out.expect("families").overall.coverage.expect("intervals");
    assert!(held >= 90.0, "{held}");
    assert!(width(&found(&other, 100, 0.0)) < 0.06, "no error, little width");
}

#[test]
fn guessed_families_do_not_narrow_an_interval() {
    let samples = timings(&device(&[2.0; 7], true), 40, 5, 0.0);
    let ends = |families| {
        let calibrated = calibrate(&base(), &samples, families).expect("can be calibrated");
        calibrated.models.uncertainty.as_ref().expect("made").inside().at(0.95)
    };
    assert!(ends(Families::Stated) < 0.03);
    assert_eq!(ends(Families::Guessed), 0.04);
}

#[test]
fn the_same_timings_give_the_same_device() {
    let other = device(&[2.0, 0.7, 1.5, 4.0, 1.0, 0.5, 3.0], true);
    let text = || format!("{:?}", found(&other, 30, 0.05));
    assert_eq!(text(), text());
}

#[test]
fn trees_alone_are_scaled() {
    let mut base = base();
    base.kernels[1].1.model = KernelModel::Learned(trees(3.0));
    base.kernels[2].1.model = KernelModel::Learned(trees(2.0));
    let twice = Design::of_base(&base.kernels, true).models(&[2.0; 5]).expect("valid");
    let cost =
        |kernels: &[(Kind, FittedModel)]| kernels[1].1.model.cost(&work(Kind::MaxPool, 3, 1));
    assert_eq!(cost(&twice), 2.0 * cost(&base.kernels));
}

#[test]
fn what_cannot_be_calibrated_is_refused() {
    let refusal = |samples: &Samples| {
        calibrate(&base(), samples, Families::Stated).expect_err("must be refused").to_string()
    };
    expect_test::expect!["timings: hold no network"].assert_eq(&refusal(&Samples::new()));
    let mut samples = Samples::new();
    samples.push("odd".to_owned(), "f", 1.0, &[work(Kind::Softmax, 1, 1)]);
    expect_test::expect![[r#"base: has no model of kernels of kind "softmax", which were timed"#]]
        .assert_eq(&refusal(&samples));
}

/// The choice among the base, and another called `other`, for timings of `device`.
fn among(other: &MetricModels, device: &MetricModels, count: usize) -> Result<(usize, Calibrated)> {
    let samples = timings(device, count, 5, 0.01);
    let base = base();
    let rival = |name, models| Rival { name, models, samples: &samples };
    calibrate_among(&[rival("other", other), rival("base", &base)], Families::Stated)
}

#[test]
fn the_base_closest_to_the_timings_is_chosen() {
    let (odd, mine) = (stranger(), device(&[1.5; 7], true));
    let (chosen, calibrated) = among(&odd, &mine, 30).expect("can be calibrated");
    assert_eq!((chosen, calibrated.strengths.start), (1, Start::Base));
    assert!(worst(&calibrated.models, &mine) < 0.02);
    let names: Vec<&str> = calibrated.compared.iter().map(|of| &*of.name).collect();
    assert_eq!(names, ["base", "other"]);
    let [first, second] = &calibrated.compared[..] else { panic!("two") };
    assert!(first.error < 0.02 && second.error > 5.0 * first.error, "{first:?} {second:?}");
    let (chosen, _) = among(&odd, &odd, 30).expect("can be calibrated");
    assert_eq!(chosen, 0);
    let held = |device| among(&odd, device, 30).expect("can be").1.held_out.expect("families");
    assert!(held(&mine).overall.within_5 > 99.0, "the choice is made anew without each family");
}

#[test]
fn one_base_among_itself_is_calibrated_as_ever() {
    let samples = timings(&device(&[2.0, 0.7, 1.5, 4.0, 1.0, 0.5, 3.0], true), 30, 5, 0.05);
    let base = base();
    let rival = Rival { name: "base", models: &base, samples: &samples };
    let (_, among) = calibrate_among(&[rival], Families::Stated).expect("can be calibrated");
    let alone = calibrate(&base, &samples, Families::Stated).expect("can be calibrated");
    let text = |of: Calibrated| format!("{:?}", Calibrated { compared: Vec::new(), ..of });
    assert_eq!(text(among), text(alone));
}

#[test]
fn few_timings_choose_no_base() {
    let error = among(&stranger(), &base(), 7).expect_err("must be refused").to_string();
    expect_test::expect![[
        "timings: 7 of them tell no base from another; expected 8 different networks at least"
    ]]
    .assert_eq(&error);
    assert!(calibrate_among(&[], Families::Stated).is_err());
}
