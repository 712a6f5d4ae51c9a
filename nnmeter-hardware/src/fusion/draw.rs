//! How each operator is drawn.

use nnmeter_core::op::{
    Binary, Conv, FilterLayout, Layout, Norm, Op, Padding, Pool, PoolKind, Reshape, Unary,
};
use nnmeter_core::tensor::Constant;

use super::Operator;
use super::network::{Drawing, Wire};

impl Drawing {
    /// An operator on `data`; one that reads two results reads `other`, too. What a block consists of
    /// is called as the block, with a word behind it, but for the last operator.
    pub(super) fn operator(
        &mut self,
        name: &str,
        operator: Operator,
        data: Wire,
        other: Wire,
    ) -> Wire {
        match operator {
            Operator::Conv => self.conv(name, data, self.look.window, 1, self.look.channels),
            Operator::DwConv => self.conv(name, data, 3, data.channels, data.channels),
            Operator::ConvTrans => self.conv_trans(name, data),
            Operator::MaxPool => self.pool(name, PoolKind::Max, data),
            Operator::AvgPool => self.pool(name, PoolKind::Average, data),
            Operator::Bn => self.batch_norm(name, data),
            Operator::Relu => self.unary(name, Unary::Relu, data),
            Operator::Relu6 => self.unary(name, clamp(), data),
            Operator::Sigmoid => self.unary(name, Unary::Sigmoid, data),
            Operator::Hswish => self.unary(name, Unary::HardSwish, data),
            Operator::Swish => self.gated(name, Unary::Sigmoid, data),
            Operator::HswishOfGate => self.gated(name, hard_sigmoid(), data),
            Operator::HswishOfParts => self.hard_swish(name, data),
            Operator::Se => self.squeeze_and_excite(name, data),
            Operator::ChannelShuffle => self.shuffle(name, data),
            Operator::Add => {
                // What has other channels than there were before is added to itself.
                let other = if other.channels == data.channels { other } else { data };
                self.binary(name, Binary::Add, data, other)
            }
            Operator::Concat => {
                let operands = [data.value, other.value];
                self.place(name, Op::Concat { axis: 1 }, &operands, data.channels + other.channels)
            }
        }
    }

    /// A convolution of a window of one point.
    pub(super) fn pointwise(&mut self, name: &str, data: Wire, channels: usize) -> Wire {
        self.conv(name, data, 1, 1, channels)
    }

    pub(super) fn global_pool(&mut self, name: &str, data: Wire) -> Wire {
        let op = Op::GlobalPool(PoolKind::Average, Layout::ChannelsFirst);
        self.place(name, op, &[data.value], data.channels)
    }

    fn unary(&mut self, name: &str, op: Unary, data: Wire) -> Wire {
        self.place(name, Op::Unary(op), &[data.value], data.channels)
    }

    fn binary(&mut self, name: &str, op: Binary, data: Wire, other: Wire) -> Wire {
        self.place(name, Op::Binary(op), &[data.value, other.value], data.channels)
    }

    fn with_number(&mut self, name: &str, op: Binary, data: Wire, number: f64) -> Wire {
        let number = self.constant(&format!("{name}/number"), Constant::scalar(number));
        self.place(name, Op::Binary(op), &[data.value, number], data.channels)
    }

    fn gated(&mut self, name: &str, gate: Unary, data: Wire) -> Wire {
        let gate = self.unary(&format!("{name}/gate"), gate, data);
        self.binary(name, Binary::Mul, data, gate)
    }

    fn hard_swish(&mut self, name: &str, data: Wire) -> Wire {
        let sum = self.with_number(&format!("{name}/sum"), Binary::Add, data, 3.0);
        let clamped = self.unary(&format!("{name}/clamp"), clamp(), sum);
        let product = self.binary(&format!("{name}/product"), Binary::Mul, data, clamped);
        self.with_number(name, Binary::Div, product, 6.0)
    }

    fn squeeze_and_excite(&mut self, name: &str, data: Wire) -> Wire {
        let pooled = self.global_pool(&format!("{name}/pool"), data);
        let squeezed = self.pointwise(&format!("{name}/squeeze"), pooled, data.channels / 4);
        let relu = self.unary(&format!("{name}/relu"), Unary::Relu, squeezed);
        let excited = self.pointwise(&format!("{name}/excite"), relu, data.channels);
        let gate = self.unary(&format!("{name}/gate"), hard_sigmoid(), excited);
        self.binary(name, Binary::Mul, data, gate)
    }

    fn shuffle(&mut self, name: &str, data: Wire) -> Wire {
        let (channels, side) = (data.channels as i64, self.look.side as i64);
        let split = self.reshape(&format!("{name}/split"), data, &[1, 2, channels / 2, side, side]);
        let op = Op::Transpose(Some([0, 2, 1, 3, 4].into_iter().collect()));
        let swapped = self.place(&format!("{name}/swap"), op, &[split.value], data.channels);
        self.reshape(name, swapped, &[1, channels, side, side])
    }

    fn reshape(&mut self, name: &str, data: Wire, dims: &[i64]) -> Wire {
        let dims = self.constant(&format!("{name}/dims"), Constant::ints(dims.iter().copied()));
        let op = Op::Reshape(Reshape::To { allow_zero: false });
        self.place(name, op, &[data.value, dims], data.channels)
    }

    fn batch_norm(&mut self, name: &str, data: Wire) -> Wire {
        let mut operands = vec![data.value];
        for parameter in ["scale", "shift", "mean", "variance"] {
            operands.push(self.weight(&format!("{name}/{parameter}"), &[data.channels]));
        }
        self.place(name, Op::Norm(Norm::Batch(Layout::ChannelsFirst)), &operands, data.channels)
    }

    fn pool(&mut self, name: &str, kind: PoolKind, data: Wire) -> Wire {
        let pool = Pool {
            kind,
            layout: Layout::ChannelsFirst,
            kernel: [3, 3].into_iter().collect(),
            strides: [1, 1].into_iter().collect(),
            dilations: [1, 1].into_iter().collect(),
            padding: around(1),
            ceil_mode: false,
        };
        self.place(name, Op::Pool(pool), &[data.value], data.channels)
    }

    fn conv(
        &mut self,
        name: &str,
        data: Wire,
        window: usize,
        groups: usize,
        channels: usize,
    ) -> Wire {
        let dims = [channels, data.channels / groups, window, window];
        let weight = self.weight(&format!("{name}/weight"), &dims);
        let op = Op::Conv(convolution(false, window, groups));
        self.place(name, op, &[data.value, weight], channels)
    }

    fn conv_trans(&mut self, name: &str, data: Wire) -> Wire {
        let channels = self.look.channels;
        let weight = self.weight(&format!("{name}/weight"), &[data.channels, channels, 3, 3]);
        let op = Op::Conv(convolution(true, 3, 1));
        self.place(name, op, &[data.value, weight], channels)
    }
}

fn clamp() -> Unary {
    Unary::Clip { min: Some(0.0), max: Some(6.0) }
}

fn hard_sigmoid() -> Unary {
    Unary::HardSigmoid { alpha: 1.0 / 6.0, beta: 0.5 }
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

fn around(pad: usize) -> Padding {
    Padding::Explicit([pad, pad].into_iter().collect(), [pad, pad].into_iter().collect())
}
