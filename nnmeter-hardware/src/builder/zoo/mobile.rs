//! Networks of depthwise convolutions: MobileNet (Howard et al. 2017), V2 (Sandler et al. 2018), V3
//! (Howard et al. 2019), MnasNet (Tan et al. 2018), EfficientNet (Tan and Le 2019).

use nnmeter_core::op::Unary;
use nnmeter_core::typed::TypedGraph;

use super::super::style::{HARD_SIGMOID, RELU6};
use super::classic::{classified, conv_with};
use crate::draw::{Drawing, Window, Wire};
use crate::error::Result;

/// An inverted residual block.
#[derive(Clone, Copy)]
struct Block {
    /// Channels of the depthwise convolution.
    inner: usize,
    channels: usize,
    window: Window,
    function: Unary,
    /// Channels within its squeeze and excite, and the functions of this; none if it has none.
    gate: Option<(usize, (Unary, Unary))>,
}

impl Block {
    fn draw(self, drawing: &mut Drawing, data: Wire) -> Wire {
        let Block { inner, channels, window, function, gate } = self;
        let wide = match inner == data.channels {
            true => data,
            false => conv_with(drawing, data, Window::ONE, inner, function),
        };
        let depth = drawing.dwconv(wide, window);
        let mut depth = drawing.unary(function, depth);
        if let Some((squeezed, functions)) = gate {
            depth = drawing.squeeze_excite(depth, squeezed, functions, false);
        }
        let last = drawing.conv(depth, Window::ONE, channels);
        let residual = window.1 == 1 && channels == data.channels;
        if residual { drawing.add(last, data) } else { last }
    }
}

/// The multiple of 8 that is next to `width * channels`, and no more than a tenth below it.
fn scaled(channels: usize, width: f64) -> usize {
    let wanted = channels as f64 * width;
    let nearest = ((wanted + 4.0) as usize / 8 * 8).max(8);
    if (nearest as f64) < 0.9 * wanted { nearest + 8 } else { nearest }
}

pub(super) fn v1(width: f64, side: usize) -> Result<TypedGraph> {
    let (mut drawing, image) = Drawing::of_image(3, side);
    let mut data = conv_with(&mut drawing, image, Window(3, 2), scaled(32, width), Unary::Relu);
    let middle = [(512, 1); 5];
    let rows = [(64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2)];
    for (channels, stride) in rows.into_iter().chain(middle).chain([(1024, 2), (1024, 1)]) {
        let depth = drawing.dwconv(data, Window(3, stride));
        let depth = drawing.relu(depth);
        data = conv_with(&mut drawing, depth, Window::ONE, scaled(channels, width), Unary::Relu);
    }
    classified(drawing, data)
}

/// Rows of equal blocks: how often the input's channels the inner ones are, channels, repeats, the
/// window of the first block, and whether there is a gate, of a quarter of the input's channels.
type Rows = [(usize, usize, usize, Window, bool)];

/// A network of rows of blocks, from a stem of `stem` channels to `head` channels.
fn of_rows(
    side: usize,
    rows: &Rows,
    function: Unary,
    (stem, head): (usize, usize),
    width: f64,
) -> Result<TypedGraph> {
    let (mut drawing, image) = Drawing::of_image(3, side);
    let mut data = conv_with(&mut drawing, image, Window(3, 2), scaled(stem, width), function);
    for &(expansion, channels, repeats, Window(extent, stride), gated) in rows {
        for block in 0..repeats {
            let block = Block {
                inner: expansion * data.channels,
                channels: scaled(channels, width),
                window: Window(extent, if block == 0 { stride } else { 1 }),
                function,
                gate: gated.then_some((data.channels / 4, (function, Unary::Sigmoid))),
            };
            data = block.draw(&mut drawing, data);
        }
    }
    let head = (head as f64 * width.max(1.0)) as usize;
    let data = conv_with(&mut drawing, data, Window::ONE, head, function);
    classified(drawing, data)
}

pub(super) fn v2(width: f64, side: usize) -> Result<TypedGraph> {
    let rows = [
        (1, 16, 1, Window(3, 1), false),
        (6, 24, 2, Window(3, 2), false),
        (6, 32, 3, Window(3, 2), false),
        (6, 64, 4, Window(3, 2), false),
        (6, 96, 3, Window(3, 1), false),
        (6, 160, 3, Window(3, 2), false),
        (6, 320, 1, Window(3, 1), false),
    ];
    of_rows(side, &rows, RELU6, (32, 1280), width)
}

