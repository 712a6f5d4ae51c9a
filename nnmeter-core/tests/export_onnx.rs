//! What is written as ONNX reads back as the same operators, wired in the same way.

#[allow(dead_code, unused_imports, reason = "the rules are for the tests of detection")]
mod random_graph;

use std::collections::HashMap;

use bytes::Bytes;
use nnmeter_core::error::ErrorKind;
use nnmeter_core::export::onnx::write;
use nnmeter_core::graph::{NodeId, Value};
use nnmeter_core::import;
use nnmeter_core::op::{Binary, Op, Unary};
use nnmeter_core::typed::TypedGraph;
use proptest::prelude::*;

/// Operators in the order of the file, each with what it does and reads; constants by their type,
/// and by their values where these are known.
fn outline(graph: &TypedGraph, order: impl Iterator<Item = NodeId>) -> Vec<String> {
    let mut places: HashMap<NodeId, String> = HashMap::new();
    let mut lines = Vec::new();
    for id in order {
        let node = graph.graph().node(id);
        if let Op::Const(_) | Op::Input(..) = node.op {
            continue;
        }
        let operands: Vec<String> = graph
            .graph()
            .operands(id)
            .into_iter()
            .map(|operand| operand.map_or("-".to_owned(), |value| place(graph, value, &places)))
            .collect();
        let types: Vec<_> =
            (0..node.outputs).map(|port| graph.ty(Value { node: id, port })).collect();
        places.insert(id, format!("#{}", lines.len()));
        lines.push(format!("{:?} {} -> {types:?}", node.op, operands.join(" ")));
    }
    let outputs = graph.graph().outputs().iter().map(|&value| place(graph, value, &places));
    lines.push(outputs.collect::<Vec<_>>().join(" "));
    lines
}

fn place(graph: &TypedGraph, value: Value, places: &HashMap<NodeId, String>) -> String {
    let node = graph.graph().node(value.node);
    match &node.op {
        Op::Input(dtype, _) => format!("{} {dtype:?} {:?}", node.name, graph.ty(value)),
        Op::Const(constant) => format!("{:?}", constant.ty),
        _ => format!("{}:{}", places[&value.node], value.port),
    }
}

fn read(bytes: Bytes) -> TypedGraph {
    let graph = import::read(bytes, None).expect("a valid model");
    graph.infer_shapes().expect("shapes that agree")
}

fn is_composed(op: &Op) -> bool {
    matches!(
        op,
        Op::Unary(Unary::Swish | Unary::Square | Unary::Rsqrt)
            | Op::Binary(Binary::SquaredDifference)
    )
}

fn check(first: &TypedGraph) {
    let bytes = write(first).expect("a graph that ONNX can say");
    let second = read(bytes.clone());
    let in_file = second.graph().dag().node_indices();
    let lines = outline(&second, in_file);
    let is_plain = !first.order().iter().any(|&id| is_composed(&first.graph().node(id).op));
    if is_plain {
        assert_eq!(outline(first, first.order().iter().copied()), lines);
    }
    for (a, b) in first.graph().outputs().iter().zip(second.graph().outputs()) {
        assert_eq!(first.ty(*a), second.ty(*b));
    }
    assert_eq!(write(first).expect("as before"), bytes, "the same file each time");
}

macro_rules! round_trips {
    ($($name:ident: $file:literal),* $(,)?) => {$(
        #[test]
        fn $name() {
            let bytes = include_bytes!(concat!("../../tests/models/", $file));
            check(&read(Bytes::from_static(bytes)));
        }
    )*};
}

round_trips! {
    resnet18: "resnet18_bn.onnx",
    resnet50: "resnet50.onnx",
    mobilenet_v2: "mobilenet_v2_bn.onnx",
    mobilenet_v3: "mobilenet_v3_small.onnx",
    shufflenet_v2: "shufflenet_v2_x1_0_bn.onnx",
    squeezenet: "squeezenet1_1.onnx",
    efficientnet: "efficientnet_b0.onnx",
    nas_bench_201: "nb201_bn.onnx",
}

#[test]
fn channels_last_are_refused() {
    let bytes = include_bytes!("../../tests/models/mobilenetv3small_0.nnmeter-ir.json");
    let error = write(&read(Bytes::from_static(bytes))).expect_err("has the channels last");
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    expect_test::expect![[r#"node #1 "conv1.conv/Conv2D" (Conv): has data with the channels last; expected what ONNX, written from a graph without weights, can say"#]].assert_eq(&error.to_string());
}

proptest! {
    #[test]
    fn random_graphs_read_back(plan in random_graph::plan(12)) {
        check(&plan.build(|index| index as u64).infer_shapes().expect("shapes that agree"));
    }
}
