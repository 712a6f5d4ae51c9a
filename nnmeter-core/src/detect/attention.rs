//! Blocks that transformers are made of, spelled out: GELU, softmax, layer normalisation.

use smallvec::SmallVec;

use crate::detect::blocks::{Blocks, Match};
use crate::graph::{NodeId, Value};
use crate::kind::Kind;
use crate::op::{Binary, Op, ReduceKind, Unary};

/// How many operators a GELU written with a tanh has before it: the cube and its scaling.
const TANH_ARGUMENT: usize = 7;

/// `x (1 + erf(x / sqrt 2)) / 2` or its tanh approximation, factors in any order.
pub(super) fn gelu(blocks: &Blocks<'_>, tail: NodeId) -> Option<Match> {
    let mut product = Product::default();
    product.collect(blocks, tail);
    let [a, b] = product.factors[..] else { return None };
    if product.constants == 0 {
        return None;
    }
    gelu_factors(blocks, a, b, &product).or_else(|| gelu_factors(blocks, b, a, &product))
}

/// The factors of a product of products, and the units that multiply them.
#[derive(Default)]
struct Product {
    factors: SmallVec<[Value; 4]>,
    constants: usize,
    units: SmallVec<[NodeId; 8]>,
}

impl Product {
    fn collect(&mut self, blocks: &Blocks<'_>, id: NodeId) {
        let operands = blocks.data_operands(id);
        self.constants += usize::from(operands.len() == 1);
        for &operand in &operands {
            match blocks.inner(operand, Kind::Mul) {
                Some(inner) if self.units.len() < 2 => {
                    self.units.push(inner);
                    self.collect(blocks, inner);
                }
                _ => self.factors.push(operand),
            }
        }
    }
}

fn gelu_factors(blocks: &Blocks<'_>, x: Value, sum: Value, product: &Product) -> Option<Match> {
    let one_plus = blocks.inner(sum, Kind::Add)?;
    let (curve, _) = blocks.with_constant(one_plus)?;
    let curve = blocks.inner(curve, Kind::Unary)?;
    let mut units = product.units.clone();
    units.extend([one_plus, curve]);
    let argument = blocks.input(curve)?;
    match blocks.graph.graph().node(curve).op {
        Op::Unary(Unary::Erf) => {
            let scale = argument.node;
            let (input, _) = blocks.with_constant(scale)?;
            (input == x && blocks.read_once(scale)).then(|| units.push(scale))?;
        }
        Op::Unary(Unary::Tanh) => polynomial(blocks, argument, x, &mut units)?,
        _ => return None,
    }
    blocks.found(Kind::Gelu, x, &units)
}

/// Collects what computes `value` from `x` alone by elementwise arithmetic.
fn polynomial(
    blocks: &Blocks<'_>,
    value: Value,
    x: Value,
    units: &mut SmallVec<[NodeId; 8]>,
) -> Option<()> {
    let mut open: SmallVec<[Value; 8]> = SmallVec::from_slice(&[value]);
    let start = units.len();
    while let Some(value) = open.pop() {
        if value == x || units[start..].contains(&value.node) {
            continue;
        }
        let elementwise = matches!(blocks.kind(value.node), Kind::Mul | Kind::Add | Kind::Binary);
        if !elementwise || !blocks.graph.is_op(value.node) || units.len() - start > TANH_ARGUMENT {
            return None;
        }
        units.push(value.node);
        open.extend(blocks.data_operands(value.node));
    }
    closed(blocks, &units[start..])
}

/// Whether every operator that reads `units` beside the last one is among them. The first of them
/// is read by the curve.
fn closed(blocks: &Blocks<'_>, units: &[NodeId]) -> Option<()> {
    let inside: usize = units.iter().map(|&id| inner_operands(blocks, id, units)).sum();
    let readers: usize = units.iter().map(|&id| blocks.readers(id) as usize).sum();
    (readers == inside + 1).then_some(())
}

fn inner_operands(blocks: &Blocks<'_>, id: NodeId, units: &[NodeId]) -> usize {
    blocks.data_operands(id).iter().filter(|value| units.contains(&value.node)).count()
}

