//! The built-in spaces against their papers: operators, multiply-accumulates, parameters, sizes.
//!
//! Counts without a source in the text are what the named papers (or the authors' code that they point
//! to) give, to the digits given there.

use expect_test::{Expect, expect};
use nnmeter_core::typed::TypedGraph;
use nnmeter_filters::builtin;
use nnmeter_filters::metric::{Macs, Metric, Parameters};
use nnmeter_filters::space::SearchSpace;
use serde_json::json;

fn space(name: &str) -> SearchSpace {
    builtin::space(name).expect("a built-in space")
}

/// Multiply-accumulates and parameters of a sample.
fn measure(space: &SearchSpace, options: &[u8]) -> (u64, u64) {
    let graph = typed(space, options);
    (Macs.bill(&graph).total() as u64, Parameters.bill(&graph).total() as u64)
}

fn typed(space: &SearchSpace, options: &[u8]) -> TypedGraph {
    let sample = space.sample(options).expect("a sample of the space");
    space.typed(&sample).expect("a valid sample")
}

/// The last option of every choice.
fn largest(space: &SearchSpace) -> Vec<u8> {
    space.choices().iter().map(|choice| choice.options.len() as u8 - 1).collect()
}

/// Extents after the layers of a sample whose places in the body are wanted, as a paper's table has
/// them: of the last node of every top-level step.
fn check_extents(space: &SearchSpace, options: &[u8], expected: Expect) {
    let graph = typed(space, options);
    let mut lines: Vec<(usize, String)> = Vec::new();
    for &id in graph.order().iter().filter(|&&id| graph.is_op(id)) {
        let name = &graph.graph().node(id).name;
        let step: usize = name.split([' ', '/']).next().unwrap_or("").parse().expect("a step");
        let extents = graph.output_type(id).expect("a type").to_string();
        match lines.last_mut() {
            Some(last) if last.0 == step => last.1 = extents,
            _ => lines.push((step, extents)),
        }
    }
    let mut text = String::new();
    let mut before = String::new();
    for (_, extents) in lines {
        if extents != before {
            text.push_str(&format!("{extents}\n"));
        }
        before = extents;
    }
    expected.assert_eq(&text);
}

