//! Models that real exporters write, in small: spellings of the versions, parameters as inputs,
//! constants in their many places.

use expect_test::{Expect, expect};

use super::proto::{Graph as File, Node, Tensor};
use super::test_models::{file, floats, import, info, ints, node, show, weight};

fn check(opset: i64, graph: File, expected: &Expect) {
    match import(opset, graph) {
        Ok(graph) => expected.assert_eq(&show(&graph)),
        Err(error) => expected.assert_eq(&format!("{error}\n")),
    }
}

/// Old and new spelling must give the same operators.
fn same(x: &[i64], old: (i64, Vec<Node>), new: (i64, Vec<Tensor>, Vec<Node>)) {
    let old = import(old.0, file(x, vec![], old.1)).expect("valid");
    let new = import(new.0, file(x, new.1, new.2)).expect("valid");
    assert_eq!(show(&old), show(&new));
}

#[test]
fn attributes_and_operands_are_one_spelling() {
    let y = &["y"];
    same(
        &[1, 1, 4],
        (7, vec![node("Squeeze", &["x"], y).ints("axes", &[1])]),
        (21, vec![ints("a", &[1])], vec![node("Squeeze", &["x", "a"], y)]),
    );
    same(
        &[4, 4],
        (7, vec![node("Unsqueeze", &["x"], y).ints("axes", &[0, 1])]),
        (21, vec![ints("a", &[0, 1])], vec![node("Unsqueeze", &["x", "a"], y)]),
    );
    same(
        &[4, 4],
        (7, vec![node("Clip", &["x"], y).float("min", 0.0).float("max", 6.0)]),
        (
            21,
            vec![floats("lo", &[0.0]), floats("hi", &[6.0])],
            vec![node("Clip", &["x", "lo", "hi"], y)],
        ),
    );
    same(
        &[8, 4],
        (7, vec![node("Split", &["x"], &["a", "b"]).ints("split", &[2, 6])]),
        (21, vec![ints("s", &[2, 6])], vec![node("Split", &["x", "s"], &["a", "b"])]),
    );
    same(
        &[8, 4],
        (
            7,
            vec![
                node("Slice", &["x"], y).ints("starts", &[1]).ints("ends", &[9]).ints("axes", &[0]),
            ],
        ),
        (
            21,
            vec![ints("s", &[1]), ints("e", &[9]), ints("a", &[0])],
            vec![node("Slice", &["x", "s", "e", "a"], y)],
        ),
    );
    same(
        &[1, 2, 4, 4],
        (7, vec![node("ReduceMean", &["x"], y).ints("axes", &[2, 3]).int("keepdims", 0)]),
        (18, vec![ints("a", &[2, 3])], vec![node("ReduceMean", &["x", "a"], y).int("keepdims", 0)]),
    );
    same(
        &[4, 4],
        (7, vec![node("TopK", &["x"], &["v", "i"]).int("k", 2)]),
        (21, vec![ints("k", &[2])], vec![node("TopK", &["x", "k"], &["v", "i"])]),
    );
    same(
        &[4, 4],
        (7, vec![node("Pad", &["x"], y).ints("pads", &[0, 1, 0, 1]).float("value", 2.0)]),
        (
            21,
            vec![ints("p", &[0, 1, 0, 1]), floats("v", &[2.0])],
            vec![node("Pad", &["x", "p", "v"], y)],
        ),
    );
}

