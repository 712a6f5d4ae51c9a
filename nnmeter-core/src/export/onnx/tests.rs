//! What single operators are written as, and what is refused.

use bytes::Bytes;
use expect_test::{Expect, expect};
use prost::Message;

use super::{proto, write, write_unfolded};
use crate::error::ErrorKind;
use crate::text;

/// The nodes of the file that `text` becomes: operator, attributes, operands, results.
fn nodes(text: &str) -> String {
    let graph = text::graph(text).infer_shapes().expect("shapes that agree");
    let bytes = write(&graph).expect("a graph that ONNX can say");
    let file = proto::Model::decode(bytes).expect("a message");
    let file = file.graph.expect("a graph");
    let mut lines = String::new();
    for node in &file.node {
        let proto::Node { input, output, op_type, attribute, .. } = node;
        let value = |a: &proto::Attribute| match a.kind {
            1 => format!("{}={}", a.name, a.f),
            2 => format!("{}={}", a.name, a.i),
            3 => format!("{}={}", a.name, String::from_utf8_lossy(&a.s)),
            _ => format!("{}={:?}", a.name, a.ints),
        };
        let attributes: Vec<String> = attribute.iter().map(value).collect();
        lines += &format!(
            "{} = {op_type}[{}]({})\n",
            output.join(","),
            attributes.join(" "),
            input.join(",")
        );
    }
    lines
}

fn check(text: &str, expected: Expect) {
    expected.assert_eq(&nodes(text));
}

#[test]
fn windows_and_products() {
    check(
        "x = input 1x4x9x9; c = conv x k=3 s=2 p=1x0 out=8 g=2 bias; d = deconv c k=2 s=2 out=4",
        expect![[r#"
        c = Conv[kernel_shape=[3, 3] strides=[2, 2] group=2 pads=[1, 0, 1, 0]](x,c/operand1,c/operand2)
        d = ConvTranspose[kernel_shape=[2, 2] strides=[2, 2]](c,d/operand1)
    "#]],
    );
    check(
        "x = input 1x4x9x9; p = maxpool x k=3 s=2 p=1; g = gap p; f = flatten g; y = fc f out=5 bias; z = fc y out=2",
        expect![[r#"
        p = MaxPool[kernel_shape=[3, 3] strides=[2, 2] pads=[1, 1, 1, 1]](x)
        g = GlobalAveragePool[](p)
        f = Flatten[axis=1](g)
        y = Gemm[](f,y/operand1,y/operand2)
        z = MatMul[](y,z/operand1)
    "#]],
    );
}

#[test]
fn functions_of_elements() {
    check(
        "x = input 1x4; a = relu6 x; b = hswish a; c = swish b; d = add c 3; e = hardsigmoid d; f = softmax e",
        expect![[r#"
        a = Clip[](x,a/min,a/max)
        b = HardSwish[](a)
        c/Sigmoid = Sigmoid[](b)
        c = Mul[](b,c/Sigmoid)
        d = Add[](c,d/operand1)
        e = HardSigmoid[alpha=0.16666667 beta=0.5](d)
        f = Softmax[axis=-1](e)
    "#]],
    );
}

#[test]
fn arrangements() {
    check(
        "x = input 1x4x2x2; s,t = split x axis=1; k = concat t s axis=1; v = reshape k 1,2,2,2,2; w = transpose v 0,2,1,3,4; m = mean w axes=2,3 keep",
        expect![[r#"
        s,s:1 = Split[axis=1 num_outputs=2](x)
        k = Concat[axis=1](s:1,s)
        v = Reshape[](k,v/operand1)
        w = Transpose[perm=[0, 2, 1, 3, 4]](v)
        m = ReduceMean[keepdims=1](w,m/operand1)
    "#]],
    );
}

#[test]
fn batch_normalisations_are_unfolded_if_asked() {
    let graph = text::graph("x = input 1x4x2x2; b = bn x; r = relu b");
    let graph = graph.infer_shapes().expect("shapes");
    let file = proto::Model::decode(write_unfolded(&graph).expect("writes")).expect("a message");
    let file = file.graph.expect("a graph");
    let line = |node: &proto::Node| format!("{} {}", node.op_type, node.input.join(" "));
    let nodes: Vec<String> = file.node.iter().map(line).collect();
    assert_eq!(nodes, ["Mul x b/factor", "Add b/Mul b/summand", "Relu b"]);
    let of_channels = file.initializer.iter().filter(|tensor| tensor.dims == [4, 1, 1]);
    assert_eq!(of_channels.count(), 2);
}

#[test]
fn what_a_graph_does_not_keep_is_refused() {
    let refused = |text: &str| {
        let error = write(&text::graph(text).infer_shapes().expect("shapes that agree"));
        let error = error.expect_err(text);
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        error.to_string()
    };
    expect![[r#"node #1 "y" (foo): is an operator whose attributes are not kept; expected what ONNX, written from a graph without weights, can say"#]].assert_eq(&refused("x = input 1x4; y = foo x -> 1x4"));
    expect![[r#"node #1 "y" (Conv): has data with the channels last; expected what ONNX, written from a graph without weights, can say"#]].assert_eq(&refused("layout nhwc; x = input 1x8x8x4; y = conv x k=3 out=4"));
}

#[test]
fn values_that_are_known_are_kept() {
    let graph = text::graph("x = input 1x4; y = add x 3; w = const 4; z = mul y w");
    let bytes: Bytes = write(&graph.infer_shapes().expect("shapes")).expect("writes");
    let file = proto::Model::decode(bytes).expect("a message").graph.expect("a graph");
    let floats = file.initializer.iter().map(|tensor| {
        let elements = tensor.raw_data.chunks(4);
        elements.map(|e| f32::from_le_bytes([e[0], e[1], e[2], e[3]])).collect::<Vec<f32>>()
    });
    let floats: Vec<_> = floats.collect();
    assert!(floats.contains(&vec![3.0]), "{floats:?}");
    let made_up = floats.iter().find(|values| values.len() == 4).expect("the weight");
    assert!(made_up.iter().all(|value| (0.9..1.1).contains(value)), "{made_up:?}");
}
