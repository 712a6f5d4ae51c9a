//! The networks that tell whether a runtime fuses two operators.
//!
//! The pair stands where real networks have it, behind convolutions and before one:
//! `input -> stem -> trunk -> first -> second -> tail`, where a sum reads the operator before its
//! own input, as a residual does. Four networks tell what fusing saves: with and without the second
//! operator, each once as it is and once with the first operator's result as an output as well, so
//! that it has to be written and nothing can be fused across it. Beside these are the operators
//! alone, as nn-Meter measures them. All operators keep the image's extents.

use nnmeter_core::builder::GraphBuilder;
use nnmeter_core::graph::Value;
use nnmeter_core::kind::Kind;
use nnmeter_core::op::{
    Binary, Conv, FilterLayout, Layout, Norm, Op, Padding, Pool, PoolKind, Unary,
};
use nnmeter_core::tensor::{Constant, DType, Dim, TensorType};
use nnmeter_core::typed::TypedGraph;

use crate::error::Result;

/// An operator of a pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)] // the names are the operators' own
pub enum Operator {
    Conv,
    DwConv,
    ConvTrans,
    Pooling,
    Bn,
    Relu,
    Sigmoid,
    Hswish,
    Add,
    Concat,
}

impl Operator {
    /// Those that a pair begins with.
    pub const FIRST: &[Operator] = &[
        Operator::Conv,
        Operator::DwConv,
        Operator::ConvTrans,
        Operator::Pooling,
        Operator::Bn,
        Operator::Relu,
        Operator::Add,
        Operator::Concat,
    ];
    /// Those that a pair ends in.
    pub const SECOND: &[Operator] = &[
        Operator::Conv,
        Operator::DwConv,
        Operator::ConvTrans,
        Operator::Pooling,
        Operator::Bn,
        Operator::Relu,
        Operator::Sigmoid,
        Operator::Hswish,
        Operator::Add,
        Operator::Concat,
    ];

    /// Whether computing it takes so long that it hides the reading and writing of memory: then it
    /// takes as long fused as it does alone, and that nothing is saved says nothing.
    pub fn hides_pass(self) -> bool {
        matches!(self, Operator::Sigmoid | Operator::Hswish)
    }

    /// What fusion rules call it.
    pub fn kind(self) -> Kind {
        match self {
            Operator::Conv => Kind::Conv,
            Operator::DwConv => Kind::DwConv,
            Operator::ConvTrans => Kind::ConvTrans,
            Operator::Pooling => Kind::MaxPool,
            Operator::Bn => Kind::Bn,
            Operator::Relu => Kind::Relu,
            Operator::Sigmoid => Kind::Sigmoid,
            Operator::Hswish => Kind::Hswish,
            Operator::Add => Kind::Add,
            Operator::Concat => Kind::Concat,
        }
    }
}

/// Channels and extents of the images in a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Shape {
    /// Number of channels.
    pub channels: usize,
    /// Height and width.
    pub side: usize,
}

/// `operators` between convolutions; if `kept`, the first one's result is an output as well.
/// The name of its input is `name`, which makes the bytes of equal networks differ.
pub(super) fn between(
    name: &str,
    shape: Shape,
    operators: &[Operator],
    kept: bool,
) -> Result<TypedGraph> {
    let mut drawing = Drawing::new(shape);
    let input = drawing.input(name);
    let stem = drawing.pointwise("stem", input);
    let trunk = drawing.pointwise("trunk", stem);
    let placed = drawing.sequence(operators, trunk, stem);
    if let Some(first) = placed.first().filter(|_| kept) {
        drawing.builder.returns(first.value);
    }
    let tail = drawing.pointwise("tail", placed.last().copied().unwrap_or(trunk));
    drawing.finish(tail)
}

/// `operators` alone, one after the other.
pub(super) fn alone(name: &str, shape: Shape, operators: &[Operator]) -> Result<TypedGraph> {
    let mut drawing = Drawing::new(shape);
    let input = drawing.input(name);
    let reads_two = matches!(operators.first(), Some(Operator::Add | Operator::Concat));
    let other = if reads_two { drawing.input(&format!("{name}, other")) } else { input };
    let placed = drawing.sequence(operators, input, other);
    drawing.finish(placed.last().copied().unwrap_or(input))
}

/// A value with its number of channels.
#[derive(Clone, Copy)]
struct Wire {
    value: Value,
    channels: usize,
}

/// A network while it is drawn.
struct Drawing {
    builder: GraphBuilder,
    shape: Shape,
}

impl Drawing {
    fn new(shape: Shape) -> Self {
        Self { builder: GraphBuilder::new(), shape }
    }

