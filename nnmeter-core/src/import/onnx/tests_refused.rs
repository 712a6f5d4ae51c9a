//! Files that are broken: each is refused with an error that names what is wrong.

use bytes::Bytes;
use expect_test::{Expect, expect};
use prost::Message;

use super::proto::{Graph as File, Model, OperatorSet, Tensor};
use super::read;
use super::test_models::{encode, file, floats, import, node, show, weight};
use crate::error::ErrorKind;

fn check(graph: File, expected: Expect) {
    match import(17, graph) {
        Ok(graph) => expected.assert_eq(&show(&graph)),
        Err(error) => expected.assert_eq(&format!("{:?}: {error}\n", error.kind())),
    }
}

#[test]
fn bad_attributes_are_named() {
    let conv = || node("Conv", &["x", "w"], &["y"]).named("stem");
    let broken = [
        (
            conv().ints("strides", &[0, 1]),
            expect![[r#"
            BadAttribute: node "stem" (Conv), attribute "strides": 0; expected numbers of at least 1
        "#]],
        ),
        (
            conv().ints("kernel_shape", &[-3, 3]),
            expect![[r#"
            BadAttribute: node "stem" (Conv), attribute "kernel_shape": -3; expected numbers of at least 1
        "#]],
        ),
        (
            conv().ints("kernel_shape", &[5, 5]),
            expect![[r#"
            BadAttribute: node "stem" (Conv), attribute "kernel_shape": 5x5; expected 3x3, as its weight says
        "#]],
        ),
        (
            conv().ints("pads", &[0, 1, 0]),
            expect![[r#"
            BadAttribute: node "stem" (Conv), attribute "pads": 3 numbers; expected two for each spatial axis
        "#]],
        ),
        (
            conv().ints("pads", &[1, 1]).ints("strides", &[1, 1]),
            expect![[r#"
            BadAttribute: node "stem" (Conv), attribute "pads": is for 1 spatial axes; expected 2 as for "strides"
        "#]],
        ),
        (
            conv().int("strides", 2),
            expect![[r#"
            BadAttribute: node "stem" (Conv), attribute "strides": is of type INT; expected a list of integers
        "#]],
        ),
        (
            conv().text("auto_pad", "SAME"),
            expect![[r#"
            BadAttribute: node "stem" (Conv), attribute "auto_pad": "SAME"; expected NOTSET, VALID, SAME_UPPER or SAME_LOWER
        "#]],
        ),
        (
            conv().int("group", 0),
            expect![[r#"
            BadAttribute: node "stem" (Conv), attribute "group": 0; expected a number of at least 1
        "#]],
        ),
        (
            node("MaxPool", &["x"], &["y"]),
            expect![[r#"
            BadAttribute: node "y" (MaxPool), attribute "kernel_shape": is absent; expected the extents of the window
        "#]],
        ),
        (
            node("Transpose", &["x"], &["y"]).ints("perm", &[0, 0, 1]),
            expect![[r#"
            BadAttribute: node "y" (Transpose), attribute "perm": [0, 0, 1]; expected each of the axes 0 to 2 once
        "#]],
        ),
        (
            node("Concat", &["x", "x"], &["y"]),
            expect![[r#"
            BadAttribute: node "y" (Concat), attribute "axis": is absent; expected an axis
        "#]],
        ),
        (
            node("Cast", &["x"], &["y"]).int("to", 99),
            expect![[r#"
            BadAttribute: node "y" (Cast), attribute "to": 99; expected an element type
        "#]],
        ),
        (
            node("Split", &["x"], &["a", "b"]).ints("split", &[1]),
            expect![[r#"
            BadAttribute: node "a" (Split), attribute "split": 1 sizes; expected 2, one for each output
        "#]],
        ),
        (
            node("Conv", &["x"], &["y"]),
            expect![[r#"
            Malformed: node "y" (Conv): has no operand 1; expected at least 2
        "#]],
        ),
        (
            node("Relu", &[], &["y"]),
            expect![[r#"
            Malformed: node "y" (Relu): has no operand 0; expected at least 1
        "#]],
        ),
        (
            node("Relu", &["x"], &[]),
            expect![[r#"
            Malformed: node "" (Relu): has no outputs; expected at least one
        "#]],
        ),
        (
            node("Constant", &[], &["y"]),
            expect![[r#"
            BadAttribute: node "y" (Constant): holds no value; expected one of the attributes value, value_int, value_float, ...
        "#]],
        ),
    ];
    for (node, expected) in broken {
        check(file(&[1, 4, 8, 8], vec![weight("w", &[8, 4, 3, 3])], vec![node]), expected);
    }
}

#[test]
fn bad_graphs_are_refused() {
    let relu = |from: &str, to: &str| node("Relu", &[from], &[to]);
    let add = |tensor: Tensor| file(&[4], vec![tensor], vec![node("Add", &["x", "w"], &["y"])]);
    let loops = vec![relu("a", "b"), relu("b", "a")];
    check(
        file(&[4], vec![], loops),
        expect![[r#"
        Cyclic: node #2 "a": depends on its own output; expected a graph without cycles
    "#]],
    );
    let aliases = vec![node("Identity", &["a"], &["a"]), relu("a", "b")];
    check(
        file(&[4], vec![], aliases),
        expect![[r#"
        Cyclic: node #1 "b", operand 0: refers to "a", which is a cycle of identities
    "#]],
    );
    check(
        file(&[4], vec![], vec![relu("x", "y"), relu("x", "y")]),
        expect![[r#"
        Malformed: value "y": is produced by two nodes; expected one producer for each name
    "#]],
    );
    check(
        file(&[4], vec![], vec![relu("missing", "y")]),
        expect![[r#"
        Dangling: node #1 "y", operand 0: refers to "missing", which no node produces
    "#]],
    );
    check(
        file(&[4], vec![], vec![]),
        expect![[r#"
        Malformed: ONNX model: has a graph without nodes; expected at least one node
    "#]],
    );
    check(
        add(weight("w", &[-4])),
        expect![[r#"
        Malformed: tensor "w": has extent -4; expected extents of at least 0
    "#]],
    );
    check(
        add(Tensor { data_type: 77, ..weight("w", &[4]) }),
        expect![[r#"
            Malformed: tensor "w": has element type 77; expected an element type of ONNX, and not complex128
        "#]],
    );
    check(
        add(Tensor { dims: vec![5], ..floats("w", &[1.0, 2.0]) }),
        expect![[r#"
        Malformed: tensor "w": 5 has 8 bytes of data; expected 20 bytes
    "#]],
    );
    let mut twice = add(weight("w", &[4]));
    twice.initializer.push(weight("w", &[4]));
    check(
        twice,
        expect![[r#"
        Malformed: initializer "w": is given twice
    "#]],
    );
}

#[test]
fn files_that_are_no_models_say_so() {
    let model = Model::decode(encode(17, file(&[4], vec![], vec![node("Relu", &["x"], &["y"])])));
    let model = model.expect("valid");
    let refuse = |model: &Model, expected: Expect| {
        let error = read(model.encode_to_vec().into()).expect_err("broken");
        expected.assert_eq(&format!("{:?}: {error}", error.kind()));
    };
    refuse(
        &Model::default(),
        expect![
            "UnknownFormat: ONNX model: has no graph and no ir_version; expected a model in ONNX's binary form"
        ],
    );
    refuse(
        &Model { graph: None, ..model.clone() },
        expect!["Malformed: ONNX model: has no graph; expected a graph"],
    );
    refuse(
        &Model { ir_version: 0, ..model.clone() },
        expect!["Malformed: ONNX model: has no ir_version; expected a version of at least 1"],
    );
    refuse(
        &Model { opset_import: vec![], ..model.clone() },
        expect!["Malformed: ONNX model: does not name its operator set; expected an opset_import"],
    );
    let newer = vec![OperatorSet { domain: String::new(), version: 999 }];
    assert!(read(Model { opset_import: newer, ..model }.encode_to_vec().into()).is_ok());
    let error = read("<!DOCTYPE html>".into()).expect_err("broken");
    assert_eq!(error.kind(), ErrorKind::UnknownFormat);
    assert_eq!(error.advice(), Some("is the file complete? it is 15 bytes"));
    // An initializer whose elements are not packed.
    let error = read(Bytes::from_static(&[8, 8, 0x3a, 4, 0x2a, 2, 0x38, 5])).expect_err("broken");
    expect!["ONNX model: cannot be decoded (failed to decode Protobuf message: Tensor.int64_data: Graph.initializer: Model.graph: invalid wire type: Varint (expected LengthDelimited)); expected a model in ONNX's binary form"].assert_eq(&error.to_string());
}
