//! Shape inference and kernel detection: of a chain of 10,000 operators, and of ShuffleNetV2.
//!
//! Run it with `cargo bench --bench detect`. Clones of the graphs are not timed.

use std::hint::black_box;
use std::path::Path;

use bytes::Bytes;
use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use nnmeter_core::builder::GraphBuilder;
use nnmeter_core::detect::detect;
use nnmeter_core::graph::Graph;
use nnmeter_core::import;
use nnmeter_core::op::{Layout, Op, Unary};
use nnmeter_core::rules::FusionRules;
use nnmeter_core::tensor::{DType, Dim};

const N_OPERATORS: usize = 10_000;
const MODEL: &str = "../tests/models/shufflenet_v2_x1_0_bn.onnx";

/// Rules in the manner of a phone's CPU.
const RULES: &str = r#"{
    "BF_conv_bn": {"obey": true}, "BF_conv_relu": {"obey": true}, "BF_bn_relu": {"obey": true},
    "BF_dwconv_bn": {"obey": true}, "BF_dwconv_relu": {"obey": true}, "BF_add_relu": {"obey": true},
    "BF_conv_bn_relu": {"obey": true}, "BF_dwconv_bn_relu": {"obey": true},
    "BF_unary_relu": {"obey": true}, "BF_relu_conv": {"obey": false}, "MON": {"obey": null}}"#;

/// `tanh` and `relu` in turns.
fn chain() -> Graph {
    let mut builder = GraphBuilder::new();
    let dims = [1, 8, 8, 8].map(Dim::Known).to_vec();
    builder.node("x", Op::Input(DType::F32, Some(dims)), [], &["v0"]).expect("a new name");
    for index in 0..N_OPERATORS {
        let (from, to) = (format!("v{index}"), format!("v{}", index + 1));
        let unary = if index % 2 == 0 { Unary::Tanh } else { Unary::Relu };
        builder.node(&to, Op::Unary(unary), [&*from], &[&to]).expect("a new name");
    }
    builder.finish(Layout::ChannelsFirst).expect("a well-formed graph")
}

fn shufflenet() -> Graph {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(MODEL);
    let bytes = Bytes::from(std::fs::read(path).expect("the model file"));
    import::read(bytes, None).expect("a valid model")
}

fn bench(c: &mut Criterion) {
    let rules = FusionRules::from_json(RULES.as_bytes()).expect("valid rules");
    for (name, graph) in [("chain_10000", chain()), ("shufflenet_v2", shufflenet())] {
        let mut group = c.benchmark_group(name);
        group.bench_function("infer_shapes", |bencher| {
            bencher.iter_batched(
                || graph.clone(),
                |graph| graph.infer_shapes().expect("valid shapes"),
                BatchSize::LargeInput,
            );
        });
        let typed = graph.clone().infer_shapes().expect("valid shapes");
        group.bench_function("detect", |bencher| {
            bencher.iter(|| detect(black_box(&typed), &rules));
        });
        group.finish();
    }
}

criterion_group!(benches, bench);
criterion_main!(benches);
