//! Networks of square images, drawn layer by layer, with weights that are not known: what a builder
//! measures. Which layers a network has is said elsewhere.

use nnmeter_core::builder::GraphBuilder;
use nnmeter_core::graph::Value;
use nnmeter_core::op::{
    Binary, Conv, Layout, Norm, Op, Padding, Pool, PoolKind, ReduceKind, Reshape, Unary,
};
use nnmeter_core::tensor::{Constant, DType, Dim, TensorType};
use nnmeter_core::typed::TypedGraph;

use crate::error::Result;

/// A value with its extents; a side of 0 is that of a vector.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wire {
    value: Value,
    /// Channels.
    pub(crate) channels: usize,
    /// Height and width.
    pub(crate) side: usize,
}

impl Wire {
    /// Number of elements.
    pub(crate) fn elements(self) -> usize {
        self.channels * self.side.max(1).pow(2)
    }
}

/// A window: its side and its stride.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Window(pub(crate) usize, pub(crate) usize);

impl Window {
    /// The window of a pointwise convolution.
    pub(crate) const ONE: Window = Window(1, 1);
}

/// A network while it is drawn.
pub(crate) struct Drawing {
    builder: GraphBuilder,
    placed: usize,
    macs: u64,
}

impl Drawing {
    /// An image as the input.
    pub(crate) fn of_image(channels: usize, side: usize) -> (Self, Wire) {
        let mut drawing = Self { builder: GraphBuilder::new(), placed: 0, macs: 0 };
        let dims = [1, channels, side, side].map(Dim::Known).to_vec();
        let node = drawing.builder.place("image", Op::Input(DType::F32, Some(dims)), &[], 1);
        let value = Value { node, port: 0 };
        (drawing, Wire { value, channels, side })
    }

    /// Multiply-accumulates of the convolutions and products so far.
    pub(crate) fn macs(&self) -> u64 {
        self.macs
    }

    /// The network, whose result is `last`.
    pub(crate) fn finish(mut self, last: Wire) -> Result<TypedGraph> {
        self.builder.returns(last.value);
        Ok(self.builder.finish(Layout::ChannelsFirst)?.infer_shapes()?)
    }

    fn place(&mut self, op: Op, operands: &[Value], channels: usize, side: usize) -> Wire {
        self.placed += 1;
        let name = format!("{}_{}", op.name().to_lowercase(), self.placed);
        let node = self.builder.place(&name, op, operands, 1);
        Wire { value: Value { node, port: 0 }, channels, side }
    }

    /// A weight of these extents.
    fn weight(&mut self, dims: impl IntoIterator<Item = usize>) -> Value {
        self.constant(Constant::opaque(TensorType::f32(dims)))
    }

    fn constant(&mut self, constant: Constant) -> Value {
        self.place(Op::Const(constant), &[], 0, 0).value
    }

    /// A convolution with a bias, padded such that only the stride changes the side.
    pub(crate) fn conv(&mut self, data: Wire, window: Window, channels: usize) -> Wire {
        self.grouped(data, window, channels, 1)
    }

    /// A depthwise convolution.
    pub(crate) fn dwconv(&mut self, data: Wire, window: Window) -> Wire {
        self.grouped(data, window, data.channels, data.channels)
    }

    /// A convolution of groups of channels.
    pub(crate) fn grouped(
        &mut self,
        data: Wire,
        window: Window,
        channels: usize,
        groups: usize,
    ) -> Wire {
        let Window(extent, stride) = window;
        let read = data.channels / groups;
        let weight = self.weight([channels, read, extent, extent]);
        let bias = self.weight([channels]);
        let side = swept(data.side, extent, stride, extent / 2);
        self.macs += (side * side * channels * read * extent * extent) as u64;
        let op = Op::Conv(Conv {
            strides: twice(stride),
            padding: Padding::Explicit(twice(extent / 2), twice(extent / 2)),
            groups,
            ..Conv::default()
        });
        self.place(op, &[data.value, weight, bias], channels, side)
    }

    /// Batch normalisation.
    pub(crate) fn bn(&mut self, data: Wire) -> Wire {
        let parameters = [(); 4].map(|()| self.weight([data.channels]));
        let operands: Vec<Value> = std::iter::once(data.value).chain(parameters).collect();
        let op = Op::Norm(Norm::Batch(Layout::ChannelsFirst));
        self.place(op, &operands, data.channels, data.side)
    }

    /// A function of each element.
    pub(crate) fn unary(&mut self, function: Unary, data: Wire) -> Wire {
        self.place(Op::Unary(function), &[data.value], data.channels, data.side)
    }

    /// ReLU.
    pub(crate) fn relu(&mut self, data: Wire) -> Wire {
        self.unary(Unary::Relu, data)
    }

    /// The sum of two values of the same extents.
    pub(crate) fn add(&mut self, a: Wire, b: Wire) -> Wire {
        self.place(Op::Binary(Binary::Add), &[a.value, b.value], a.channels, a.side)
    }

