//! Whether a wire lies where a rule with a context holds.

use crate::detect::chains::Chains;
use crate::graph::NodeId;
use crate::op::Op;
use crate::rules::Misfit;

impl Chains<'_> {
    /// What keeps a contextual rule from holding on the wire between two units, if anything does.
    pub(super) fn misfit(&self, rule: usize, producer: NodeId, consumer: NodeId) -> Option<Misfit> {
        let context = &self.rules.contextual()[rule].context;
        let begins = self.blocks.kind(self.heads[producer.index()]);
        let allowed = &context.kernel_begins_with;
        if !allowed.is_empty() && !allowed.contains(&begins) {
            return Some(Misfit::Begins(begins));
        }
        if context.not_returned && self.blocks.is_returned(consumer) {
            return Some(Misfit::Returned);
        }
        if context.not_beside_inputs && self.reads_input(consumer) {
            return Some(Misfit::BesideInput);
        }
        let others = self.producers(consumer).into_iter().filter(|&id| id != producer);
        let mut kinds = others.map(|id| self.blocks.kind(id));
        kinds.find(|kind| context.not_beside.contains(kind)).map(Misfit::Beside)
    }

    /// Whether a unit reads an input of the model beside what it works on.
    fn reads_input(&self, tail: NodeId) -> bool {
        let graph = self.blocks.graph.graph();
        let is_input = |id: NodeId| matches!(graph.node(id).op, Op::Input(..));
        self.blocks.input(tail).is_none()
            && self.blocks.data_operands(tail).iter().any(|value| is_input(value.node))
    }
}
