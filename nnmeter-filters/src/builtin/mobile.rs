//! Spaces of inverted residual blocks (Sandler et al., "MobileNetV2", CVPR 2018).
//!
//! *ProxylessNAS*: Cai, Zhu and Han, "ProxylessNAS: Direct Neural Architecture Search on Target Task
//! and Hardware", ICLR 2019: 21 blocks, each with a window of 3, 5 or 7 and an expansion of 3 or 6, or
//! left out where its input has the extents of its result. Widths are those of the authors' mobile
//! network.
//!
//! *Once-for-all*: Cai et al., "Once-for-All: Train One Network and Specialize it for Efficient
//! Deployment", ICLR 2020: the layout of MobileNetV3-Large (Howard et al. 2019) in five units of 2 to 4
//! blocks, each block with a window of 3, 5 or 7 and an expansion of 3, 4 or 6.

use crate::error::Result;
use crate::space::{Activation, Block, Choice, Layer, Number, SearchSpace, ValueId};

const KERNELS: [u32; 3] = [3, 5, 7];

/// ProxylessNAS: blocks, channels and first stride of the stages.
const PROXYLESS: [(usize, u32, u32); 6] =
    [(4, 32, 2), (4, 40, 2), (4, 80, 2), (4, 96, 1), (4, 192, 2), (1, 320, 1)];
const PROXYLESS_EXPANSIONS: [u32; 2] = [3, 6];

/// Once-for-all: channels, first stride, activation, squeeze-and-excite.
const UNITS: [(u32, u32, Activation, bool); 5] = [
    (24, 2, Activation::Relu, false),
    (40, 2, Activation::Relu, true),
    (80, 2, Activation::HardSwish, false),
    (112, 1, Activation::HardSwish, true),
    (160, 2, Activation::HardSwish, true),
];
const DEPTHS: [usize; 3] = [2, 3, 4];
const EXPANSIONS: [u32; 3] = [3, 4, 6];

/// The space of ProxylessNAS.
pub(super) fn proxylessnas() -> Result<SearchSpace> {
    let relu6 = Activation::Relu6;
    let mut choices = Vec::new();
    let mut body = Block::new();
    let mut value = body.chain(conv_bn_act(32, 3, 2, relu6), body.input());
    value = body.chain([Layer::depthwise(3, 1), Layer::BatchNorm], value);
    value = body.layer(Layer::Activation(relu6), &[value]);
    value = body.chain([Layer::conv(16, 1), Layer::BatchNorm], value);
    let mut channels = 16;
    for (blocks, out, first_stride) in PROXYLESS {
        for block in 0..blocks {
            let stride = if block == 0 { first_stride } else { 1 };
            let mut names = Vec::new();
            let mut candidates = Vec::new();
            for (kernel, expansion) in candidates_of(&PROXYLESS_EXPANSIONS) {
                let expanded = Some(Number::Fixed(channels * expansion));
                let residual = Residual { expanded, kernel: kernel.into(), stride, channels, out };
                names.push(format!("k{kernel} e{expansion}"));
                candidates.push(residual.block(relu6, None));
            }
            if stride == 1 && channels == out {
                names.push("identity".to_owned());
                candidates.push(Block::new());
            }
            choices.push(Choice::new(format!("block {}", choices.len() + 1), names));
            value = body.choose(choices.len() - 1, candidates, value);
            channels = out;
        }
    }
    value = body.chain(conv_bn_act(1280, 1, 1, relu6), value);
    value = body.layer(Layer::GlobalPool, &[value]);
    body.layer(Layer::Linear { channels: 1000.into(), bias: true }, &[value]);
    SearchSpace::new("proxylessnas", [1, 3, 224, 224], choices, body)
}

/// Windows and expansions, in the order of the authors' list.
fn candidates_of(expansions: &[u32]) -> impl Iterator<Item = (u32, u32)> + '_ {
    expansions.iter().flat_map(|&expansion| KERNELS.map(|kernel| (kernel, expansion)))
}

