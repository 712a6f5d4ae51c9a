//! Generated spaces: what operators cost in context, which are chosen, what architectures reach.

mod support;

use nnmeter_core::predict::Predictor;
use nnmeter_filters::constraint::Constraints;
use nnmeter_filters::error::ErrorKind;
use nnmeter_filters::exact::Feasible;
use nnmeter_filters::generate::{
    Capacity, Finding, Pool, ReachOptions, Settings, Skeleton, Survey, Target, Yardstick,
};
use nnmeter_filters::metric::{Macs, Metric};
use nnmeter_filters::space::{Sample, SearchSpace};
use nnmeter_filters::table::{CompileOptions, CostTable};
use nnmeter_hardware::registry::Registry;
use support::{GREEDY, cpu, made_up};

const SMALL: &str = r#"{"name": "small", "input": [1, 3, 32, 32],
  "stem": [{"op": "conv", "channels": 16, "kernel": 3, "stride": 2}, {"op": "relu"}],
  "stages": [{"channels": 24, "layers": 2, "stride": 2}, {"channels": 24, "layers": 2}],
  "head": [{"op": "gap"}, {"op": "fc", "channels": 10}]}"#;

fn small() -> Skeleton {
    Skeleton::from_json(SMALL.as_bytes()).expect("a skeleton")
}

fn built_in(name: &str) -> Predictor {
    let device = Registry::built_in().open(name).expect("a built-in device");
    device.latency().expect("latency").clone()
}

#[test]
fn figures_differ_as_whole_networks_do() {
    let (skeleton, pool) = (small(), Pool::built_in());
    for predictor in [cpu(), made_up(GREEDY)] {
        let target = Target { name: "device", predictor: &predictor };
        let survey = Survey::new(&skeleton, &pool, &[target]).expect("a survey");
        let all = survey.space("all", false, |_| true).expect("a space").expect("operators");
        let space = &all.space;
        let first = space.sample(&[0; 4]).expect("a sample");
        let total =
            |sample: &Sample| predictor.bill(&space.typed(sample).expect("a graph")).total();
        for layer in 0..4 {
            let of = |option: usize| {
                survey.layers()[layer][all.kept[layer][option]].figures().expect("a price").costs_ms
                    [0]
            };
            for option in 1..all.kept[layer].len() {
                let changed = first.with(layer, option as u8);
                let networks = total(&changed) - total(&first);
                assert!((networks - (of(option) - of(0))).abs() < 1e-9, "{layer} {option}");
            }
        }
    }
}

#[test]
fn sums_are_the_tables_that_are_compiled() {
    let (skeleton, pool, predictor) = (small(), Pool::built_in(), cpu());
    let target = Target { name: "device", predictor: &predictor };
    let survey = Survey::new(&skeleton, &pool, &[target]).expect("a survey");
    assert!(survey.is_additive());
    let selection = survey.select(&Settings { identity: true, ..Settings::default() });
    let generated = selection.expect("a space").generated;
    let table = CostTable::compile(&generated.space, &predictor, &CompileOptions::default());
    let table = table.expect("a table");
    let costs = generated.space.samples().map(|sample| table.cost(&sample));
    let (least, most) = costs.fold((f64::INFINITY, 0.0f64), |(a, b), c| (a.min(c), b.max(c)));
    let yardstick = Yardstick::new(&survey, &generated, Capacity::Macs, &[target]);
    let range = yardstick.expect("tables").range(0).expect("a range");
    assert!((range[0] / least - 1.0).abs() < 1e-9 && (range[1] / most - 1.0).abs() < 1e-9);
}

#[test]
fn latencies_are_exact_where_kernels_span_two_layers() {
    let pool = r#"{"built_in": ["separable", "shufflenetv2"]}"#;
    let pool = Pool::from_json(pool.as_bytes()).expect("a pool");
    let (skeleton, name) = (small(), "myriadvpu_openvino2019r2");
    let predictor = built_in(name);
    let target = Target { name, predictor: &predictor };
    let survey = Survey::new(&skeleton, &pool, &[target]).expect("a survey");
    assert!(!survey.is_additive(), "a concatenation is one kernel with the convolution behind it");
    // Beyond a layer that is left out lies the next: then more than neighbours bear on each other.
    for identity in [false, true] {
        let settings = Settings { top: 3, identity, ..Settings::default() };
        let generated = survey.select(&settings).expect("a space").generated;
        let yardstick = Yardstick::new(&survey, &generated, Capacity::Macs, &[target]);
        let yardstick = yardstick.expect("tables");
        let [least, most] = yardstick.range(0).expect("a range");
        for share in [0.05, 0.3, 0.6, 1.0] {
            let budget = least + share * (most - least);
            let within = brute_force(&generated.space, &predictor, budget * (1.0 + 1e-12));
            let reach = yardstick.reach(&[budget * (1.0 + 1e-12)], &ReachOptions::default());
            let reach = reach.expect("a reach");
            let best = within.iter().copied().fold(0.0, f64::max);
            assert!((reach.best.expect("the best").value / best - 1.0).abs() < 1e-9);
            let count = within.len() as u128;
            assert!(reach.architectures.certain <= count && count <= reach.architectures.possible);
        }
    }
}

