//! Blocks, collapsed one kind after the other: each kind until no more of it is found.

use std::collections::BTreeSet;

use nnmeter_core::graph::{NodeId, Value};
use nnmeter_core::kind::Kind;
use nnmeter_core::op::{Binary, Op};
use nnmeter_core::typed::TypedGraph;

use super::operators::{
    are_spatial, channel_axis, data, datum_and_constant, is_clamp, is_number, is_vector, kind,
    mean_axes, scalar,
};
use super::{Unit, Units};

/// Finds a block that ends in a unit: its kind and its other units.
type Finder = fn(&Units<'_>, usize) -> Option<(Kind, Vec<usize>)>;

/// The units of a graph, blocks collapsed.
pub(crate) fn collapse(graph: &TypedGraph) -> Units<'_> {
    let operators = graph.order().iter().filter(|&&id| graph.is_op(id));
    let single =
        |&id: &NodeId| Unit { kind: kind(graph, id), nodes: BTreeSet::from([id]), tail: id };
    let mut units = Units { graph, units: operators.map(single).collect() };
    let finders: [Finder; 9] = [
        bias,
        hard_sigmoid,
        hard_sigmoid_ending_in_clamp,
        gated_by_itself,
        hard_swish_divided_last,
        hard_swish_divided_first,
        two_step_pool,
        squeeze_excite,
        channel_shuffle,
    ];
    for finder in finders {
        while let Some((tail, kind, members)) = (0..units.units.len()).find_map(|tail| {
            let (kind, members) = finder(&units, tail)?;
            Some((tail, kind, members))
        }) {
            units.merge(tail, kind, &members);
        }
    }
    units
}

impl Units<'_> {
    fn merge(&mut self, tail: usize, kind: Kind, members: &[usize]) {
        let nodes: Vec<NodeId> =
            members.iter().flat_map(|&unit| self.units[unit].nodes.clone()).collect();
        self.units[tail].kind = kind;
        self.units[tail].nodes.extend(nodes);
        let gone: BTreeSet<NodeId> = members.iter().map(|&unit| self.units[unit].tail).collect();
        self.units.retain(|unit| !gone.contains(&unit.tail));
    }

    /// The operator that a unit consists of, if it is a single one.
    fn single(&self, unit: usize) -> Option<(&Op, NodeId)> {
        let Unit { nodes, tail, .. } = &self.units[unit];
        (nodes.len() == 1).then(|| (&self.graph.graph().node(*tail).op, *tail))
    }

    /// The only value from outside that a unit works on.
    fn input(&self, unit: usize) -> Option<Value> {
        let nodes = &self.units[unit].nodes;
        let read = nodes.iter().flat_map(|&id| data(self.graph, id)).map(|(_, value)| value);
        let outside: BTreeSet<Value> = read.filter(|value| !nodes.contains(&value.node)).collect();
        if outside.len() == 1 { outside.first().copied() } else { None }
    }

    /// The unit that makes `value`, if `reader` alone reads it.
    fn inner(&self, value: Value, reader: usize) -> Option<usize> {
        self.of(value.node).filter(|&unit| self.only_consumer(unit) == Some(reader))
    }

    /// For a sum with one number: the other term.
    fn plus(&self, unit: usize, number: f64) -> Option<Value> {
        let (op, id) = self.single(unit)?;
        let ((_, value), (_, constant)) = datum_and_constant(self.graph, id)?;
        let sum = *op == Op::Binary(Binary::Add);
        (sum && is_number(self.graph, constant, number)).then_some(value)
    }

    /// For a quotient by 6, or a product with a sixth: what is divided.
    fn sixth(&self, unit: usize) -> Option<Value> {
        let (op, id) = self.single(unit)?;
        let ((_, value), (slot, constant)) = datum_and_constant(self.graph, id)?;
        let is = match op {
            Op::Binary(Binary::Mul) => is_number(self.graph, constant, 1.0 / 6.0),
            Op::Binary(Binary::Div) => slot == 1 && is_number(self.graph, constant, 6.0),
            _ => false,
        };
        is.then_some(value)
    }

    fn clamp(&self, unit: usize, top: f32) -> Option<Value> {
        let (_, id) = self.single(unit)?;
        is_clamp(self.graph, id, top).then(|| data(self.graph, id)[0].1)
    }

    /// `relu6(x + 3)` as `reader` reads it: the `x` and the two units.
    fn shifted_clamp(&self, value: Value, reader: usize) -> Option<(Value, Vec<usize>)> {
        let clamp = self.inner(value, reader)?;
        let shift = self.inner(self.clamp(clamp, 6.0)?, clamp)?;
        Some((self.plus(shift, 3.0)?, vec![clamp, shift]))
    }

    /// For a product of two data: both ways round.
    fn factors(&self, unit: usize) -> Vec<(Value, Value)> {
        let Some((Op::Binary(Binary::Mul), id)) = self.single(unit) else { return Vec::new() };
        match data(self.graph, id)[..] {
            [(_, a), (_, b)] => vec![(a, b), (b, a)],
            _ => Vec::new(),
        }
    }
}

