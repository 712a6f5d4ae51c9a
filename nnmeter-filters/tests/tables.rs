//! Cost tables of the built-in spaces against predictions of whole graphs.

mod support;

use expect_test::expect;
use nnmeter_core::predict::Predictor;
use nnmeter_core::rules::FusionRules;
use nnmeter_core::units::Millis;
use nnmeter_filters::builtin;
use nnmeter_filters::error::ErrorKind;
use nnmeter_filters::metric::{FlopCount, Macs, Metric, OutsideRange, Parameters};
use nnmeter_filters::random::Random;
use nnmeter_filters::space::{Sample, SearchSpace};
use nnmeter_filters::table::{CompileOptions, CostTable, Costing};
use support::{GPU, GREEDY, cpu, made_up};

fn space(name: &str) -> SearchSpace {
    builtin::space(name).expect("a built-in space")
}

fn compile(space: &SearchSpace, metric: &impl Metric) -> CostTable {
    CostTable::compile(space, metric, &CompileOptions::default()).expect("a table")
}

fn compare(space: &SearchSpace, metric: &impl Metric, table: &CostTable, sample: &Sample) {
    let predicted = metric.bill(&space.typed(sample).expect("a valid sample")).total();
    let cost = table.cost(sample);
    let json = space.sample_to_json(sample);
    assert!((cost - predicted).abs() <= 1e-9 * predicted, "{cost}, not {predicted}: {json}");
}

/// Compares on random samples. Every other one takes the last option of most choices, which is the
/// empty candidate where there is one.
fn check(name: &str, metric: &impl Metric, samples: usize) {
    let space = space(name);
    let table = compile(&space, metric);
    let mut random = Random::new(1);
    for number in 0..samples {
        let mut sample = space.random_sample(&mut random);
        for (choice, about) in space.choices().iter().enumerate() {
            if number % 2 == 1 && random.below(10) < 7 {
                sample = sample.with(choice, about.options.len() as u8 - 1);
            }
        }
        compare(&space, metric, &table, &sample);
    }
}

#[test]
fn spos_on_the_cpu() {
    check("spos", &cpu(), 10_000);
}

#[test]
fn spos_with_channels_on_the_cpu() {
    check("spos-channels", &cpu(), 10_000);
}

#[test]
fn proxylessnas_on_the_cpu() {
    check("proxylessnas", &cpu(), 10_000);
}

#[test]
fn once_for_all_on_the_cpu() {
    check("once-for-all", &cpu(), 10_000);
}

#[test]
fn resnets_on_the_cpu() {
    check("resnet18-widths", &cpu(), 10_000);
    check("resnet50-widths", &cpu(), 10_000);
}

#[test]
fn nasbench201_on_the_cpu_all_of_it() {
    let (space, cpu) = (space("nasbench201"), cpu());
    let table = compile(&space, &cpu);
    assert_eq!(space.samples().count(), 15_625);
    space.samples().for_each(|sample| compare(&space, &cpu, &table, &sample));
}

#[test]
fn rules_that_fuse_across_blocks() {
    for name in ["spos", "spos-channels", "proxylessnas", "once-for-all", "resnet18-widths"] {
        check(name, &made_up(GPU), 300);
    }
    for name in ["spos", "spos-channels", "once-for-all", "resnet18-widths"] {
        check(name, &made_up(GREEDY), 300);
    }
}

