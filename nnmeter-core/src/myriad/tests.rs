//! Tilings of single kernels, and of whatever a file may hold.

use expect_test::{Expect, expect};
use proptest::prelude::*;

use super::*;

/// A square kernel of batch 1: window, stride, then side and channels before and after.
fn square(kind: Kind, [k, s]: [u32; 2], from: [u32; 2], to: [u32; 2]) -> Workload {
    Workload {
        kind,
        batch: 1,
        input: [1, from[0], from[0]],
        output: [1, to[0], to[0]],
        cin: from[1],
        cout: to[1],
        window: [1, k, k],
        stride: [1, s, s],
        dilation: [1; 3],
        groups: if kind == Kind::DwConv { from[1] } else { 1 },
        operands: 1,
        channels: [from[1], 0, 0, 0],
        bits: 32,
        macs: 0,
        weights: 0,
        read: 0,
        written: 0,
        pooled: None,
    }
}

fn conv(window: [u32; 2], from: [u32; 2], to: [u32; 2]) -> Workload {
    square(Kind::Conv, window, from, to)
}

fn dwconv(window: [u32; 2], from: [u32; 2], to: u32) -> Workload {
    square(Kind::DwConv, window, from, [to, from[1]])
}

fn check(work: &Workload, expected: Expect) {
    let t = Tiling::of(work);
    let split =
        format!("{} planes x {} of channels, mode {}", t.plane_tiles, t.channel_tiles, t.mode);
    let parts = format!("{} parts of {}", t.parts, t.part_channels);
    let counts = [t.stages, t.descriptors, t.cycles, t.coefficients, t.partial_sums, t.junk];
    let place = if t.in_software { "software, " } else { "" };
    expected.assert_eq(&format!("{place}{split}; {parts}; {counts:?}"));
}

/// With a pooling of window 3 and stride 2 behind it.
fn pooled(work: Workload, kind: Kind, [k, s]: [u32; 2], joined: u32) -> Workload {
    let pooling = Pooling { kind, window: [1, k, k], stride: [1, s, s], joined };
    Workload { pooled: Some(pooling), ..work }
}

#[test]
fn convolutions() {
    check(&conv([7, 1], [28, 819], [28, 819]), expect![""]);
    check(&conv([7, 1], [28, 870], [28, 768]), expect![""]);
    check(&conv([1, 1], [112, 51], [112, 357]), expect![""]);
    check(&conv([7, 2], [224, 3], [112, 64]), expect![""]);
    check(&conv([3, 1], [14, 512], [14, 512]), expect![""]);
    check(&conv([1, 1], [7, 960], [7, 320]), expect![""]);
    check(&conv([7, 1], [56, 435], [56, 384]), expect![""]);
}

#[test]
fn a_convolution_that_is_cut_by_hand() {
    check(&conv([3, 1], [56, 256], [56, 256]), expect![""]);
    check(&conv([3, 1], [56, 256], [56, 264]), expect![""]);
}

#[test]
fn depthwise_convolutions() {
    check(&dwconv([3, 1], [112, 32], 112), expect![""]);
    check(&dwconv([5, 2], [14, 96], 7), expect![""]);
    check(&dwconv([7, 1], [56, 24], 56), expect![""]);
}

#[test]
fn a_large_result_in_front_of_a_pooling_is_made_in_parts() {
    let large = conv([7, 1], [28, 870], [28, 768]);
    check(&pooled(large, Kind::MaxPool, [3, 2], 1), expect![""]);
    let large = conv([7, 1], [56, 435], [56, 384]);
    check(&pooled(large, Kind::MaxPool, [2, 2], 2), expect![""]);
}

#[test]
fn other_poolings_change_nothing() {
    let small = conv([3, 1], [28, 64], [28, 64]);
    assert_eq!(Tiling::of(&pooled(small, Kind::MaxPool, [3, 2], 1)), Tiling::of(&small));
    let large = conv([3, 1], [56, 64], [56, 256]);
    let plain = Tiling::of(&large);
    assert_ne!(Tiling::of(&pooled(large, Kind::AvgPool, [2, 2], 1)), plain);
    assert_ne!(Tiling::of(&pooled(large, Kind::MaxPool, [3, 2], 1)), plain);
    assert_eq!(Tiling::of(&pooled(large, Kind::MaxPool, [2, 2], 1)), plain, "one stage of both");
    assert_eq!(Tiling::of(&pooled(large, Kind::MaxPool, [3, 2], 4)), plain, "four are joined");
}

