//! Kernel detection against its oracle: on real models, on random graphs, and on large ones.

mod oracle;
mod random_graph;

use std::collections::BTreeSet;
use std::path::Path;

use bytes::Bytes;
use nnmeter_core::detect::detect;
use nnmeter_core::graph::NodeId;
use nnmeter_core::import;
use nnmeter_core::op::{Binary, Op, Unary};
use nnmeter_core::rules::FusionRules;
use nnmeter_core::typed::TypedGraph;
use proptest::prelude::*;
use random_graph::{Plan, plan};
use serde_json::{Value as Json, json};

/// Pairs that each of the three rule sets below speaks of.
const PAIRS: [&str; 26] = [
    "conv_bn",
    "conv_relu",
    "conv_add",
    "conv_pooling",
    "conv_hswish",
    "conv_concat",
    "dwconv_bn",
    "dwconv_relu",
    "dwconv_add",
    "dwconv_concat",
    "dense_relu",
    "dense_add",
    "bn_relu",
    "relu_relu",
    "relu_add",
    "relu_dense",
    "add_relu",
    "add_add",
    "add_pooling",
    "pooling_add",
    "pooling_relu",
    "pooling_reshape",
    "concat_relu",
    "concat_dense",
    "reshape_reshape",
    "se_relu",
];

/// Rules that allow the given pairs, deny the others of [`PAIRS`], and have two whole patterns.
fn rules_allowing(allowed: &[&str]) -> Json {
    let obey = |pair: &&str| (format!("BF_{pair}"), json!({"obey": allowed.contains(pair)}));
    let mut rules: serde_json::Map<String, Json> = PAIRS.iter().map(obey).collect();
    assert!(allowed.iter().all(|pair| PAIRS.contains(pair)), "a pair of the list");
    for pattern in ["BF_conv_bn_relu", "BF_dwconv_bn_relu"] {
        rules.insert(pattern.to_owned(), json!({"obey": true}));
    }
    rules.insert("MON".to_owned(), json!({"obey": null}));
    Json::Object(rules)
}

/// Rules in the manner of a phone's CPU, of a phone's GPU and of a vision processor.
fn rule_sets() -> [Json; 3] {
    [
        rules_allowing(&[
            "conv_bn",
            "conv_relu",
            "conv_pooling",
            "dwconv_bn",
            "dwconv_relu",
            "bn_relu",
            "add_relu",
            "dense_relu",
            "dense_add",
            "relu_relu",
            "relu_dense",
            "pooling_reshape",
            "concat_dense",
            "reshape_reshape",
            "se_relu",
        ]),
        rules_allowing(&[
            "conv_bn",
            "conv_relu",
            "conv_add",
            "dwconv_bn",
            "dwconv_relu",
            "dwconv_add",
            "dense_relu",
            "dense_add",
            "bn_relu",
            "relu_relu",
            "relu_add",
            "add_relu",
            "add_add",
            "pooling_add",
            "pooling_relu",
            "concat_relu",
            "reshape_reshape",
            "se_relu",
        ]),
        rules_allowing(&[
            "conv_bn",
            "conv_relu",
            "conv_pooling",
            "conv_hswish",
            "dwconv_bn",
            "dwconv_relu",
            "dwconv_concat",
            "add_relu",
            "add_pooling",
            "pooling_add",
            "pooling_relu",
            "concat_dense",
            "reshape_reshape",
            "se_relu",
        ]),
    ]
}

fn fusion_rules(rules: &Json) -> FusionRules {
    FusionRules::from_json(rules.to_string().as_bytes()).expect("valid rules")
}

/// The kernels as the oracle gives them.
fn kernels(graph: &TypedGraph, rules: &Json) -> Vec<(String, Vec<NodeId>)> {
    let detection = detect(graph, &fusion_rules(rules));
    let sorted =
        |nodes: &[NodeId]| BTreeSet::from_iter(nodes.iter().copied()).into_iter().collect();
    let mut kernels: Vec<_> =
        detection.kernels().map(|kernel| (kernel.name(), sorted(kernel.nodes()))).collect();
    kernels.sort();
    kernels
}

/// Kernels that only one of the detector and its oracle finds, a line each.
fn differences(graph: &TypedGraph, rules: &Json) -> String {
    let (fast, slow) = (kernels(graph, rules), oracle::kernels(graph, rules));
    let mut lines = String::new();
    for (side, these, others) in [("fast", &fast, &slow), ("oracle", &slow, &fast)] {
        for (name, nodes) in these.iter().filter(|kernel| !others.contains(kernel)) {
            lines += &format!("only the {side}: {name} {nodes:?}\n");
        }
    }
    lines
}