#[test]
fn reaches_are_those_of_all_architectures() {
    let (skeleton, pool, predictor) = (small(), Pool::built_in(), cpu());
    let target = Target { name: "device", predictor: &predictor };
    let survey = Survey::new(&skeleton, &pool, &[target]).expect("a survey");
    let generated = survey.select(&Settings::default()).expect("a space").generated;
    let yardstick = Yardstick::new(&survey, &generated, Capacity::Macs, &[target]).expect("tables");
    let [least, most] = yardstick.range(0).expect("a range");
    let budget = least + 0.4 * (most - least);
    let mut within = brute_force(&generated.space, &predictor, budget);
    within.sort_by(f64::total_cmp);
    let reach = yardstick.reach(&[budget], &ReachOptions::default()).expect("a reach");
    let count = within.len() as u128;
    assert!((reach.architectures.certain..=reach.architectures.possible).contains(&count));
    let best = reach.best.expect("the best").value;
    assert!((best / within[within.len() - 1] - 1.0).abs() < 1e-9, "{best}");
    let mean = within.iter().sum::<f64>() / within.len() as f64;
    assert!((reach.mean - mean).abs() < 4.0 * reach.mean_error, "{} {mean}", reach.mean);
    let median = within[within.len() / 2];
    let [low, high] = reach.median_interval;
    assert!(low <= median && median <= high, "{low} {median} {high}");
    let error = yardstick.reach(&[0.9 * least], &ReachOptions::default()).expect_err("too little");
    assert_eq!(error.kind(), ErrorKind::Infeasible);
}

/// Multiply-accumulates of all architectures that take at most `budget`.
fn brute_force(space: &SearchSpace, predictor: &Predictor, budget: f64) -> Vec<f64> {
    let graphs = space.samples().map(|sample| space.typed(&sample).expect("a graph"));
    let costs = graphs.map(|graph| (predictor.bill(&graph).total(), Macs.bill(&graph).total()));
    costs.filter(|(ms, _)| *ms <= budget).map(|(_, macs)| macs).collect()
}

#[test]
fn a_cpu_a_gpu_and_a_vpu_get_different_spaces_and_the_same_each_time() {
    let (skeleton, pool) = (Skeleton::built_in("cifar").expect("built in"), Pool::built_in());
    let names = ["cortexA76cpu_tflite21", "adreno640gpu_tflite21", "myriadvpu_openvino2019r2"];
    let spaces = names.map(|name| {
        let predictor = built_in(name);
        let target = Target { name, predictor: &predictor };
        let generate = || {
            let survey = Survey::new(&skeleton, &pool, &[target]).expect("a survey");
            survey.select(&Settings::default()).expect("a space").generated.space
        };
        let space = generate();
        assert_eq!(space, generate());
        assert_eq!(
            SearchSpace::from_json(space.to_json().to_string().as_bytes()).ok(),
            Some(space.clone())
        );
        assert!(Feasible::new(&space, Constraints::default()).is_ok());
        space.choices().to_vec()
    });
    assert!(spaces[0] != spaces[1] && spaces[1] != spaces[2] && spaces[0] != spaces[2]);
}

