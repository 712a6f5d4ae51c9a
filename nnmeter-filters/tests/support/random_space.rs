//! Small random spaces with everything in them that spaces may have: shared and nested choices,
//! widths that sums share, depths, empty and zero candidates, splits.

use nnmeter_filters::random::Random;
use nnmeter_filters::space::{Activation, Block, Choice, Layer, Number, SearchSpace, ValueId};

/// A random space of at most about a thousand samples. In every fourth, layers may be zero.
pub(crate) fn random_space(seed: u64) -> SearchSpace {
    let mut maker = Maker {
        random: Random::new(seed),
        choices: Vec::new(),
        size: 1,
        has_zeros: seed.is_multiple_of(4),
    };
    let body = maker.network();
    maker.space(body)
}

const MOST_SAMPLES: u64 = 1000;

struct Maker {
    random: Random,
    choices: Vec<Choice>,
    size: u64,
    has_zeros: bool,
}

impl Maker {
    fn space(mut self, mut body: Block) -> SearchSpace {
        // Every choice must be used: those that no step took up number a last layer.
        let value = body.result();
        let last = self.choices.len();
        self.choices.push(Choice::new("last", ["a", "b"]));
        body.layer(Layer::Linear { channels: Number::by(last, [3, 4]), bias: true }, &[value]);
        SearchSpace::new("random", [1, 4, 16, 16], self.choices, body).expect("a valid space")
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.random.below(bound)
    }

    fn is(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    /// A choice of `options`, a new one or one that exists; `None` if the space is large enough.
    fn choice(&mut self, options: usize) -> Option<usize> {
        let same = |choice: &Choice| choice.options.len() == options;
        if self.is(30)
            && let Some(index) = self.choices.iter().position(same)
        {
            return Some(index);
        }
        self.size *= options as u64;
        if self.size > MOST_SAMPLES {
            self.size /= options as u64;
            return None;
        }
        self.choices.push(Choice::new(format!("c{}", self.choices.len()), 0..options));
        Some(self.choices.len() - 1)
    }

    /// A number that may be left to a choice, of a width that sums may share.
    fn number(&mut self, values: [u32; 2]) -> Number {
        match if self.is(50) { self.choice(2) } else { None } {
            Some(choice) => Number::by(choice, values),
            None => Number::Fixed(values[0]),
        }
    }

    fn network(&mut self) -> Block {
        let mut body = Block::new();
        let mut value = body.input();
        for _ in 0..1 + self.below(2) {
            let width = self.number([4, 8]);
            value = body.layer(Layer::strided_conv(width.clone(), 3, 2), &[value]);
            for _ in 0..1 + self.below(3) {
                value = self.stage(&mut body, value, &width, 0);
            }
        }
        body
    }

    /// Something that keeps the extents of `value`.
    fn stage(&mut self, block: &mut Block, value: ValueId, width: &Number, depth: u32) -> ValueId {
        let kind = if depth > 2 { 0 } else { self.below(6) };
        match kind {
            1 | 2 => {
                let options = 2 + self.below(2) as usize;
                let Some(choice) = self.choice(options) else { return value };
                let candidates = (0..options).map(|_| self.block(width, depth + 1)).collect();
                block.choose(choice, candidates, value)
            }
            3 => {
                let Some(choice) = self.choice(2) else { return value };
                let layers = (0..3).map(|_| self.block(width, depth + 1)).collect();
                let least = self.below(2) as usize;
                block.repeat(choice, vec![least, least + 2], layers, value)
            }
            4 => {
                let inside = self.stage(block, value, width, depth + 1);
                let inside = self.layers(block, inside, width);
                block.layer(Layer::Add, &[value, inside])
            }
            5 => {
                let halves = block.split(2, value);
                let one = self.activation(block, halves[0]);
                let both = block.layer(Layer::Concat, &[one, halves[1]]);
                block.layer(Layer::Shuffle { groups: 2.into() }, &[both])
            }
            _ => self.layers(block, value, width),
        }
    }

    fn block(&mut self, width: &Number, depth: u32) -> Block {
        let mut block = Block::new();
        let mut value = block.input();
        if self.has_zeros && self.is(20) {
            block.layer(Layer::Zero, &[value]);
            return block;
        }
        for _ in 0..self.below(3) {
            value = self.stage(&mut block, value, width, depth);
        }
        block
    }

    fn layers(&mut self, block: &mut Block, value: ValueId, width: &Number) -> ValueId {
        match self.below(5) {
            0 => self.activation(block, value),
            1 => {
                let kernel = self.number([3, 5]);
                block.chain([Layer::depthwise(kernel, 1), Layer::BatchNorm], value)
            }
            2 => {
                let inner = self.number([6, 12]);
                let value = block.layer(Layer::conv(inner, 1), &[value]);
                let value = self.activation(block, value);
                block.layer(Layer::conv(width.clone(), 3), &[value])
            }
            3 => {
                let pool = Layer::AveragePool { kernel: 3.into(), stride: 1.into() };
                block.layer(pool, &[value])
            }
            _ => value,
        }
    }

    fn activation(&mut self, block: &mut Block, value: ValueId) -> ValueId {
        let activation = Activation::ALL[self.below(6) as usize];
        block.layer(Layer::Activation(activation), &[value])
    }
}
