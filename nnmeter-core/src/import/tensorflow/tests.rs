//! What nodes of TensorFlow become. The graphs are encoded here with the importer's own messages.

use bytes::Bytes;
use expect_test::{Expect, expect};
use prost::Message;

use super::proto::*;
use super::read;
use crate::graph::Graph;
use crate::op::Op;
use crate::text;

fn attr(key: &str, value: AttrValue) -> AttrEntry {
    AttrEntry { key: key.to_owned(), value: Some(value) }
}

fn text(key: &str, text: &'static str) -> AttrEntry {
    attr(key, AttrValue { s: Some(Bytes::from_static(text.as_bytes())), ..Default::default() })
}

fn int(key: &str, i: i64) -> AttrEntry {
    attr(key, AttrValue { i: Some(i), ..Default::default() })
}

fn list(key: &str, i: &[i64]) -> AttrEntry {
    let list = ListValue { i: i.to_vec(), shape: Vec::new() };
    attr(key, AttrValue { list: Some(list), ..Default::default() })
}

fn shape(dims: &[i64]) -> ShapeProto {
    let dim = dims.iter().map(|&size| DimProto { size }).collect();
    ShapeProto { dim, unknown_rank: false }
}

fn node(name: &str, op: &str, input: &[&str], attr: Vec<AttrEntry>) -> NodeDef {
    let input = input.iter().map(ToString::to_string).collect();
    NodeDef { name: name.to_owned(), op: op.to_owned(), input, attr }
}

fn input(dims: &[i64]) -> NodeDef {
    let shape = AttrValue { shape: Some(shape(dims)), ..Default::default() };
    node("x", "Placeholder", &[], vec![attr("shape", shape)])
}

/// A constant of 32-bit integers in `tensor_content`.
fn ints(name: &str, dims: &[i64], values: &[i32]) -> NodeDef {
    let content: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
    let tensor = TensorProto {
        dtype: 3,
        tensor_shape: Some(shape(dims)),
        tensor_content: content.into(),
        ..Default::default()
    };
    let value = AttrValue { tensor: Some(tensor), ..Default::default() };
    node(name, "Const", &[], vec![attr("value", value)])
}

fn weight(name: &str, dims: &[i64]) -> NodeDef {
    let tensor = TensorProto { dtype: 1, tensor_shape: Some(shape(dims)), ..Default::default() };
    let value = AttrValue { tensor: Some(tensor), ..Default::default() };
    node(name, "Const", &[], vec![attr("value", value)])
}

fn encode(nodes: Vec<NodeDef>) -> Bytes {
    GraphDef { node: nodes }.encode_to_vec().into()
}

fn show(graph: &Graph) -> String {
    text::show(graph, |op| !matches!(op, Op::Const(_) | Op::Input(..)))
}

fn check(nodes: Vec<NodeDef>, expected: Expect) {
    let shown = match read(encode(nodes)) {
        Ok(graph) => show(&graph),
        Err(error) => format!("{:?}: {error}\n", error.kind()),
    };
    expected.assert_eq(&shown);
}

fn small_net() -> Vec<NodeDef> {
    let conv = vec![
        text("padding", "SAME"),
        text("data_format", "NHWC"),
        list("strides", &[1, 2, 2, 1]),
        list("dilations", &[1, 1, 1, 1]),
    ];
    vec![
        input(&[-1, 8, 8, 3]),
        weight("w", &[3, 3, 3, 4]),
        node("w/read", "Identity", &["w"], vec![]),
        node("conv", "Conv2D", &["x", "w/read", "^init"], conv),
        node("init", "NoOp", &[], vec![]),
        weight("b", &[4]),
        node("bias", "BiasAdd", &["conv:0", "b"], vec![]),
        node("relu6", "Relu6", &["bias"], vec![]),
        ints("axes", &[2], &[1, 2]),
        node("mean", "Mean", &["relu6", "axes"], vec![]),
    ]
}

