//! Operators that a layer may be: as code for those that are built in, as a template for a user's own.
//!
//! An operator is a family, some numbers, and how both become a [`Block`] for a [`Slot`]. Built-in ones
//! are made of the same blocks as the [built-in spaces](crate::builtin).

use super::Slot;
use super::template::Template;
use crate::builtin::mobile::{Residual, conv_bn_act, divisible, squeeze_and_excite};
use crate::builtin::shufflenet::Unit;
use crate::error::Result;
use crate::space::{Activation, Block, Layer, Number, ValueId};

/// Windows of the built-in operators.
const KERNELS: [u32; 3] = [3, 5, 7];
/// Expansions of MobileNetV2's block, of ShuffleNetV2's unit and of the separable convolution.
const EXPANSIONS: [u32; 3] = [1, 3, 6];
const UNIT_EXPANSIONS: [u32; 2] = [1, 2];
const NO_EXPANSION: [u32; 1] = [1];
/// Squeeze-and-excite works on a quarter of the channels, bottlenecks on a quarter of their result's.
const QUARTER: u32 = 4;

/// An operator.
#[derive(Clone, Debug)]
pub struct Operator {
    family: String,
    name: String,
    form: Form,
}

#[derive(Clone, Debug)]
enum Form {
    BuiltIn { family: Family, kernel: u32, expansion: u32, squeezes: bool },
    Template(Template),
}

/// The families of operators that are built in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// Depthwise, then pointwise convolution (Howard et al., "MobileNets", 2017).
    Separable,
    /// Inverted bottleneck (Sandler et al., "MobileNetV2", CVPR 2018). With expansion 1 only where a
    /// layer keeps extents: elsewhere it is a separable convolution but for an activation.
    MobileNetV2,
    /// Unit with channel split and shuffle (Ma et al., "ShuffleNet V2", ECCV 2018). Where a layer
    /// changes extents, it is the paper's unit for downsampling, whatever the stride; this needs more
    /// channels than there were.
    ShuffleNetV2,
    /// Residual bottleneck with a full convolution (He et al., "Deep Residual Learning for Image
    /// Recognition", CVPR 2016); without the sum where a layer changes extents.
    Bottleneck,
}

impl Family {
    /// All of them.
    pub const ALL: [Family; 4] =
        [Family::Separable, Family::MobileNetV2, Family::ShuffleNetV2, Family::Bottleneck];

    /// The name in files.
    pub fn name(self) -> &'static str {
        match self {
            Family::Separable => "separable",
            Family::MobileNetV2 => "mobilenetv2",
            Family::ShuffleNetV2 => "shufflenetv2",
            Family::Bottleneck => "bottleneck",
        }
    }

    fn expansions(self) -> &'static [u32] {
        match self {
            Family::Separable | Family::Bottleneck => &NO_EXPANSION,
            Family::MobileNetV2 => &EXPANSIONS,
            Family::ShuffleNetV2 => &UNIT_EXPANSIONS,
        }
    }

    /// Its operators: every window and expansion, without and with squeeze-and-excite.
    pub fn operators(self) -> Vec<Operator> {
        let mut operators = Vec::new();
        for squeezes in [false, true] {
            for &expansion in self.expansions() {
                for kernel in KERNELS {
                    let mut name = format!("{} k{kernel}", self.name());
                    if self.expansions().len() > 1 {
                        name.push_str(&format!(" e{expansion}"));
                    }
                    name.push_str(if squeezes { " se" } else { "" });
                    let form = Form::BuiltIn { family: self, kernel, expansion, squeezes };
                    operators.push(Operator { family: self.name().to_owned(), name, form });
                }
            }
        }
        operators
    }
}

impl Operator {
    /// An operator of a user's.
    pub(super) fn of_template(family: String, name: String, template: Template) -> Self {
        Self { family, name, form: Form::Template(template) }
    }

