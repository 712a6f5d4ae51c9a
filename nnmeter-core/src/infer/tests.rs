//! Shape inference on whole graphs, and what the tests of the single rules share.

use std::fmt::Write as _;

use expect_test::{Expect, expect};
use proptest::prelude::*;

use crate::graph::{Graph, Value};
use crate::op::Op;
use crate::tensor::show_dims;
use crate::text::graph;
use crate::typed::TypedGraph;

/// Compares the inferred types of all computed values, or the error, with what is expected.
#[allow(clippy::needless_pass_by_value)] // so that call sites read `check(text, expect![...])`
pub(super) fn check(text: &str, expected: Expect) {
    expected.assert_eq(&show(graph(text)));
}

/// One line a computed value (`name: 1x2x3`), or the error with its hint.
fn show(graph: Graph) -> String {
    match graph.infer_shapes() {
        Ok(typed) => show_types(&typed),
        Err(error) => match error.advice() {
            Some(hint) => format!("{error}\nhint: {hint}\n"),
            None => format!("{error}\n"),
        },
    }
}

fn show_types(typed: &TypedGraph) -> String {
    let mut text = String::new();
    for id in typed.graph().dag().node_indices() {
        let node = typed.graph().node(id);
        if matches!(node.op, Op::Input(..) | Op::Const(_)) {
            continue;
        }
        let _ = write!(text, "{}:", node.name);
        for port in 0..node.outputs {
            let fact = typed.fact(Value { node: id, port });
            let shape = fact.ty.as_ref().map_or("?".to_owned(), |ty| show_dims(&ty.dims));
            let _ = write!(text, " {shape}");
            if let Some(values) = &fact.values {
                let _ = write!(text, " = {values:?}");
            }
        }
        text.push('\n');
    }
    text
}

