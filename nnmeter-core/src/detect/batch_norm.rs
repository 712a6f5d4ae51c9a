//! A batch normalisation that a file spells out: `x * scale + shift` with constants for each channel.
//!
//! Keras 3 writes every one so, with a scale and a shift computed from constants; runtimes fold both
//! into the convolution before. A scalar scale is no normalisation but one of the data, and the
//! scale and shift of a layer normalisation belong to it ([`attention`](super::attention)).

use crate::detect::blocks::{Blocks, Match};
use crate::graph::{NodeId, Value};
use crate::kind::Kind;
use crate::op::{Binary, Op};

/// The block that ends in the addition `tail`.
pub(super) fn ending_in_add(blocks: &Blocks<'_>, tail: NodeId) -> Option<Match> {
    let scaled = channelwise(blocks, tail)?;
    let mul = blocks.inner(scaled, Kind::Mul)?;
    let is_mul = matches!(blocks.graph.graph().node(mul).op, Op::Binary(Binary::Mul));
    let input = channelwise(blocks, mul).filter(|_| is_mul)?;
    blocks.found(Kind::Bn, input, &[mul])
}

/// The data of a binary operator whose other operand is constant and has one value a channel.
fn channelwise(blocks: &Blocks<'_>, id: NodeId) -> Option<Value> {
    let (data, _) = blocks.with_constant(id)?;
    let graph = blocks.graph;
    let ty = graph.ty(data)?;
    let axis = graph.graph().layout().channel_axis(ty.rank())?;
    let operands = graph.graph().operands(id);
    let constant = operands.into_iter().flatten().find(|&value| value != data)?;
    let dims = &graph.ty(constant)?.dims;
    let missing = ty.rank().checked_sub(dims.len())?;
    let extent = |axis: usize| axis.checked_sub(missing).map_or(1, |axis| dims[axis]);
    let fits = (0..ty.rank()).all(|at| extent(at) == if at == axis { ty.dims[at] } else { 1 });
    fits.then_some(data)
}