#[test]
fn what_the_engine_cannot_do_runs_in_software() {
    let plain = conv([3, 1], [28, 64], [28, 64]);
    assert!(!Tiling::of(&plain).in_software);
    let others = [
        Workload { dilation: [1, 2, 2], ..plain },
        Workload { stride: [1, 1, 2], ..plain },
        Workload { input: [2, 28, 28], ..plain },
        Workload { cin: 0, ..plain },
        Workload { output: [1, 1, 70_000], ..plain },
    ];
    for work in others {
        assert!(Tiling::of(&work).in_software, "{work:?}");
    }
}

#[test]
fn groups_and_batches_repeat() {
    let one = conv([3, 1], [28, 64], [28, 64]);
    let grouped = Workload { groups: 4, cin: 256, cout: 256, ..one };
    assert_eq!(Tiling::of(&grouped), Tiling { parts: 4, ..Tiling::of(&one).times(4) });
    let batch = Workload { batch: 3, ..one };
    assert_eq!(Tiling::of(&batch), Tiling::of(&one).times(3));
}

/// Extents as they are, and as no network has them.
fn extent() -> impl Strategy<Value = u32> {
    prop_oneof![4 => 0..70u32, 4 => 1..2100u32, 1 => 0..=u32::MAX, 1 => Just(u32::MAX)]
}

fn few() -> impl Strategy<Value = u32> {
    prop_oneof![8 => 1..8u32, 1 => 0..=u32::MAX, 1 => Just(0)]
}

prop_compose! {
    fn workload()(
        [input, output] in [(); 2].map(|()| [extent(), extent()]),
        [cin, cout] in [extent(), extent()],
        [batch, groups, tall, broad, down, right] in [(); 6].map(|()| few()),
        [depthwise, square_stride, pools] in [(); 3].map(|()| any::<bool>()),
    ) -> Workload {
        let kind = if depthwise { Kind::DwConv } else { Kind::Conv };
        let pooling = Pooling { kind: Kind::MaxPool, window: [1, 3, 3], stride: [1; 3], joined: 1 };
        Workload {
            batch,
            input: [1, input[0], input[1]],
            output: [1, output[0], output[1]],
            window: [1, tall, broad],
            stride: [1, down, if square_stride { down } else { right }],
            groups: if depthwise { cin } else { groups },
            pooled: pools.then_some(pooling),
            ..square(kind, [1, 1], [1, cin], [1, if depthwise { cin } else { cout }])
        }
    }
}

proptest! {
    #[test]
    fn every_tile_covers_its_part_once(side in 1..300u64, k in 1..8u64, s in 1..4u64, tiles in 1..16u64) {
        let output = side.div_ceil(s);
        let Some(axis) = axis::Axis::new(side, output, k, s) else { return Ok(()) };
        let Some(spans) = axis.height_of(tiles).and_then(|height| axis.cut(height)) else { return Ok(()) };
        let mut next = 0;
        for span in spans {
            prop_assert_eq!(span.output.0, next);
            next += span.output.1 - span.junk;
            prop_assert!(span.input.1 > 0 && span.input.0 + span.input.1 <= side);
        }
        prop_assert_eq!(next, output);
    }

    #[test]
    fn whatever_a_file_holds_has_a_tiling(work in workload()) {
        let tiling = Tiling::of(&work);
        let counts = [tiling.stages, tiling.descriptors, tiling.cycles, tiling.coefficients];
        if tiling.in_software {
            prop_assert_eq!(counts, [0; 4]);
        } else {
            prop_assert!(work.batch == 0 || !counts.contains(&0), "{:?}", tiling);
            prop_assert!(tiling.plane_tiles > 0 && tiling.channel_tiles > 0 && tiling.parts > 0);
        }
    }
}
