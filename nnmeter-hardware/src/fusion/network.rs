//! The networks that tell what a kernel ends in.
//!
//! Operators stand where real networks have them, behind convolutions and before one, several times in
//! a row, so that what a run costs in any case weighs less:
//!
//! ```text
//! input -> stem -> [ -> trunk -> (pooling) -> first -> second -> ] x UNITS -> tail
//! ```
//!
//! Stem, trunk and tail are pointwise convolutions. A sum reads what its unit's trunk reads, as a
//! residual does, or an input of the model. All operators keep the image's extents.

use nnmeter_core::builder::GraphBuilder;
use nnmeter_core::graph::Value;
use nnmeter_core::op::{Layout, Op};
use nnmeter_core::tensor::{Constant, DType, Dim, TensorType};
use nnmeter_core::typed::TypedGraph;

use super::{Look, Operator};
use crate::error::Result;

/// How often the operators stand in a network.
pub(super) const UNITS: usize = 4;

/// A network, by what sets it apart from others.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Network {
    pub(super) look: Look,
    /// What stands behind each trunk, in order.
    pub(super) operators: Vec<Operator>,
    /// Whether sums read an input of the model.
    pub(super) beside_input: bool,
    /// Which of the operators' results have to be there as a whole, and why.
    pub(super) held: Option<(usize, Hold)>,
    /// Whether there is one operator after the other on an input and nothing else.
    pub(super) alone: bool,
}

/// Why a result has to be there as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Hold {
    /// It is an output of the model.
    Returned,
    /// A global pooling reads it, too.
    Shared,
}

impl Network {
    /// `operators` between convolutions.
    pub(super) fn between(look: Look, operators: &[Operator]) -> Self {
        let operators = operators.to_vec();
        Self { look, operators, beside_input: false, held: None, alone: false }
    }

    /// The same, with a result that has to be there.
    pub(super) fn holding(self, place: usize, hold: Hold) -> Self {
        Self { held: Some((place, hold)), ..self }
    }

    /// What people call it.
    pub(super) fn name(&self) -> String {
        let names: Vec<&str> = self.operators.iter().map(|operator| operator.name()).collect();
        let held = match self.held {
            Some((place, Hold::Returned)) => format!(", {place} returned"),
            Some((place, Hold::Shared)) => format!(", {place} shared"),
            None => String::new(),
        };
        let beside = if self.beside_input { ", beside an input" } else { "" };
        let alone = if self.alone { ", alone" } else { "" };
        format!("{} at {}{held}{beside}{alone}", names.join(" "), self.look)
    }

    /// The network as a graph. Operators of unit 2 are called `2/OPERATOR_PLACE` and what is below it.
    pub(super) fn graph(&self) -> Result<TypedGraph> {
        let mut drawing = Drawing::new(self.look);
        let last = match self.alone {
            true => drawing.alone(&self.operators),
            false => drawing.units(self),
        };
        drawing.finish(last)
    }
}

/// The name of the operator at `place` in unit `unit`.
pub(super) fn operator_name(unit: usize, place: usize) -> String {
    format!("{unit}/{place}")
}

/// A value with its number of channels.
#[derive(Clone, Copy)]
pub(super) struct Wire {
    pub(super) value: Value,
    pub(super) channels: usize,
}

/// A network while it is drawn.
pub(super) struct Drawing {
    builder: GraphBuilder,
    pub(super) look: Look,
}

impl Drawing {
    fn new(look: Look) -> Self {
        Self { builder: GraphBuilder::new(), look }
    }

    fn alone(&mut self, operators: &[Operator]) -> Wire {
        let input = self.input("input");
        let two = operators.iter().any(|operator| operator.reads_two());
        let other = if two { self.input("other") } else { input };
        operators.iter().enumerate().fold(input, |data, (place, &operator)| {
            self.operator(&operator_name(0, place), operator, data, other)
        })
    }

    fn units(&mut self, network: &Network) -> Wire {
        let input = self.input("input");
        let mut last = self.pointwise("stem", input, self.look.channels);
        for unit in 0..UNITS {
            let other = if network.beside_input { input } else { last };
            last = self.pointwise(&format!("{unit}/trunk"), last, self.look.channels);
            for (place, &operator) in network.operators.iter().enumerate() {
                last = self.operator(&operator_name(unit, place), operator, last, other);
                if let Some((_, hold)) = network.held.filter(|held| held.0 == place) {
                    self.hold(unit, last, hold);
                }
            }
        }
        self.pointwise("tail", last, self.look.channels)
    }

    fn hold(&mut self, unit: usize, wire: Wire, hold: Hold) {
        let held = match hold {
            Hold::Returned => wire,
            Hold::Shared => self.global_pool(&format!("{unit}/aside"), wire),
        };
        self.builder.returns(held.value);
    }

    fn input(&mut self, name: &str) -> Wire {
        let Look { channels, side, .. } = self.look;
        let dims = [1, channels, side, side].map(Dim::Known).to_vec();
        self.place(name, Op::Input(DType::F32, Some(dims)), &[], channels)
    }

    pub(super) fn place(
        &mut self,
        name: &str,
        op: Op,
        operands: &[Value],
        channels: usize,
    ) -> Wire {
        let node = self.builder.place(name, op, operands, 1);
        Wire { value: Value { node, port: 0 }, channels }
    }

    pub(super) fn constant(&mut self, name: &str, constant: Constant) -> Value {
        self.place(name, Op::Const(constant), &[], 0).value
    }

    pub(super) fn weight(&mut self, name: &str, dims: &[usize]) -> Value {
        self.constant(name, Constant::opaque(TensorType::f32(dims.iter().copied())))
    }

    fn finish(mut self, last: Wire) -> Result<TypedGraph> {
        self.builder.returns(last.value);
        let graph = self.builder.finish(Layout::ChannelsFirst)?;
        Ok(graph.infer_shapes()?)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::backend::Model;
    use crate::fusion::Plan;

    /// Every operator can be drawn, written and read: shapes agree, and names are distinct.
    #[test]
    fn all_operators_are_drawn() {
        let all = [Operator::HEAVY, Operator::ELEMENTWISE, Operator::SPELLED_OUT].concat();
        for (look, operator) in
            Plan::default().looks.into_iter().flat_map(|look| all.iter().map(move |&o| (look, o)))
        {
            for network in [
                Network::between(look, &[Operator::Conv, operator]).holding(0, Hold::Shared),
                Network { beside_input: true, ..Network::between(look, &[operator]) },
                Network { alone: true, ..Network::between(look, &[operator, Operator::Relu]) },
            ] {
                let graph = network.graph().expect("shapes that agree");
                let model = Model::of_graph(network.name(), graph).expect("ONNX says it");
                let nodes = model.graph().graph().dag().node_weights();
                let names: Vec<&str> = nodes.map(|node| &*node.name).collect();
                let distinct: HashSet<&&str> = names.iter().collect();
                assert_eq!(distinct.len(), names.len(), "{}", network.name());
            }
        }
    }
}
