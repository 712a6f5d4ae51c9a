//! Random graphs (here) and fusion rules ([`rules`]) for the tests of detection.
//!
//! Every value that pieces are wired to is 1x8x8x8, so that any piece fits behind any other.

mod rules;

use nnmeter_core::builder::GraphBuilder;
use nnmeter_core::graph::Graph;
use nnmeter_core::op::{
    Binary, Conv, Layout, Norm, Op, Padding, Pool, PoolKind, ReduceKind, Reshape, Spatial, Unary,
};
use nnmeter_core::tensor::{Constant, DType, Dim, TensorType};
use proptest::prelude::*;

pub(crate) use rules::rules;

/// A graph before it is built: nodes to be added in any order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Plan {
    nodes: Vec<PlannedNode>,
    outputs: Vec<String>,
}

#[derive(Clone, Debug)]
struct PlannedNode {
    op: Op,
    operands: Vec<String>,
    outputs: Vec<String>,
}

impl Plan {
    /// A plan with the one input `x`.
    pub(crate) fn new() -> Self {
        let dims = [1, 8, 8, 8].map(Dim::Known).to_vec();
        let mut plan = Plan::default();
        plan.node("x", Op::Input(DType::F32, Some(dims)), &[]);
        plan
    }

    /// Adds a node of one output, called as the node, and returns the name.
    pub(crate) fn node(&mut self, name: &str, op: Op, operands: &[&str]) -> String {
        let operands = operands.iter().map(|&operand| operand.to_owned()).collect();
        self.nodes.push(PlannedNode { op, operands, outputs: vec![name.to_owned()] });
        name.to_owned()
    }

    fn fresh(&mut self, op: Op, operands: &[&str]) -> String {
        let name = format!("n{}", self.nodes.len());
        self.node(&name, op, operands)
    }

    fn constant(&mut self, constant: Constant) -> String {
        self.fresh(Op::Const(constant), &[])
    }

    fn weight<const N: usize>(&mut self, dims: [usize; N]) -> String {
        self.constant(Constant::opaque(TensorType::f32(dims)))
    }

    fn halves(&mut self, x: &str) -> [String; 2] {
        let name = self.fresh(Op::Split { axis: 1 }, &[x]);
        let outputs = [format!("{name}.0"), format!("{name}.1")];
        self.nodes.last_mut().expect("just added").outputs = outputs.to_vec();
        outputs
    }

    /// The graph with its nodes added in the order of `key`, which is given their positions.
    pub(crate) fn build(&self, key: impl Fn(usize) -> u64) -> Graph {
        let mut order: Vec<usize> = (0..self.nodes.len()).collect();
        order.sort_by_key(|&index| key(index));
        let mut builder = GraphBuilder::new();
        for index in order {
            let PlannedNode { op, operands, outputs } = &self.nodes[index];
            let outputs: Vec<&str> = outputs.iter().map(String::as_str).collect();
            builder
                .node(outputs[0], op.clone(), operands.iter().map(String::as_str), &outputs)
                .expect("names are distinct");
        }
        self.outputs.iter().for_each(|name| builder.output(name));
        builder.finish(Layout::ChannelsFirst).expect("well-formed")
    }
}

/// What a spelled hard swish divides by 6.
#[derive(Clone, Copy, Debug)]
enum Division {
    Data,
    Gate,
    Product,
}

/// Pieces that random graphs are made of.
#[derive(Clone, Copy, Debug)]
enum Piece {
    Conv,
    DwConv,
    Fc,
    Bias,
    BatchNorm,
    Unary(Unary),
    Binary(Binary),
    Number(Binary, f64),
    Pool(PoolKind),
    Reshape,
    HardSwish(Division),
    SqueezeExcite { reshaped: bool },
    Shuffle,
    SplitConcat,
    ConcatConv,
    Pooled { two_steps: bool },
    Same,
    Merge,
}

const CLIP: fn(f32) -> Unary = |max| Unary::Clip { min: Some(0.0), max: Some(max) };

