//! The building blocks of networks, one style a published family: what kernels occur in, and next to
//! what.

use nnmeter_core::op::{PoolKind, Unary};

use super::prior::Prior;
use crate::draw::{Drawing, Window, Wire};

/// How a network's blocks are built.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[allow(missing_docs)] // the names are the families' own, or say it
pub enum Style {
    Plain,
    Residual,
    Bottleneck,
    Grouped,
    Separable,
    Inverted,
    Gated,
    Fire,
    Inception,
    Dense,
    Shuffle,
    Cell,
}

impl Style {
    /// All styles.
    pub const ALL: [Style; 12] = [
        Style::Plain,
        Style::Residual,
        Style::Bottleneck,
        Style::Grouped,
        Style::Separable,
        Style::Inverted,
        Style::Gated,
        Style::Fire,
        Style::Inception,
        Style::Dense,
        Style::Shuffle,
        Style::Cell,
    ];

    /// The name of the family of networks.
    pub fn name(self) -> &'static str {
        match self {
            Style::Plain => "plain",
            Style::Residual => "residual",
            Style::Bottleneck => "bottleneck",
            Style::Grouped => "grouped",
            Style::Separable => "separable",
            Style::Inverted => "inverted",
            Style::Gated => "gated",
            Style::Fire => "fire",
            Style::Inception => "inception",
            Style::Dense => "dense",
            Style::Shuffle => "shuffle",
            Style::Cell => "cell",
        }
    }

    /// Activation functions that networks of this style have.
    pub(super) fn activations(self) -> &'static [(Unary, u32)] {
        match self {
            Style::Plain => &[(Unary::Relu, 8), (Unary::LeakyRelu, 1), (Unary::Sigmoid, 1)],
            Style::Separable | Style::Inverted => {
                &[(Unary::Relu, 2), (RELU6, 4), (Unary::HardSwish, 2), (Unary::Swish, 1)]
            }
            Style::Gated => &[(Unary::Relu, 1), (Unary::HardSwish, 2), (Unary::Swish, 2)],
            _ => &[(Unary::Relu, 1)],
        }
    }
}

/// ReLU6.
pub(super) const RELU6: Unary = Unary::Clip { min: Some(0.0), max: Some(6.0) };

/// The gate of MobileNetV3.
pub(super) const HARD_SIGMOID: Unary = Unary::HardSigmoid { alpha: 1.0 / 6.0, beta: 0.5 };

/// A network under way: what its blocks are drawn with.
pub(super) struct Pen<'a> {
    pub(super) drawing: &'a mut Drawing,
    pub(super) prior: &'a mut Prior,
    pub(super) style: Style,
    pub(super) activation: Unary,
    /// Whether batch normalisations are still there, and not in the convolutions before them.
    pub(super) normalised: bool,
}

