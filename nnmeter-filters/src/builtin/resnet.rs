//! ResNets (He et al., "Deep Residual Learning for Image Recognition", CVPR 2016) whose channels are
//! choices: those of a stage, which all its residual sums share, and those inside every block. Options
//! are eighths of the paper's channels, from two to eight. Strides are on the 3x3 convolutions, as in
//! the widely used variant of ResNet-50.

use crate::error::Result;
use crate::space::{Activation, Block, Choice, Layer, Number, SearchSpace, ValueId};

/// Eighths of the paper's channels.
const EIGHTHS: [u32; 7] = [2, 3, 4, 5, 6, 7, 8];
/// The paper's channels inside the blocks of the stages.
const INNER: [u32; 4] = [64, 128, 256, 512];

/// ResNet-18.
pub(super) fn resnet18() -> Result<SearchSpace> {
    Network { blocks: [2, 2, 2, 2], bottleneck: false, ..Network::default() }
        .space("resnet18-widths")
}

/// ResNet-50.
pub(super) fn resnet50() -> Result<SearchSpace> {
    Network { blocks: [3, 4, 6, 3], bottleneck: true, ..Network::default() }
        .space("resnet50-widths")
}

#[derive(Default)]
struct Network {
    blocks: [usize; 4],
    bottleneck: bool,
    choices: Vec<Choice>,
    body: Block,
}

impl Network {
    fn space(mut self, name: &str) -> Result<SearchSpace> {
        let mut width = self.width("stem".to_owned(), INNER[0]);
        let mut value = self.body.chain(conv_bn(width.clone(), 7, 2), self.body.input());
        let pool = Layer::MaxPool { kernel: 3.into(), stride: 2.into() };
        value = self.body.chain([relu(), pool], value);
        for (stage, inner) in INNER.into_iter().enumerate() {
            for block in 0..self.blocks[stage] {
                let stride = if stage > 0 && block == 0 { 2 } else { 1 };
                let same = block > 0 || (stage == 0 && !self.bottleneck);
                let out = match same {
                    true => width.clone(),
                    false => self.stage_width(stage, inner),
                };
                let name = format!("block {}.{}", stage + 1, block + 1);
                let inner = self.width(name, inner);
                value = self.residual(value, inner, out.clone(), stride, same);
                width = out;
            }
        }
        value = self.body.layer(Layer::GlobalPool, &[value]);
        self.body.layer(Layer::Linear { channels: 1000.into(), bias: true }, &[value]);
        SearchSpace::new(name, [1, 3, 224, 224], self.choices, self.body)
    }

    fn stage_width(&mut self, stage: usize, inner: u32) -> Number {
        let expansion = if self.bottleneck { 4 } else { 1 };
        self.width(format!("stage {}", stage + 1), inner * expansion)
    }

    /// A new choice of channels.
    fn width(&mut self, name: String, channels: u32) -> Number {
        let widths = EIGHTHS.map(|eighths| channels * eighths / 8);
        self.choices.push(Choice::new(name, widths));
        Number::by(self.choices.len() - 1, widths)
    }

    fn residual(
        &mut self,
        input: ValueId,
        inner: Number,
        out: Number,
        stride: u32,
        same: bool,
    ) -> ValueId {
        let mut layers = Vec::new();
        if self.bottleneck {
            layers.extend(conv_bn(inner.clone(), 1, 1));
            layers.push(relu());
        }
        layers.extend(conv_bn(inner, 3, stride));
        layers.push(relu());
        layers.extend(conv_bn(out.clone(), if self.bottleneck { 1 } else { 3 }, 1));
        let main = self.body.chain(layers, input);
        let shortcut = if same { input } else { self.body.chain(conv_bn(out, 1, stride), input) };
        let sum = self.body.layer(Layer::Add, &[main, shortcut]);
        self.body.layer(relu(), &[sum])
    }
}

fn conv_bn(channels: Number, kernel: u32, stride: u32) -> [Layer; 2] {
    [Layer::strided_conv(channels, kernel, stride), Layer::BatchNorm]
}

fn relu() -> Layer {
    Layer::Activation(Activation::Relu)
}