/// `exp(x) / sum(exp(x))`, with or without the maximum subtracted first.
pub(super) fn softmax(blocks: &Blocks<'_>, tail: NodeId) -> Option<Match> {
    let operands = blocks.data_operands(tail);
    let [exp, sum] = operands[..] else { return None };
    let total = reduction(blocks, sum, ReduceKind::Sum)?;
    let sums_exp = blocks.data_operands(total).first() == Some(&exp);
    let is_exp = matches!(blocks.graph.graph().node(exp.node).op, Op::Unary(Unary::Exp));
    if !sums_exp || !is_exp || blocks.readers(exp.node) != 2 {
        return None;
    }
    let mut units: SmallVec<[NodeId; 4]> = SmallVec::from_slice(&[exp.node, total]);
    let mut input = blocks.input(exp.node)?;
    if let Some((x, below)) = minus_reduction(blocks, input, ReduceKind::Max, 1) {
        units.extend(below);
        input = x;
    }
    blocks.found(Kind::Softmax, input, &units)
}

/// `(x - mean(x)) / sqrt(mean((x - mean(x))^2) + eps)`.
pub(super) fn layer_norm(blocks: &Blocks<'_>, tail: NodeId) -> Option<Match> {
    let operands = blocks.data_operands(tail);
    let [centred, deviation] = operands[..] else { return None };
    let (input, below) = minus_reduction(blocks, centred, ReduceKind::Mean, usize::MAX)?;
    let root = blocks.inner(deviation, Kind::Unary)?;
    let is_root = matches!(blocks.graph.graph().node(root).op, Op::Unary(Unary::Sqrt));
    let shifted = blocks.inner(blocks.input(root)?, Kind::Add)?;
    let variance = reduction(blocks, blocks.with_constant(shifted)?.0, ReduceKind::Mean)?;
    let square = blocks.data_operands(variance).first()?.node;
    let squares = blocks.data_operands(square);
    let is_square = match blocks.graph.graph().node(square).op {
        Op::Binary(Binary::Pow | Binary::Mul) | Op::Unary(Unary::Square) => {
            squares.iter().all(|&value| value == centred) && blocks.read_once(square)
        }
        _ => false,
    };
    if !is_root || !is_square || blocks.readers(centred.node) as usize != squares.len() + 1 {
        return None;
    }
    let mut units: SmallVec<[NodeId; 8]> = SmallVec::from_slice(&[root, shifted, variance, square]);
    units.extend(below);
    blocks.found(Kind::Norm, input, &units)
}

/// The learned scale or shift after a normalisation that was spelled out.
pub(super) fn affine(blocks: &Blocks<'_>, tail: NodeId) -> Option<Match> {
    let (data, _) = blocks.with_constant(tail)?;
    let norm = blocks.inner(data, Kind::Norm)?;
    let spelled_out = matches!(blocks.graph.graph().node(norm).op, Op::Binary(_));
    spelled_out.then(|| blocks.found(Kind::Norm, blocks.input(norm)?, &[norm])).flatten()
}

/// `x - reduce(x)`: the `x` and the two units, if the difference is read `readers` times at most.
fn minus_reduction(
    blocks: &Blocks<'_>,
    value: Value,
    kind: ReduceKind,
    readers: usize,
) -> Option<(Value, [NodeId; 2])> {
    let difference = value.node;
    let operands = blocks.data_operands(difference);
    let [x, reduced] = operands[..] else { return None };
    let is_sub = matches!(blocks.graph.graph().node(difference).op, Op::Binary(Binary::Sub));
    let reduction = reduction(blocks, reduced, kind)?;
    let fits = is_sub
        && blocks.readers(difference) as usize <= readers
        && blocks.data_operands(reduction).first() == Some(&x);
    fits.then_some((x, [difference, reduction]))
}

fn reduction(blocks: &Blocks<'_>, value: Value, kind: ReduceKind) -> Option<NodeId> {
    match blocks.graph.graph().node(value.node).op {
        Op::Reduce { kind: found, .. } if found == kind && blocks.read_once(value.node) => {
            Some(value.node)
        }
        _ => None,
    }
}