    /// Its family.
    pub fn family(&self) -> &str {
        &self.family
    }

    /// Its name, which no other operator of a pool has.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it is in a layer; `None` if it has no form for such a layer.
    ///
    /// # Errors
    /// [`ErrorKind::BadSpace`](crate::error::ErrorKind::BadSpace) if a template makes no sense there.
    pub fn block(&self, slot: &Slot) -> Result<Option<Block>> {
        match &self.form {
            &Form::BuiltIn { family, kernel, expansion, squeezes } => {
                let inner = Inner { kernel, expansion, squeezes };
                Ok(match family {
                    Family::Separable => Some(inner.separable(slot)),
                    Family::MobileNetV2 => {
                        (expansion > 1 || slot.keeps()).then(|| inner.inverted_bottleneck(slot))
                    }
                    Family::ShuffleNetV2 => inner.shuffle_unit(slot),
                    Family::Bottleneck => Some(inner.bottleneck(slot)),
                })
            }
            Form::Template(template) => template.block(slot),
        }
    }
}

/// The numbers of a built-in operator.
struct Inner {
    kernel: u32,
    expansion: u32,
    squeezes: bool,
}

impl Inner {
    /// Channels that squeeze-and-excite on so many works with, if there is any.
    fn squeeze(&self, channels: u32) -> Option<u32> {
        self.squeezes.then(|| divisible(channels / QUARTER))
    }

    fn separable(&self, slot: &Slot) -> Block {
        let relu = Activation::Relu;
        let mut block = Block::new();
        let depthwise = Layer::depthwise(self.kernel, slot.stride);
        let layers = [depthwise, Layer::BatchNorm, Layer::Activation(relu)];
        let value = block.chain(layers, block.input());
        let value = self.excited(&mut block, slot.input[0], value);
        block.chain(conv_bn_act(slot.channels, 1, 1, relu), value);
        block
    }

    fn inverted_bottleneck(&self, slot: &Slot) -> Block {
        let [channels, ..] = slot.input;
        let width = channels * self.expansion;
        let residual = Residual {
            expanded: (self.expansion > 1).then_some(Number::Fixed(width)),
            kernel: self.kernel.into(),
            stride: slot.stride,
            channels,
            out: slot.channels,
        };
        residual.block(Activation::Relu6, self.squeeze(width).map(Number::Fixed))
    }

    fn shuffle_unit(&self, slot: &Slot) -> Option<Block> {
        let ([channels, ..], out) = (slot.input, slot.channels);
        let is_even = channels.is_multiple_of(2);
        if !(out > channels || slot.keeps() && is_even) {
            return None;
        }
        let inner = Number::Fixed((out / 2 * self.expansion).max(1));
        let unit = Unit { channels, out, inner, stride: slot.stride };
        Some(unit.block(self.kernel, self.squeeze(unit.added())))
    }

    fn bottleneck(&self, slot: &Slot) -> Block {
        let relu = Activation::Relu;
        let inner = divisible(slot.channels / QUARTER);
        let mut block = Block::new();
        let input = block.input();
        let layers = conv_bn_act(inner, 1, 1, relu);
        let layers = layers.into_iter().chain(conv_bn_act(inner, self.kernel, slot.stride, relu));
        let value = block.chain(layers, input);
        let value = block.chain([Layer::conv(slot.channels, 1), Layer::BatchNorm], value);
        let value = self.excited(&mut block, slot.channels, value);
        let value = if slot.keeps() { block.layer(Layer::Add, &[value, input]) } else { value };
        block.layer(Layer::Activation(relu), &[value]);
        block
    }

    /// A value after squeeze-and-excite, if there is any.
    fn excited(&self, block: &mut Block, channels: u32, value: ValueId) -> ValueId {
        match self.squeeze(channels) {
            Some(squeeze) => squeeze_and_excite(block, squeeze.into(), channels.into(), value),
            None => value,
        }
    }
}
