//! Gated blocks in their common spellings: hard sigmoid, hard swish, swish, squeeze-and-excite.
//!
//! A hard sigmoid is `relu6(x + 3) / 6` (or `* 1/6`), a hard swish is `x` times that, with the
//! division of a factor or of the product; both also exist as operators of their own. Constants that
//! the file does not give (nn-Meter's benchmark graphs keep only their shapes) are taken to be right.

use smallvec::SmallVec;

use crate::detect::blocks::{Blocks, Match};
use crate::graph::{NodeId, Value};
use crate::kind::Kind;
use crate::op::{Binary, Op, Unary};
use crate::tensor::TensorType;

/// A block whose last operator is the product at `tail`.
pub(super) fn ending_in_mul(blocks: &Blocks<'_>, tail: NodeId) -> Option<Match> {
    if blocks.with_constant(tail).is_some() {
        return sixth(blocks, tail, 1.0 / 6.0);
    }
    let operands = blocks.data_operands(tail);
    let [a, b] = operands[..] else { return None };
    self_gated(blocks, a, b)
        .or_else(|| self_gated(blocks, b, a))
        .or_else(|| scaled_first(blocks, a, b))
        .or_else(|| scaled_first(blocks, b, a))
        .or_else(|| squeeze_excite(blocks, a, b))
        .or_else(|| squeeze_excite(blocks, b, a))
}

/// A block whose last operator is the quotient at `tail`.
pub(super) fn ending_in_div(blocks: &Blocks<'_>, tail: NodeId) -> Option<Match> {
    divides_data(blocks, tail).then(|| sixth(blocks, tail, 6.0)).flatten()
}

/// Whether the constant operand of a quotient is the divisor.
fn divides_data(blocks: &Blocks<'_>, id: NodeId) -> bool {
    let divisor = blocks.graph.graph().operand(id, 1);
    divisor.is_some_and(|value| blocks.graph.fact(value).constant)
}

/// `min(max(x / 6 + 1/2, 0), 1)`: a hard sigmoid that ends in its clamp.
pub(super) fn ending_in_clip(blocks: &Blocks<'_>, tail: NodeId) -> Option<Match> {
    if !is_clip(blocks, tail, 1.0) {
        return None;
    }
    let shift = blocks.inner(blocks.input(tail)?, Kind::Add)?;
    let (scaled, half) = blocks.with_constant(shift)?;
    let scale = blocks.inner(scaled, Kind::Mul).or_else(|| blocks.inner(scaled, Kind::Binary))?;
    let input = divided_by_six(blocks, scale)?;
    (close(half, 0.5) && is_single(blocks, shift))
        .then(|| blocks.found(Kind::HardSigmoid, input, &[shift, scale]))
        .flatten()
}

/// What the operator at `id` divides by 6, or multiplies by a sixth.
fn divided_by_six(blocks: &Blocks<'_>, id: NodeId) -> Option<Value> {
    let (input, factor) = blocks.with_constant(id)?;
    let is_sixth = match &blocks.graph.graph().node(id).op {
        Op::Binary(Binary::Mul) => close(factor, 1.0 / 6.0),
        Op::Binary(Binary::Div) => close(factor, 6.0) && divides_data(blocks, id),
        _ => false,
    };
    (is_sixth && is_single(blocks, id)).then_some(input)
}

/// Whether the constant operand is one number, as far as its type is known.
fn is_single(blocks: &Blocks<'_>, id: NodeId) -> bool {
    blocks.constant_elements(id).is_none_or(|n| n == 1)
}

/// `relu6(x + 3)` or `x relu6(x + 3)`, scaled by a sixth at `tail`.
fn sixth(blocks: &Blocks<'_>, tail: NodeId, factor: f64) -> Option<Match> {
    let (data, scalar) = blocks.with_constant(tail)?;
    if !close(scalar, factor) || blocks.constant_elements(tail).is_some_and(|n| n > 1) {
        return None;
    }
    if let Some((input, tails)) = shifted_relu6(blocks, data) {
        return blocks.found(Kind::HardSigmoid, input, &tails);
    }
    let product = blocks.inner(data, Kind::Mul)?;
    let operands = blocks.data_operands(product);
    let [a, b] = operands[..] else { return None };
    let gate = |x: Value, gate: Value| {
        let (input, mut tails) = shifted_relu6(blocks, gate)?;
        tails.push(product);
        (input == x).then(|| blocks.found(Kind::Hswish, x, &tails)).flatten()
    };
    gate(a, b).or_else(|| gate(b, a))
}