#[test]
fn scales_of_a_resize_are_in_one_slot() {
    let scales = || vec![floats("s", &[1.0, 1.0, 2.0, 2.0]), floats("none", &[])];
    let expected = expect![[r#"
        y: Resize(Nearest) <- x, -, [1.0, 1.0, 2.0, 2.0]
    "#]];
    let models = [
        (9, node("Upsample", &["x", "s"], &["y"])),
        (10, node("Resize", &["x", "s"], &["y"])),
        (11, node("Resize", &["x", "none", "s"], &["y"])),
        (21, node("Resize", &["x", "", "s"], &["y"])),
    ];
    for (opset, node) in models {
        check(opset, file(&[1, 3, 8, 8], scales(), vec![node]), &expected);
    }
    let two = node("Resize", &["x", "", "s"], &["y"]).ints("axes", &[-2, 3]);
    check(18, file(&[1, 3, 8, 8], vec![floats("s", &[2.0, 2.0])], vec![two]), &expected);
    let open = node("Resize", &["x", "", "s"], &["y"]).ints("axes", &[2, 3]);
    check(
        18,
        file(&[-1, 3, 8, 8], vec![floats("s", &[2.0, 2.0])], vec![open]),
        &expect![[r#"
            y: Other { op_type: "Resize[axes]" } <- x, -, [2.0, 2.0]
        "#]],
    );
}

#[test]
fn windows_of_every_kind() {
    let conv = |x: &[i64], w: &[i64], node: Node, expected: Expect| {
        check(13, file(x, vec![weight("w", w)], vec![node]), &expected);
    };
    let plain = node("Conv", &["x", "w"], &["y"]);
    conv(
        &[1, 4, 9],
        &[8, 2, 3],
        plain.clone().int("group", 2).ints("dilations", &[2]),
        expect![[r#"
            y: Conv(Conv { transposed: false, layout: ChannelsFirst, filter: Oihw, strides: [], dilations: [2], padding: Explicit([], []), output_padding: [], groups: 2 }) <- x, const 8x2x3
        "#]],
    );
    conv(
        &[1, 4, 9, 9, 9],
        &[8, 4, 3, 3, 3],
        plain.clone().ints("strides", &[1, 2, 2]),
        expect![[r#"
            y: Conv(Conv { transposed: false, layout: ChannelsFirst, filter: Oihw, strides: [1, 2, 2], dilations: [], padding: Explicit([], []), output_padding: [], groups: 1 }) <- x, const 8x4x3x3x3
        "#]],
    );
    conv(
        &[1, 4, 9, 9],
        &[8, 4, 1, 7],
        plain.clone().ints("pads", &[0, 3, 0, 3]),
        expect![[r#"
        y: Conv(Conv { transposed: false, layout: ChannelsFirst, filter: Oihw, strides: [], dilations: [], padding: Explicit([0, 3], [0, 3]), output_padding: [], groups: 1 }) <- x, const 8x4x1x7
    "#]],
    );
    conv(
        &[1, 4, 9, 9],
        &[8, 4, 3, 3],
        plain.clone().text("auto_pad", "SAME_LOWER"),
        expect![[r#"
        y: Conv(Conv { transposed: false, layout: ChannelsFirst, filter: Oihw, strides: [], dilations: [], padding: SameLower, output_padding: [], groups: 1 }) <- x, const 8x4x3x3
    "#]],
    );
    conv(
        &[1, 4, 9, 9],
        &[8, 4, 3, 3],
        plain.text("auto_pad", "VALID"),
        expect![[r#"
        y: Conv(Conv { transposed: false, layout: ChannelsFirst, filter: Oihw, strides: [], dilations: [], padding: Explicit([], []), output_padding: [], groups: 1 }) <- x, const 8x4x3x3
    "#]],
    );
    let up = node("ConvTranspose", &["x", "w"], &["y"]).ints("strides", &[2, 2]);
    conv(
        &[1, 4, 9, 9],
        &[4, 8, 3, 3],
        up.clone().ints("output_padding", &[1, 1]),
        expect![[r#"
        y: Conv(Conv { transposed: true, layout: ChannelsFirst, filter: Oihw, strides: [2, 2], dilations: [], padding: Explicit([], []), output_padding: [1, 1], groups: 1 }) <- x, const 4x8x3x3
    "#]],
    );
    conv(
        &[1, 4, 9, 9],
        &[4, 8, 3, 3],
        up.clone().ints("output_shape", &[18, 20]),
        expect![[r#"
        y: Conv(Conv { transposed: true, layout: ChannelsFirst, filter: Oihw, strides: [2, 2], dilations: [], padding: Explicit([1, 0], [0, 0]), output_padding: [0, 1], groups: 1 }) <- x, const 4x8x3x3
    "#]],
    );
    conv(
        &[1, 4, 9, -1],
        &[4, 8, 3, 3],
        up.ints("output_shape", &[18, 18]),
        expect![[r#"
        y: Other { op_type: "ConvTranspose[output_shape]" } <- x, const 4x8x3x3
    "#]],
    );
}

/// A file whose parameters are inputs, as exporters write without parameters.
fn parameters(node: Vec<Node>, inputs: &[(&str, &[i64])]) -> String {
    let input = inputs.iter().map(|(name, dims)| info(name, dims)).collect();
    let graph = import(17, File { node, input, ..File::default() }).expect("valid");
    graph.inputs().map(|id| &*graph.node(id).name).collect::<Vec<_>>().join(" ")
}

#[test]
fn inputs_in_parameter_slots_are_weights() {
    let x: (&str, &[i64]) = ("x", &[1, 4, 8, 8]);
    let conv = node("Conv", &["x", "w", "b"], &["y"]);
    assert_eq!(parameters(vec![conv], &[x, ("w", &[8, 4, 1, 1]), ("b", &[8])]), "x");
    let passed = vec![
        node("Identity", &["w"], &["i"]),
        node("Transpose", &["i"], &["t"]),
        node("Conv", &["x", "t"], &["y"]),
    ];
    assert_eq!(parameters(passed, &[x, ("w", &[1, 1, 4, 8])]), "x");
    let twice = vec![node("Conv", &["x", "w"], &["y"]), node("Relu", &["w"], &["z"])];
    assert_eq!(parameters(twice, &[x, ("w", &[8, 4, 1, 1])]), "x w");
    let first = vec![node("Conv", &["x", "w"], &["y"])];
    assert_eq!(parameters(first, &[("w", &[8, 4, 1, 1]), x]), "w x");
}

#[test]
fn operands_of_products_and_sums_are_weights_if_small() {
    let dense = || vec![node("MatMul", &["x", "w"], &["m"]), node("Add", &["b", "m"], &["y"])];
    let x: (&str, &[i64]) = ("x", &[-1, 7, 16]);
    assert_eq!(parameters(dense(), &[x, ("w", &[16, 32]), ("b", &[32])]), "x");
    assert_eq!(parameters(dense(), &[x, ("w", &[16, -1]), ("b", &[7, 32])]), "x w b");
    let skip = || vec![node("Add", &["x", "z"], &["y"])];
    assert_eq!(parameters(skip(), &[("x", &[1, 8, 4, 4]), ("z", &[1, 8, 4, 4])]), "x z");
    let table = vec![node("Gather", &["w", "x"], &["y"])];
    assert_eq!(parameters(table, &[("x", &[1, 16]), ("w", &[1000, 64])]), "x");
}

#[test]
fn constants_in_every_place() {
    let shape = |name: &str| node("Reshape", &["x", name], &["y"]);
    let list = vec![node("Constant", &[], &["s"]).ints("value_ints", &[2, 8]), shape("s")];
    let tensor = vec![shape("s"), node("Constant", &[], &["s"]).tensor("value", ints("", &[2, 8]))];
    let passed = vec![
        node("Constant", &[], &["c"]).tensor("value", ints("", &[2, 8])),
        node("Identity", &["c"], &["s"]),
        shape("s"),
    ];
    for nodes in [list, tensor, passed] {
        check(
            13,
            file(&[4, 4], vec![], nodes),
            &expect![[r#"
                y: Reshape(To { allow_zero: false }) <- x, [2, 8]
            "#]],
        );
    }
    let scalar = node("Constant", &[], &["two"]).float("value_float", 2.0);
    let power = vec![scalar, node("Pow", &["x", "two"], &["y"])];
    check(
        13,
        file(&[4], vec![], power),
        &expect![[r#"
        y: Binary(Pow) <- x, [2.0]
    "#]],
    );
}

#[test]
fn initializers_may_be_inputs_and_may_be_unused() {
    let mut graph = file(
        &[1, 4, 8, 8],
        vec![weight("w", &[8, 4, 1, 1]), weight("unused", &[100])],
        vec![node("Identity", &["w"], &["v"]), node("Conv", &["x", "v"], &["y"])],
    );
    graph.input.insert(0, info("w", &[8, 4, 1, 1]));
    let graph = import(9, graph).expect("valid");
    assert_eq!(graph.inputs().map(|id| &*graph.node(id).name).collect::<Vec<_>>(), ["x"]);
    assert_eq!(graph.dag().node_count(), 3);
}

#[test]
fn padding_by_nothing_is_no_operator() {
    let padded = |amounts: &[i64]| {
        let amounts = node("Constant", &[], &["p"]).ints("value_ints", amounts);
        let nodes = vec![amounts, node("Pad", &["x", "p"], &["q"]), node("Relu", &["q"], &["y"])];
        let graph = import(14, file(&[1, 4], vec![], nodes)).expect("valid");
        let names = graph.dag().node_indices().map(|id| graph.node(id).op.name());
        names.collect::<Vec<_>>().join(" ")
    };
    assert_eq!(padded(&[0, 0, 0, 0]), "Input Constant Relu");
    assert_eq!(padded(&[0, 1, 0, 0]), "Input Constant Pad Relu");
}