/// A constant vector added to what a linear operator makes.
fn bias(units: &Units<'_>, tail: usize) -> Option<(Kind, Vec<usize>)> {
    let graph = units.graph;
    let (Op::Binary(Binary::Add), id) = units.single(tail)? else { return None };
    let ((_, sum), (_, constant)) = datum_and_constant(graph, id)?;
    let linear = units.inner(sum, tail)?;
    let kind = units.units[linear].kind;
    let ty = graph.ty(sum)?;
    let channels = match kind {
        Kind::Fc => *ty.dims.last()?,
        Kind::Conv | Kind::DwConv | Kind::ConvTrans => ty.dims[channel_axis(graph, ty)?],
        _ => return None,
    };
    let fits = scalar(graph, constant).is_none() && graph.ty(constant)?.elements() == channels;
    fits.then(|| (kind, vec![linear]))
}

/// `relu6(x + 3) / 6`
fn hard_sigmoid(units: &Units<'_>, tail: usize) -> Option<(Kind, Vec<usize>)> {
    let (_, members) = units.shifted_clamp(units.sixth(tail)?, tail)?;
    Some((Kind::HardSigmoid, members))
}

/// `clamp(x / 6 + 1/2)`
fn hard_sigmoid_ending_in_clamp(units: &Units<'_>, tail: usize) -> Option<(Kind, Vec<usize>)> {
    let shift = units.inner(units.clamp(tail, 1.0)?, tail)?;
    let scale = units.inner(units.plus(shift, 0.5)?, shift)?;
    units.sixth(scale)?;
    Some((Kind::HardSigmoid, vec![shift, scale]))
}

/// `x sigmoid(x)`, and with a hard sigmoid.
fn gated_by_itself(units: &Units<'_>, tail: usize) -> Option<(Kind, Vec<usize>)> {
    units.factors(tail).into_iter().find_map(|(x, gate)| {
        let gate = units.inner(gate, tail)?;
        let kind = match units.units[gate].kind {
            Kind::HardSigmoid => Kind::Hswish,
            Kind::Sigmoid => Kind::Swish,
            _ => return None,
        };
        (units.input(gate) == Some(x)).then(|| (kind, vec![gate]))
    })
}

/// `x relu6(x + 3) / 6`
fn hard_swish_divided_last(units: &Units<'_>, tail: usize) -> Option<(Kind, Vec<usize>)> {
    let product = units.inner(units.sixth(tail)?, tail)?;
    units.factors(product).into_iter().find_map(|(x, gate)| {
        let (shifted, mut members) = units.shifted_clamp(gate, product)?;
        members.push(product);
        (shifted == x).then_some((Kind::Hswish, members))
    })
}

