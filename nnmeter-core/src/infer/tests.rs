//! Shape inference on whole graphs, and what the tests of the single rules share.

use std::fmt::Write as _;

use expect_test::{Expect, expect};

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
    check("x = input Nx3xhxw ; y = relu x", expect![[r#"
        input "x": dimension 2 is open ("h"); expected a fixed extent
        hint: give it with --input-shape x:1x3x224x224
    "#]]);
    check("x = input unknown ; y = relu x", expect![[r#"
        input "x": its shape is not given; expected a fixed extent
        hint: give it with --input-shape x:1x3x224x224
    "#]]);
    check("x = input N ; y = relu x", expect![[r#"
        input "x": dimension 0 is open ("N"); expected a fixed extent
        hint: give it with --input-shape x:1
    "#]]);
    check("x = input i64:?xlength ; y = relu x", expect![[r#"
        input "x": dimension 1 is open ("length"); expected a fixed extent
        hint: give it with --input-shape x:1x128
    "#]]);
    check("x = input 1x3 ; y = relu x ; z = input ?x? ; output y", expect![[r#"
        y: 1x3
    "#]]);
}

#[test]
fn batch_size_follows_into_constants() {
    let network = "x = input 1x12x4x4 ; v = reshape x 1,2,6,4,4 ; t = transpose v 0,2,1,3,4
         w = reshape t 1,12,4,4 ; g = gap w ; f = reshape g 1,-1 ; y = fc f out=10 in=12
         m = const 1x1x10 ; e = expand m 1,-1,-1 ; o = foo y -> 1x10";
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
    "#]].assert_eq(&rebatched(8));
    assert_eq!(rebatched(1), show(graph(network)));
}

#[test]
fn convolutions() {
    check(
        "x = input 1x32x56x112 ; s = input 1x16x100 ; v = input 1x4x8x16x16
         a = conv x k=1x7 s=1x2 p=0x3 out=64 ; b = conv x k=3 d=2 out=8 g=4
         c = conv x k=3 s=2 out=8 same ; d = deconv x k=4 s=2 p=1 out=16
         e = deconv x k=3 s=2 p=1 op=1 out=16 ; f = deconv x k=3 s=2 out=16 same
         g = conv s k=5 nd=1 s=2 out=32 ; h = conv v k=3 nd=3 p=1 out=8
         i = maxpool x k=3 s=2 ceil ; j = avgpool x k=2 s=2 p=0:1 ; k = gap v
         l = dwconv x k=3 p=1 mult=2",
        expect![[r#"
            a: 1x64x56x56
            b: 1x8x52x108
            c: 1x8x28x56
            d: 1x16x112x224
            e: 1x16x112x224
            f: 1x16x112x224
            g: 1x32x48
            h: 1x8x8x16x16
            i: 1x32x28x56
            j: 1x32x28x56
            k: 1x4x1x1x1
            l: 1x64x56x112
        "#]],
    );
    check(
        "layout nhwc
         x = input 1x224x224x3 ; a = conv x k=3 s=2 same out=32 ; b = dwconv a k=3 same
         c = deconv b k=2 s=2 out=8 ; d = maxpool c k=2 s=2 ; e = gap d ; f = d2s b
         g = bn b",
        expect![[r#"
            a: 1x112x112x32
            b: 1x112x112x32
            c: 1x224x224x8
            d: 1x112x112x8
            e: 1x1x1x8
            f: 1x224x224x8
            g: 1x112x112x32
        "#]],
    );
}

#[test]
fn convolutions_that_contradict_themselves() {
    for (text, message) in [
        ("y = conv x k=3 in=32 out=8", expect![[r#"
            node #1 "y": input has 64 channels; expected 32, as its weight says
        "#]]),
        ("y = conv x k=9 out=8", expect![[r#"
            node #1 "y": window of 9 does not fit an extent of 7 padded by 0; expected a window that fits its input
        "#]]),
        ("y = conv x k=3 d=4 out=8", expect![[r#"
            node #1 "y": window of 3 dilated by 4 does not fit an extent of 7 padded by 0; expected a window that fits its input
        "#]]),
        ("y = conv x k=3 s=0 out=8", expect![[r#"
            node #1 "y": stride is 0; expected 1 or more
        "#]]),
        ("y = conv x k=0 out=8", expect![[r#"
            node #1 "y": window extent is 0; expected 1 or more
        "#]]),
        ("y = conv x k=3 s=1x1x1 out=8", expect![[r#"
            node #1 "y": has 3 strides; expected 2, one for each spatial axis
        "#]]),
        ("y = conv x k=3 nd=3 out=8", expect![[r#"
            node #1 "y": weight 8x64x3x3x3 has 5 axes; expected 4 as its input 1x64x7x7
        "#]]),
        ("y = conv x k=3 out=9 g=2", expect![[r#"
            node #1 "y": weight 9x32x3x3 has 9 channels in groups; expected a multiple of 2, the number of groups
        "#]]),
        ("w = const 8x64x3x3 ; y = conv x w g=0", expect![[r#"
            node #2 "y": has 0 groups; expected 1 or more
        "#]]),
        ("y = conv x _", expect![[r#"
            node #1 "y": operand 1 is missing; expected one, as every Conv has
        "#]]),
        ("y = maxpool x k=3 nd=1", expect![[r#"
            node #1 "y": window has 1 extents; expected 2, one for each spatial axis of 1x64x7x7
        "#]]),
        ("y = maxpool x k=3 p=18446744073709551615", expect![[r#"
            node #1 "y": window of 3 does not fit an extent of 7 padded by 18446744073709551615; expected a window that fits its input
        "#]]),
        ("f = flatten x ; y = gap f", expect![[r#"
            node #2 "y": input is 1x3136; expected a batch, channels and spatial axes
        "#]]),
        ("y = bn x ch=32", expect![[r#"
            node #1 "y": scale has 32 values; expected 64, the channels of 1x64x7x7
        "#]]),
        ("z = input 1x64x7x8 ; y = add x z", expect![[r#"
            node #2 "y": operands 1x64x7x7 and 1x64x7x8 do not broadcast; expected extents that are equal or 1, from the last axis back
        "#]]),
    ] {
        check(&format!("x = input 1x64x7x7 ; {text}"), message);
    }
}
