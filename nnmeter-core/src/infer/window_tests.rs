//! Convolutions and poolings on small graphs: what they make of shapes, and what they refuse.

use expect_test::expect;

use super::tests::check;

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
        (
            "y = conv x k=3 in=32 out=8",
            expect![[r#"
            node #1 "y": input has 64 channels; expected 32, as its weight says
        "#]],
        ),
        (
            "y = conv x k=9 out=8",
            expect![[r#"
            node #1 "y": window of 9 does not fit an extent of 7 padded by 0; expected a window that fits its input
        "#]],
        ),
        (
            "y = conv x k=3 d=4 out=8",
            expect![[r#"
            node #1 "y": window of 3 dilated by 4 does not fit an extent of 7 padded by 0; expected a window that fits its input
        "#]],
        ),
        (
            "y = conv x k=3 s=0 out=8",
            expect![[r#"
            node #1 "y": stride is 0; expected 1 or more
        "#]],
        ),
        (
            "y = conv x k=0 out=8",
            expect![[r#"
            node #1 "y": window extent is 0; expected 1 or more
        "#]],
        ),
        (
            "y = conv x k=3 s=1x1x1 out=8",
            expect![[r#"
            node #1 "y": has 3 strides; expected 2, one for each spatial axis
        "#]],
        ),
        (
            "y = conv x k=3 nd=3 out=8",
            expect![[r#"
            node #1 "y": weight 8x64x3x3x3 has 5 axes; expected 4 as its input 1x64x7x7
        "#]],
        ),
        (
            "y = conv x k=3 out=9 g=2",
            expect![[r#"
                node #1 "y": weight 9x32x3x3 has 9 output channels; expected a multiple of 2, the number of groups
            "#]],
        ),
        (
            "w = const 8x64x3x3 ; y = conv x w g=0",
            expect![[r#"
            node #2 "y": has 0 groups; expected 1 or more
        "#]],
        ),
        (
            "w = const 8x64x3x3 ; b = const 7 ; y = conv x w b",
            expect![[r#"
            node #3 "y": bias has 7 values; expected 8, one for each output channel
        "#]],
        ),
        (
            "w = const 4x3x3x3 ; y = conv x w",
            expect![[r#"
            node #2 "y": input has 64 channels; expected 3, as its weight says
        "#]],
        ),
        (
            "y = deconv x k=1 p=5 out=3",
            expect![[r#"
            node #1 "y": window of 1 does not fit an extent of 7 padded by 10; expected a window that fits its input
        "#]],
        ),
        (
            "y = conv x _",
            expect![[r#"
            node #1 "y": operand 1 is missing; expected one, as every Conv has
        "#]],
        ),
        (
            "y = maxpool x k=3 nd=1",
            expect![[r#"
            node #1 "y": window has 1 extents; expected 2, one for each spatial axis of 1x64x7x7
        "#]],
        ),
        (
            "y = maxpool x k=3 p=18446744073709551615",
            expect![[r#"
            node #1 "y": window of 3 does not fit an extent of 7 padded by 18446744073709551615; expected a window that fits its input
        "#]],
        ),
        (
            "f = flatten x ; y = gap f",
            expect![[r#"
            node #2 "y": input is 1x3136; expected a batch, channels and spatial axes
        "#]],
        ),
        (
            "y = bn x ch=32",
            expect![[r#"
            node #1 "y": scale has 32 values; expected 64, the channels of 1x64x7x7
        "#]],
        ),
        (
            "z = input 1x64x7x8 ; y = add x z",
            expect![[r#"
            node #2 "y": operands 1x64x7x7 and 1x64x7x8 do not broadcast; expected extents that are equal or 1, from the last axis back
        "#]],
        ),
    ] {
        check(&format!("x = input 1x64x7x7 ; {text}"), message);
    }
}
