//! The nodes of one sample before they become a graph: known are operators, extents and wires; not
//! known yet is which of them the result depends on.

use nnmeter_core::op::{
    Binary, Conv, Layout, Norm, Op, Padding, Pool, PoolKind, Reshape, Spatial, Unary,
};
use nnmeter_core::tensor::{Constant, DType, TensorType, Values};
use smallvec::{SmallVec, smallvec};

use super::shape::{Shape, padding};
use super::{Action, Activation, Block, Layer, Number};

/// A value of the draft: which node makes it, which of its outputs it is, and through which choices it
/// has come.
#[derive(Clone, Copy, Debug)]
pub(super) struct At {
    pub(super) node: u32,
    pub(super) port: u16,
    /// Index of its last pass in [`Draft::passes`], plus one; 0 if it is where it was made.
    pub(super) pass: u32,
}

/// A value leaves a step that a choice decides: its way before that, and the choice.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pass {
    before: u32,
    choice: usize,
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

impl Pass {
    /// The choices on the way of a value whose last pass is `last`.
    pub(crate) fn choices(passes: &[Pass], last: u32) -> impl Iterator<Item = usize> + '_ {
        let pass = |number: u32| passes.get((number as usize).wrapping_sub(1));
        std::iter::successors(pass(last), move |now| pass(now.before)).map(|now| now.choice)
    }
}

/// Nodes in an order in which operands come before their readers. Node 0 is the input.
pub(super) struct Draft<'a> {
    pub(super) nodes: Vec<Node>,
    pub(super) passes: Vec<Pass>,
    sample: &'a [u8],
    batch: usize,
    site: u32,
}

