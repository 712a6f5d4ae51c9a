//! Why each operator lies in the kernel it lies in.

use crate::detect::chains::Chains;
pub use crate::detect::chains::Reason;
use crate::detect::{Detection, blocks};
use crate::graph::NodeId;
use crate::rules::{FusionRules, pair_name};
use crate::typed::TypedGraph;

/// A wire between two units and what became of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Decision {
    /// Last operator of the producing unit.
    pub producer: NodeId,
    /// Last operator of the consuming unit.
    pub consumer: NodeId,
    /// What became of the wire.
    pub reason: Reason,
    /// The same in words, with the rule's name.
    pub text: String,
}

/// The kernels of `graph`, and for every wire between units why it fused or did not.
pub fn explain(graph: &TypedGraph, rules: &FusionRules) -> (Detection, Vec<Decision>) {
    let blocks = blocks::collapse(graph);
    let chains = Chains::new(graph, rules, &blocks);
    let mut decisions = Vec::new();
    for &consumer in &chains.tails {
        for (producer, reason) in chains.reasons(consumer) {
            let pair = pair_name(blocks.kind(producer), blocks.kind(consumer));
            let text = describe(reason, &pair, rules);
            decisions.push(Decision { producer, consumer, reason, text });
        }
    }
    (chains.fuse(), decisions)
}

fn describe(reason: Reason, pair: &str, rules: &FusionRules) -> String {
    match reason {
        Reason::Rule => format!("fused by rule {pair}"),
        Reason::Pattern(index) => {
            let name = rules.patterns().get(index).map_or("?", |pattern| &pattern.name);
            format!("fused by pattern {name}")
        }
        Reason::InContext(index) => {
            let name = rules.contextual().get(index).map_or(pair, |rule| &rule.name);
            format!("fused by rule {name}, whose context this is")
        }
        Reason::OutOfContext(index, misfit) => {
            let name = rules.contextual().get(index).map_or(pair, |rule| &rule.name);
            format!("not fused: rule {name} does not hold {misfit}")
        }
        Reason::SeveralConsumers(count) => {
            format!("not fused: its result has {count} consumers, and MON fuses nothing across it")
        }
        Reason::IsOutput => "not fused: its result is an output of the model".to_owned(),
        Reason::OtherConsumer => {
            "not fused: it fuses with another of its consumers (MON is 1)".to_owned()
        }
        Reason::OtherProducer => {
            "not fused: the consumer is fused to another of its operands".to_owned()
        }
        Reason::Denied => format!("not fused: rule {pair} says no"),
        Reason::NoRule => format!("not fused: no rule {pair}"),
    }
}
