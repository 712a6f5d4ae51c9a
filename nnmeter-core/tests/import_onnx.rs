//! The ONNX importer on whole files: the models in `tests/models`, and what is left of one after
//! it is cut or changed anywhere.

use std::collections::BTreeMap;
use std::path::Path;

use bytes::Bytes;
use expect_test::{Expect, expect};
use nnmeter_core::graph::Graph;
use nnmeter_core::import::onnx;
use nnmeter_core::op::Op;
use proptest::prelude::*;

fn load(name: &str) -> Bytes {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/models");
    std::fs::read(folder.join(name)).expect(name).into()
}

/// Counts of a graph's operators by name.
fn census(graph: &Graph) -> String {
    let mut counts = BTreeMap::<&str, usize>::new();
    for node in graph.dag().node_weights() {
        if !matches!(node.op, Op::Input(..) | Op::Const(_)) {
            *counts.entry(node.op.name()).or_default() += 1;
        }
    }
    counts.iter().map(|(name, count)| format!("{count} {name}")).collect::<Vec<_>>().join(", ")
}

fn check(name: &str, expected: Expect) {
    let graph = onnx::read(load(name)).expect(name);
    let inputs: Vec<&str> = graph.inputs().map(|id| &*graph.node(id).name).collect();
    assert_eq!(inputs, ["input"], "{name}: parameters are no inputs");
    assert_eq!(graph.outputs().len(), 1, "{name}");
    expected.assert_eq(&census(&graph));
}

#[test]
fn every_model_is_read_whole() {
    check("alexnet.onnx", expect!["1 AveragePool, 5 Conv, 1 Flatten, 3 MatMul, 3 MaxPool, 7 Relu"]);
    check(
        "efficientnet_b0.onnx",
        expect!["9 Add, 81 Conv, 1 Flatten, 17 GlobalAveragePool, 1 MatMul, 65 Mul, 65 Sigmoid"],
    );
    check(
        "mobilenet_v2.onnx",
        expect!["10 Add, 35 Clip, 52 Conv, 1 Flatten, 1 GlobalAveragePool, 1 MatMul"],
    );
    check(
        "mobilenet_v2_bn.onnx",
        expect![
            "10 Add, 52 BatchNormalization, 35 Clip, 52 Conv, 1 Flatten, 1 GlobalAveragePool, 1 MatMul"
        ],
    );
    check(
        "mobilenet_v3_small.onnx",
        expect![
            "6 Add, 52 Conv, 1 Flatten, 10 GlobalAveragePool, 28 HardSigmoid, 2 MatMul, 28 Mul, 14 Relu"
        ],
    );
    check(
        "nb201.onnx",
        expect![
            "47 Add, 2 AveragePool, 1 BatchNormalization, 82 Conv, 1 Flatten, 1 GlobalAveragePool, 1 MatMul, 50 Relu"
        ],
    );
    check(
        "nb201_bn.onnx",
        expect![
            "47 Add, 2 AveragePool, 81 BatchNormalization, 82 Conv, 1 Flatten, 1 GlobalAveragePool, 1 MatMul, 50 Relu"
        ],
    );
    check(
        "resnet18.onnx",
        expect!["8 Add, 20 Conv, 1 Flatten, 1 GlobalAveragePool, 1 MatMul, 1 MaxPool, 17 Relu"],
    );
    check(
        "resnet18_bn.onnx",
        expect![
            "8 Add, 20 BatchNormalization, 20 Conv, 1 Flatten, 1 GlobalAveragePool, 1 MatMul, 1 MaxPool, 17 Relu"
        ],
    );
    check(
        "resnet50.onnx",
        expect!["16 Add, 53 Conv, 1 Flatten, 1 GlobalAveragePool, 1 MatMul, 1 MaxPool, 49 Relu"],
    );
    check(
        "shufflenet_v2_x1_0.onnx",
        expect![
            "16 Concat, 56 Conv, 1 MatMul, 1 MaxPool, 1 ReduceMean, 37 Relu, 32 Reshape, 13 Split, 16 Transpose"
        ],
    );
    check(
        "shufflenet_v2_x1_0_bn.onnx",
        expect![
            "56 BatchNormalization, 16 Concat, 56 Conv, 1 MatMul, 1 MaxPool, 1 ReduceMean, 37 Relu, 32 Reshape, 13 Split, 16 Transpose"
        ],
    );
    check(
        "squeezenet1_1.onnx",
        expect!["8 Concat, 26 Conv, 1 Flatten, 1 GlobalAveragePool, 3 MaxPool, 26 Relu"],
    );
    check("vgg16.onnx", expect!["1 AveragePool, 13 Conv, 1 Flatten, 3 MatMul, 5 MaxPool, 15 Relu"]);
}

#[test]
fn a_cut_file_is_refused_at_every_length() {
    let whole = load("alexnet.onnx");
    assert!(onnx::read(whole.clone()).is_ok());
    for len in 0..whole.len() {
        // A cut between the last messages may leave a whole model without its tail.
        if let Err(error) = onnx::read(whole.slice(..len)) {
            assert_eq!(error.subject(), "ONNX model", "{len}: {error}");
            assert!(error.advice().is_some(), "{len}: {error}");
        } else {
            assert!(len + 16 > whole.len(), "{len} bytes of {} were taken", whole.len());
        }
    }
}

#[test]
fn a_changed_byte_never_panics() {
    let whole = load("squeezenet1_1.onnx");
    for at in (0..whole.len()).step_by(7) {
        for flip in [0x01, 0x80, 0xff] {
            let mut changed = whole.to_vec();
            changed[at] ^= flip;
            let _ = onnx::read(changed.into());
        }
    }
}

proptest! {
    #[test]
    fn garbage_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(onnx::read(bytes.into()).is_err());
    }
}
