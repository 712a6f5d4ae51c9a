//! What nodes of nn-Meter IR become, and how damaged files are refused.

use expect_test::{Expect, expect};

use super::read;
use crate::graph::Graph;
use crate::op::Op;

const MOBILENET: &[u8] =
    include_bytes!("../../../../tests/models/mobilenetv3small_0.nnmeter-ir.json");

/// Writes a graph as one line a node: what it does, and what it reads.
fn show(graph: &Graph) -> String {
    let mut text = String::new();
    for id in graph.dag().node_indices() {
        let node = graph.node(id);
        let operands: Vec<String> = graph
            .operands(id)
            .iter()
            .map(|operand| match operand {
                Some(value) => match &graph.node(value.node).op {
                    Op::Const(constant) => match constant.as_ints() {
                        Some(ints) => format!("{ints:?}"),
                        None => format!("const {}", constant.ty),
                    },
                    _ if value.port > 0 => {
                        format!("{}:{}", graph.node(value.node).name, value.port)
                    }
                    _ => graph.node(value.node).name.to_string(),
                },
                None => "-".to_owned(),
            })
            .collect();
        if !matches!(node.op, Op::Const(_)) {
            let op = format!("{:?}", node.op);
            text += &format!("{} = {op} ({})\n", node.name, operands.join(", "));
        }
    }
    text
}

fn check(nodes: &str, expected: Expect) {
    let shown = match read(format!("{{{nodes}}}").as_bytes()) {
        Ok(graph) => show(&graph),
        Err(error) => format!("error: {error}\n"),
    };
    expected.assert_eq(&shown);
}

const INPUT: &str =
    r#""x": {"inbounds": [], "attr": {"type": "Placeholder", "attr": {"shape": [1, 8, 8, 6]}}}"#;

/// One node behind an input of 1x8x8x6.
fn check_node(op_type: &str, attr: &str, output: &str, expected: Expect) {
    let node = format!(
        r#"{INPUT}, "n": {{"inbounds": ["x"], "attr": {{"type": "{op_type}", "attr": {{{attr}}},
        "input_shape": [[1, 8, 8, 6]], "output_shape": {output}}}}}"#
    );
    let shown = match read(format!("{{{node}}}").as_bytes()) {
        Ok(graph) => show(&graph).lines().skip(1).collect::<Vec<_>>().join("\n"),
        Err(error) => format!("error: {error}"),
    };
    expected.assert_eq(&shown);
}

#[test]
fn reads_a_real_file() {
    let graph = read(MOBILENET).expect("a valid file");
    let count = |name: &str| graph.dag().node_weights().filter(|n| n.op.name() == name).count();
    assert_eq!([count("Conv"), count("BatchNormalization"), count("MatMul")], [53, 35, 1]);
    assert_eq!(graph.outputs().len(), 1);
}

#[test]
fn refuses_every_prefix_of_a_file_without_panicking() {
    let start = &MOBILENET[..4000];
    for end in 0..start.len() {
        assert!(read(&start[..end]).is_err());
    }
}

#[test]
fn takes_weights_from_attributes() {
    check_node(
        "Conv2D",
        r#""padding": "SAME", "pads": [0,0,0,0], "strides": [1,2,2,1], "weight_shape": [3,3,6,4]"#,
        "[[1, 4, 4, 4]]",
        expect![
            "n = Conv(Conv { transposed: false, layout: ChannelsLast, filter: Hwio, strides: [2, 2], dilations: [], padding: SameUpper, output_padding: [], groups: 1 }) (x, const 3x3x6x4)"
        ],
    );
    check_node(
        "Conv",
        r#""pads": [1,1,1,1], "group": 6, "kernel_shape": [3,3], "weight_shape": [6,1,3,3]"#,
        "[[1, 8, 8, 6]]",
        expect![
            "n = Conv(Conv { transposed: false, layout: ChannelsLast, filter: Oihw, strides: [], dilations: [], padding: Explicit([1, 1], [1, 1]), output_padding: [], groups: 6 }) (x, const 6x1x3x3)"
        ],
    );
    check_node(
        "DepthwiseConv2dNative",
        r#""padding": "VALID", "kernel_shape": [3,3]"#,
        "[[1, 6, 6, 12]]",
        expect![
            "n = Conv(Conv { transposed: false, layout: ChannelsLast, filter: HwioDepthwise, strides: [], dilations: [], padding: Explicit([], []), output_padding: [], groups: 1 }) (x, const 3x3x6x2)"
        ],
    );
    check_node(
        "Gemm",
        "",
        "[[1, 10]]",
        expect!["n = MatMul { transpose_a: false, transpose_b: false } (x, const 6x10)"],
    );
    check_node("BiasAdd", "", "[[1, 8, 8, 6]]", expect!["n = Binary(Add) (x, const 6)"]);
}