fn piece() -> impl Strategy<Value = Piece> {
    let unary = [
        Unary::Relu,
        CLIP(6.0),
        CLIP(1.0),
        Unary::Sigmoid,
        Unary::HardSigmoid { alpha: 1.0 / 6.0, beta: 0.5 },
        Unary::HardSwish,
        Unary::Tanh,
    ];
    let number = [
        (Binary::Add, 3.0),
        (Binary::Add, 0.5),
        (Binary::Mul, 1.0 / 6.0),
        (Binary::Div, 6.0),
        (Binary::Mul, 2.0),
    ];
    let linear = [Piece::Conv, Piece::DwConv, Piece::Fc, Piece::Bias, Piece::BatchNorm];
    let composed = [
        Piece::HardSwish(Division::Data),
        Piece::HardSwish(Division::Gate),
        Piece::HardSwish(Division::Product),
        Piece::SqueezeExcite { reshaped: false },
        Piece::SqueezeExcite { reshaped: true },
        Piece::Shuffle,
        Piece::SplitConcat,
        Piece::ConcatConv,
        Piece::Pooled { two_steps: false },
        Piece::Pooled { two_steps: true },
        Piece::Same,
        Piece::Merge,
        Piece::Merge,
        Piece::Reshape,
        Piece::Pool(PoolKind::Max),
        Piece::Pool(PoolKind::Average),
    ];
    prop_oneof![
        4 => prop::sample::select(linear.to_vec()).boxed(),
        3 => prop::sample::select(unary.map(Piece::Unary).to_vec()).boxed(),
        3 => prop::sample::select(vec![Piece::Binary(Binary::Add), Piece::Binary(Binary::Mul)]).boxed(),
        1 => prop::sample::select(number.map(|(op, by)| Piece::Number(op, by)).to_vec()).boxed(),
        3 => prop::sample::select(composed.to_vec()).boxed(),
    ]
}

/// Random graphs of up to `pieces` pieces.
pub(crate) fn plan(pieces: usize) -> impl Strategy<Value = Plan> {
    let wired = (piece(), any::<u16>(), any::<u16>());
    let outputs = prop::collection::vec(any::<u16>(), 0..4);
    (prop::collection::vec(wired, 1..pieces), outputs).prop_map(|(pieces, outputs)| {
        let mut plan = Plan::new();
        let mut values = vec!["x".to_owned()];
        for (piece, a, b) in pieces {
            let (a, b) = (pick(&values, a).to_owned(), pick(&values, b).to_owned());
            values.push(plan.piece(piece, &a, &b));
        }
        plan.outputs.push(values.pop().unwrap_or_default());
        for output in outputs {
            let node = &plan.nodes[usize::from(output) % plan.nodes.len()];
            if !matches!(node.op, Op::Const(_)) {
                plan.outputs.push(node.outputs[0].clone());
            }
        }
        plan
    })
}

/// Most often the last value, so that there are chains; else any.
fn pick(values: &[String], choice: u16) -> &str {
    match choice % 8 {
        0..5 => &values[values.len() - 1],
        5 => &values[values.len().saturating_sub(2)],
        _ => &values[usize::from(choice / 8) % values.len()],
    }
}

impl Plan {
    /// Adds a piece that reads `a`, and `b` if it is one of two operands; its value.
    fn piece(&mut self, piece: Piece, a: &str, b: &str) -> String {
        match piece {
            Piece::Conv => self.conv(a, 8, 3, 1),
            Piece::DwConv => self.conv(a, 8, 3, 8),
            Piece::Fc => {
                let weight = self.weight([8, 8]);
                self.fresh(Op::MatMul { transpose_a: false, transpose_b: false }, &[a, &weight])
            }
            Piece::Bias => {
                let bias = self.weight([8, 1, 1]);
                self.fresh(Op::Binary(Binary::Add), &[a, &bias])
            }
            Piece::BatchNorm => {
                let [s, t, m, v] = [(); 4].map(|()| self.weight([8]));
                self.fresh(Op::Norm(Norm::Batch(Layout::ChannelsFirst)), &[a, &s, &t, &m, &v])
            }
            Piece::Unary(unary) => self.fresh(Op::Unary(unary), &[a]),
            Piece::Binary(binary) => self.fresh(Op::Binary(binary), &[a, b]),
            Piece::Number(binary, number) => self.number(binary, a, number),
            Piece::Pool(kind) => self.pool(a, kind),
            Piece::Reshape => self.reshape(a, &[1, 8, 8, 8]),
            Piece::HardSwish(division) => self.hard_swish(a, division),
            Piece::SqueezeExcite { reshaped } => self.squeeze_excite(a, reshaped),
            Piece::Shuffle => {
                let split = self.reshape(a, &[1, 2, 4, 8, 8]);
                let order = Op::Transpose(Some([0, 2, 1, 3, 4].into_iter().collect()));
                let swapped = self.fresh(order, &[&split]);
                self.reshape(&swapped, &[1, 8, 8, 8])
            }
            Piece::SplitConcat => {
                let [first, second] = self.halves(a);
                self.fresh(Op::Concat { axis: 1 }, &[&second, &first])
            }
            Piece::ConcatConv => {
                let both = self.fresh(Op::Concat { axis: 1 }, &[a, b]);
                self.conv(&both, 16, 1, 1)
            }
            Piece::Pooled { two_steps } => {
                let steps: &[&[i64]] = if two_steps { &[&[3], &[2]] } else { &[&[2, 3]] };
                let pooled = steps.iter().fold(a.to_owned(), |x, axes| self.mean(&x, axes));
                self.fresh(Op::Binary(Binary::Mul), &[b, &pooled])
            }
            Piece::Merge => {
                let [left, right] = [self.conv(a, 8, 3, 1), self.conv(b, 8, 3, 1)];
                let left = self.fresh(Op::Unary(Unary::Relu), &[&left]);
                let sum = self.fresh(Op::Binary(Binary::Add), &[&right, &left]);
                self.fresh(Op::Unary(Unary::Relu), &[&sum])
            }
            Piece::Same => self.fresh(Op::Binary(Binary::Add), &[a, a]),
        }
    }

