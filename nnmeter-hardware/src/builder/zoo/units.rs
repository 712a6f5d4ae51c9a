//! Networks whose units concatenate, shuffle or sum in other ways: DenseNet (Huang et al. 2016),
//! ShuffleNetV2 (Ma et al. 2018), NAS-Bench-201 (Dong and Yang 2020).

use nnmeter_core::op::PoolKind;
use nnmeter_core::typed::TypedGraph;

use super::classic::{classified, conv, max_pool};
use crate::draw::{Drawing, Window, Wire};
use crate::error::Result;

/// DenseNet with a growth of 32 channels.
pub(super) fn densenet(repeats: [usize; 4]) -> Result<TypedGraph> {
    let (mut drawing, image) = Drawing::of_image(3, 224);
    let stem = conv(&mut drawing, image, Window(7, 2), 64);
    let mut data = max_pool(&mut drawing, stem, 1);
    for (stage, times) in repeats.into_iter().enumerate() {
        if stage > 0 {
            let active = activated(&mut drawing, data);
            let half = drawing.conv(active, Window::ONE, data.channels / 2);
            data = drawing.pool(PoolKind::Average, half, Window(2, 2), 0);
        }
        for _ in 0..times {
            let active = activated(&mut drawing, data);
            let narrow = conv(&mut drawing, active, Window::ONE, 128);
            let last = drawing.conv(narrow, Window(3, 1), 32);
            data = drawing.concat(&[data, last]);
        }
    }
    let active = activated(&mut drawing, data);
    classified(drawing, active)
}

fn activated(drawing: &mut Drawing, data: Wire) -> Wire {
    let normal = drawing.bn(data);
    drawing.relu(normal)
}

/// ShuffleNetV2 by the channels of its stages.
pub(super) fn shufflenet(channels: [usize; 3]) -> Result<TypedGraph> {
    let (mut drawing, image) = Drawing::of_image(3, 224);
    let stem = conv(&mut drawing, image, Window(3, 2), 24);
    let mut data = max_pool(&mut drawing, stem, 1);
    for (channels, repeats) in channels.into_iter().zip([4, 8, 4]) {
        for unit in 0..repeats {
            data = shuffle_unit(&mut drawing, data, (unit == 0).then_some(channels));
        }
    }
    let data = conv(&mut drawing, data, Window::ONE, 1024);
    classified(drawing, data)
}

/// A unit; to so many channels, where it makes the image smaller.
fn shuffle_unit(drawing: &mut Drawing, data: Wire, smaller: Option<usize>) -> Wire {
    let (by, branch, half, stride) = match smaller {
        Some(channels) => {
            let by = drawing.dwconv(data, Window(3, 2));
            (conv(drawing, by, Window::ONE, channels / 2), data, channels / 2, 2)
        }
        None => {
            let [by, branch] = drawing.halves(data);
            (by, branch, branch.channels, 1)
        }
    };
    let first = conv(drawing, branch, Window::ONE, half);
    let depth = drawing.dwconv(first, Window(3, stride));
    let last = conv(drawing, depth, Window::ONE, half);
    let both = drawing.concat(&[by, last]);
    drawing.shuffle(both)
}

/// What an edge of a cell computes.
#[derive(Clone, Copy)]
pub(super) enum Edge {
    None,
    Skip,
    Conv1,
    Conv3,
    Mean3,
}

use Edge::{Conv1, Conv3, Mean3, None as Nothing, Skip};

/// Cells by the edges 0-1, 0-2, 1-2, 0-3, 1-3, 2-3: one of the best of the benchmark, one of many
/// means, one of small windows.
pub(super) const CELLS: [(&str, [Edge; 6]); 3] = [
    ("conv3x3", [Conv3, Conv3, Conv3, Skip, Conv3, Conv3]),
    ("avgpool", [Mean3, Conv3, Skip, Mean3, Conv1, Conv3]),
    ("conv1x1", [Conv1, Nothing, Conv1, Skip, Conv3, Conv1]),
];

/// NAS-Bench-201's network of these cells: three stages of five, from 16 channels on.
pub(super) fn nasbench201(cell: [Edge; 6]) -> Result<TypedGraph> {
    let (mut drawing, image) = Drawing::of_image(3, 32);
    let mut data = drawing.conv(image, Window(3, 1), 16);
    for stage in 0..3 {
        if stage > 0 {
            data = smaller(&mut drawing, data);
        }
        for _ in 0..5 {
            data = self::cell(&mut drawing, data, cell);
        }
    }
    let active = drawing.relu(data);
    let mean = drawing.global_mean(active);
    let vector = drawing.flatten(mean);
    let scores = drawing.fc(vector, 10);
    drawing.finish(scores)
}

fn cell(drawing: &mut Drawing, data: Wire, edges: [Edge; 6]) -> Wire {
    let mut nodes = vec![data];
    for ends in [&edges[..1], &edges[1..3], &edges[3..]] {
        let from = nodes.clone().into_iter().zip(ends);
        let parts: Vec<Wire> = from.filter_map(|(from, &op)| edge(drawing, from, op)).collect();
        let sum = parts.into_iter().reduce(|a, b| drawing.add(a, b));
        nodes.push(sum.unwrap_or(data));
    }
    nodes[3]
}

fn edge(drawing: &mut Drawing, from: Wire, edge: Edge) -> Option<Wire> {
    let mut convolved = |window| {
        let active = drawing.relu(from);
        drawing.conv(active, window, from.channels)
    };
    match edge {
        Edge::None => None,
        Skip => Some(from),
        Conv1 => Some(convolved(Window::ONE)),
        Conv3 => Some(convolved(Window(3, 1))),
        Mean3 => Some(drawing.pool(PoolKind::Average, from, Window(3, 1), 1)),
    }
}

/// The residual block between stages.
fn smaller(drawing: &mut Drawing, data: Wire) -> Wire {
    let active = drawing.relu(data);
    let first = drawing.conv(active, Window(3, 2), 2 * data.channels);
    let active = drawing.relu(first);
    let last = drawing.conv(active, Window(3, 1), 2 * data.channels);
    let mean = drawing.pool(PoolKind::Average, data, Window(2, 2), 0);
    let by = drawing.conv(mean, Window::ONE, 2 * data.channels);
    drawing.add(last, by)
}