#[test]
fn operators_without_a_price_are_left_out_and_several_devices_count() {
    let (skeleton, pool) = (small(), Pool::built_in());
    let (one, two) = (cpu(), built_in("adreno640gpu_tflite21"));
    let targets =
        [Target { name: "cpu", predictor: &one }, Target { name: "gpu", predictor: &two }];
    let survey = Survey::new(&skeleton, &pool, &targets).expect("a survey");
    let shuffle = pool.operators().iter().position(|of| of.family() == "shufflenetv2");
    let shuffle = shuffle.expect("a unit");
    let finding = survey.layers()[1][shuffle].finding();
    assert!(
        matches!(finding, Finding::NoPrice(kinds) if kinds.iter().all(|(device, _)| *device == 1))
    );
    let selection = survey.select(&Settings::default()).expect("a space");
    for (standings, candidates) in selection.standings.iter().zip(survey.layers()) {
        let chosen = standings.iter().flatten().filter(|standing| standing.chosen);
        assert_eq!(chosen.count(), 4);
        let scores = standings.iter().flatten().map(|standing| standing.score);
        assert!(scores.into_iter().all(|score| (0.0..=1.0).contains(&score)));
        let pairs = standings.iter().zip(candidates);
        assert!(
            pairs.into_iter().all(|(standing, of)| standing.is_some() == of.figures().is_some())
        );
    }
}

#[test]
fn pools_and_skeletons_of_users_are_read() {
    let pool = r#"{"built_in": ["separable"], "operators": [
      {"family": "fused", "name": "fused k{k}", "for": {"k": [3, 5]},
       "keeping": [{"op": "conv", "channels": "in*2", "kernel": "k"}, {"op": "relu"},
                   {"op": "conv", "channels": "out", "kernel": 1}, {"op": "add", "from": ["in", "-"]}]}]}"#;
    let pool = Pool::from_json(pool.as_bytes()).expect("a pool");
    assert_eq!(pool.families(), ["separable", "fused"]);
    let (skeleton, predictor) = (small(), cpu());
    let target = Target { name: "device", predictor: &predictor };
    let survey = Survey::new(&skeleton, &pool, &[target]).expect("a survey");
    let fused = pool.operators().len() - 1;
    assert_eq!(*survey.layers()[0][fused].finding(), Finding::DoesNotFit);
    // 24 channels to 48 with windows of 5x5 and back, on 8x8, with no bias.
    let figures = survey.layers()[1][fused].figures().expect("a price");
    assert_eq!((figures.macs, figures.parameters), (1_916_928.0, 29_952.0));
}

#[test]
fn what_makes_no_sense_is_told() {
    let pool = |text: &str| Pool::from_json(text.as_bytes()).map(drop);
    let skeleton = |text: String| Skeleton::from_json(text.as_bytes()).map(drop);
    let twice =
        r#"{"operators": [{"family": "a", "name": "x", "for": {"k": [1, 2]}, "keeping": []}]}"#;
    for (result, says) in [
        (pool("{"), "pool: is not valid"),
        (pool(r#"{"built_in": []}"#), "has no operators"),
        (pool(r#"{"built_in": ["x"]}"#), "one of separable, mobilenetv2"),
        (pool(twice), "operator \"x\": is there twice"),
        (pool(r#"{"operators": [{"family": "a", "name": "x"}]}"#), "has no steps"),
        (
            pool(r#"{"operators": [{"family": "a", "name": "identity", "keeping": []}]}"#),
            "is there twice",
        ),
        (skeleton("[]".to_owned()), "skeleton: is not valid"),
        (skeleton(SMALL.replace("\"layers\": 2}", "\"layers\": 0}")), "stage 2: has 0 layers"),
        (
            skeleton(SMALL.replace("\"layers\": 2}", "\"layers\": 9000000000}")),
            "stage 2: has 9000000000",
        ),
        (
            skeleton(SMALL.replace("2, \"stride\": 2}", "2, \"stride\": 0}")),
            "stage 1: has 24 channels and stride 0",
        ),
        (skeleton(SMALL.replace("\"gap\"", "\"hole\"")), "head, step 1 (hole)"),
    ] {
        let error = result.expect_err(says).to_string();
        assert!(error.contains(says), "{error}");
    }
    let free = r#"{"built_in": [], "operators": [{"family": "a", "name": "x", "keeping": [],
        "changing": [{"op": "conv", "channels": "out", "kernel": 1, "stride": "stride"}]}]}"#;
    let (pool, skeleton, predictor) =
        (Pool::from_json(free.as_bytes()).expect("a pool"), small(), cpu());
    let target = Target { name: "device", predictor: &predictor };
    let error = Survey::new(&skeleton, &pool, &[target]).expect_err("costs nothing").to_string();
    assert!(error.contains("operator \"x\", layer 1.2: costs 0 ms on device"), "{error}");
}