/// The once-for-all network on MobileNetV3.
pub(super) fn once_for_all() -> Result<SearchSpace> {
    let hswish = Activation::HardSwish;
    let mut choices = Vec::new();
    let mut body = Block::new();
    let mut value = body.chain(conv_bn_act(16, 3, 2, hswish), body.input());
    let first = Residual { expanded: None, kernel: 3.into(), stride: 1, channels: 16, out: 16 };
    value = first.append(&mut body, value, Activation::Relu, None);
    let mut channels = 16;
    for (number, (out, first_stride, activation, has_se)) in (1..).zip(UNITS) {
        choices.push(Choice::new(format!("depth {number}"), DEPTHS));
        let depth = choices.len() - 1;
        let mut blocks = Vec::new();
        for block in 1..=DEPTHS[DEPTHS.len() - 1] {
            let stride = if block == 1 { first_stride } else { 1 };
            let kernel = choices.len();
            choices.push(Choice::new(format!("kernel {number}.{block}"), KERNELS));
            choices.push(Choice::new(format!("expand {number}.{block}"), EXPANSIONS));
            let widths = EXPANSIONS.map(|expansion| divisible(channels * expansion));
            let squeezed = widths.map(|width| divisible(width / 4));
            let expanded = Some(Number::by(kernel + 1, widths));
            let squeeze = has_se.then(|| Number::by(kernel + 1, squeezed));
            let kernel = Number::by(kernel, KERNELS);
            let residual = Residual { expanded, kernel, stride, channels, out };
            blocks.push(residual.block(activation, squeeze));
            channels = out;
        }
        value = body.repeat(depth, DEPTHS.to_vec(), blocks, value);
    }
    value = body.chain(conv_bn_act(960, 1, 1, hswish), value);
    value = body.layer(Layer::GlobalPool, &[value]);
    value = body.chain([Layer::conv(1280, 1), Layer::Activation(hswish)], value);
    body.layer(Layer::Linear { channels: 1000.into(), bias: true }, &[value]);
    SearchSpace::new("once-for-all", [1, 3, 224, 224], choices, body)
}

/// An inverted residual block.
pub(crate) struct Residual {
    /// Channels inside; without them there is no first convolution.
    pub(crate) expanded: Option<Number>,
    pub(crate) kernel: Number,
    pub(crate) stride: u32,
    pub(crate) channels: u32,
    pub(crate) out: u32,
}

impl Residual {
    /// The block, with squeeze-and-excite of so many channels if given.
    pub(crate) fn block(&self, activation: Activation, squeeze: Option<Number>) -> Block {
        let mut block = Block::new();
        let input = block.input();
        self.append(&mut block, input, activation, squeeze);
        block
    }

    /// As [`Residual::block`], at the end of `block`.
    fn append(
        &self,
        block: &mut Block,
        input: ValueId,
        activation: Activation,
        squeeze: Option<Number>,
    ) -> ValueId {
        let mut value = input;
        if let Some(expanded) = &self.expanded {
            value = block.chain(conv_bn_act(expanded.clone(), 1, 1, activation), value);
        }
        let depthwise = Layer::depthwise(self.kernel.clone(), self.stride);
        let layers = [depthwise, Layer::BatchNorm, Layer::Activation(activation)];
        value = block.chain(layers, value);
        if let Some(squeeze) = squeeze {
            let channels = self.expanded.clone().unwrap_or(Number::Fixed(self.channels));
            value = squeeze_and_excite(block, squeeze, channels, value);
        }
        value = block.chain([Layer::conv(self.out, 1), Layer::BatchNorm], value);
        match self.stride == 1 && self.channels == self.out {
            true => block.layer(Layer::Add, &[input, value]),
            false => value,
        }
    }
}

/// Hu et al., "Squeeze-and-Excitation Networks", CVPR 2018, with MobileNetV3's hard sigmoid.
pub(crate) fn squeeze_and_excite(
    block: &mut Block,
    squeezed: Number,
    channels: Number,
    value: ValueId,
) -> ValueId {
    let conv = |channels| Layer::Conv {
        channels,
        kernel: 1.into(),
        stride: 1.into(),
        groups: 1.into(),
        bias: true,
    };
    let relu = Layer::Activation(Activation::Relu);
    let gate = Layer::Activation(Activation::HardSigmoid);
    let layers = [Layer::GlobalPool, conv(squeezed), relu, conv(channels), gate];
    let gate = block.chain(layers, value);
    block.layer(Layer::Multiply, &[value, gate])
}

pub(crate) fn conv_bn_act(
    channels: impl Into<Number>,
    kernel: u32,
    stride: u32,
    activation: Activation,
) -> [Layer; 3] {
    let conv = Layer::strided_conv(channels, kernel, stride);
    [conv, Layer::BatchNorm, Layer::Activation(activation)]
}

/// The multiple of 8 nearest to a number of channels, at least 8 and not below nine tenths of it: the
/// rule of MobileNet's authors.
pub(crate) fn divisible(channels: u32) -> u32 {
    let rounded = ((channels + 4) / 8 * 8).max(8);
    if rounded * 10 < channels * 9 { rounded + 8 } else { rounded }
}
