//! Networks to measure, drawn at random: the same seed and number, the same network.

use nnmeter_core::op::PoolKind;
use nnmeter_core::typed::TypedGraph;

use super::prior::Prior;
use super::style::{Pen, Style};
use crate::draw::{Drawing, Window, Wire};
use crate::error::Result;

/// Multiply-accumulates of a network, from the fewest to the most wanted: the latter keep a core of
/// a few tens of GFLOP/s busy for a tenth of a second.
const MACS: (f64, f64) = (3e6, 3e9);
/// Weights of a fully connected layer, at most.
const WEIGHTS: f64 = 3e7;
/// Blocks of a network, at most.
const BLOCKS: usize = 14;
/// Side from which on images are not made smaller.
const LEAST_SIDE: usize = 5;

/// A network that was drawn.
#[derive(Clone, Debug)]
pub struct Drawn {
    /// Its name.
    pub name: String,
    /// How it is built.
    pub style: Style,
    /// The network.
    pub graph: TypedGraph,
}

/// The network with this number; styles take turns.
///
/// # Errors
/// None, unless there is a mistake here.
pub fn draw(seed: u64, number: u64) -> Result<Drawn> {
    let mut prior = Prior::new(seed, number);
    let style = Style::ALL[(number % Style::ALL.len() as u64) as usize];
    let (activation, normalised) = (prior.pick(style.activations()), prior.chance(0.2));
    let (mut drawing, image) = Drawing::of_image(3, prior.side());
    let mut pen = Pen { drawing: &mut drawing, prior: &mut prior, style, activation, normalised };
    let last = network(&mut pen, image);
    Ok(Drawn { name: format!("{}_{number}", style.name()), style, graph: drawing.finish(last)? })
}

fn network(pen: &mut Pen<'_>, image: Wire) -> Wire {
    let most = pen.prior.between(MACS.0, MACS.1);
    let mut data = stem(pen, image);
    let mut channels = data.channels as f64;
    // Images shrink early in small networks and late in large ones.
    let shrinks = pen.prior.between(0.25, 0.6);
    for _ in 0..BLOCKS {
        let stride = if data.side > LEAST_SIDE && pen.prior.chance(shrinks) { 2 } else { 1 };
        let growth = if stride > 1 { pen.prior.between(1.2, 2.5) } else { 1.0 };
        channels = affordable(data, channels * growth * pen.prior.between(0.85, 1.2), most);
        data = pen.block(data, channels, stride);
        if pen.drawing.macs() as f64 > most {
            break;
        }
    }
    head(pen, data)
}

/// At most as many channels as keep a 3 x 3 convolution within the network's size.
fn affordable(data: Wire, wanted: f64, most: f64) -> f64 {
    let one = (9 * data.elements()) as f64;
    wanted.min((most / one).max(8.0)).min(2048.0)
}

fn stem(pen: &mut Pen<'_>, image: Wire) -> Wire {
    let small = image.side <= 64;
    let wanted = pen.prior.between(8.0, 80.0);
    let channels = pen.prior.even_channels(wanted);
    let window = match small {
        true => Window(3, pen.prior.pick(&[(1, 3), (2, 1)])),
        false => pen.prior.pick(&[
            (Window(3, 2), 6),
            (Window(3, 1), 2),
            (Window(7, 2), 3),
            (Window(5, 2), 1),
            (Window(11, 4), 1),
        ]),
    };
    let data = pen.conv(image, window, channels);
    match !small && pen.prior.chance(0.3) {
        true => pen.drawing.pool(PoolKind::Max, data, Window(3, 2), 1),
        false => data,
    }
}

/// A classifier in one of the usual forms.
fn head(pen: &mut Pen<'_>, data: Wire) -> Wire {
    let classes = pen.prior.between(10.0, 1500.0) as usize;
    if data.side <= 8 && pen.prior.chance(0.2) {
        let vector = pen.drawing.flatten(data);
        let most = (WEIGHTS / vector.channels as f64).clamp(64.0, 4096.0);
        let hidden = pen.prior.between(32.0, most);
        let hidden = pen.prior.channels(hidden);
        let layer = pen.drawing.fc(vector, hidden);
        let layer = pen.drawing.relu(layer);
        return pen.drawing.fc(layer, classes);
    }
    if pen.prior.chance(0.15) {
        let scores = pen.conv(data, Window::ONE, classes);
        return pen.drawing.global_mean(scores);
    }
    let data = match pen.prior.chance(0.4) {
        true => {
            let wanted = data.channels as f64 * pen.prior.between(1.0, 5.0);
            let channels = pen.prior.channels(wanted.min(2048.0));
            pen.conv(data, Window::ONE, channels)
        }
        false => data,
    };
    let mean = pen.drawing.global_mean(data);
    let mut vector = pen.drawing.flatten(mean);
    if pen.prior.chance(0.2) {
        let hidden = pen.prior.between(64.0, 2048.0);
        let hidden = pen.prior.channels(hidden);
        let layer = pen.drawing.fc(vector, hidden);
        vector = pen.drawing.unary(pen.activation, layer);
    }
    pen.drawing.fc(vector, classes)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use nnmeter_core::export;

    use super::*;

    #[test]
    fn every_style_gives_sound_networks() {
        let mut sizes = BTreeSet::new();
        for number in 0..240 {
            let drawn = draw(0, number).unwrap_or_else(|error| panic!("{number}: {error}"));
            let operators = drawn.graph.order().iter().filter(|&&id| drawn.graph.is_op(id)).count();
            assert!((3..400).contains(&operators), "{}: {operators}", drawn.name);
            sizes.insert(operators);
            if number % 16 == 0 {
                export::onnx::write(&drawn.graph).expect("all operators are ONNX's");
            }
        }
        assert!(sizes.len() > 30, "{sizes:?}");
    }

    #[test]
    fn a_number_stands_for_a_network() {
        let text = |seed, number| format!("{:?}", draw(seed, number).expect("sound").graph);
        assert_eq!(text(3, 5), text(3, 5));
        assert_ne!(text(3, 5), text(4, 5));
    }
}