#[test]
fn reads_a_small_network() {
    check(
        small_net(),
        expect![[r#"
            conv = Conv(Conv { transposed: false, layout: ChannelsLast, filter: Hwio, strides: [2, 2], dilations: [1, 1], padding: SameUpper, output_padding: [], groups: 0 }) (x, const 3x3x3x4)
            bias = Binary(Add) (conv, const 4)
            relu6 = Unary(Clip { min: Some(0.0), max: Some(6.0) }) (bias)
            mean = Reduce { kind: Mean, keep_dims: false } (relu6, [1, 2])
        "#]],
    );
}

#[test]
fn brings_operands_to_one_spelling() {
    check(
        vec![
            input(&[1, 4, 4, 6]),
            ints("axis", &[], &[3]),
            node("split", "Split", &["axis", "x"], vec![int("num_split", 2)]),
            node("concat", "ConcatV2", &["split:1", "split", "axis"], vec![]),
            ints("pads", &[4, 2], &[0, 0, 1, 2, 3, 4, 0, 0]),
            node("pad", "Pad", &["concat", "pads"], vec![]),
            ints("perm", &[4], &[0, 3, 1, 2]),
            node("transpose", "Transpose", &["pad", "perm"], vec![]),
            ints("begin", &[4], &[0, 1, 0, 0]),
            ints("size", &[4], &[-1, 2, -1, -1]),
            node("slice", "Slice", &["transpose", "begin", "size"], vec![]),
            node("grin", "Grin", &["slice"], vec![]),
        ],
        expect![[r#"
            split = Split { axis: 3 } (x)
            concat = Concat { axis: 3 } (split:1, split)
            pad = Pad (concat, [0, 1, 3, 0, 0, 2, 4, 0])
            transpose = Transpose(Some([0, 3, 1, 2])) (pad)
            slice = Slice (transpose, [0, 1, 0, 0], [9223372036854775807, 3, 9223372036854775807, 9223372036854775807])
            grin = Other { op_type: "Grin" } (slice)
        "#]],
    );
}

#[test]
fn transposed_convolutions_and_resizes() {
    let strides = list("strides", &[1, 2, 2, 1]);
    check(
        vec![
            input(&[1, 4, 4, 6]),
            ints("sizes", &[4], &[1, 8, 8, 3]),
            weight("w", &[3, 3, 3, 6]),
            node(
                "up",
                "Conv2DBackpropInput",
                &["sizes", "w", "x"],
                vec![strides, text("padding", "SAME")],
            ),
            ints("hw", &[2], &[16, 16]),
            node("resize", "ResizeBilinear", &["up", "hw"], vec![]),
        ],
        expect![[r#"
            up = Conv(Conv { transposed: true, layout: ChannelsLast, filter: Hwio, strides: [2, 2], dilations: [], padding: SameUpper, output_padding: [], groups: 1 }) (x, const 3x3x3x6)
            resize = Resize(Linear) (up, -, -, resize/operand3)
            resize/operand3/shape = Shape { start: 0, end: None } (up)
            resize/operand3/batch = Slice (resize/operand3/shape, [0], [1])
            resize/operand3/channels = Slice (resize/operand3/shape, [3], [4])
            resize/operand3 = Concat { axis: 0 } (resize/operand3/batch, [16, 16], resize/operand3/channels)
        "#]],
    );
}

#[test]
fn reports_what_is_wrong_with_a_node() {
    let conv = |attrs| vec![input(&[1, 4, 4, 3]), node("c", "Conv2D", &["x", "x"], attrs)];
    check(
        vec![node("v", "VariableV2", &[], vec![])],
        expect![[r#"
        Unsupported: node "v" (VariableV2): is a variable; expected a frozen graph, whose variables have become constants
    "#]],
    );
    check(
        conv(vec![list("strides", &[1, 0, 0, 1])]),
        expect![[r#"
        BadAttribute: node "c" (Conv2D): has strides [1, 0, 0, 1]; expected a positive value for each axis of its data
    "#]],
    );
    check(
        conv(vec![list("strides", &[1])]),
        expect![[r#"
        BadAttribute: node "c" (Conv2D): has strides [1]; expected a positive value for each axis of its data
    "#]],
    );
    check(
        conv(vec![text("padding", "ROUGH")]),
        expect![[r#"
        BadAttribute: node "c" (Conv2D): has padding "ROUGH"; expected SAME, VALID or EXPLICIT
    "#]],
    );
    check(
        conv(vec![text("padding", "EXPLICIT"), list("explicit_paddings", &[1])]),
        expect![[r#"
            BadAttribute: node "c" (Conv2D): has explicit_paddings [1]; expected a begin and an end of 0 or more for each axis
        "#]],
    );
    check(
        vec![node("c", "Conv2D", &[], vec![])],
        expect![[r#"
        Malformed: node "c" (Conv2D): has 0 inputs; expected at least 1
    "#]],
    );
    check(
        vec![node("r", "Relu", &["gone"], vec![])],
        expect![[r#"
        Dangling: node #0 "r", operand 0: refers to "gone", which no node produces
    "#]],
    );
    check(
        vec![node("r", "Relu", &["r"], vec![])],
        expect![[r#"
        Cyclic: node #0 "r": depends on its own output; expected a graph without cycles
    "#]],
    );
    check(
        vec![node("i", "Identity", &["i"], vec![]), node("r", "Relu", &["i"], vec![])],
        expect![[r#"
            Cyclic: node #0 "r", operand 0: refers to "i", which is a cycle of identities
        "#]],
    );
    check(
        vec![input(&[1]), input(&[1])],
        expect![[r#"
        Malformed: node "x" (Placeholder): is in the graph twice
    "#]],
    );
    check(
        vec![node("c", "Const", &[], vec![])],
        expect![[r#"
        BadAttribute: node "c" (Const): has no value of known extents
    "#]],
    );
    check(
        vec![],
        expect![[r#"
        Malformed: TensorFlow graph: has no nodes; expected a binary GraphDef
    "#]],
    );
}

#[test]
fn survives_every_prefix_and_every_flipped_byte() {
    let bytes = encode(small_net());
    for end in 0..bytes.len() {
        let _ = read(bytes.slice(..end));
    }
    for position in 0..bytes.len() {
        for flip in [0x01, 0x08, 0x80, 0xff] {
            let mut damaged = bytes.to_vec();
            damaged[position] ^= flip;
            let _ = read(damaged.into());
        }
    }
}

#[test]
fn claimed_outputs_are_bounded() {
    let mut nodes = vec![input(&[1])];
    for index in 0..40 {
        nodes.push(node(&format!("n{index}"), "Grin", &["x"], vec![]));
        nodes.push(node(&format!("r{index}"), "Relu", &[&format!("n{index}:65000")], vec![]));
    }
    check(
        nodes,
        expect![[r#"
            Unsupported: node "n2" (Grin) with 65001 outputs: multiplies too much; expected a model that unfolds to less than 32 MiB
        "#]],
    );
}
