//! Pruned networks and students: against brute force on small random networks, and against prediction.

mod support;

use nnmeter_core::import;
use nnmeter_core::predict::Predictor;
use nnmeter_core::typed::TypedGraph;
use nnmeter_filters::compress::{
    Groups, Importance, Keep, PruneOptions, Pruning, StudentOptions, Teacher, Widths, alignment,
};
use nnmeter_filters::error::ErrorKind;
use nnmeter_filters::metric::{Macs, Metric, Parameters};
use nnmeter_filters::random::Random;
use nnmeter_filters::space::{Block, Layer, SearchSpace};
use support::random_space::random_space;
use support::{GPU, cpu, made_up};

const WIDTHS: Widths = Widths { align: 2, least: 0.3, most: 3 };

fn model(name: &str) -> TypedGraph {
    let path = format!("{}/../tests/models/{name}", env!("CARGO_MANIFEST_DIR"));
    let bytes = std::fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    let graph = import::read(bytes.into(), None).expect("a model");
    graph.infer_shapes().expect("shapes")
}

fn options(keep: Keep) -> PruneOptions {
    PruneOptions { widths: WIDTHS, keep, device: None, allow_uncovered: false }
}

/// All widths that groups may have together; none if there are too many.
fn all_widths(pruning: &Pruning<'_>) -> Vec<Vec<usize>> {
    let mut all = vec![Vec::new()];
    for knob in pruning.knobs() {
        let longer = |widths: &Vec<usize>| -> Vec<Vec<usize>> {
            knob.widths.iter().map(|w| [&widths[..], &w[..]].concat()).collect()
        };
        all = all.iter().flat_map(longer).collect();
        if all.len() > 400 {
            return Vec::new();
        }
    }
    all
}

/// Prices, rebuilds and searches a network in every way, and gives how many widths there were.
fn check_all(graph: &TypedGraph, predictor: &Predictor, keep: (Keep, &dyn Metric)) -> usize {
    let groups = Groups::find(graph).expect("groups");
    let pruning = Pruning::new(graph, &groups, predictor, &options(keep.0)).expect("tables");
    let all = all_widths(&pruning);
    let total = predictor.predict(graph).total.0;
    let mut priced = Vec::new();
    for widths in &all {
        let rebuilt = groups.rebuild(graph, widths).expect("a valid graph");
        priced.push((predictor.predict(&rebuilt).total.0, keep.1.bill(&rebuilt).total()));
    }
    for share in [0.6, 0.8, 0.95] {
        let budget = share * total;
        let within = priced.iter().filter(|(cost, _)| *cost <= budget);
        let most = within.map(|(_, kept)| *kept).fold(f64::NEG_INFINITY, f64::max);
        match pruning.best(budget) {
            Ok(pruned) => {
                let predicted = predictor.predict(&pruned.graph).total.0;
                assert!((predicted / pruned.cost[1] - 1.0).abs() < 1e-9);
                assert!(predicted <= budget * (1.0 + 1e-9), "{predicted} > {budget}");
                assert_eq!(pruned.share, pruned.share_at_most);
                let same = (pruned.kept[1] - most).abs() <= 1e-9 * most.abs();
                assert!(all.is_empty() || same, "{:?}, but {most} can be kept", pruned.kept);
            }
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::Infeasible, "{error}");
                assert!(most == f64::NEG_INFINITY, "{error}, but {most} can be kept");
            }
        }
    }
    all.len()
}

#[test]
fn the_best_widths_are_those_of_brute_force() {
    let predictor = made_up(GPU);
    let mut widths = 0;
    for seed in (0..160).filter(|seed| seed % 4 != 0) {
        let space = random_space(seed);
        let sample = space.random_sample(&mut Random::new(seed));
        let graph = space.typed(&sample).expect("a graph");
        let keep: (Keep, &dyn Metric) = match seed % 2 {
            0 => (Keep::Macs, &Macs),
            _ => (Keep::Parameters, &Parameters),
        };
        widths += check_all(&graph, &predictor, keep);
    }
    assert!(widths > 500, "{widths} is too few to tell anything");
}

/// The network that a block describes.
fn network(body: Block) -> TypedGraph {
    let space = SearchSpace::new("network", [1, 8, 16, 16], Vec::new(), body).expect("a network");
    space.typed(&space.sample(&[]).expect("no choices")).expect("shapes")
}

#[test]
fn sums_with_concatenations_part_a_layer() {
    let mut body = Block::new();
    let x = body.input();
    let a = body.layer(Layer::conv(16, 3), &[x]);
    let b = body.layer(Layer::conv(8, 3), &[x]);
    let both = body.layer(Layer::Concat, &[a, b]);
    let c = body.layer(Layer::conv(24, 1), &[x]);
    let sum = body.layer(Layer::Add, &[both, c]);
    body.layer(Layer::conv(4, 1), &[sum]);
    let graph = network(body);
    let groups = Groups::find(&graph).expect("groups");
    let found: Vec<(usize, usize)> =
        groups.groups().iter().map(|group| (group.channels, group.layers.len())).collect();
    assert_eq!(found, [(16, 2), (8, 2)]);
    let rebuilt = groups.rebuild(&graph, &[6, 4]).expect("a valid graph");
    let convs = rebuilt.order().iter().filter(|&&id| rebuilt.graph().node(id).op.name() == "Conv");
    let channels: Vec<usize> =
        convs.filter_map(|&id| Some(rebuilt.output_type(id)?.dims[1])).collect();
    let mut sorted = channels.clone();
    sorted.sort_unstable();
    assert_eq!(sorted, [4, 4, 6, 10], "{channels:?}");
    assert!(groups.rebuild(&graph, &[17, 4]).is_err() && groups.rebuild(&graph, &[6]).is_err());
}