impl Pen<'_> {
    /// A block of the network's style to about as many channels as `wanted`.
    pub(super) fn block(&mut self, data: Wire, wanted: f64, stride: usize) -> Wire {
        match self.style {
            Style::Plain => self.plain(data, wanted, stride),
            Style::Residual => self.residual(data, wanted, stride),
            Style::Bottleneck => self.bottleneck(data, wanted, stride, 1),
            Style::Grouped => {
                let groups = self.prior.pick(&[(2, 2), (4, 2), (8, 3), (16, 2), (32, 2)]);
                self.bottleneck(data, wanted, stride, groups)
            }
            Style::Separable => self.separable(data, wanted, stride),
            Style::Inverted => self.inverted(data, wanted, stride, false),
            Style::Gated => self.inverted(data, wanted, stride, true),
            Style::Fire => self.fire(data, wanted, stride),
            Style::Inception => self.inception(data, wanted, stride),
            Style::Dense => self.dense(data, wanted, stride),
            Style::Shuffle => self.shuffle_unit(data, wanted, stride),
            Style::Cell => self.cell(data, wanted, stride),
        }
    }

    /// A convolution and the activation.
    pub(super) fn conv(&mut self, data: Wire, window: Window, channels: usize) -> Wire {
        let conv = self.drawing.conv(data, window, channels);
        self.activated(conv)
    }

    fn activated(&mut self, conv: Wire) -> Wire {
        let conv = if self.normalised { self.drawing.bn(conv) } else { conv };
        self.drawing.unary(self.activation, conv)
    }

    fn max_pool(&mut self, data: Wire) -> Wire {
        let extent = self.prior.pick(&[(2, 1), (3, 1)]);
        self.drawing.pool(PoolKind::Max, data, Window(extent, 2), extent / 2)
    }

    fn plain(&mut self, data: Wire, wanted: f64, stride: usize) -> Wire {
        let window = if self.prior.chance(0.75) { 3 } else { self.prior.window() };
        let pooled = stride > 1 && self.prior.chance(0.6);
        let data = if pooled { self.max_pool(data) } else { data };
        let channels = self.prior.channels(wanted);
        self.conv(data, Window(window, if pooled { 1 } else { stride }), channels)
    }

    fn residual(&mut self, data: Wire, wanted: f64, stride: usize) -> Wire {
        let channels = if stride > 1 { self.prior.channels(wanted) } else { data.channels };
        let first = self.conv(data, Window(3, stride), channels);
        let last = self.drawing.conv(first, Window(3, 1), channels);
        self.joined(data, last, stride)
    }

    /// The sum with what went by, projected if need be, and a ReLU.
    fn joined(&mut self, data: Wire, last: Wire, stride: usize) -> Wire {
        let same = stride == 1 && data.channels == last.channels;
        let by = match same {
            true => data,
            false => self.drawing.conv(data, Window(1, stride), last.channels),
        };
        let sum = self.drawing.add(last, by);
        self.drawing.relu(sum)
    }

    fn bottleneck(&mut self, data: Wire, wanted: f64, stride: usize, groups: usize) -> Wire {
        let ratio = self.prior.between(1.0, 4.5);
        let inner = self.prior.channels(wanted / ratio).next_multiple_of(groups);
        let channels = match stride > 1 || self.prior.chance(0.3) {
            true => self.prior.channels(wanted),
            false => data.channels,
        };
        let narrow = self.conv(data, Window::ONE, inner);
        let middle = self.drawing.grouped(narrow, Window(3, stride), inner, groups);
        let middle = self.activated(middle);
        let last = self.drawing.conv(middle, Window::ONE, channels);
        self.joined(data, last, stride)
    }

    fn separable(&mut self, data: Wire, wanted: f64, stride: usize) -> Wire {
        let window = self.prior.window().max(3);
        let depth = self.drawing.dwconv(data, Window(window, stride));
        let depth = self.activated(depth);
        let channels = self.prior.channels(wanted);
        self.conv(depth, Window::ONE, channels)
    }

    fn inverted(&mut self, data: Wire, wanted: f64, stride: usize, gated: bool) -> Wire {
        let ratio = self.prior.between(1.0, 7.0);
        let inner = self.prior.channels(ratio * data.channels as f64);
        let channels = match stride > 1 || self.prior.chance(0.4) {
            true => self.prior.channels(wanted),
            false => data.channels,
        };
        let wide = self.conv(data, Window::ONE, inner);
        let window = self.prior.window().max(3);
        let depth = self.drawing.dwconv(wide, Window(window, stride));
        let depth = self.activated(depth);
        let gate = gated && self.prior.chance(0.7);
        let depth = if gate { self.squeeze_excite(depth) } else { depth };
        let last = self.drawing.conv(depth, Window::ONE, channels);
        match stride == 1 && channels == data.channels {
            true => self.drawing.add(last, data),
            false => last,
        }
    }

    fn squeeze_excite(&mut self, data: Wire) -> Wire {
        let wanted = data.channels as f64 / self.prior.between(3.0, 24.0);
        let inner = self.prior.channels(wanted);
        let reduced = self.prior.chance(0.5);
        let functions = match self.activation {
            Unary::Swish => (Unary::Swish, Unary::Sigmoid),
            _ => (Unary::Relu, HARD_SIGMOID),
        };
        self.drawing.squeeze_excite(data, inner, functions, reduced)
    }

    fn fire(&mut self, data: Wire, wanted: f64, stride: usize) -> Wire {
        let data = if stride > 1 { self.max_pool(data) } else { data };
        let ratio = self.prior.between(3.0, 9.0);
        let (squeezed, expanded) =
            (self.prior.channels(wanted / ratio), self.prior.channels(wanted / 2.0));
        let squeezed = self.conv(data, Window::ONE, squeezed);
        let parts = [
            self.conv(squeezed, Window::ONE, expanded),
            self.conv(squeezed, Window(3, 1), expanded),
        ];
        self.drawing.concat(&parts)
    }

    fn inception(&mut self, data: Wire, wanted: f64, stride: usize) -> Wire {
        let data = if stride > 1 { self.max_pool(data) } else { data };
        let shares = [0.3, 0.45, 0.15, 0.15].map(|share| share * self.prior.between(0.6, 1.6));
        let [one, three, five, pooled] = shares.map(|share| self.prior.channels(share * wanted));
        let (narrow, narrower) =
            (self.prior.channels(0.6 * three as f64), self.prior.channels(0.4 * five as f64));
        let first = self.conv(data, Window::ONE, one);
        let second = self.conv(data, Window::ONE, narrow);
        let second = self.conv(second, Window(3, 1), three);
        let third = self.conv(data, Window::ONE, narrower);
        let window = self.prior.pick(&[(3, 1), (5, 1)]);
        let third = self.conv(third, Window(window, 1), five);
        let kind = self.prior.pick(&[(PoolKind::Max, 2), (PoolKind::Average, 1)]);
        let fourth = self.drawing.pool(kind, data, Window(3, 1), 1);
        let fourth = self.conv(fourth, Window::ONE, pooled);
        self.drawing.concat(&[first, second, third, fourth])
    }

    /// A transition where the image shrinks, else a layer whose result is appended.
    fn dense(&mut self, data: Wire, wanted: f64, stride: usize) -> Wire {
        let normal = self.drawing.bn(data);
        let active = self.drawing.relu(normal);
        if stride > 1 {
            let channels = self.prior.channels(data.channels as f64 / 2.0);
            let narrow = self.drawing.conv(active, Window::ONE, channels);
            return self.drawing.pool(PoolKind::Average, narrow, Window(2, 2), 0);
        }
        let ratio = self.prior.between(4.0, 12.0);
        let growth = self.prior.channels(wanted / ratio);
        let narrow = self.conv(active, Window::ONE, 4 * growth);
        let last = self.drawing.conv(narrow, Window(3, 1), growth);
        self.drawing.concat(&[data, last])
    }

    fn shuffle_unit(&mut self, data: Wire, wanted: f64, stride: usize) -> Wire {
        if stride == 1 && data.channels.is_multiple_of(2) {
            let [by, branch] = self.drawing.halves(data);
            let branch = self.shuffle_branch(branch, branch.channels, 1);
            let both = self.drawing.concat(&[by, branch]);
            return self.drawing.shuffle(both);
        }
        let half = self.prior.even_channels(wanted / 2.0);
        let by = self.drawing.dwconv(data, Window(3, stride));
        let by = self.conv(by, Window::ONE, half);
        let branch = self.shuffle_branch(data, half, stride);
        let both = self.drawing.concat(&[by, branch]);
        self.drawing.shuffle(both)
    }

    fn shuffle_branch(&mut self, data: Wire, channels: usize, stride: usize) -> Wire {
        let first = self.conv(data, Window::ONE, channels);
        let window = self.prior.pick(&[(3, 3), (5, 1), (7, 1)]);
        let depth = self.drawing.dwconv(first, Window(window, stride));
        self.conv(depth, Window::ONE, channels)
    }

    /// Sums of convolutions, means and what goes by, each behind its ReLU, as in NAS-Bench-201.
    fn cell(&mut self, data: Wire, wanted: f64, stride: usize) -> Wire {
        if stride > 1 {
            return self.residual(data, wanted, stride);
        }
        let mut nodes = vec![data];
        for node in 1..4 {
            let from: Vec<Wire> = nodes.clone();
            let edges: Vec<Wire> =
                from.into_iter().filter_map(|from| self.edge(from, node)).collect();
            let sum = edges.iter().copied().reduce(|a, b| self.drawing.add(a, b));
            nodes.push(sum.unwrap_or(data));
        }
        nodes[3]
    }

    fn edge(&mut self, from: Wire, node: usize) -> Option<Wire> {
        let conv = |pen: &mut Self, window| {
            let active = pen.drawing.relu(from);
            pen.drawing.conv(active, window, from.channels)
        };
        match self.prior.pick(&[(0, 3), (1, 3), (2, 2), (3, 2), (4, node as u32 - 1)]) {
            0 => Some(conv(self, Window(3, 1))),
            1 => Some(conv(self, Window::ONE)),
            2 => Some(self.drawing.pool(PoolKind::Average, from, Window(3, 1), 1)),
            3 => Some(from),
            _ => None,
        }
    }
}