/// `(x / 6) relu6(x + 3)`
fn hard_swish_divided_first(units: &Units<'_>, tail: usize) -> Option<(Kind, Vec<usize>)> {
    units.factors(tail).into_iter().find_map(|(scaled, gate)| {
        let scale = units.inner(scaled, tail)?;
        let (shifted, mut members) = units.shifted_clamp(gate, tail)?;
        members.push(scale);
        (shifted == units.sixth(scale)?).then_some((Kind::Hswish, members))
    })
}

/// The mean over one spatial axis, then over the other.
fn two_step_pool(units: &Units<'_>, tail: usize) -> Option<(Kind, Vec<usize>)> {
    let graph = units.graph;
    let (_, second) = units.single(tail)?;
    let mut axes = mean_axes(graph, second)?;
    let inner = units.inner(graph.graph().operand(second, 0)?, tail)?;
    let (Op::Reduce { keep_dims: true, .. }, first) = units.single(inner)? else { return None };
    axes.extend(mean_axes(graph, first)?);
    let global = are_spatial(graph, graph.operand_type(first, 0)?, axes);
    (global && units.units[inner].kind == Kind::Reduce).then(|| (Kind::GlobalAvgPool, vec![inner]))
}

/// `x` times a gate for each channel, computed from the mean of `x` by two linear operators.
fn squeeze_excite(units: &Units<'_>, tail: usize) -> Option<(Kind, Vec<usize>)> {
    const LINEAR: &[Kind] = &[Kind::Conv, Kind::Fc];
    const GATE: &[Kind] = &[Kind::Sigmoid, Kind::HardSigmoid, Kind::Hswish];
    const ACTIVATION: &[Kind] = &[Kind::Relu, Kind::LeakyRelu, Kind::Hswish, Kind::Swish];
    const POOL: &[Kind] = &[Kind::GlobalAvgPool, Kind::AvgPool];
    units.factors(tail).into_iter().find_map(|(x, gate)| {
        let (mut value, mut reader, mut members) = (gate, tail, Vec::new());
        for step in [GATE, LINEAR, ACTIVATION, LINEAR, POOL] {
            loop {
                reader = units.inner(value, reader)?;
                members.push(reader);
                value = units.input(reader)?;
                if units.units[reader].kind != Kind::Reshape {
                    break;
                }
            }
            step.contains(&units.units[reader].kind).then_some(())?;
        }
        let pooled = units.graph.output_type(units.units[reader].tail)?;
        (value == x && is_vector(units.graph, pooled)).then_some((Kind::Se, members))
    })
}

/// Channels in two axes, the two swapped, in one axis again.
fn channel_shuffle(units: &Units<'_>, tail: usize) -> Option<(Kind, Vec<usize>)> {
    let graph = units.graph;
    let (Op::Reshape(_), last) = units.single(tail)? else { return None };
    let middle = units.inner(units.input(tail)?, tail)?;
    let (Op::Transpose(Some(order)), _) = units.single(middle)? else { return None };
    let split = units.input(middle)?;
    let first = units.inner(split, middle)?;
    let input = units.input(first)?;
    let reshape = units.units[first].kind == Kind::Reshape;
    let (whole, split) = (graph.ty(input)?, graph.ty(split)?);
    let channels = whole.dims[channel_axis(graph, whole)?];
    let swaps = |a: usize| {
        let mut swapped: Vec<usize> = (0..order.len()).collect();
        swapped.swap(a, a + 1);
        order[..] == swapped[..] && split.dims[a] * split.dims[a + 1] == channels
    };
    let moves = units.units[middle].kind == Kind::Transpose;
    let same = graph.output_type(last) == Some(whole);
    (reshape && moves && same && (0..order.len().saturating_sub(1)).any(swaps))
        .then(|| (Kind::ChannelShuffle, vec![middle, first]))
}
