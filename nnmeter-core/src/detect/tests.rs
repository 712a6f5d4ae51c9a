//! Detection on small text graphs: what fuses, what does not, and why.

use std::fmt::Write;

use expect_test::{Expect, expect};

use crate::detect::explain::explain;
use crate::rules::FusionRules;
use crate::text;

/// Rules as they are on a phone's CPU, and one whole pattern.
const RULES: &str = r#"{
    "BF_conv_bn": {"obey": true}, "BF_conv_relu": {"obey": true}, "BF_bn_relu": {"obey": true},
    "BF_dwconv_bn": {"obey": true}, "BF_dwconv_relu": {"obey": true}, "BF_add_relu": {"obey": true},
    "BF_conv_add": {"obey": true}, "BF_conv_bn_relu": {"obey": true}, "BF_relu_conv": {"obey": false},
    "BF_se_relu": {"obey": true}, "MON": {"obey": null}}"#;

fn kernels_with(text: &str, rules: &str) -> String {
    let graph = text::graph(text).infer_shapes().expect("valid shapes");
    let rules = FusionRules::from_json(rules.as_bytes()).expect("valid rules");
    let (detection, _) = explain(&graph, &rules);
    let mut lines = String::new();
    for kernel in detection.kernels() {
        let names: Vec<&str> =
            kernel.nodes().iter().map(|&id| &*graph.graph().node(id).name).collect();
        writeln!(lines, "{}: {}", kernel.name(), names.join(" ")).expect("a string takes all");
    }
    lines
}

fn check(text: &str, expected: Expect) {
    expected.assert_eq(&kernels_with(text, RULES));
}

