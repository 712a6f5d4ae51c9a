//! The nodes of one sample before they become a graph: known are operators, extents and wires; not
//! known yet is which of them the result depends on.

use nnmeter_core::op::{
    Binary, Conv, Layout, Norm, Op, Padding, Pool, PoolKind, Reshape, Spatial, Unary,
};
use nnmeter_core::tensor::{Constant, DType, TensorType, Values};
use smallvec::{SmallVec, smallvec};

use super::shape::{Shape, padding};
use super::{Action, Activation, Block, Layer, Number};

/// A value of the draft: which node makes it, and which of its outputs it is.
#[derive(Clone, Copy, Debug)]
pub(super) struct At {
    pub(super) node: u32,
    pub(super) port: u16,
}

/// A value: where it is made (nowhere if it is zero), and its extents.
#[derive(Clone, Copy, Debug)]
pub(super) struct Known {
    pub(super) at: Option<At>,
    pub(super) shape: Shape,
}

/// A node of the draft: its operands are values first, then constants.
pub(super) struct Node {
    pub(super) site: u32,
    pub(super) op: Op,
    pub(super) from: SmallVec<[At; 3]>,
    pub(super) constants: SmallVec<[Constant; 4]>,
    pub(super) outputs: u16,
}

/// Nodes in an order in which operands come before their readers. Node 0 is the input.
pub(super) struct Draft<'a> {
    pub(super) nodes: Vec<Node>,
    sample: &'a [u8],
    batch: usize,
    site: u32,
}

impl<'a> Draft<'a> {
    /// The input alone, as node 0.
    pub(super) fn new(sample: &'a [u8], input: Op, batch: usize) -> Self {
        let mut draft = Self { nodes: Vec::with_capacity(256), sample, batch, site: u32::MAX };
        draft.push(input, &[], smallvec![], 1);
        draft
    }

    /// Runs `block` on `input`; gives its result.
    pub(super) fn block(&mut self, block: &Block, input: Known) -> Known {
        let mut values: SmallVec<[Known; 16]> = smallvec![input];
        let mut result = input;
        for step in &block.steps {
            let from: SmallVec<[Known; 4]> =
                step.from.iter().map(|value| values[usize::from(value.0)]).collect();
            match &step.action {
                Action::Layer(layer) => {
                    self.site = step.site;
                    self.layer(layer, &from, &mut values);
                }
                Action::Choose { choice, candidates } => {
                    let option = usize::from(self.sample[*choice]);
                    values.push(self.block(&candidates[option], from[0]));
                }
                Action::Repeat { choice, times, layers } => {
                    let times = times[usize::from(self.sample[*choice])];
                    let run = |value, layer| self.block(layer, value);
                    values.push(layers[..times].iter().fold(from[0], run));
                }
            }
            result = values[usize::from(step.value.0)];
        }
        result
    }

    fn layer(&mut self, layer: &Layer, from: &[Known], values: &mut SmallVec<[Known; 16]>) {
        let first = from[0];
        let result = match layer {
            Layer::Conv { channels, kernel, stride, groups, bias } => {
                let (out, groups) = (self.number(channels), self.number(groups));
                self.conv(first, out, [self.number(kernel), self.number(stride), groups], *bias)
            }
            Layer::DepthwiseConv { kernel, stride } => {
                let channels = first.shape.channels;
                let window = [self.number(kernel), self.number(stride), channels];
                self.conv(first, channels, window, false)
            }
            Layer::BatchNorm => {
                let parameters = (0..4).map(|_| vector(first.shape.channels)).collect();
                self.unary(Op::Norm(Norm::Batch(Layout::ChannelsFirst)), first, parameters)
            }
            Layer::Activation(activation) => {
                self.unary(Op::Unary(unary(*activation)), first, smallvec![])
            }
            Layer::MaxPool { kernel, stride } => self.pool(PoolKind::Max, first, kernel, stride),
            Layer::AveragePool { kernel, stride } => {
                self.pool(PoolKind::Average, first, kernel, stride)
            }
            Layer::GlobalPool => {
                let op = Op::GlobalPool(PoolKind::Average, Layout::ChannelsFirst);
                let pooled = self.unary(op, first, smallvec![]);
                Known { shape: first.shape.pooled(), ..pooled }
            }
            Layer::Linear { channels, bias } => self.linear(first, self.number(channels), *bias),
            Layer::Add => self.add(from),
            Layer::Multiply => self.multiply(from),
            Layer::Concat => self.concat(from),
            Layer::Split { parts } => return self.split(first, *parts, values),
            Layer::Shuffle { groups } => self.shuffle(first, self.number(groups)),
            Layer::Zero => Known { at: None, ..first },
        };
        values.push(result);
    }

    fn number(&self, number: &Number) -> usize {
        number.value(self.sample)
    }

    fn push(
        &mut self,
        op: Op,
        from: &[At],
        constants: SmallVec<[Constant; 4]>,
        outputs: u16,
    ) -> At {
        let node = self.nodes.len() as u32;
        self.nodes.push(Node { site: self.site, op, from: from.into(), constants, outputs });
        At { node, port: 0 }
    }

    /// A node of one operand, whose result has the operand's extents.
    fn unary(&mut self, op: Op, from: Known, constants: SmallVec<[Constant; 4]>) -> Known {
        let at = from.at.map(|at| self.push(op, &[at], constants, 1));
        Known { at, shape: from.shape }
    }