    /// The product of two values, the second of which may have one element a channel.
    fn mul(&mut self, a: Wire, b: Wire) -> Wire {
        self.place(Op::Binary(Binary::Mul), &[a.value, b.value], a.channels, a.side)
    }

    /// Concatenation of channels.
    pub(crate) fn concat(&mut self, parts: &[Wire]) -> Wire {
        let operands: Vec<Value> = parts.iter().map(|part| part.value).collect();
        let channels = parts.iter().map(|part| part.channels).sum();
        let side = parts.first().map_or(0, |part| part.side);
        self.place(Op::Concat { axis: 1 }, &operands, channels, side)
    }

    /// The two halves of the channels, of which there is an even number.
    pub(crate) fn halves(&mut self, data: Wire) -> [Wire; 2] {
        self.placed += 1;
        let (name, operands) = (format!("split_{}", self.placed), [data.value]);
        let node = self.builder.place(&name, Op::Split { axis: 1 }, &operands, 2);
        let half = |port| Wire {
            value: Value { node, port },
            channels: data.channels / 2,
            side: data.side,
        };
        [half(0), half(1)]
    }

    /// The channels of two groups, by turns.
    pub(crate) fn shuffle(&mut self, data: Wire) -> Wire {
        let Wire { channels, side, .. } = data;
        let extent = |extent: usize| extent as i64;
        let grouped = [1, 2, extent(channels / 2), extent(side), extent(side)];
        let apart = self.reshape(data, &grouped, channels, side);
        let order = [0, 2, 1, 3, 4].into_iter().collect();
        let turned = self.place(Op::Transpose(Some(order)), &[apart.value], channels, side);
        self.reshape(turned, &[1, extent(channels), extent(side), extent(side)], channels, side)
    }

    fn reshape(&mut self, data: Wire, dims: &[i64], channels: usize, side: usize) -> Wire {
        let dims = self.constant(Constant::ints(dims.to_vec()));
        let op = Op::Reshape(Reshape::To { allow_zero: false });
        self.place(op, &[data.value, dims], channels, side)
    }

    /// A windowed maximum or mean; `padding` on all sides, partial windows left out.
    pub(crate) fn pool(
        &mut self,
        kind: PoolKind,
        data: Wire,
        window: Window,
        padding: usize,
    ) -> Wire {
        let Window(extent, stride) = window;
        let op = Op::Pool(Pool {
            kind,
            layout: Layout::ChannelsFirst,
            kernel: twice(extent),
            strides: twice(stride),
            dilations: twice(1),
            padding: Padding::Explicit(twice(padding), twice(padding)),
            ceil_mode: false,
        });
        let side = swept(data.side, extent, stride, padding);
        self.place(op, &[data.value], data.channels, side)
    }

    /// The mean over the image.
    pub(crate) fn global_mean(&mut self, data: Wire) -> Wire {
        let op = Op::GlobalPool(PoolKind::Average, Layout::ChannelsFirst);
        self.place(op, &[data.value], data.channels, 1)
    }

    /// The mean over the image, spelled as a reduction.
    fn reduced_mean(&mut self, data: Wire) -> Wire {
        let axes = self.constant(Constant::ints(vec![2, 3]));
        let op = Op::Reduce { kind: ReduceKind::Mean, keep_dims: true };
        self.place(op, &[data.value, axes], data.channels, 1)
    }

    /// Squeeze and excite by `inner` channels, with the function between its convolutions and that
    /// of its gate; `reduced` spells its mean as a reduction.
    pub(crate) fn squeeze_excite(
        &mut self,
        data: Wire,
        inner: usize,
        (between, gate): (Unary, Unary),
        reduced: bool,
    ) -> Wire {
        let mean = if reduced { self.reduced_mean(data) } else { self.global_mean(data) };
        let narrow = self.conv(mean, Window::ONE, inner);
        let narrow = self.unary(between, narrow);
        let wide = self.conv(narrow, Window::ONE, data.channels);
        let scale = self.unary(gate, wide);
        self.mul(data, scale)
    }

    /// All elements as one vector.
    pub(crate) fn flatten(&mut self, data: Wire) -> Wire {
        self.place(Op::Reshape(Reshape::Flatten { axis: 1 }), &[data.value], data.elements(), 0)
    }

    /// A fully connected layer with a bias, of a vector.
    pub(crate) fn fc(&mut self, data: Wire, channels: usize) -> Wire {
        let (weight, bias) = (self.weight([channels, data.channels]), self.weight([channels]));
        self.macs += (channels * data.channels) as u64;
        let op = Op::MatMul { transpose_a: false, transpose_b: true };
        self.place(op, &[data.value, weight, bias], channels, 0)
    }
}

/// The side of a result.
fn swept(side: usize, window: usize, stride: usize, padding: usize) -> usize {
    (side + 2 * padding).saturating_sub(window) / stride + 1
}

fn twice<T: FromIterator<usize>>(extent: usize) -> T {
    [extent; 2].into_iter().collect()
}