#[test]
fn a_chain_fuses_by_pairs_and_patterns() {
    check(
        "x = input 1x3x8x8
         c = conv x k=3 p=1 out=8 ; b = bn c ; r = relu b
         d = dwconv r k=3 p=1 ; e = relu6 d ; f = relu e",
        expect![[r#"
            conv-bn-relu: c b r
            dwconv-relu: d e
            relu: f
        "#]],
    );
}

#[test]
fn several_consumers_stop_fusion() {
    check(
        "x = input 1x3x8x8
         c = conv x k=3 p=1 out=8 ; r = relu c ; s = sigmoid c",
        expect![[r#"
            conv: c
            relu: r
            sigmoid: s
        "#]],
    );
}

#[test]
fn a_result_that_the_graph_returns_does_not_fuse() {
    check(
        "x = input 1x3x8x8
         c = conv x k=3 p=1 out=8 ; r = relu c
         output c r",
        expect![[r#"
            conv: c
            relu: r
        "#]],
    );
}

#[test]
fn of_two_producers_the_first_operand_wins() {
    check(
        "x = input 1x3x8x8
         c = conv x k=3 p=1 out=8 ; d = conv x k=3 p=1 out=8 ; a = add d c ; r = relu a",
        expect![[r#"
            conv: c
            conv-add-relu: d a r
        "#]],
    );
}

#[test]
fn mon_1_fuses_one_of_several_consumers() {
    let rules = r#"{"BF_conv_relu": {"obey": true}, "MON": {"obey": 1}}"#;
    let text = "x = input 1x3x8x8
        c = conv x k=3 p=1 out=8 ; a = sigmoid c ; r = relu c ; s = relu c";
    expect![[r#"
        conv-relu: c r
        sigmoid: a
        relu: s
    "#]]
    .assert_eq(&kernels_with(text, rules));
}

#[test]
fn hard_swish_in_every_spelling() {
    let spellings = [
        "a = add x 3 ; r = relu6 a ; m = mul r 0.16667 ; y = mul x m",
        "a = add 3 x ; r = relu6 a ; m = div r 6 ; y = mul m x",
        "a = add x 3 ; r = relu6 a ; m = mul x r ; y = div m 6",
        "d = div x 6 ; a = add x 3 ; r = relu6 a ; y = mul d r",
        "a = add x 3 ; r = relu6 a ; d = mul x 0.16667 ; y = mul r d",
        "s = hardsigmoid x ; y = mul x s",
        "y = hardswish x",
    ];
    for spelling in spellings {
        let kernels = kernels_with(&format!("x = input 1x3x8x8\n{spelling}"), RULES);
        assert!(kernels.starts_with("hswish: ") && kernels.lines().count() == 1, "{kernels}");
    }
}

#[test]
fn what_only_looks_like_a_hard_swish_is_not_one() {
    check(
        "x = input 1x3x8x8
         a = add x 2 ; r = relu6 a ; m = mul r 0.16667 ; y = mul x m",
        expect![[r#"
            add-relu: a r
            mul: m
            mul: y
        "#]],
    );
}

#[test]
fn six_divided_by_the_data_is_no_hard_sigmoid() {
    check(
        "x = input 1x3x8x8
         a = add x 3 ; r = relu6 a ; y = div 6 r",
        expect![[r#"
            add-relu: a r
            binary: y
        "#]],
    );
}

#[test]
fn a_whole_pattern_comes_before_a_pair_in_a_lower_slot() {
    let rules = r#"{"BF_pooling_add": {"obey": true}, "BF_conv_add_relu": {"obey": true}}"#;
    let text = "x = input 1x3x8x8
        p = maxpool x k=3 p=1 ; c = conv x k=3 p=1 out=3 ; a = add p c ; r = relu a";
    expect![[r#"
        maxpool: p
        conv-add-relu: c a r
    "#]]
    .assert_eq(&kernels_with(text, rules));
}

#[test]
fn of_two_patterns_that_meet_the_lowest_slot_wins() {
    let rules = r#"{"BF_conv_add_relu": {"obey": true}}"#;
    let text = "x = input 1x3x8x8
        c = conv x k=3 p=1 out=3 ; d = conv x k=3 p=1 out=3 ; a = add d c ; r = relu a";
    expect![[r#"
        conv: c
        conv-add-relu: d a r
    "#]]
    .assert_eq(&kernels_with(text, rules));
}

#[test]
fn squeeze_and_excite_in_several_spellings() {
    let gates = ["h = hardsigmoid f", "h = sigmoid f", "s = add f 3 ; t = relu6 s ; h = div t 6"];
    for gate in gates {
        for pool in [
            "g = gap x",
            "g = mean x axes=2,3 keep",
            "w = mean x axes=3 keep ; g = mean w axes=2 keep",
        ] {
            let text = format!(
                "x = input 1x16x8x8
                 {pool}
                 c = conv g k=1 in=16 out=4 bias ; r = relu c ; f = conv r k=1 out=16
                 {gate}
                 y = mul x h ; z = relu y"
            );
            let kernels = kernels_with(&text, RULES);
            assert!(kernels.starts_with("se-relu: ") && kernels.lines().count() == 1, "{kernels}");
        }
    }
}

#[test]
fn blocks_of_transformers() {
    check(
        "x = input 1x16x64
         m = mean x axes=2 keep ; d = sub x m ; q = pow d 2 ; v = mean q axes=2 keep
         e = add v 0.00001 ; s = sqrt e ; n = div d s ; w = mul n 1.5 ; l = add w 0.5
         i = div l 1.4142 ; f = erf i ; o = add f 1 ; p = mul l o ; g = mul p 0.5
         k = exp g ; t = reducesum k axes=2 keep ; u = div k t
         h = sigmoid u ; z = mul u h",
        expect![[r#"
            norm: m d q v e s n w l
            gelu: i f o p g
            softmax: k t u
            swish: h z
        "#]],
    );
}

#[test]
fn a_channel_shuffle_and_a_split_along_the_channels() {
    check(
        "x = input 1x8x4x4
         a = reshape x 1,2,4,4,4 ; b = transpose a 0,2,1,3,4 ; c = reshape b 1,8,4,4
         s1,s2 = split c axis=1 ; k = concat s2 s1 axis=1 ; h1,h2 = split k axis=2",
        expect![[r#"
            channelshuffle: a b c
            split: s1
            concat: k
            select: h1
        "#]],
    );
}

#[test]
fn kinds_that_shapes_decide() {
    check(
        "x = input 1x1x8x8
         c = conv x k=3 p=1 out=4 ; g = conv c k=3 p=1 g=2 out=4 ; d = dwconv g k=3 p=1
         m = mean d axes=1 keep ; p = mean d axes=2,3 ; y = fc p in=4 out=10 ; t = transpose y 1,0 ; q = matmul t y",
        expect![[r#"
            conv: c
            conv: g
            dwconv: d
            reduce: m
            global-avgpool: p
            fc: y
            reshape: t
            matmul: q
        "#]],
    );
}

#[test]
fn explains_each_wire() {
    let text = "x = input 1x3x8x8
        c = conv x k=3 p=1 out=8 ; b = bn c ; r = relu b ; d = conv r k=1 out=8 ; s = sigmoid r
        e = conv x k=3 p=1 out=8 ; a = add d e ; t = tanh a";
    let graph = text::graph(text).infer_shapes().expect("valid shapes");
    let rules = FusionRules::from_json(RULES.as_bytes()).expect("valid rules");
    let (_, decisions) = explain(&graph, &rules);
    let mut lines = String::new();
    for decision in decisions {
        let name = |id| &*graph.graph().node(id).name;
        let (from, to) = (name(decision.producer), name(decision.consumer));
        writeln!(lines, "{from} -> {to}: {}", decision.text).expect("a string takes all");
    }
    expect![[r#"
        c -> b: fused by pattern BF_conv_bn_relu
        b -> r: fused by pattern BF_conv_bn_relu
        r -> d: not fused: rule BF_relu_conv says no
        r -> s: not fused: no rule BF_relu_sigmoid
        d -> a: fused by rule BF_conv_add
        e -> a: not fused: the consumer is fused to another of its operands
        a -> t: not fused: no rule BF_add_unary
    "#]]
    .assert_eq(&lines);
}

/// A sum fuses into a convolution beside another result, but not beside an input; a relu into such
/// a sum, but not into one alone; a hard swish unless it is returned.
#[test]
fn rules_that_hold_in_a_context() {
    let rules = r#"{"BF_conv_add": {"obey": true, "where": {"not_beside": ["input", "convtrans"]}},
        "BF_add_relu": {"obey": true, "where": {"kernel_begins_with": ["conv", "dwconv"]}},
        "BF_conv_hswish": {"obey": true, "where": {"not_returned": true}}}"#;
    let text = "x = input 1x8x8x8
        c = conv x k=3 p=1 out=8 ; d = conv c k=3 p=1 out=8 ; a = add d c ; r = relu a
        e = conv r k=3 p=1 out=8 ; b = add e x ; s = relu b
        f = conv s k=3 p=1 out=8 ; h = hardswish f ; g = conv h k=3 p=1 out=8 ; y = hardswish g";
    expect![[r#"
        conv: c
        conv-add-relu: d a r
        conv: e
        add: b
        relu: s
        conv-hswish: f h
        conv: g
        hswish: y
    "#]]
    .assert_eq(&kernels_with(text, rules));
    let graph = text::graph(text).infer_shapes().expect("valid shapes");
    let rules = FusionRules::from_json(rules.as_bytes()).expect("valid rules");
    let texts: Vec<String> = explain(&graph, &rules).1.into_iter().map(|d| d.text).collect();
    for text in [
        "fused by rule BF_add_relu, whose context this is",
        "not fused: rule BF_conv_add does not hold where it also reads an input of the model",
        "not fused: rule BF_add_relu does not hold in a kernel that begins with add",
        "not fused: rule BF_conv_hswish does not hold where its result is an output of the model",
    ] {
        assert!(texts.iter().any(|found| found == text), "{texts:#?}");
    }
}

/// With several consumers, of those whose rule holds there.
#[test]
fn mon_1_looks_at_contexts() {
    let rules = r#"{"BF_conv_relu": {"obey": true, "where": {"not_returned": true}},
        "BF_conv_sigmoid": {"obey": true}, "MON": {"obey": 1}}"#;
    let text = "x = input 1x3x8x8
        c = conv x k=3 p=1 out=8 ; r = relu c ; s = sigmoid c ; t = tanh s
        output r t";
    expect![[r#"
        conv-sigmoid: c s
        relu: r
        unary: t
    "#]]
    .assert_eq(&kernels_with(text, rules));
}

#[test]
fn batch_normalisations_that_are_spelled_out() {
    check(
        "x = input 1x3x8x8 ; s = const 8x1x1 ; t = const 8x1x1 ; one = const 1
         c = conv x k=3 p=1 out=8 ; m = mul c s ; a = add m t ; r = relu a
         n = mul x one ; b = add n one
         e = relu r ; u = mul e s ; v = add u t ; w = sigmoid u",
        expect![[r#"
            conv-bn-relu: c m a r
            mul: n
            add: b
            relu: e
            mul: u
            add: v
            sigmoid: w
        "#]],
    );
}