    fn input(&mut self, name: &str) -> Wire {
        let Shape { channels, side } = self.shape;
        let dims = [1, channels, side, side].map(Dim::Known).to_vec();
        self.place(name, Op::Input(DType::F32, Some(dims)), &[], channels)
    }

    fn place(&mut self, name: &str, op: Op, operands: &[Value], channels: usize) -> Wire {
        let node = self.builder.place(name, op, operands, 1);
        Wire { value: Value { node, port: 0 }, channels }
    }

    fn weight(&mut self, name: &str, dims: &[usize]) -> Value {
        let constant = Constant::opaque(TensorType::f32(dims.iter().copied()));
        self.place(name, Op::Const(constant), &[], 0).value
    }

    /// Operators one after the other; the second operand of each is what the one before it read,
    /// `before` for the first one.
    fn sequence(&mut self, operators: &[Operator], data: Wire, before: Wire) -> Vec<Wire> {
        let (mut data, mut before, mut placed) = (data, before, Vec::new());
        for (&operator, name) in operators.iter().zip(["first", "second"]) {
            let result = self.operator(name, operator, data, before);
            (before, data) = (data, result);
            placed.push(result);
        }
        placed
    }

    fn operator(&mut self, name: &str, operator: Operator, data: Wire, before: Wire) -> Wire {
        let channels = data.channels;
        let unary = |op| (Op::Unary(op), vec![data.value], channels);
        let (op, operands, channels) = match operator {
            Operator::Conv => return self.conv(name, data, 3, 1),
            Operator::DwConv => return self.conv(name, data, 3, channels),
            Operator::ConvTrans => return self.conv_trans(name, data),
            Operator::Bn => {
                let mut operands = vec![data.value];
                for parameter in ["scale", "shift", "mean", "variance"] {
                    operands.push(self.weight(&format!("{name}/{parameter}"), &[channels]));
                }
                (Op::Norm(Norm::Batch(Layout::ChannelsFirst)), operands, channels)
            }
            Operator::Pooling => (Op::Pool(max_pool()), vec![data.value], channels),
            Operator::Relu => unary(Unary::Relu),
            Operator::Sigmoid => unary(Unary::Sigmoid),
            Operator::Hswish => unary(Unary::HardSwish),
            Operator::Add => {
                // A sum of what has more channels than was read before is that of it with itself.
                let other = if before.channels == channels { before } else { data };
                (Op::Binary(Binary::Add), vec![data.value, other.value], channels)
            }
            Operator::Concat => {
                let operands = vec![data.value, before.value];
                (Op::Concat { axis: 1 }, operands, channels + before.channels)
            }
        };
        self.place(name, op, &operands, channels)
    }

    fn pointwise(&mut self, name: &str, data: Wire) -> Wire {
        self.conv(name, data, 1, 1)
    }

    /// A convolution: to the network's channels, or to as many as there are if it is depthwise.
    fn conv(&mut self, name: &str, data: Wire, window: usize, groups: usize) -> Wire {
        let channels = if groups == 1 { self.shape.channels } else { data.channels };
        let dims = [channels, data.channels / groups, window, window];
        let weight = self.weight(&format!("{name}/weight"), &dims);
        let op = Op::Conv(convolution(false, window, groups));
        self.place(name, op, &[data.value, weight], channels)
    }

    fn conv_trans(&mut self, name: &str, data: Wire) -> Wire {
        let channels = self.shape.channels;
        let weight = self.weight(&format!("{name}/weight"), &[data.channels, channels, 3, 3]);
        let op = Op::Conv(convolution(true, 3, 1));
        self.place(name, op, &[data.value, weight], channels)
    }

    fn finish(mut self, last: Wire) -> Result<TypedGraph> {
        self.builder.returns(last.value);
        let graph = self.builder.finish(Layout::ChannelsFirst)?;
        Ok(graph.infer_shapes()?)
    }
}

/// A convolution of a square window with strides of one that keeps an image's extents.
fn convolution(transposed: bool, window: usize, groups: usize) -> Conv {
    Conv {
        transposed,
        layout: Layout::ChannelsFirst,
        filter: FilterLayout::Oihw,
        strides: [1, 1].into_iter().collect(),
        dilations: [1, 1].into_iter().collect(),
        padding: around(window / 2),
        output_padding: [].into_iter().collect(),
        groups,
    }
}

fn max_pool() -> Pool {
    Pool {
        kind: PoolKind::Max,
        layout: Layout::ChannelsFirst,
        kernel: [3, 3].into_iter().collect(),
        strides: [1, 1].into_iter().collect(),
        dilations: [1, 1].into_iter().collect(),
        padding: around(1),
        ceil_mode: false,
    }
}

fn around(pad: usize) -> Padding {
    Padding::Explicit([pad, pad].into_iter().collect(), [pad, pad].into_iter().collect())
}
