//! Sites: the layers of a space one by one, with what decides about each whatever the sample.

use super::shape::Shape;
use super::{Action, Block, Choice, Layer, Number, ValueId};

/// Extents that depend on more combinations of options than this are not told apart.
const MOST_COMBINATIONS: usize = 4096;

/// A layer of a space.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Site {
    /// Where it is, which is the name of its node: `4 block 1=k5/2 conv`.
    pub(crate) place: String,
    /// Choices that decide whether it is there.
    pub(crate) guards: Vec<usize>,
    /// Choices that its own numbers, and the extents of its operands, depend on.
    pub(crate) extents: Vec<usize>,
    /// What kind of kernel it is may depend on those.
    pub(crate) has_open_kind: bool,
    /// It is zero.
    pub(crate) is_zero: bool,
}

/// All sites of `body`, by number.
pub(super) fn all(
    input: [usize; 4],
    choices: &[Choice],
    body: &Block,
    places: Vec<String>,
) -> Vec<Site> {
    let [_, channels, height, width] = input;
    let sites = places.into_iter().map(|place| Site { place, ..Site::default() }).collect();
    let cardinalities = choices.iter().map(|choice| choice.options.len()).collect();
    let mut walk = Walk { cardinalities, guards: Vec::new(), sites };
    let shape = Shape { channels, height, width };
    walk.block(body, &Extents { choices: Vec::new(), shapes: Some(vec![shape]) });
    walk.sites
}

/// The extents of a value for every combination of the choices that they depend on; without shapes if
/// there are too many.
#[derive(Clone)]
struct Extents {
    choices: Vec<usize>,
    shapes: Option<Vec<Shape>>,
}

struct Walk {
    cardinalities: Vec<usize>,
    guards: Vec<usize>,
    sites: Vec<Site>,
}

impl Walk {
    fn block(&mut self, block: &Block, input: &Extents) -> Extents {
        let mut values = vec![input.clone()];
        for step in &block.steps {
            let from: Vec<Extents> = step
                .from
                .iter()
                .map(|&ValueId(value)| values[usize::from(value)].clone())
                .collect();
            match &step.action {
                Action::Layer(layer) => {
                    let result = self.layer(layer, step.site, &from);
                    values.extend((0..layer.results()).map(|_| result.clone()));
                }
                Action::Choose { choice, candidates } => {
                    let under = |block: &Block| self.under(*choice, block, &from[0]);
                    let results: Vec<Extents> = candidates.iter().map(under).collect();
                    let pick = |sample: &[u8]| usize::from(sample[*choice]);
                    values.push(self.picked(*choice, &results, pick));
                }
                Action::Repeat { choice, times, layers } => {
                    let mut results = vec![from[0].clone()];
                    for layer in layers {
                        let result = self.under(*choice, layer, &results[results.len() - 1]);
                        results.push(result);
                    }
                    let pick = |sample: &[u8]| times[usize::from(sample[*choice])];
                    values.push(self.picked(*choice, &results, pick));
                }
            }
        }
        let ValueId(result) = block.result();
        values.swap_remove(usize::from(result))
    }

    fn under(&mut self, choice: usize, block: &Block, input: &Extents) -> Extents {
        self.guards.push(choice);
        let result = self.block(block, input);
        self.guards.pop();
        result
    }

    fn layer(&mut self, layer: &Layer, site: u32, from: &[Extents]) -> Extents {
        let mut choices: Vec<usize> = from.iter().flat_map(|known| known.choices.clone()).collect();
        layer.numbers().into_iter().for_each(|(_, number)| add_choices(number, &mut choices));
        let choices = sorted(choices);
        let known = &mut self.sites[site as usize];
        known.guards = sorted(self.guards.clone());
        known.extents.clone_from(&choices);
        known.is_zero = *layer == Layer::Zero;
        known.has_open_kind = true;
        if from.iter().any(|known| known.shapes.is_none()) {
            return Extents { choices, shapes: None };
        }
        let result = self.tabulated(choices, |walk, sample| {
            let shapes: Vec<Shape> = from.iter().map(|known| walk.at(known, sample)).collect();
            layer.shape(&shapes, sample)
        });
        self.sites[site as usize].has_open_kind = has_open_kind(layer, &from[0], &result);
        result
    }

