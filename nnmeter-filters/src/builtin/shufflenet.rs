//! The space of SPOS: Guo et al., "Single Path One-Shot Neural Architecture Search with Uniform
//! Sampling", ECCV 2020, table 2: blocks of ShuffleNetV2 (Ma et al. 2018) with a depthwise window of
//! 3, 5 or 7, or three depthwise convolutions of 3 ("xception"); in the channel search, the channels
//! inside a block are 0.2 to 1.6 times the usual. As in the authors' code, a block of stride 1 starts
//! with the channel shuffle and works on half of the channels.
//!
//! The README of that code (github.com/megvii-model/SinglePathOneShot) states 323 M FLOPs and 3.5 M
//! parameters for the architecture its authors found; here it has 322.9 M multiply-accumulates, which is
//! what they call FLOPs, and 3.56 M parameters.

use super::mobile::squeeze_and_excite;
use crate::error::Result;
use crate::space::{Activation, Block, Choice, Layer, Number, SearchSpace, ValueId};

/// Blocks and channels of the stages.
const STAGES: [(usize, u32); 4] = [(4, 64), (4, 160), (8, 320), (4, 640)];
/// The windows; the last candidate is xception.
const KERNELS: [u32; 3] = [3, 5, 7];
/// Fifths of the usual channels, in the channel search.
const FIFTHS: std::ops::RangeInclusive<u32> = 1..=8;

/// The block search.
pub(super) fn spos() -> Result<SearchSpace> {
    network("spos", false)
}

/// The block and channel search.
pub(super) fn spos_channels() -> Result<SearchSpace> {
    network("spos-channels", true)
}

fn network(name: &str, searches_channels: bool) -> Result<SearchSpace> {
    let mut choices = Vec::new();
    let mut body = Block::new();
    let mut value = body.chain(conv_bn_relu(16, 3, 2), body.input());
    let mut channels = 16;
    for (blocks, out) in STAGES {
        for block in 0..blocks {
            let number = choices.len() / (1 + usize::from(searches_channels)) + 1;
            choices.push(Choice::new(format!("block {number}"), ["k3", "k5", "k7", "xception"]));
            let choice = choices.len() - 1;
            let inner = if searches_channels {
                let factors = FIFTHS.map(|fifths| f64::from(fifths) / 5.0);
                choices.push(Choice::new(format!("channels {number}"), factors));
                Number::by(choice + 1, FIFTHS.map(|fifths| out / 2 * fifths / 5))
            } else {
                Number::Fixed(out / 2)
            };
            let unit = Unit { channels, out, inner, stride: if block == 0 { 2 } else { 1 } };
            value = body.choose(choice, unit.candidates(), value);
            channels = out;
        }
    }
    value = body.chain(conv_bn_relu(1024, 1, 1), value);
    value = body.layer(Layer::GlobalPool, &[value]);
    body.layer(Layer::Linear { channels: 1000.into(), bias: false }, &[value]);
    SearchSpace::new(name, [1, 3, 224, 224], choices, body)
}

/// One choice block. Where it keeps stride and channels, half of these pass by; else it works on all of
/// them, and has more channels afterwards.
pub(crate) struct Unit {
    pub(crate) channels: u32,
    pub(crate) out: u32,
    /// Channels inside.
    pub(crate) inner: Number,
    pub(crate) stride: u32,
}

impl Unit {
    fn candidates(&self) -> Vec<Block> {
        let shuffled = KERNELS.into_iter().map(|kernel| self.block(kernel, None));
        shuffled.chain([self.xception_block()]).collect()
    }

    /// The block with one depthwise convolution, and squeeze-and-excite of so many channels behind it
    /// if given.
    pub(crate) fn block(&self, kernel: u32, squeeze: Option<u32>) -> Block {
        let mut block = Block::new();
        let (kept, worked_on) = self.halves(&mut block, kernel);
        let mut layers = conv_bn_relu(self.inner.clone(), 1, 1);
        layers.extend([Layer::depthwise(kernel, self.stride), Layer::BatchNorm]);
        layers.extend(conv_bn_relu(self.added(), 1, 1));
        let mut main = block.chain(layers, worked_on);
        if let Some(squeeze) = squeeze {
            let channels = Number::Fixed(self.added());
            main = squeeze_and_excite(&mut block, squeeze.into(), channels, main);
        }
        block.layer(Layer::Concat, &[kept, main]);
        block
    }

    fn xception_block(&self) -> Block {
        let mut block = Block::new();
        let (kept, worked_on) = self.halves(&mut block, 3);
        let main = self.xception(&mut block, worked_on, self.added());
        block.layer(Layer::Concat, &[kept, main]);
        block
    }

    fn keeps(&self) -> bool {
        self.stride == 1 && self.channels == self.out
    }

    /// Channels that its main branch gives.
    pub(crate) fn added(&self) -> u32 {
        self.out - if self.keeps() { self.channels / 2 } else { self.channels }
    }

    /// What passes by, and what the block works on.
    fn halves(&self, block: &mut Block, kernel: u32) -> (ValueId, ValueId) {
        let input = block.input();
        if self.keeps() {
            let shuffled = block.layer(Layer::Shuffle { groups: 2.into() }, &[input]);
            let halves = block.split(2, shuffled);
            return (halves[0], halves[1]);
        }
        let mut layers = vec![Layer::depthwise(kernel, self.stride), Layer::BatchNorm];
        layers.extend(conv_bn_relu(self.channels, 1, 1));
        (block.chain(layers, input), input)
    }

    fn xception(&self, block: &mut Block, input: ValueId, out: u32) -> ValueId {
        let widths = [self.inner.clone(), self.inner.clone(), Number::Fixed(out)];
        let strides = [self.stride, 1, 1];
        let part = |(width, stride)| {
            let depthwise = [Layer::depthwise(3, stride), Layer::BatchNorm];
            depthwise.into_iter().chain(conv_bn_relu(width, 1, 1))
        };
        block.chain(widths.into_iter().zip(strides).flat_map(part), input)
    }
}

fn conv_bn_relu(channels: impl Into<Number>, kernel: u32, stride: u32) -> Vec<Layer> {
    vec![
        Layer::strided_conv(channels, kernel, stride),
        Layer::BatchNorm,
        Layer::Activation(Activation::Relu),
    ]
}