/// The kernels by the names of their nodes, which do not depend on the order of the file.
fn named_kernels(graph: &TypedGraph, rules: &Json) -> Vec<(String, Vec<String>)> {
    let detection = detect(graph, &fusion_rules(rules));
    let name = |&id: &NodeId| graph.graph().node(id).name.to_string();
    let mut kernels: Vec<(String, Vec<String>)> = detection
        .kernels()
        .map(|kernel| {
            let mut names: Vec<String> = kernel.nodes().iter().map(name).collect();
            names.sort_unstable();
            (kernel.name(), names)
        })
        .collect();
    kernels.sort();
    kernels
}

/// Each operator is in exactly one kernel, and kernels have theirs in the order of execution.
fn check_partition(graph: &TypedGraph, rules: &Json) {
    let position =
        |id: &NodeId| graph.order().iter().position(|other| other == id).expect("a node");
    let mut found: Vec<NodeId> = Vec::new();
    for kernel in detect(graph, &fusion_rules(rules)).kernels() {
        assert!(kernel.nodes().is_sorted_by_key(position), "{} out of order", kernel.name());
        found.extend_from_slice(kernel.nodes());
    }
    found.sort_unstable();
    let operators: Vec<NodeId> =
        graph.graph().dag().node_indices().filter(|&id| graph.is_op(id)).collect();
    assert_eq!(found, operators);
}

#[test]
fn real_models_have_the_kernels_of_the_oracle() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/models");
    let mut seen = 0;
    for entry in std::fs::read_dir(folder).expect("the folder of models") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            continue; // other formats, with blocks that the oracle does not know
        }
        let bytes = Bytes::from(std::fs::read(&path).expect("a model file"));
        let graph = import::read(bytes, None).expect("a valid model");
        let graph = graph.infer_shapes().expect("valid shapes");
        for rules in rule_sets() {
            assert_eq!(differences(&graph, &rules), "", "{path:?}");
            check_partition(&graph, &rules);
        }
        seen += 1;
    }
    assert!(seen >= 15, "found {seen} models");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn random_graphs_have_the_kernels_of_the_oracle(
        plan in plan(30),
        rules in prop_oneof![random_graph::rules(json!(0)), random_graph::rules(Json::Null)],
    ) {
        let graph = plan.build(|index| index as u64).infer_shapes().expect("valid shapes");
        prop_assert_eq!(differences(&graph, &rules), "");
    }

    #[test]
    fn order_of_nodes_changes_nothing(
        plan in plan(40),
        rules in prop_oneof![
            random_graph::rules(json!(0)),
            random_graph::rules(json!(1)),
            random_graph::rules(Json::Null),
        ],
        seed in any::<u64>(),
    ) {
        let graph = plan.build(|index| index as u64).infer_shapes().expect("valid shapes");
        let shuffled = plan.build(|index| (index as u64 ^ seed).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let shuffled = shuffled.infer_shapes().expect("valid shapes");
        check_partition(&graph, &rules);
        check_partition(&shuffled, &rules);
        prop_assert_eq!(named_kernels(&graph, &rules), named_kernels(&shuffled, &rules));
    }
}

/// Rules for `tanh` and `relu` in turns.
fn turns() -> Json {
    json!({"BF_unary_relu": {"obey": true}, "BF_add_relu": {"obey": true}})
}

#[test]
fn a_chain_of_ten_thousand() {
    let mut plan = Plan::new();
    let mut last = "x".to_owned();
    for index in 0..10_000 {
        let unary = if index % 2 == 0 { Unary::Tanh } else { Unary::Relu };
        last = plan.node(&format!("u{index}"), Op::Unary(unary), &[&last]);
    }
    let graph = plan.build(|index| index as u64).infer_shapes().expect("valid shapes");
    let kernels = kernels(&graph, &turns());
    assert_eq!(kernels.len(), 5_000);
    assert!(kernels.iter().all(|(name, nodes)| name == "unary-relu" && nodes.len() == 2));
}

#[test]
fn a_ladder_of_ten_thousand() {
    let mut plan = Plan::new();
    let mut last = "x".to_owned();
    for index in 0..2_500 {
        let tanh = plan.node(&format!("t{index}"), Op::Unary(Unary::Tanh), &[&last]);
        let relu = plan.node(&format!("r{index}"), Op::Unary(Unary::Relu), &[&tanh]);
        let sum = plan.node(&format!("a{index}"), Op::Binary(Binary::Add), &[&last, &relu]);
        last = plan.node(&format!("s{index}"), Op::Unary(Unary::Relu), &[&sum]);
    }
    let graph = plan.build(|index| index as u64).infer_shapes().expect("valid shapes");
    let kernels = kernels(&graph, &turns());
    assert_eq!(kernels.len(), 5_000);
    assert!(kernels[..2_500].iter().all(|(name, _)| name == "add-relu"));
    assert!(kernels[2_500..].iter().all(|(name, _)| name == "unary-relu"));
}