    /// The extents of one of several results that `choice` picks.
    fn picked(&self, choice: usize, results: &[Extents], pick: impl Fn(&[u8]) -> usize) -> Extents {
        let others = results.iter().flat_map(|known| known.choices.iter().copied());
        let choices = sorted(others.chain([choice]).collect());
        if results.iter().any(|known| known.shapes.is_none()) {
            return Extents { choices, shapes: None };
        }
        self.tabulated(choices, |walk, sample| walk.at(&results[pick(sample)], sample))
    }

    fn at(&self, extents: &Extents, sample: &[u8]) -> Shape {
        let place = |index: usize, &choice: &usize| {
            index * self.cardinalities[choice] + usize::from(sample[choice])
        };
        let index = extents.choices.iter().fold(0, place);
        extents.shapes.as_ref().map_or(Shape { channels: 0, height: 0, width: 0 }, |all| all[index])
    }

    /// A table of `shape` over `choices`, without those that make no difference.
    fn tabulated(&self, choices: Vec<usize>, shape: impl Fn(&Self, &[u8]) -> Shape) -> Extents {
        let sizes = choices.iter().map(|&choice| self.cardinalities[choice]);
        let size = sizes.fold(1, usize::saturating_mul);
        if size > MOST_COMBINATIONS {
            return Extents { choices, shapes: None };
        }
        let mut sample = vec![0u8; self.cardinalities.len()];
        let mut shapes = Vec::with_capacity(size);
        for index in 0..size {
            let mut rest = index;
            for &choice in choices.iter().rev() {
                sample[choice] = (rest % self.cardinalities[choice]) as u8;
                rest /= self.cardinalities[choice];
            }
            shapes.push(shape(self, &sample));
        }
        let mut extents = (choices, shapes);
        for place in (0..extents.0.len()).rev() {
            self.drop_if_idle(&mut extents, place);
        }
        Extents { choices: extents.0, shapes: Some(extents.1) }
    }

    fn drop_if_idle(&self, (choices, shapes): &mut (Vec<usize>, Vec<Shape>), place: usize) {
        let options = self.cardinalities[choices[place]];
        let stride: usize = choices[place + 1..].iter().map(|&c| self.cardinalities[c]).product();
        let first = |index: usize| index - index / stride % options * stride;
        if (0..shapes.len()).all(|index| shapes[index] == shapes[first(index)]) {
            let mut index = 0;
            shapes.retain(|_| {
                index += 1;
                first(index - 1) == index - 1
            });
            choices.remove(place);
        }
    }
}

/// Whether the kind of kernel may depend on extents: a grouped convolution may be depthwise, one of a
/// single channel is not; a mean over windows may be one over everything; a shuffle of single elements
/// moves none.
fn has_open_kind(layer: &Layer, from: &Extents, result: &Extents) -> bool {
    let any = |extents: &Extents, holds: fn(&Shape) -> bool| {
        extents.shapes.as_ref().is_none_or(|shapes| shapes.iter().any(holds))
    };
    match layer {
        Layer::Conv { groups, .. } => *groups != Number::Fixed(1),
        Layer::DepthwiseConv { .. } => any(from, |shape| shape.channels == 1),
        Layer::AveragePool { .. } => any(result, |shape| shape.height == 1 || shape.width == 1),
        Layer::Shuffle { .. } => any(from, |shape| shape.height == 1 || shape.width == 1),
        _ => false,
    }
}

fn add_choices(number: &Number, choices: &mut Vec<usize>) {
    if let Number::By { choice, of } = number {
        choices.push(*choice);
        of.iter().for_each(|entry| add_choices(entry, choices));
    }
}

fn sorted(mut choices: Vec<usize>) -> Vec<usize> {
    choices.sort_unstable();
    choices.dedup();
    choices
}