#[test]
fn a_network() {
    check(
        "x = input Nx3x224x224
         c = conv x k=3 s=2 p=1 out=24 bias ; r = relu c ; p = maxpool r k=3 s=2 p=1
         d = dwconv p k=3 p=1 ; b = bn d ; h = hswish b
         s1,s2 = split h axis=1 ; e = conv s2 k=1 out=12 ; k = concat s1 e axis=1
         v = reshape k 1,2,12,56,56 ; t = transpose v 0,2,1,3,4 ; w = reshape t 1,24,56,56
         a = add w p ; g = gap a ; f = flatten g ; y = fc f in=24 out=1000 bias",
        expect![[r#"
            c: 1x24x112x112
            r: 1x24x112x112
            p: 1x24x56x56
            d: 1x24x56x56
            b: 1x24x56x56
            h: 1x24x56x56
            s1: 1x12x56x56 1x12x56x56
            e: 1x12x56x56
            k: 1x24x56x56
            v: 1x2x12x56x56
            t: 1x12x2x56x56
            w: 1x24x56x56
            a: 1x24x56x56
            g: 1x24x1x1
            f: 1x24
            y: 1x1000
        "#]],
    );
}

#[test]
fn unknown_operators_stop_knowledge_but_not_inference() {
    check(
        "x = input 1x3x8x8
         a = foo x ; b = relu a ; c = conv b k=3 out=4 in=3
         d = foo x -> 1x5x8x8 ; e = conv d k=3 in=5 out=2 ; f = relu b -> 1x7
         g = relu x -> 1x1x1x1",
        expect![[r#"
            a: ?
            b: ?
            c: ?
            d: 1x5x8x8
            e: 1x2x6x6
            f: 1x7
            g: 1x3x8x8
        "#]],
    );
}

#[test]
fn open_inputs_are_errors_but_for_the_batch() {
    check(
        "x = input Nx3xhxw ; y = relu x",
        expect![[r#"
        input "x": dimension 2 is open ("h"); expected a fixed extent
        hint: give it with --input-shape x:1x3x224x224
    "#]],
    );
    check(
        "x = input unknown ; y = relu x",
        expect![[r#"
        input "x": its shape is not given; expected a fixed extent
        hint: give it with --input-shape x:1x3x224x224
    "#]],
    );
    check(
        "x = input N ; y = relu x",
        expect![[r#"
        input "x": dimension 0 is open ("N"); expected a fixed extent
        hint: give it with --input-shape x:1
    "#]],
    );
    check(
        "x = input i64:?xlength ; y = relu x",
        expect![[r#"
        input "x": dimension 1 is open ("length"); expected a fixed extent
        hint: give it with --input-shape x:1x128
    "#]],
    );
    check(
        "x = input 1x3 ; y = relu x ; z = input ?x? ; output y",
        expect![[r#"
        y: 1x3
    "#]],
    );
}

#[test]
fn batch_size_follows_into_constants() {
    let network = "x = input 1x12x4x4 ; v = reshape x 1,2,6,4,4 ; t = transpose v 0,2,1,3,4
         w = reshape t 1,12,4,4 ; g = gap w ; f = reshape g 1,-1 ; y = fc f out=10 in=12
         m = const 1x1x10 ; e = expand m 1,-1,-1 ; o = foo y -> 1x10
         u = unsqueeze y 1 ; k = concat m u axis=1 ; l = concat u m axis=1";
    let rebatched = |batch| {
        let mut graph = graph(network);
        assert!(graph.set_batch(batch).is_ok());
        show(graph)
    };
    expect![[r#"
        v: 8x2x6x4x4
        t: 8x6x2x4x4
        w: 8x12x4x4
        g: 8x12x1x1
        f: 8x12
        y: 8x10
        e: 8x1x10
        o: ?
        u: 8x1x10
        k: 8x2x10
        l: 8x2x10
    "#]]
    .assert_eq(&rebatched(8));
    assert_eq!(rebatched(1), show(graph(network)));
}

/// Numbers that a broken file may contain.
fn odd_number() -> impl Strategy<Value = i64> {
    prop_oneof![
        -3_i64..9,
        Just(i64::MIN),
        Just(i64::MAX),
        Just(i64::MAX / 2),
        Just(1 << 32),
        Just(-(1 << 31)),
    ]
}

proptest! {
    #[test]
    fn odd_attributes_are_errors_or_shapes_but_no_panics(
        numbers in prop::collection::vec(odd_number(), 1..9),
        dims in prop::collection::vec(prop_oneof![0_usize..9, Just(usize::MAX)], 1..6),
    ) {
        let list: Vec<String> = numbers.iter().map(i64::to_string).collect();
        let (list, first) = (list.join(","), numbers[0]);
        let size = numbers[0].unsigned_abs();
        let last = numbers[numbers.len() - 1].unsigned_abs();
        for line in [
            format!("reshape x {list},"),
            format!("squeeze x {list},"),
            format!("unsqueeze x {list},"),
            format!("slice x {list}, {list},"),
            format!("slice x 0 {first} _ {first}"),
            format!("stridedslice x {list}, {list}, {list}, begin={size} shrink={last} new={last}")
                .replace("18446744073709551615", "3"),
            format!("pad x {list},"),
            format!("tile x {list},"),
            format!("expand x {list},"),
            format!("mean x axes={list}"),
            format!("split x {list}, axis={first}"),
            format!("gather x {list}, axis={first}"),
            format!("concat x x axis={first}"),
            format!("stack x x axis={first}"),
            format!("softmax x axis={first}"),
            format!("resize x sizes={list}"),
            format!("resize x scales={list}"),
            format!("range {first}i 7i {size}"),
            format!("shape x start={first} end={first}"),
            format!("d2s x block={size}"),
            format!("s2d x block={size}"),
            format!("conv x k={size} s={last} d={last} p={size} in=4 out=4"),
            format!("deconv x k={last} s={size} d={last} p={size} op={last} in=4 out=4"),
            format!("maxpool x k={size} s={last} p={last} ceil"),
            format!("topk x {first}i axis=0"),
        ] {
            let text = format!(
                "layout nhwc ; x = input {} ; y = {line}",
                dims.iter().map(usize::to_string).collect::<Vec<_>>().join("x"),
            );
            drop(graph(&text).infer_shapes());
            drop(graph(&text.replace("layout nhwc ;", "")).infer_shapes());
        }
    }
}