/// Table 2 of the paper: 16 channels at 112, then 64, 160, 320, 640 in 4, 4, 8, 4 blocks that begin
/// with stride 2, 1024, the mean, 1000 classes. The README of the authors' code
/// (github.com/megvii-model/SinglePathOneShot) gives the searched network below, with 323 M FLOPs (which
/// are multiply-accumulates) and 3.5 M parameters.
#[test]
fn spos() {
    let space = space("spos");
    assert_eq!(space.architectures(), Some(4u128.pow(20)));
    check_extents(
        &space,
        &[0; 20],
        expect![[r#"
        1x16x112x112
        1x64x56x56
        1x160x28x28
        1x320x14x14
        1x640x7x7
        1x1024x7x7
        1x1024x1x1
        1x1000
    "#]],
    );
    let searched = [2, 1, 0, 1, 2, 0, 2, 0, 2, 0, 2, 3, 0, 0, 0, 0, 3, 2, 3, 3];
    assert_eq!(measure(&space, &searched), (322_918_720, 3_558_464));
}

/// Factors 0.2 to 1.6 of the usual channels: with factor 1 (the fifth) it is the block search.
#[test]
fn spos_with_channels() {
    let (channels, blocks) = (space("spos-channels"), space("spos"));
    assert_eq!(channels.architectures(), Some(32u128.pow(20)));
    let kinds: Vec<u8> = (0..20).map(|block| block % 4).collect();
    let usual: Vec<u8> = kinds.iter().flat_map(|&kind| [kind, 4]).collect();
    assert_eq!(measure(&channels, &usual), measure(&blocks, &kinds));
}

/// 21 blocks; the first of each stage cannot be left out. The authors' mobile network has 320 M
/// multiply-accumulates and 4.1 M parameters.
#[test]
fn proxylessnas() {
    let space = space("proxylessnas");
    assert_eq!(space.architectures(), Some(6u128.pow(6) * 7u128.pow(15)));
    let mobile = [
        "k5 e3", "k3 e3", "identity", "identity", "k7 e3", "k3 e3", "k5 e3", "k5 e3", "k7 e6",
        "k5 e3", "k5 e3", "k5 e3", "k5 e6", "k5 e3", "k5 e3", "k5 e3", "k7 e6", "k7 e6", "k7 e3",
        "k7 e3", "k7 e6",
    ];
    let named =
        mobile.iter().enumerate().map(|(i, option)| (format!("block {}", i + 1), json!(option)));
    let sample = space.sample_from_json(&named.collect()).expect("a sample");
    assert_eq!(measure(&space, &sample), (320_427_584, 4_080_512));
    check_extents(
        &space,
        &sample,
        expect![[r#"
        1x32x112x112
        1x16x112x112
        1x32x56x56
        1x40x28x28
        1x80x14x14
        1x96x14x14
        1x192x7x7
        1x320x7x7
        1x1280x7x7
        1x1280x1x1
        1x1000
    "#]],
    );
}

/// The paper counts ((3 x 3)^2 + (3 x 3)^3 + (3 x 3)^4)^5, about 2 x 10^19, networks, and 7.7 M parameters
/// for the largest.
#[test]
fn once_for_all() {
    let space = space("once-for-all");
    assert_eq!(space.architectures(), Some((9u128.pow(2) + 9u128.pow(3) + 9u128.pow(4)).pow(5)));
    assert_eq!(measure(&space, &largest(&space)), (566_170_656, 7_664_760));
    check_extents(
        &space,
        &largest(&space),
        expect![[r#"
        1x16x112x112
        1x24x56x56
        1x40x28x28
        1x80x14x14
        1x112x14x14
        1x160x7x7
        1x960x7x7
        1x960x1x1
        1x1280x1x1
        1x1000
    "#]],
    );
}

/// 5^6 cells. The benchmark gives 220.11969 M FLOPs and 1.531546 M parameters for the largest, and
/// 7.78305 M and 0.073306 M for the smallest that has a path (skip connections only).
#[test]
fn nasbench201() {
    let space = space("nasbench201");
    assert_eq!(space.architectures(), Some(15_625));
    assert_eq!(measure(&space, &[3; 6]), (220_119_680, 1_531_546));
    assert_eq!(measure(&space, &[1; 6]), (7_783_040, 73_306));
    // Without a path from its input, a cell is zero, and nothing runs.
    assert_eq!(measure(&space, &[0; 6]), (0, 0));
    // Node 1 is read by nothing that runs: its edge does not run either.
    assert_eq!(measure(&space, &[3, 1, 0, 1, 0, 1]), measure(&space, &[0, 1, 0, 1, 0, 1]));
}

/// At full width the networks of the paper: 1.8 and (with strides on the 3x3 convolutions) 4.1
/// billion multiply-accumulates; 11,689,512 and 25,557,032 parameters.
#[test]
fn resnets() {
    let (small, large) = (space("resnet18-widths"), space("resnet50-widths"));
    assert_eq!(measure(&small, &largest(&small)), (1_814_073_344, 11_689_512));
    assert_eq!(measure(&large, &largest(&large)), (4_089_184_256, 25_557_032));
    assert_eq!(small.architectures(), Some(7u128.pow(12)));
    assert_eq!(large.architectures(), Some(7u128.pow(21)));
    check_extents(
        &large,
        &largest(&large),
        expect![[r#"
        1x64x112x112
        1x64x56x56
        1x256x56x56
        1x64x56x56
        1x256x56x56
        1x64x56x56
        1x256x56x56
        1x128x56x56
        1x128x28x28
        1x512x28x28
        1x128x28x28
        1x512x28x28
        1x128x28x28
        1x512x28x28
        1x128x28x28
        1x512x28x28
        1x256x28x28
        1x256x14x14
        1x1024x14x14
        1x256x14x14
        1x1024x14x14
        1x256x14x14
        1x1024x14x14
        1x256x14x14
        1x1024x14x14
        1x256x14x14
        1x1024x14x14
        1x256x14x14
        1x1024x14x14
        1x512x14x14
        1x512x7x7
        1x2048x7x7
        1x512x7x7
        1x2048x7x7
        1x512x7x7
        1x2048x7x7
        1x2048x1x1
        1x1000
    "#]],
    );
}

#[test]
fn every_name_opens_and_reads_back() {
    for (name, _) in builtin::ALL {
        let space = space(name);
        assert_eq!(space.name(), *name);
        let json = space.to_json().to_string();
        assert_eq!(SearchSpace::from_json(json.as_bytes()).expect("a valid space"), space);
    }
    expect![[r#"search space "darts": is not a built-in one; expected one of spos, spos-channels, proxylessnas, once-for-all, nasbench201, resnet18-widths, resnet50-widths"#]].assert_eq(&builtin::space("darts").expect_err("none").to_string());
}
