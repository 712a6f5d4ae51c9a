//! What is written reads back as the same operators on the same shapes.

use std::collections::BTreeMap;

use bytes::Bytes;

use super::write;
use crate::import::{Format, nnmeter_ir, read};
use crate::typed::TypedGraph;

/// Operators that run with the elements they make, counted; views aside, which may be spelled
/// differently.
fn census(graph: &TypedGraph) -> BTreeMap<String, usize> {
    let mut census = BTreeMap::new();
    for &id in graph.order() {
        if !graph.is_op(id) || graph.is_view(id) {
            continue;
        }
        let name = graph.graph().node(id).op.name().replace("GlobalAveragePool", "ReduceMean");
        let elements = graph.output_type(id).map_or(0, |ty| ty.elements());
        *census.entry(format!("{name} {elements}")).or_default() += 1;
    }
    census
}

fn check(bytes: &'static [u8]) {
    let first = read(Bytes::from_static(bytes), None).expect("a valid model");
    let first = first.infer_shapes().expect("shapes that agree");
    let text = write(&first).expect("a graph that nn-Meter IR can say").to_string();
    assert_eq!(Format::detect(text.as_bytes()).expect("a format"), Format::NnMeterIr);
    let second = nnmeter_ir::read(text.as_bytes()).expect("a valid file");
    let second = second.infer_shapes().expect("shapes that agree");
    assert_eq!(census(&first), census(&second));
    let again = write(&second).expect("a graph that nn-Meter IR can say");
    assert_eq!(
        again.as_object().map(|o| o.len()),
        serde_json::from_str::<serde_json::Value>(&text)
            .expect("JSON")
            .as_object()
            .map(|o| o.len())
    );
}

macro_rules! round_trips {
    ($($name:ident: $file:literal),* $(,)?) => {$(
        #[test]
        fn $name() {
            check(include_bytes!(concat!("../../../../tests/models/", $file)));
        }
    )*};
}

round_trips! {
    mobilenet_v3_of_nn_meter: "mobilenetv3small_0.nnmeter-ir.json",
    resnet18: "resnet18_bn.onnx",
    mobilenet_v2: "mobilenet_v2_bn.onnx",
    mobilenet_v3: "mobilenet_v3_small.onnx",
    shufflenet_v2: "shufflenet_v2_x1_0_bn.onnx",
    squeezenet: "squeezenet1_1.onnx",
    efficientnet: "efficientnet_b0.onnx",
    nas_bench_201: "nb201_bn.onnx",
}