/// `(x / 6) relu6(x + 3)`.
fn scaled_first(blocks: &Blocks<'_>, scaled: Value, gate: Value) -> Option<Match> {
    let scale = blocks.inner(scaled, Kind::Mul).or_else(|| blocks.inner(scaled, Kind::Binary))?;
    let x = divided_by_six(blocks, scale)?;
    let (input, mut tails) = shifted_relu6(blocks, gate)?;
    tails.push(scale);
    (input == x).then(|| blocks.found(Kind::Hswish, x, &tails)).flatten()
}

/// `relu6(x + 3)`: the `x`, and the two units.
fn shifted_relu6(blocks: &Blocks<'_>, value: Value) -> Option<(Value, SmallVec<[NodeId; 8]>)> {
    let clip = blocks.inner(value, Kind::Relu)?;
    let shift = blocks.inner(blocks.input(clip)?, Kind::Add)?;
    let (input, three) = blocks.with_constant(shift)?;
    let matches = is_clip(blocks, clip, 6.0) && close(three, 3.0) && is_single(blocks, shift);
    matches.then(|| (input, SmallVec::from_slice(&[clip, shift])))
}

/// `x` times a (hard) sigmoid of the same `x`.
fn self_gated(blocks: &Blocks<'_>, x: Value, gate: Value) -> Option<Match> {
    let id = gate.node;
    if !blocks.read_once(id) || blocks.input(id) != Some(x) {
        return None;
    }
    match blocks.kind(id) {
        Kind::HardSigmoid => blocks.found(Kind::Hswish, x, &[id]),
        Kind::Sigmoid => blocks.found(Kind::Swish, x, &[id]),
        _ => None,
    }
}

/// `x` times a gate per channel: global pool of `x`, two small products with an activation after
/// each. Reshapes between them do not matter.
fn squeeze_excite(blocks: &Blocks<'_>, x: Value, gate: Value) -> Option<Match> {
    let mut units = SmallVec::new();
    let mut value = gate;
    for is_right in [is_gate, is_linear, is_activation, is_linear] {
        value = through_reshapes(blocks, value, &mut units)?;
        value = step(blocks, value, &mut units, is_right)?;
    }
    let value = through_reshapes(blocks, value, &mut units)?;
    let pool = value.node;
    let pooled = matches!(blocks.kind(pool), Kind::GlobalAvgPool | Kind::AvgPool);
    let whole = blocks.graph.output_type(pool).is_some_and(|ty| is_vector(blocks, ty));
    if !pooled || !whole || !blocks.read_once(pool) || blocks.input(pool) != Some(x) {
        return None;
    }
    units.push(pool);
    blocks.found(Kind::Se, x, &units)
}

/// Goes back over one unit, if its kind is right and nothing else reads it.
fn step(
    blocks: &Blocks<'_>,
    value: Value,
    units: &mut SmallVec<[NodeId; 8]>,
    is_right: fn(Kind) -> bool,
) -> Option<Value> {
    let id = value.node;
    let fits = blocks.graph.is_op(id) && blocks.read_once(id) && is_right(blocks.kind(id));
    fits.then(|| units.push(id))?;
    blocks.input(id)
}

fn through_reshapes(
    blocks: &Blocks<'_>,
    mut value: Value,
    units: &mut SmallVec<[NodeId; 8]>,
) -> Option<Value> {
    while blocks.graph.is_op(value.node) && blocks.kind(value.node) == Kind::Reshape {
        value = step(blocks, value, units, |_| true)?;
    }
    Some(value)
}

fn is_gate(kind: Kind) -> bool {
    matches!(kind, Kind::HardSigmoid | Kind::Sigmoid | Kind::Hswish)
}

fn is_linear(kind: Kind) -> bool {
    matches!(kind, Kind::Conv | Kind::Fc)
}

fn is_activation(kind: Kind) -> bool {
    matches!(kind, Kind::Relu | Kind::Hswish | Kind::Swish | Kind::LeakyRelu)
}

/// Whether at most the channel axis (and the batch) is longer than one.
fn is_vector(blocks: &Blocks<'_>, ty: &TensorType) -> bool {
    let spatial = blocks.graph.graph().layout().spatial_axes(ty.rank());
    ty.dims[spatial].iter().all(|&dim| dim == 1)
}

/// Whether the unit is a clamp to `[0, top]`; bounds that are not known are taken to be right.
fn is_clip(blocks: &Blocks<'_>, id: NodeId, top: f32) -> bool {
    match blocks.graph.graph().node(id).op {
        Op::Unary(Unary::Clip { min, max }) => {
            min.is_none_or(|min| min == 0.0) && max.is_none_or(|max| (max - top).abs() < 1e-3)
        }
        _ => false,
    }
}

/// Whether a constant is what it should be; exporters round, nn-Meter's set says nothing.
fn close(found: Option<f64>, expected: f64) -> bool {
    found.is_none_or(|found| (found - expected).abs() <= 1e-3 * expected.abs())
}