impl<'a> Draft<'a> {
    /// The input alone, as node 0.
    pub(super) fn new(sample: &'a [u8], input: Op, batch: usize) -> Self {
        let nodes = Vec::with_capacity(256);
        let mut draft = Self { nodes, passes: Vec::new(), sample, batch, site: u32::MAX };
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
                    let value = self.block(&candidates[option], from[0]);
                    values.push(self.passed(value, *choice));
                }
                Action::Repeat { choice, times, layers } => {
                    let times = times[usize::from(self.sample[*choice])];
                    let run = |value, layer| self.block(layer, value);
                    let value = layers[..times].iter().fold(from[0], run);
                    values.push(self.passed(value, *choice));
                }
            }
            result = values[usize::from(step.value.0)];
        }
        result
    }

    fn layer(&mut self, layer: &Layer, from: &[Known], values: &mut SmallVec<[Known; 16]>) {
        let first = from[0];
        let shapes: SmallVec<[Shape; 4]> = from.iter().map(|known| known.shape).collect();
        let shape = layer.shape(&shapes, self.sample);
        let at = match layer {
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
                self.unary(Op::Norm(Norm::Batch(Layout::ChannelsFirst)), first.at, parameters)
            }
            Layer::Activation(activation) => {
                self.unary(Op::Unary(unary(*activation)), first.at, smallvec![])
            }
            Layer::MaxPool { kernel, stride } => self.pool(PoolKind::Max, first, kernel, stride),
            Layer::AveragePool { kernel, stride } => {
                self.pool(PoolKind::Average, first, kernel, stride)
            }
            Layer::GlobalPool => {
                let op = Op::GlobalPool(PoolKind::Average, Layout::ChannelsFirst);
                self.unary(op, first.at, smallvec![])
            }
            Layer::Linear { channels, bias } => self.linear(first, self.number(channels), *bias),
            Layer::Add => self.add(from),
            Layer::Multiply => {
                let factors = first.at.zip(from[1].at);
                let product = Op::Binary(Binary::Mul);
                factors.map(|(a, b)| self.push(product, &[a, b], smallvec![], 1))
            }
            Layer::Concat => self.concat(from),
            Layer::Split { parts } => {
                let split = Op::Split { axis: 1 };
                let at = first.at.map(|at| self.push(split, &[at], smallvec![], *parts));
                let part = |port| Known { at: at.map(|at| At { port, ..at }), shape };
                return values.extend((0..*parts).map(part));
            }
            Layer::Shuffle { groups } => self.shuffle(first, self.number(groups)),
            Layer::Zero => None,
        };
        values.push(Known { at, shape });
    }

    /// A value that leaves a step which `choice` decides.
    fn passed(&mut self, value: Known, choice: usize) -> Known {
        let at = value.at.map(|at| {
            self.passes.push(Pass { before: at.pass, choice });
            At { pass: self.passes.len() as u32, ..at }
        });
        Known { at, ..value }
    }

    fn number(&self, number: &Number) -> usize {
        number.value(self.sample)
    }

    /// Adds a node; gives its first output.
    fn push(
        &mut self,
        op: Op,
        from: &[At],
        constants: SmallVec<[Constant; 4]>,
        outputs: u16,
    ) -> At {
        let node = self.nodes.len() as u32;
        self.nodes.push(Node { site: self.site, op, from: from.into(), constants, outputs });
        At { node, port: 0, pass: 0 }
    }

    /// A node of one operand, unless that is zero.
    fn unary(
        &mut self,
        op: Op,
        from: Option<At>,
        constants: SmallVec<[Constant; 4]>,
    ) -> Option<At> {
        from.map(|at| self.push(op, &[at], constants, 1))
    }

    fn conv(&mut self, from: Known, out: usize, window: [usize; 3], bias: bool) -> Option<At> {
        let [kernel, stride, groups] = window;
        let filter = TensorType::f32([out, from.shape.channels / groups, kernel, kernel]);
        let mut constants = smallvec![Constant::opaque(filter)];
        constants.extend(bias.then(|| vector(out)));
        let conv =
            Conv { strides: both(stride), padding: around(kernel), groups, ..Conv::default() };
        self.unary(Op::Conv(conv), from.at, constants)
    }

    fn pool(
        &mut self,
        kind: PoolKind,
        from: Known,
        kernel: &Number,
        stride: &Number,
    ) -> Option<At> {
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
        self.unary(Op::Pool(pool), from.at, smallvec![])
    }

    fn linear(&mut self, from: Known, out: usize, bias: bool) -> Option<At> {
        let weight = TensorType::f32([from.shape.elements(), out]);
        let mut constants = smallvec![Constant::opaque(weight)];
        constants.extend(bias.then(|| vector(out)));
        let flat = self.unary(Op::Reshape(Reshape::Flatten { axis: 1 }), from.at, smallvec![]);
        self.unary(Op::MatMul { transpose_a: false, transpose_b: false }, flat, constants)
    }

    /// Sums what is not zero.
    fn add(&mut self, from: &[Known]) -> Option<At> {
        let mut parts = from.iter().filter_map(|known| known.at);
        let first = parts.next()?;
        let add = |sum, part| self.push(Op::Binary(Binary::Add), &[sum, part], smallvec![], 1);
        Some(parts.fold(first, add))
    }

    fn concat(&mut self, from: &[Known]) -> Option<At> {
        from.iter().find(|known| known.at.is_some())?;
        let parts: SmallVec<[At; 3]> = from.iter().map(|&known| self.materialised(known)).collect();
        Some(self.push(Op::Concat { axis: 1 }, &parts, smallvec![], 1))
    }

    /// Where a value is, be it zero.
    fn materialised(&mut self, known: Known) -> At {
        let Shape { channels, height, width } = known.shape;
        let zeros = Constant::opaque(TensorType::f32([self.batch, channels, height, width]));
        known.at.unwrap_or_else(|| self.push(Op::Const(zeros), &[], smallvec![], 1))
    }

    /// As exporters write it: channels in two axes, these swapped, and one axis again.
    fn shuffle(&mut self, from: Known, groups: usize) -> Option<At> {
        let Shape { channels, height, width } = from.shape;
        let split = [self.batch, groups, channels / groups, height, width];
        let joined = [self.batch, channels, height, width];
        let reshape = Op::Reshape(Reshape::To { allow_zero: false });
        let swap = Op::Transpose(Some(smallvec![0, 2, 1, 3, 4]));
        let parted = self.unary(reshape.clone(), from.at, smallvec![ints(&split)]);
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
