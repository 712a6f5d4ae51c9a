//! Networks of plain and residual convolutions: AlexNet (Krizhevsky 2014), VGG (Simonyan and
//! Zisserman 2014), ResNet (He et al. 2015), ResNeXt (Xie et al. 2016), SqueezeNet (Iandola et al.
//! 2016), GoogLeNet (Szegedy et al. 2014).

use nnmeter_core::op::{PoolKind, Unary};
use nnmeter_core::typed::TypedGraph;

use crate::draw::{Drawing, Window, Wire};
use crate::error::Result;

pub(super) fn conv(drawing: &mut Drawing, data: Wire, window: Window, channels: usize) -> Wire {
    let conv = drawing.conv(data, window, channels);
    drawing.relu(conv)
}

pub(super) fn max_pool(drawing: &mut Drawing, data: Wire, padding: usize) -> Wire {
    drawing.pool(PoolKind::Max, data, Window(3, 2), padding)
}

/// The mean and a layer of 1000 classes.
pub(super) fn classified(mut drawing: Drawing, data: Wire) -> Result<TypedGraph> {
    let mean = drawing.global_mean(data);
    let vector = drawing.flatten(mean);
    let scores = drawing.fc(vector, 1000);
    drawing.finish(scores)
}

/// Three fully connected layers.
fn thrice_connected(mut drawing: Drawing, data: Wire) -> Result<TypedGraph> {
    let mut data = drawing.flatten(data);
    for _ in 0..2 {
        let layer = drawing.fc(data, 4096);
        data = drawing.relu(layer);
    }
    let scores = drawing.fc(data, 1000);
    drawing.finish(scores)
}

pub(super) fn alexnet() -> Result<TypedGraph> {
    let (mut drawing, image) = Drawing::of_image(3, 224);
    let first = conv(&mut drawing, image, Window(11, 4), 64);
    let data = max_pool(&mut drawing, first, 0);
    let data = conv(&mut drawing, data, Window(5, 1), 192);
    let mut data = max_pool(&mut drawing, data, 0);
    for channels in [384, 256, 256] {
        data = conv(&mut drawing, data, Window(3, 1), channels);
    }
    let data = max_pool(&mut drawing, data, 0);
    thrice_connected(drawing, data)
}

pub(super) fn vgg(repeats: [usize; 5]) -> Result<TypedGraph> {
    let (mut drawing, mut data) = Drawing::of_image(3, 224);
    for (times, channels) in repeats.into_iter().zip([64, 128, 256, 512, 512]) {
        for _ in 0..times {
            data = conv(&mut drawing, data, Window(3, 1), channels);
        }
        data = drawing.pool(PoolKind::Max, data, Window(2, 2), 0);
    }
    thrice_connected(drawing, data)
}

fn residual_stem(side: usize) -> (Drawing, Wire) {
    let (mut drawing, image) = Drawing::of_image(3, side);
    let stem = conv(&mut drawing, image, Window(7, 2), 64);
    let data = max_pool(&mut drawing, stem, 1);
    (drawing, data)
}

fn joined(drawing: &mut Drawing, data: Wire, last: Wire, stride: usize) -> Wire {
    let same = data.channels == last.channels && stride == 1;
    let by = if same { data } else { drawing.conv(data, Window(1, stride), last.channels) };
    let sum = drawing.add(last, by);
    drawing.relu(sum)
}

pub(super) fn resnet(side: usize, repeats: [usize; 4]) -> Result<TypedGraph> {
    let (mut drawing, mut data) = residual_stem(side);
    for (stage, times) in repeats.into_iter().enumerate() {
        for block in 0..times {
            let stride = if stage > 0 && block == 0 { 2 } else { 1 };
            let first = conv(&mut drawing, data, Window(3, stride), 64 << stage);
            let last = drawing.conv(first, Window(3, 1), 64 << stage);
            data = joined(&mut drawing, data, last, stride);
        }
    }
    classified(drawing, data)
}