pub(super) fn mnasnet_a1() -> Result<TypedGraph> {
    let rows = [
        (1, 16, 1, Window(3, 1), false),
        (6, 24, 2, Window(3, 2), false),
        (3, 40, 3, Window(5, 2), true),
        (6, 80, 4, Window(3, 2), false),
        (6, 112, 2, Window(3, 1), true),
        (6, 160, 3, Window(5, 2), true),
        (6, 320, 1, Window(3, 1), false),
    ];
    of_rows(224, &rows, Unary::Relu, (32, 1280), 1.0)
}

pub(super) fn mnasnet_b1() -> Result<TypedGraph> {
    let rows = [
        (1, 16, 1, Window(3, 1), false),
        (3, 24, 3, Window(3, 2), false),
        (3, 40, 3, Window(5, 2), false),
        (6, 80, 3, Window(5, 2), false),
        (6, 96, 2, Window(3, 1), false),
        (6, 192, 4, Window(5, 2), false),
        (6, 320, 1, Window(3, 1), false),
    ];
    of_rows(224, &rows, Unary::Relu, (32, 1280), 1.0)
}

pub(super) fn efficientnet_b0(side: usize) -> Result<TypedGraph> {
    let rows = [
        (1, 16, 1, Window(3, 1), true),
        (6, 24, 2, Window(3, 2), true),
        (6, 40, 2, Window(5, 2), true),
        (6, 80, 3, Window(3, 2), true),
        (6, 112, 3, Window(5, 1), true),
        (6, 192, 4, Window(5, 2), true),
        (6, 320, 1, Window(3, 1), true),
    ];
    of_rows(side, &rows, Unary::Swish, (32, 1280), 1.0)
}

/// A row of MobileNetV3: window, inner channels, channels, whether it is gated, whether its function
/// is hard swish, stride.
type V3Row = (usize, usize, usize, bool, bool, usize);

const LARGE: &[V3Row] = &[
    (3, 16, 16, false, false, 1),
    (3, 64, 24, false, false, 2),
    (3, 72, 24, false, false, 1),
    (5, 72, 40, true, false, 2),
    (5, 120, 40, true, false, 1),
    (5, 120, 40, true, false, 1),
    (3, 240, 80, false, true, 2),
    (3, 200, 80, false, true, 1),
    (3, 184, 80, false, true, 1),
    (3, 184, 80, false, true, 1),
    (3, 480, 112, true, true, 1),
    (3, 672, 112, true, true, 1),
    (5, 672, 160, true, true, 2),
    (5, 960, 160, true, true, 1),
    (5, 960, 160, true, true, 1),
];

const SMALL: &[V3Row] = &[
    (3, 16, 16, true, false, 2),
    (3, 72, 24, false, false, 2),
    (3, 88, 24, false, false, 1),
    (5, 96, 40, true, true, 2),
    (5, 240, 40, true, true, 1),
    (5, 240, 40, true, true, 1),
    (5, 120, 48, true, true, 1),
    (5, 144, 48, true, true, 1),
    (5, 288, 96, true, true, 2),
    (5, 576, 96, true, true, 1),
    (5, 576, 96, true, true, 1),
];

pub(super) fn v3(large: bool, width: f64, side: usize) -> Result<TypedGraph> {
    let (rows, last, hidden) = if large { (LARGE, 960, 1280) } else { (SMALL, 576, 1024) };
    let (mut drawing, image) = Drawing::of_image(3, side);
    let swish = Unary::HardSwish;
    let mut data = conv_with(&mut drawing, image, Window(3, 2), scaled(16, width), swish);
    for &(extent, inner, channels, gated, is_swish, stride) in rows {
        let inner = scaled(inner, width);
        let block = Block {
            inner,
            channels: scaled(channels, width),
            window: Window(extent, stride),
            function: if is_swish { swish } else { Unary::Relu },
            gate: gated.then(|| (scaled(inner, 0.25), (Unary::Relu, HARD_SIGMOID))),
        };
        data = block.draw(&mut drawing, data);
    }
    let data = conv_with(&mut drawing, data, Window::ONE, scaled(last, width), swish);
    let mean = drawing.global_mean(data);
    let vector = drawing.flatten(mean);
    let layer = drawing.fc(vector, hidden);
    let layer = drawing.unary(swish, layer);
    let scores = drawing.fc(layer, 1000);
    drawing.finish(scores)
}
