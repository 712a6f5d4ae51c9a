//! Models that are valid but odd.

use bytes::Bytes;
use expect_test::{Expect, expect};
use prost::Message;

use super::proto::{Attribute, Function, Graph as File, Model, Node, SparseTensor, Tensor};
use super::read;
use super::test_models::{encode, file, import, info, ints, node, show, weight};
use crate::tensor::TensorType;

fn check(graph: File, expected: Expect) {
    match import(17, graph) {
        Ok(graph) => expected.assert_eq(&show(&graph)),
        Err(error) => expected.assert_eq(&format!("{:?}: {error}\n", error.kind())),
    }
}

#[test]
fn nodes_need_no_names_and_names_need_not_differ() {
    let nodes = vec![
        node("Relu", &["x"], &["a"]),
        node("Relu", &["a"], &["b"]).named("same"),
        node("Relu", &["b"], &["c"]).named("same"),
        node("Split", &["c"], &["", "d"]),
    ];
    check(
        file(&[4], vec![], nodes),
        expect![[r#"
        a: Unary(Relu) <- x
        same: Unary(Relu) <- a
        same: Unary(Relu) <- same
        d: Split { axis: 0 } <- same
    "#]],
    );
}

#[test]
fn weights_may_lie_elsewhere_or_be_sparse_or_stripped() {
    let external = Tensor { data_location: 1, ..ints("w", &[1, 2]) };
    let sparse = Tensor { data_type: 1, name: "s".into(), ..Tensor::default() };
    let mut graph = file(
        &[4],
        vec![external, weight("stripped", &[4])],
        vec![
            node("Add", &["x", "w"], &["a"]),
            node("Add", &["a", "s"], &["b"]),
            node("Add", &["b", "stripped"], &["c"]),
        ],
    );
    graph.sparse_initializer = vec![SparseTensor { values: Some(sparse), dims: vec![4, 4] }];
    check(
        graph,
        expect![[r#"
        a: Binary(Add) <- x, const 2
        b: Binary(Add) <- a, const 4x4
        c: Binary(Add) <- b, const 4
    "#]],
    );
}

#[test]
fn packed_element_fields_are_read_for_small_constants() {
    let packed = Tensor {
        dims: vec![2],
        data_type: 7,
        int64_data: vec![Bytes::from_static(&[0x02]), Bytes::from_static(&[0x80, 0x01])],
        name: "s".into(),
        ..Tensor::default()
    };
    let half = Tensor {
        data_type: 10,
        int32_data: vec![Bytes::from_static(&[0x80, 0x8c, 0x01])], // 0x4600
        name: "six".into(),
        ..Tensor::default()
    };
    let nodes = vec![node("Reshape", &["x", "s"], &["r"]), node("Clip", &["r", "", "six"], &["y"])];
    check(
        file(&[256], vec![packed, half], nodes),
        expect![[r#"
        r: Reshape(To { allow_zero: false }) <- x, [2, 128]
        y: Unary(Clip { min: None, max: Some(6.0) }) <- r
    "#]],
    );
}

/// The attribute that holds a subgraph.
fn subgraph(graph: File) -> Attribute {
    Attribute { kind: 5, g: Some(Box::new(graph)), ..Attribute::default() }
}

#[test]
fn subgraphs_are_reported_and_wired_to_what_they_capture() {
    let branch = |weight_name: &str| File {
        node: vec![
            node("Relu", &["x"], &["inner"]),
            node("Add", &["inner", weight_name], &["result"]),
        ],
        output: vec![info("result", &[4])],
        ..File::default()
    };
    let choice = node("If", &["c"], &["y"])
        .attr("then_branch", subgraph(branch("w")))
        .attr("else_branch", subgraph(branch("x")));
    let condition = Tensor { data_type: 9, raw_data: Bytes::from_static(&[1]), ..weight("c", &[]) };
    let mut graph = file(&[4], vec![condition, weight("w", &[4])], vec![choice]);
    graph.output.push(info("y", &[4]));
    let read = import(17, graph.clone()).unwrap();
    expect![[r#"
        y: Other { op_type: "If" } <- [1], x, const 4
    "#]]
    .assert_eq(&show(&read));
    assert_eq!(read.node(read.outputs()[0].node).declared[0], Some(TensorType::f32([4])));
    graph.initializer.pop();
    check(
        graph,
        expect![[r#"
        Dangling: node #2 "y", operand 2: refers to "w", which no node produces
    "#]],
    );
}

#[test]
fn functions_are_written_out() {
    let alpha =
        Attribute { name: "alpha".into(), ref_attr_name: "a".into(), ..Attribute::default() };
    let mut sigmoid = node("HardSigmoid", &["v"], &["h"]);
    sigmoid.attribute.push(alpha);
    let function = Function {
        domain: "mine".into(),
        name: "Swish".into(),
        input: vec!["v".into()],
        output: vec!["o".into()],
        node: vec![sigmoid, node("Mul", &["v", "h"], &["o"])],
        ..Function::default()
    };
    let call = |input: &str, output: &str| {
        let node = node("Swish", &[input], &[output]).float("a", 0.5);
        Node { domain: "mine".into(), ..node }
    };
    let nodes = vec![call("x", "p"), call("p", "q").named("second")];
    let mut model = Model::decode(encode(18, file(&[4], vec![], nodes))).unwrap();
    model.functions = vec![function.clone()];
    expect![[r#"
        p#1/h: Unary(HardSigmoid { alpha: 0.5, beta: 0.5 }) <- x
        p: Binary(Mul) <- x, p#1/h
        second#2/h: Unary(HardSigmoid { alpha: 0.5, beta: 0.5 }) <- p
        q: Binary(Mul) <- p, second#2/h
    "#]]
    .assert_eq(&show(&read(model.encode_to_vec().into()).unwrap()));
    model.functions[0].node.push(call("v", "again"));
    let error = read(model.encode_to_vec().into()).unwrap_err();
    expect![[r#"function "mine::Swish": writes out to more than 32 levels or 1048576 nodes; expected functions that do not call themselves"#]].assert_eq(&error.to_string());
}

#[test]
fn vendors_operators_keep_their_domain() {
    let fused = Node { domain: "com.microsoft".into(), ..node("FusedConv", &["x"], &["y"]) };
    check(
        file(&[4], vec![], vec![fused]),
        expect![[r#"
        y: Other { op_type: "com.microsoft::FusedConv" } <- x
    "#]],
    );
}

#[test]
fn sums_of_one_and_unread_masks_vanish() {
    let nodes = vec![
        node("Sum", &["x"], &["a"]),
        node("Dropout", &["a"], &["b", "mask"]),
        node("Sum", &["a", "b", "x"], &["c"]),
    ];
    check(
        file(&[4], vec![], nodes),
        expect![[r#"
        c: Binary(Add) <- x, x, x
    "#]],
    );
}