#[test]
fn dense_blocks_are_pruned_layer_by_layer() {
    let mut body = Block::new();
    let mut value = body.layer(Layer::conv(8, 3), &[body.input()]);
    for _ in 0..3 {
        let new = body.chain([Layer::conv(8, 1), Layer::conv(8, 3)], value);
        value = body.layer(Layer::Concat, &[value, new]);
    }
    body.layer(Layer::conv(4, 1), &[value]);
    let graph = network(body);
    assert_eq!(Groups::find(&graph).expect("groups").groups().len(), 7);
    check_all(&graph, &made_up(GPU), (Keep::Macs, &Macs));
}

#[test]
fn grouped_convolutions_and_shuffles_stay() {
    let mut body = Block::new();
    let grouped = Layer::Conv {
        channels: 16.into(),
        kernel: 3.into(),
        stride: 1.into(),
        groups: 4.into(),
        bias: false,
    };
    let before = [Layer::conv(16, 1), grouped, Layer::Shuffle { groups: 4.into() }];
    let value = body.chain(before, body.input());
    body.chain([Layer::conv(12, 1), Layer::conv(4, 1)], value);
    let groups = Groups::find(&network(body)).expect("groups");
    let free: Vec<usize> = groups.groups().iter().map(|group| group.channels).collect();
    assert_eq!((free, groups.fixed().len()), (vec![12], 3));
}

#[test]
fn importance_decides_where_it_is_given() {
    let mut body = Block::new();
    body.chain([Layer::conv(64, 3), Layer::conv(64, 3), Layer::conv(4, 1)], body.input());
    let graph = network(body);
    let groups = Groups::find(&graph).expect("groups");
    let names: Vec<&str> = groups.groups().iter().map(|group| group.name.as_str()).collect();
    let predictor = made_up(GPU);
    let budget = 0.8 * predictor.predict(&graph).total.0;
    let pruned = |scores: serde_json::Value| {
        let importance = Importance::from_json(scores.to_string().as_bytes())?;
        let options = options(Keep::Importance(importance));
        Pruning::new(&graph, &groups, &predictor, &options)?.best(budget)
    };
    let (high, low) = (vec![5.0; 64], vec![1.0; 64]);
    let first = pruned(serde_json::json!({names[0]: high, names[1]: low})).expect("a plan");
    assert!(first.widths[0] > first.widths[1], "{:?}", first.widths);
    let second = pruned(serde_json::json!({names[0]: low, names[1]: high})).expect("a plan");
    assert!(second.widths[0] < second.widths[1], "{:?}", second.widths);
    for (scores, found) in [
        (serde_json::json!({names[0]: high}), "is missing"),
        (serde_json::json!({names[0]: high, names[1]: [1.0]}), "has 1 scores"),
        (serde_json::json!({names[0]: high, names[1]: {"64": 1.0}}), "lacks a width"),
        (serde_json::json!({"other": high}), "names group \"other\""),
        (serde_json::json!({names[0]: "high"}), "is not scores"),
        (serde_json::json!([1]), "is malformed"),
    ] {
        let error = pruned(scores).expect_err(found).to_string();
        assert!(error.contains(found), "{error}");
    }
}

#[test]
fn students_cost_what_they_are_said_to() {
    let (graph, predictor) = (model("resnet18.onnx"), cpu());
    let teacher = Teacher::new(&graph);
    let removable: Vec<usize> = teacher.stages.iter().map(Vec::len).collect();
    assert_eq!(removable, [2, 1, 1, 1]);
    let widths =
        Widths { align: alignment(&predictor).expect("an alignment"), least: 0.5, most: 5 };
    let (keep, device) = (&Macs, Some("cpu".to_owned()));
    let options = StudentOptions { widths, by_stage: false, keep, device, allow_uncovered: false };
    let students = teacher.students(&predictor, 100.0, &options, 4, |_, _| {}).expect("students");
    assert_eq!(students.len(), 4);
    for (index, student) in students.iter().enumerate() {
        let total = predictor.predict(&student.graph).total.0;
        assert!((total / student.cost - 1.0).abs() < 1e-9 && total <= 100.0, "{total}");
        assert!((Macs.bill(&student.graph).total() / student.kept - 1.0).abs() < 1e-9);
        assert!(index == 0 || students[index - 1].kept >= student.kept);
        assert!(students[..index].iter().all(|other| other.shape != student.shape));
    }
    let error = teacher.students(&predictor, 1.0, &options, 4, |_, _| {}).expect_err("too little");
    assert!(error.to_string().starts_with("over budget: the least that can be reached is"));
}

#[test]
fn every_block_of_a_stage_can_go_and_windows_shrink() {
    let graph = model("mobilenet_v3_small.onnx");
    let teacher = Teacher::new(&graph);
    assert!(teacher.kernels.iter().all(|kernel| kernel.kernel == 5));
    let shapes = teacher.shapes().expect("shapes");
    let smallest = shapes.last().expect("the teacher's shape at least");
    let shaped = teacher.shaped(smallest).expect("a valid graph");
    assert!(Macs.bill(&shaped).total() < Macs.bill(&graph).total());
    assert_eq!(smallest.kernel, Some(3));
    assert!(Teacher::new(&shaped).stages.is_empty() && Teacher::new(&shaped).kernels.is_empty());
    for value in graph.graph().outputs().iter().zip(shaped.graph().outputs()) {
        assert_eq!(graph.ty(*value.0), shaped.ty(*value.1));
    }
}