#[test]
fn finds_what_attributes_leave_out() {
    check_node("Transpose", "", "[[1, 8, 6, 8]]", expect!["n = Transpose(Some([0, 1, 3, 2])) (x)"]);
    check_node("Transpose", "", "[[1, 6, 8, 8]]", expect!["n = Transpose(Some([0, 3, 1, 2])) (x)"]);
    check_node(
        "Mean",
        r#""reduction_indices": [1, 2]"#,
        "[[1, 6]]",
        expect!["n = Reduce { kind: Mean, keep_dims: false } (x, [1, 2])"],
    );
    check_node(
        "ReduceMean",
        r#""axes": [2, 3], "keepdims": 1"#,
        "[[1, 1, 1, 6]]",
        expect!["n = Reduce { kind: Mean, keep_dims: true } (x, [1, 2])"],
    );
    check_node(
        "Split",
        r#""axis": 1"#,
        "[[1, 8, 8, 2], [1, 8, 8, 4]]",
        expect!["n = Split { axis: 3 } (x, [2, 4])"],
    );
    check_node(
        "Pad",
        r#""paddings": [[0,0],[1,2],[3,4],[0,0]]"#,
        "[[]]",
        expect!["n = Pad (x, [0, 1, 3, 0, 0, 2, 4, 0])"],
    );
    check_node("Grin", "", "[[1, 6]]", expect![[r#"n = Other { op_type: "Grin" } (x)"#]]);
}

#[test]
fn reports_what_is_wrong_with_a_node() {
    check_node("Conv2D", "", "[]", expect![[r#"error: node "n" (Conv2D): has no weight_shape"#]]);
    check_node(
        "Conv2D",
        r#""strides": "wide""#,
        "[]",
        expect![[
            r#"error: nn-Meter IR: node "n": invalid type: string "wide", expected an integer or a list of integers at line 1 column 168; expected an object of nodes, each with inbounds and attr"#
        ]],
    );
    check_node(
        "Conv2D",
        r#""weight_shape": [3,3,6,4], "kernel_shape": [5,5]"#,
        "[]",
        expect![[
            r#"error: node "n" (Conv2D): has weight_shape 3x3x6x4; expected a window of 5x5, as its kernel_shape says"#
        ]],
    );
    check_node(
        "MaxPool",
        r#""ksize": [2, -2]"#,
        "[]",
        expect![[r#"error: node "n" (MaxPool): has ksize [2, -2]; expected positive values"#]],
    );
    check_node(
        "MaxPool",
        r#""ksize": 2, "padding": "ROUGH""#,
        "[]",
        expect![[
            r#"error: node "n" (MaxPool): has padding "ROUGH"; expected SAME, VALID or amounts"#
        ]],
    );
    check_node(
        "Transpose",
        r#""perm": [0, 0]"#,
        "[]",
        expect![[r#"error: node "n" (Transpose): has perm [0, 0]; expected each axis once"#]],
    );
    check(
        r#""a": {"inbounds": ["b"], "attr": {"type": "Relu"}}"#,
        expect![[r#"
        error: node #0 "a", operand 0: refers to "b", which no node produces
    "#]],
    );
    check(
        r#""a": {"inbounds": ["a"], "attr": {"type": "Relu"}}"#,
        expect![[r#"
        error: node #0 "a": depends on its own output; expected a graph without cycles
    "#]],
    );
    check(
        r#""a": {"inbounds": "a", "attr": {"type": "Relu"}}"#,
        expect![[r#"
        error: nn-Meter IR: node "a": invalid type: string "a", expected a sequence at line 1 column 22; expected an object of nodes, each with inbounds and attr
    "#]],
    );
    check(
        r#""a": {"inbounds": []}"#,
        expect![[r#"
        error: nn-Meter IR: node "a": missing field `attr` at line 1 column 22; expected an object of nodes, each with inbounds and attr
    "#]],
    );
    check(
        &format!("{INPUT}, {INPUT}"),
        expect![[r#"
        error: node "x" (Placeholder): is in the file twice
    "#]],
    );
    check(
        "",
        expect![[r#"
        error: nn-Meter IR: has no nodes
    "#]],
    );
}

#[test]
fn gives_parts_of_a_split_to_its_consumers() {
    let split = r#""s": {"inbounds": ["x"], "outbounds": ["b", "a", "c"], "attr": {"type": "Split",
        "output_shape": [[1, 8, 8, 3], [1, 8, 8, 3]], "attr": {"axis": 3, "num_split": 2}}}"#;
    let relu =
        |name: &str| format!(r#""{name}": {{"inbounds": ["s"], "attr": {{"type": "Relu"}}}}"#);
    let nodes = [INPUT.to_owned(), split.to_owned(), relu("a"), relu("b"), relu("c")];
    check(
        &nodes.join(", "),
        expect![[r#"
        x = Input(F32, Some([Known(1), Known(8), Known(8), Known(6)])) ()
        s = Split { axis: 3 } (x)
        a = Unary(Relu) (s:1)
        b = Unary(Relu) (s)
        c = Unary(Relu) (s)
    "#]],
    );
}

#[test]
fn reads_a_line_of_the_benchmark_set() {
    let line = format!(r#"{{"id": "alexnet_0", "cpu": 12.5, "vpu": null, "graph": {{{INPUT}}}}}"#);
    assert_eq!(read(line.as_bytes()).expect("a valid line").inputs().count(), 1);
    let two = format!("{line}\n{line}");
    assert!(read(two.as_bytes()).expect_err("two lines").advice().is_some());
}
