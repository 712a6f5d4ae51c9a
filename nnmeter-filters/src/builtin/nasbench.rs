//! NAS-Bench-201: Dong and Yang, "NAS-Bench-201: Extending the Scope of Reproducible Neural
//! Architecture Search", ICLR 2020, on CIFAR-10: one cell of four nodes and six edges, each edge one of
//! five operators, in three stages of five cells with residual blocks in between. The six choices are
//! shared by all cells. `none` is zero: edges behind it do not run, as in converted models of nn-Meter's
//! benchmark set.

use crate::error::Result;
use crate::space::{Activation, Block, Choice, Layer, SearchSpace, ValueId};

/// Operators, by the benchmark's names.
const OPERATORS: [&str; 5] =
    ["none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3"];
/// Channels of the stages.
const STAGES: [u32; 3] = [16, 32, 64];
/// Cells a stage.
const CELLS: usize = 5;

/// The space of NAS-Bench-201.
pub(super) fn nasbench201() -> Result<SearchSpace> {
    let edges = (1..4).flat_map(|to| (0..to).map(move |from| (from, to)));
    let choices = edges.map(|(from, to)| Choice::new(format!("{from}->{to}"), OPERATORS)).collect();
    let mut body = Block::new();
    let mut value = body.chain([Layer::conv(16, 3), Layer::BatchNorm], body.input());
    for (stage, channels) in STAGES.into_iter().enumerate() {
        if stage > 0 {
            value = reduction(&mut body, channels, value);
        }
        for _ in 0..CELLS {
            value = cell(&mut body, channels, value);
        }
    }
    let relu = Layer::Activation(Activation::Relu);
    value = body.chain([Layer::BatchNorm, relu, Layer::GlobalPool], value);
    body.layer(Layer::Linear { channels: 10.into(), bias: true }, &[value]);
    SearchSpace::new("nasbench201", [1, 3, 32, 32], choices, body)
}

/// A cell: every node is the sum of its edges.
fn cell(body: &mut Block, channels: u32, input: ValueId) -> ValueId {
    let mut nodes = vec![input];
    let mut choice = 0;
    for _ in 1..4 {
        let mut edges = Vec::new();
        for &node in &nodes {
            edges.push(body.choose(choice, operators(channels), node));
            choice += 1;
        }
        let sum = match edges[..] {
            [one] => one,
            _ => body.layer(Layer::Add, &edges),
        };
        nodes.push(sum);
    }
    nodes[nodes.len() - 1]
}

fn operators(channels: u32) -> Vec<Block> {
    let block = |layers: Vec<Layer>| {
        let mut block = Block::new();
        block.chain(layers, block.input());
        block
    };
    vec![
        block(vec![Layer::Zero]),
        Block::new(),
        block(relu_conv_bn(channels, 1, 1)),
        block(relu_conv_bn(channels, 3, 1)),
        block(vec![Layer::AveragePool { kernel: 3.into(), stride: 1.into() }]),
    ]
}

/// The residual block that halves the extents.
fn reduction(body: &mut Block, channels: u32, input: ValueId) -> ValueId {
    let main = body.chain(relu_conv_bn(channels, 3, 2), input);
    let main = body.chain(relu_conv_bn(channels, 3, 1), main);
    let pool = Layer::AveragePool { kernel: 2.into(), stride: 2.into() };
    let shortcut = body.chain([pool, Layer::conv(channels, 1)], input);
    body.layer(Layer::Add, &[shortcut, main])
}

fn relu_conv_bn(channels: u32, kernel: u32, stride: u32) -> Vec<Layer> {
    let relu = Layer::Activation(Activation::Relu);
    vec![relu, Layer::strided_conv(channels, kernel, stride), Layer::BatchNorm]
}