/// ResNet with bottlenecks of `width` channels in the first stage, in `groups`.
pub(super) fn bottlenecks(repeats: [usize; 4], width: usize, groups: usize) -> Result<TypedGraph> {
    let (mut drawing, mut data) = residual_stem(224);
    for (stage, times) in repeats.into_iter().enumerate() {
        for block in 0..times {
            let stride = if stage > 0 && block == 0 { 2 } else { 1 };
            let narrow = conv(&mut drawing, data, Window::ONE, width << stage);
            let middle = drawing.grouped(narrow, Window(3, stride), width << stage, groups);
            let middle = drawing.relu(middle);
            let last = drawing.conv(middle, Window::ONE, 256 << stage);
            data = joined(&mut drawing, data, last, stride);
        }
    }
    classified(drawing, data)
}

/// SqueezeNet, by the window of its first convolution: 7 is version 1.0, 3 is 1.1.
pub(super) fn squeezenet(first: usize) -> Result<TypedGraph> {
    let (mut drawing, image) = Drawing::of_image(3, 224);
    let (channels, pools) = if first == 7 { (96, [3, 7]) } else { (64, [2, 4]) };
    let data = conv(&mut drawing, image, Window(first, 2), channels);
    let mut data = max_pool(&mut drawing, data, 0);
    for (fire, squeezed) in [16, 16, 32, 32, 48, 48, 64, 64].into_iter().enumerate() {
        if pools.contains(&fire) {
            data = max_pool(&mut drawing, data, 0);
        }
        let narrow = conv(&mut drawing, data, Window::ONE, squeezed);
        let parts = [
            conv(&mut drawing, narrow, Window::ONE, 4 * squeezed),
            conv(&mut drawing, narrow, Window(3, 1), 4 * squeezed),
        ];
        data = drawing.concat(&parts);
    }
    let scores = conv(&mut drawing, data, Window::ONE, 1000);
    let mean = drawing.global_mean(scores);
    drawing.finish(mean)
}

/// Channels of the branches of each module: 1x1; 3x3 and before it; 5x5 and before it; after the
/// pooling.
const INCEPTIONS: [[usize; 6]; 9] = [
    [64, 128, 96, 32, 16, 32],
    [128, 192, 128, 96, 32, 64],
    [192, 208, 96, 48, 16, 64],
    [160, 224, 112, 64, 24, 64],
    [128, 256, 128, 64, 24, 64],
    [112, 288, 144, 64, 32, 64],
    [256, 320, 160, 128, 32, 128],
    [256, 320, 160, 128, 32, 128],
    [384, 384, 192, 128, 48, 128],
];

pub(super) fn googlenet() -> Result<TypedGraph> {
    let (mut drawing, image) = Drawing::of_image(3, 224);
    let data = conv(&mut drawing, image, Window(7, 2), 64);
    let data = max_pool(&mut drawing, data, 1);
    let data = conv(&mut drawing, data, Window::ONE, 64);
    let data = conv(&mut drawing, data, Window(3, 1), 192);
    let mut data = max_pool(&mut drawing, data, 1);
    for (module, channels) in INCEPTIONS.iter().enumerate() {
        if [2, 7].contains(&module) {
            data = max_pool(&mut drawing, data, 1);
        }
        data = inception(&mut drawing, data, channels);
    }
    classified(drawing, data)
}

fn inception(drawing: &mut Drawing, data: Wire, channels: &[usize; 6]) -> Wire {
    let &[one, three, before_three, five, before_five, pooled] = channels;
    let first = conv(drawing, data, Window::ONE, one);
    let second = conv(drawing, data, Window::ONE, before_three);
    let second = conv(drawing, second, Window(3, 1), three);
    let third = conv(drawing, data, Window::ONE, before_five);
    let third = conv(drawing, third, Window(5, 1), five);
    let fourth = drawing.pool(PoolKind::Max, data, Window(3, 1), 1);
    let fourth = conv(drawing, fourth, Window::ONE, pooled);
    drawing.concat(&[first, second, third, fourth])
}

/// A convolution and a function other than ReLU.
pub(super) fn conv_with(
    drawing: &mut Drawing,
    data: Wire,
    window: Window,
    channels: usize,
    function: Unary,
) -> Wire {
    let conv = drawing.conv(data, window, channels);
    drawing.unary(function, conv)
}