    fn conv(&mut self, x: &str, inputs: usize, k: usize, groups: usize) -> String {
        let weight = self.weight([8, inputs / groups, k, k]);
        let pads: Spatial = [k / 2, k / 2].into_iter().collect();
        let padding = Padding::Explicit(pads.clone(), pads);
        self.fresh(Op::Conv(Conv { padding, groups, ..Conv::default() }), &[x, &weight])
    }

    fn number(&mut self, binary: Binary, x: &str, number: f64) -> String {
        let number = self.constant(Constant::scalar(number));
        self.fresh(Op::Binary(binary), &[x, &number])
    }

    fn pool(&mut self, x: &str, kind: PoolKind) -> String {
        let pads: Spatial = [1, 1].into_iter().collect();
        let pool = Pool {
            kind,
            layout: Layout::ChannelsFirst,
            kernel: [3, 3].into_iter().collect(),
            strides: Spatial::new(),
            dilations: Spatial::new(),
            padding: Padding::Explicit(pads.clone(), pads),
            ceil_mode: false,
        };
        self.fresh(Op::Pool(pool), &[x])
    }

    fn reshape(&mut self, x: &str, dims: &[i64]) -> String {
        let target = self.constant(Constant::ints(dims.iter().copied()));
        self.fresh(Op::Reshape(Reshape::To { allow_zero: false }), &[x, &target])
    }

    fn mean(&mut self, x: &str, axes: &[i64]) -> String {
        let axes = self.constant(Constant::ints(axes.iter().copied()));
        self.fresh(Op::Reduce { kind: ReduceKind::Mean, keep_dims: true }, &[x, &axes])
    }

    fn hard_swish(&mut self, x: &str, division: Division) -> String {
        let shifted = self.number(Binary::Add, x, 3.0);
        let clamped = self.fresh(Op::Unary(CLIP(6.0)), &[&shifted]);
        let product = Op::Binary(Binary::Mul);
        match division {
            Division::Data => {
                let scaled = self.number(Binary::Div, x, 6.0);
                self.fresh(product, &[&scaled, &clamped])
            }
            Division::Gate => {
                let gate = self.number(Binary::Mul, &clamped, 1.0 / 6.0);
                self.fresh(product, &[&gate, x])
            }
            Division::Product => {
                let product = self.fresh(product, &[x, &clamped]);
                self.number(Binary::Div, &product, 6.0)
            }
        }
    }

    fn squeeze_excite(&mut self, x: &str, reshaped: bool) -> String {
        let pooled = self.fresh(Op::GlobalPool(PoolKind::Average, Layout::ChannelsFirst), &[x]);
        let squeezed = self.conv(&pooled, 8, 1, 1);
        let bias = self.weight([8, 1, 1]);
        let mut value = self.fresh(Op::Binary(Binary::Add), &[&squeezed, &bias]);
        if reshaped {
            value = self.reshape(&value, &[1, 8, 1, 1]);
        }
        let active = self.fresh(Op::Unary(Unary::Relu), &[&value]);
        let excited = self.conv(&active, 8, 1, 1);
        let gate = self.fresh(Op::Unary(Unary::Sigmoid), &[&excited]);
        self.fresh(Op::Binary(Binary::Mul), &[x, &gate])
    }
}
