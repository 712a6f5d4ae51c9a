//! What nodes of NNI's graphs become, and how damaged files are refused.

use expect_test::{Expect, expect};

use super::read;
use crate::graph::Graph;
use crate::op::Op;
use crate::text;

fn show(graph: &Graph) -> String {
    text::show(graph, |op| !matches!(op, Op::Const(_)))
}

fn check(text: &str, expected: Expect) {
    let shown = match read(text.as_bytes()) {
        Ok(graph) => show(&graph),
        Err(error) => format!("{:?}: {error}\n", error.kind()),
    };
    expected.assert_eq(&shown);
}

/// A model of which each node reads the one before it.
fn chain(nodes: &[(&str, &str)]) -> String {
    let mut text = Vec::new();
    let mut edges = Vec::new();
    let mut last = "_inputs";
    for (name, operation) in nodes {
        text.push(format!(r#""{name}": {{"operation": {{{operation}}}}}"#));
        edges.push(format!(r#"{{"head": ["{last}", 0], "tail": ["{name}", 0]}}"#));
        last = name;
    }
    edges.push(format!(r#"{{"head": ["{last}", null], "tail": ["_outputs", 0]}}"#));
    let (nodes, edges) = (text.join(","), edges.join(","));
    format!(
        r#"{{"_model": {{"inputs": ["x"], "outputs": ["y"], "nodes": {{{nodes}}}, "edges": [{edges}]}}}}"#
    )
}

const CONV: &str = r#""type": "__torch__.torch.nn.modules.conv.Conv2d", "parameters": {"in_channels": 6,
    "out_channels": 12, "kernel_size": [3, 5], "stride": 2, "padding": 1, "groups": 3, "bias": false},
    "attributes": {"input_shape": [[1, 6, 8, 8]], "output_shape": [[1, 12, 4, 3]]}"#;

#[test]
fn reads_modules_of_both_versions() {
    let linear = r#""type": "__torch__.nni.nas.nn.pytorch._layers.Linear",
        "parameters": {"in_features": 12, "out_features": 10}"#;
    let flatten = r#""type": "__torch__.nni.nas.nn.pytorch._layers.Flatten", "parameters": {}"#;
    let pool = r#""type": "__torch__.torch.nn.modules.pooling.AdaptiveAvgPool2d",
        "parameters": {"output_size": [1, 1]}"#;
    let relu = r#""type": "__torch__.torch.nn.modules.activation.ReLU6", "parameters": {}"#;
    let nodes = [("conv", CONV), ("relu", relu), ("pool", pool), ("flat", flatten), ("fc", linear)];
    check(
        &chain(&nodes),
        expect![[r#"
        x = Input(F32, Some([Known(1), Known(6), Known(8), Known(8)])) ()
        conv = Conv(Conv { transposed: false, layout: ChannelsFirst, filter: Oihw, strides: [2, 2], dilations: [], padding: Explicit([1, 1], [1, 1]), output_padding: [], groups: 3 }) (x, const 12x2x3x5)
        relu = Unary(Clip { min: Some(0.0), max: Some(6.0) }) (conv)
        pool = GlobalPool(Average, ChannelsFirst) (relu)
        flat = Reshape(Flatten { axis: 1 }) (pool)
        fc = MatMul { transpose_a: false, transpose_b: true } (flat, const 10x12, const 10)
    "#]],
    );
}

const CELLS: &str = r#"{
  "_model": {"inputs": ["x"], "outputs": ["y"], "nodes": {
      "a": {"operation": {"type": "_cell", "cell_name": "branch", "parameters": {}}},
      "b": {"operation": {"type": "_cell", "cell_name": "branch", "parameters": {}}},
      "list": {"operation": {"type": "prim::ListConstruct", "parameters": {}}},
      "dim": {"operation": {"type": "prim::Constant", "parameters": {"type": "int", "value": 1}}},
      "cat": {"operation": {"type": "aten::cat", "parameters": {}}},
      "two": {"operation": {"type": "prim::Constant", "parameters": {"type": "int", "value": 2}}},
      "chunk": {"operation": {"type": "aten::chunk", "parameters": {}}},
      "parts": {"operation": {"type": "prim::ListUnpack", "parameters": {}}},
      "add": {"operation": {"type": "aten::add", "parameters": {}}}},
    "edges": [
      {"head": ["_inputs", 0], "tail": ["a", 0]}, {"head": ["a", 0], "tail": ["b", 0]},
      {"head": ["a", null], "tail": ["list", 0]}, {"head": ["b", 0], "tail": ["list", 1]},
      {"head": ["list", 0], "tail": ["cat", 0]}, {"head": ["dim", 0], "tail": ["cat", 1]},
      {"head": ["cat", 0], "tail": ["chunk", 0]}, {"head": ["two", 0], "tail": ["chunk", 1]},
      {"head": ["dim", 0], "tail": ["chunk", 2]}, {"head": ["chunk", 0], "tail": ["parts", 0]},
      {"head": ["parts", 0], "tail": ["add", 0]}, {"head": ["parts", 1], "tail": ["add", 1]},
      {"head": ["add", 0], "tail": ["_outputs", 0]}]},
  "branch": {"inputs": ["x"], "outputs": ["y"], "nodes": {
      "act": {"operation": {"type": "__torch__.torch.nn.modules.activation.ReLU"}},
      "drop": {"operation": {"type": "__torch__.torch.nn.modules.dropout.Dropout"}}},
    "edges": [{"head": ["_inputs", 0], "tail": ["act", 0]}, {"head": ["act", 0], "tail": ["drop", 0]},
      {"head": ["drop", 0], "tail": ["_outputs", 0]}]},
  "not chosen": 5}"#;

#[test]
fn unfolds_cells_and_evaluates_lists() {
    check(
        CELLS,
        expect![[r#"
        x = Input(F32, None) ()
        a/act = Unary(Relu) (x)
        b/act = Unary(Relu) (a/act)
        cat = Concat { axis: 1 } (a/act, b/act)
        chunk = Split { axis: 1 } (cat)
        add = Binary(Add) (chunk, chunk:1)
    "#]],
    );
}

#[test]
fn reports_what_is_wrong_with_a_node() {
    check(
        "{}",
        expect![[r#"
        Dangling: graph "_model": is not in the file
    "#]],
    );
    check(
        r#"{"_model": {"nodes": []}}"#,
        expect![[r#"
        Malformed: graph "_model": invalid type: sequence, expected a map; expected a graph of nodes and edges
    "#]],
    );
    check(
        &chain(&[("n", r#""type": 5"#)]),
        expect![[r#"
        Malformed: node "n": invalid type: integer `5`, expected a string; expected a node with an operation
    "#]],
    );
    check(
        &chain(&[("n", r#""type": "a.Conv2d""#)]),
        expect![[r#"
        BadAttribute: node "n": has no in_channels; expected a positive integer
    "#]],
    );
    let window = CONV.replace("[3, 5]", "[3, 5, 7]");
    check(
        &chain(&[("n", &window)]),
        expect![[r#"
        BadAttribute: node "n": has kernel_size [3,5,7]; expected an integer from 1 on, or 2 of them
    "#]],
    );
    check(
        &chain(&[("n", &CONV.replace("\"groups\": 3", "\"groups\": 5"))]),
        expect![[r#"
        BadAttribute: node "n": has groups 5; expected a divisor of 6 and 12 channels
    "#]],
    );
    check(
        &chain(&[("n", r#""cell_name": "gone""#)]),
        expect![[r#"
        Dangling: graph "gone": is not in the file
    "#]],
    );
    check(
        &chain(&[("n", r#""cell_name": "_model""#)]),
        expect![[r#"
        Cyclic: node "n/n/n/n/n/n/n/n/n/n/n/n/n/n/n/n/n/n/n/n/n/n/n/n/n/n/n/n/n/n/n/n/n": nests cells deeper than 32
    "#]],
    );
    check(
        &chain(&[("n", r#""type": "Grin""#)]),
        expect![[r#"
        x = Input(F32, None) ()
        n = Other { op_type: "Grin" } (x)
    "#]],
    );
    let edge = r#"{"head": ["_inputs", 0], "tail": ["gone", 0]}"#;
    check(
        &format!(r#"{{"_model": {{"nodes": {{}}, "edges": [{edge}]}}}}"#),
        expect![[r#"
        Dangling: graph "_model": has an edge to "gone", which is not a node of it
    "#]],
    );
}

#[test]
fn lists_that_multiply_are_refused() {
    let list = |from: &str| format!(r#"{{"head": ["{from}", 0], "tail": "#);
    let (mut nodes, mut edges) = (Vec::new(), Vec::new());
    let mut last = "_inputs".to_owned();
    for index in 0..30 {
        let name = format!("n{index}");
        nodes.push(format!(r#""{name}": {{"operation": {{"type": "prim::ListConstruct"}}}}"#));
        edges.push(format!(r#"{}["{name}", 0]}}, {}["{name}", 1]}}"#, list(&last), list(&last)));
        last = name;
    }
    let text = format!(
        r#"{{"_model": {{"nodes": {{{}}}, "edges": [{}]}}}}"#,
        nodes.join(","),
        edges.join(",")
    );
    check(
        &text,
        expect![[r#"
        Malformed: NNI graph: unfolds to too many nodes; expected at most 300000 nodes, edges and list items
    "#]],
    );
}

#[test]
fn refuses_every_prefix_of_a_file() {
    for end in 0..CELLS.len() {
        assert!(read(&CELLS.as_bytes()[..end]).is_err());
    }
}