    fn conv(&mut self, from: Known, out: usize, window: [usize; 3], bias: bool) -> Known {
        let [kernel, stride, groups] = window;
        let filter = TensorType::f32([out, from.shape.channels / groups, kernel, kernel]);
        let mut constants = smallvec![Constant::opaque(filter)];
        constants.extend(bias.then(|| vector(out)));
        let conv =
            Conv { strides: both(stride), padding: around(kernel), groups, ..Conv::default() };
        let result = self.unary(Op::Conv(conv), from, constants);
        Known { shape: from.shape.windowed(kernel, stride).with_channels(out), ..result }
    }

    fn pool(&mut self, kind: PoolKind, from: Known, kernel: &Number, stride: &Number) -> Known {
        let (kernel, stride) = (self.number(kernel), self.number(stride));
        let pool = Pool {
            kind,
            layout: Layout::ChannelsFirst,
            kernel: both(kernel),
            strides: both(stride),
            dilations: Spatial::new(),
            padding: around(kernel),
            ceil_mode: false,
        };
        let result = self.unary(Op::Pool(pool), from, smallvec![]);
        Known { shape: from.shape.windowed(kernel, stride), ..result }
    }

    fn linear(&mut self, from: Known, out: usize, bias: bool) -> Known {
        let weight = TensorType::f32([from.shape.elements(), out]);
        let mut constants = smallvec![Constant::opaque(weight)];
        constants.extend(bias.then(|| vector(out)));
        let flat = self.unary(Op::Reshape(Reshape::Flatten { axis: 1 }), from, smallvec![]);
        let product = Op::MatMul { transpose_a: false, transpose_b: false };
        let result = self.unary(product, flat, constants);
        Known { shape: from.shape.pooled().with_channels(out), ..result }
    }

    /// Sums what is not zero.
    fn add(&mut self, from: &[Known]) -> Known {
        let mut parts = from.iter().filter_map(|known| known.at);
        let first = parts.next();
        let add = |sum, part| self.push(Op::Binary(Binary::Add), &[sum, part], smallvec![], 1);
        let at = first.map(|first| parts.fold(first, add));
        Known { at, shape: from[0].shape }
    }

    fn multiply(&mut self, from: &[Known]) -> Known {
        let factors = from[0].at.zip(from[1].at);
        let product = Op::Binary(Binary::Mul);
        let at = factors.map(|(a, b)| self.push(product, &[a, b], smallvec![], 1));
        Known { at, shape: from[0].shape }
    }

    fn concat(&mut self, from: &[Known]) -> Known {
        let channels = from.iter().map(|known| known.shape.channels).sum();
        let shape = from[0].shape.with_channels(channels);
        if from.iter().all(|known| known.at.is_none()) {
            return Known { at: None, shape };
        }
        let parts: SmallVec<[At; 3]> = from.iter().map(|&known| self.materialised(known)).collect();
        let at = self.push(Op::Concat { axis: 1 }, &parts, smallvec![], 1);
        Known { at: Some(at), shape }
    }

    /// Where a value is, be it zero.
    fn materialised(&mut self, known: Known) -> At {
        let Shape { channels, height, width } = known.shape;
        let zeros = Constant::opaque(TensorType::f32([self.batch, channels, height, width]));
        known.at.unwrap_or_else(|| self.push(Op::Const(zeros), &[], smallvec![], 1))
    }

    fn split(&mut self, from: Known, parts: u16, values: &mut SmallVec<[Known; 16]>) {
        let at = from.at.map(|at| self.push(Op::Split { axis: 1 }, &[at], smallvec![], parts));
        let shape = from.shape.with_channels(from.shape.channels / usize::from(parts));
        values.extend((0..parts).map(|port| Known { at: at.map(|at| At { port, ..at }), shape }));
    }

    /// As exporters write it: channels in two axes, these swapped, and one axis again.
    fn shuffle(&mut self, from: Known, groups: usize) -> Known {
        let Shape { channels, height, width } = from.shape;
        let split = [self.batch, groups, channels / groups, height, width];
        let joined = [self.batch, channels, height, width];
        let reshape = Op::Reshape(Reshape::To { allow_zero: false });
        let swap = Op::Transpose(Some(smallvec![0, 2, 1, 3, 4]));
        let parted = self.unary(reshape.clone(), from, smallvec![ints(&split)]);
        let swapped = self.unary(swap, parted, smallvec![]);
        self.unary(reshape, swapped, smallvec![ints(&joined)])
    }
}

fn unary(activation: Activation) -> Unary {
    match activation {
        Activation::Relu => Unary::Relu,
        Activation::Relu6 => Unary::Clip { min: Some(0.0), max: Some(6.0) },
        Activation::HardSwish => Unary::HardSwish,
        Activation::HardSigmoid => Unary::HardSigmoid { alpha: 1.0 / 6.0, beta: 0.5 },
        Activation::Sigmoid => Unary::Sigmoid,
        Activation::Swish => Unary::Swish,
    }
}

fn vector(length: usize) -> Constant {
    Constant::opaque(TensorType::f32([length]))
}

fn ints(values: &[usize]) -> Constant {
    let ty = TensorType::new(DType::I64, [values.len()]);
    Constant { ty, values: Some(Values::Ints(values.iter().map(|&value| value as i64).collect())) }
}

fn both(value: usize) -> Spatial {
    Spatial::from_slice(&[value, value])
}

fn around(kernel: usize) -> Padding {
    let amount = both(padding(kernel));
    Padding::Explicit(amount.clone(), amount)
}