#[test]
fn kernels_that_reach_too_far_are_refused_and_the_choices_named() {
    // A sum fuses into the next block's convolution, beyond any number of identities.
    let options = CompileOptions { most_predictions: 1000, ..CompileOptions::default() };
    let space = space("proxylessnas");
    let error = CostTable::compile(&space, &made_up(GREEDY), &options).expect_err("too large");
    assert_eq!(error.kind(), ErrorKind::Indecomposable);
    let text = error.to_string();
    assert!(text.contains("choices: block ") && text.contains("1000 predictions"), "{text}");

    let greedy = made_up(GREEDY);
    let mut costing = Costing::new(&space, &greedy, &options).expect("a way to costs");
    let sample = space.sample(&[3; 21]).expect("a sample");
    let predicted = greedy.bill(&space.typed(&sample).expect("a valid sample")).total();
    assert_eq!(costing.cost(&sample).expect("a cost"), predicted);
    assert_eq!(costing.cost(&sample).expect("the same cost"), predicted);
    let Costing::Graphs(graphs) = costing else { panic!("there is no table") };
    assert_eq!(graphs.reason().to_string(), text);
}

#[test]
fn kernels_known_without_a_table_cost_what_predictions_say() {
    known_kernels("spos", &cpu());
    known_kernels("once-for-all", &cpu());
    known_kernels("proxylessnas", &made_up(GREEDY));
}

/// Samples that differ from one of them in two choices: kernels are met again, but not all.
fn known_kernels(name: &str, predictor: &Predictor<Millis>) {
    let limits = CompileOptions { most_entries: 2, ..CompileOptions::default() };
    let options = CompileOptions { most_predictions: 300, ..limits };
    let space = space(name);
    let mut costing = Costing::new(&space, predictor, &options).expect("a way to costs");
    let mut random = Random::new(1);
    let base = space.random_sample(&mut random);
    for _ in 0..300 {
        let mut sample = base.clone();
        for _ in 0..2 {
            let choice = random.below(sample.len() as u64) as usize;
            let count = space.choices()[choice].options.len();
            sample = sample.with(choice, random.below(count as u64) as u8);
        }
        let predicted = predictor.bill(&space.typed(&sample).expect("a valid sample")).total();
        let cost = costing.cost(&sample).expect("a cost");
        assert!((cost - predicted).abs() <= 1e-9 * predicted, "{name}: {cost}, not {predicted}");
    }
    let Costing::Graphs(graphs) = costing else { panic!("there is a table") };
    assert!(graphs.predicted() < 300, "{name}: {} graphs were predicted", graphs.predicted());
}

#[test]
fn neighbours_share_entries_where_kernels_do() {
    let choices = |rules: &str| {
        let table = compile(&space("once-for-all"), &made_up(rules));
        table.factors().iter().map(|factor| factor.choices().len()).max().expect("a factor")
    };
    assert!(choices(GPU) < choices(GREEDY), "{} {}", choices(GPU), choices(GREEDY));
}

#[test]
fn what_has_no_price_is_listed_or_left_out() {
    let space = space("spos");
    let none = Predictor::<Millis>::new(FusionRules::default(), [], None);
    let error = CostTable::compile(&space, &none, &CompileOptions::default());
    let error = error.expect_err("nothing has a price");
    assert_eq!(error.kind(), ErrorKind::Uncovered);
    expect!["the metric: has no price for 1 conv (conv), 2 bn (bn), 3 relu (relu), 4 block 1=k3/1 dwconv (dwconv), 4 block 1=k3/2 bn (bn), 4 block 1=k3/3 conv (conv), 4 block 1=k3/4 bn (bn), 4 block 1=k3/5 relu (relu) and 1068 more; expected a price for every kernel of the space"].assert_eq(&error.to_string());
    let options = CompileOptions { allow_uncovered: true, ..CompileOptions::default() };
    let table = CostTable::compile(&space, &none, &options).expect("a table of nothing");
    assert_eq!((table.constant(), table.entries()), (0.0, 0));
    assert_eq!(table.uncovered()[0].to_string(), "1 conv (conv)");
}

#[test]
fn metrics_without_a_device() {
    for (name, _) in builtin::ALL.iter().filter(|(name, _)| *name != "nasbench201") {
        check(name, &Macs, 100);
        check(name, &FlopCount, 100);
        check(name, &Parameters, 100);
        check(name, &OutsideRange(&cpu()), 100);
    }
}
