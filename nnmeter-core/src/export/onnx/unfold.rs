//! Batch normalisations as what they compute: a factor and a summand for each channel.

use crate::error::Result;
use crate::graph::NodeId;
use crate::import::onnx::proto;
use crate::op::{Norm, Op};
use crate::tensor::{Constant, TensorType, Values};
use crate::typed::TypedGraph;

use super::attributes::Attributes;
use super::{Writer, weights, window};

/// Whether a node is written as several: a batch normalisation that gives nothing but its result.
pub(super) fn is_unfolded(graph: &TypedGraph, id: NodeId) -> bool {
    let node = graph.graph().node(id);
    matches!(node.op, Op::Norm(Norm::Batch(_))) && node.outputs == 1
}

impl Writer<'_> {
    /// Writes a batch normalisation as `NAME/Mul` and `NAME`.
    pub(super) fn unfold(&mut self, id: NodeId) -> Result<()> {
        if let Op::Norm(Norm::Batch(layout)) = self.graph.graph().node(id).op {
            window::channels_first(self.graph, id, layout)?;
        }
        let own = self.own_name(id);
        let data = self.graph.graph().operand(id, 0).map(|value| self.name(value));
        let scaled = self.fresh(format!("{own}/Mul"));
        let factor = self.of_channels(id, "factor", 0.9);
        let summand = self.of_channels(id, "summand", 0.05);
        let none = Attributes::default;
        let read = vec![data.unwrap_or_default(), factor];
        self.push(scaled.clone(), "Mul", read, vec![scaled.clone()], none());
        self.push(own.clone(), "Add", vec![scaled, summand], vec![own], none());
        Ok(())
    }

    /// A constant for each channel of a node's data, of values from `least` on that differ.
    fn of_channels(&mut self, id: NodeId, what: &str, least: f64) -> String {
        let ty = self.graph.operand_type(id, 0).cloned().unwrap_or_default();
        let channels = ty.dims.get(1).copied().unwrap_or(1);
        let rest = ty.rank().saturating_sub(2);
        let dims = [channels].into_iter().chain(std::iter::repeat_n(1, rest));
        let values = (0..channels).map(|channel| least + 0.01 * (channel % 13) as f64).collect();
        let ty = TensorType::new(ty.dtype, dims);
        let constant = Constant { ty, values: Some(Values::Floats(values)) };
        let name = self.fresh(format!("{}/{what}", self.own_name(id)));
        let tensor = weights::given(&constant);
        self.file.initializer.push(proto::Tensor { name: name.clone(), ..tensor });
        name
    }
}
