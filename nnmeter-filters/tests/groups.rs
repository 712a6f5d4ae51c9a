//! Groups of channels in the networks of tests/models: what can be pruned together, and what cannot.

use std::collections::BTreeMap;
use std::fmt::Write;

use expect_test::expect_file;
use nnmeter_core::import;
use nnmeter_core::typed::TypedGraph;
use nnmeter_filters::compress::{Group, Groups};

const MODELS: [&str; 10] = [
    "alexnet.onnx",
    "efficientnet_b0.onnx",
    "mobilenet_v2_bn.onnx",
    "mobilenet_v3_small.onnx",
    "nb201_bn.onnx",
    "resnet18_bn.onnx",
    "resnet50.onnx",
    "shufflenet_v2_x1_0.onnx",
    "squeezenet1_1.onnx",
    "vgg16.onnx",
];

fn model(name: &str) -> TypedGraph {
    let path = format!("{}/../tests/models/{name}", env!("CARGO_MANIFEST_DIR"));
    let bytes = std::fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    let graph = import::read(bytes.into(), None).expect("a model");
    graph.infer_shapes().expect("shapes")
}

fn describe(name: &str, graph: &TypedGraph, groups: &Groups, text: &mut String) {
    writeln!(text, "{name}").expect("a string takes all");
    for group in groups.groups() {
        let Group { name, channels, layers, followers, readers } = group;
        let (makes, follow, read) = (layers.len(), followers.len(), readers.len());
        writeln!(text, "  {channels:>5} {name}: {makes} make, {follow} follow, {read} read")
            .expect("a string takes all");
    }
    let mut reasons: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for fixed in groups.fixed() {
        let reason = fixed.obstacle.describe(graph.graph()).to_string();
        let layer = &graph.graph().node(fixed.node).name;
        reasons.entry(reason).or_default().push(layer);
    }
    for (reason, layers) in reasons {
        writeln!(text, "  {} stay: {reason}", layers.join(", ")).expect("a string takes all");
    }
}

#[test]
fn groups_of_networks() {
    let mut text = String::new();
    for name in MODELS {
        let graph = model(name);
        describe(name, &graph, &Groups::find(&graph).expect("groups"), &mut text);
    }
    expect_file!["golden/groups.txt"].assert_eq(&text);
}
