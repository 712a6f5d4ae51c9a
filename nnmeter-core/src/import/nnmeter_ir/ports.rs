//! Which output of a Split a consumer reads. nn-Meter IR does not say: consumers name the node, not
//! the part.
//!
//! Parts go to the consumers in the order of the Split's `outbounds`, the first to the first. A
//! consumer whose recorded input shape fits another part only gets that one. More consumers than
//! parts start over; consumers that `outbounds` leaves out follow in the order of the file.

use std::borrow::Cow;
use std::collections::HashMap;

use super::super::allowance::Allowance;
use super::attrs::View;
use super::schema::IrNode;
use crate::error::Result;
use crate::op::Op;

/// How many outputs a file may record for a node, and how many a mere number may claim.
const MAX_OUTPUTS: usize = 4096;
const MAX_CLAIMED: usize = 256;

/// Ports of the nodes with several outputs, by node and consumer.
pub(super) struct Ports<'g> {
    ranks: HashMap<(&'g str, &'g str), Vec<usize>>,
}

impl<'g> Ports<'g> {
    /// Ranks the consumers of every node with several outputs.
    pub(super) fn assign(nodes: &'g [IrNode<'_>], index: &HashMap<&'g str, usize>) -> Self {
        let mut ranks: HashMap<(&str, &str), Vec<usize>> = HashMap::new();
        let mut next: HashMap<&str, usize> = HashMap::new();
        for node in nodes.iter().filter(|node| output_count(node) > 1) {
            for (rank, outbound) in node.outbounds.iter().enumerate() {
                ranks.entry((&node.name, &outbound.0)).or_default().push(rank);
            }
            next.insert(&node.name, node.outbounds.len());
        }
        if next.is_empty() {
            return Self { ranks };
        }
        for node in nodes {
            for inbound in &node.inbounds {
                let Some(next) = next.get_mut(inbound.0.as_ref()) else { continue };
                if index.contains_key(inbound.0.as_ref()) {
                    ranks.entry((&inbound.0, &node.name)).or_insert_with(|| {
                        *next += 1;
                        vec![*next - 1]
                    });
                }
            }
        }
        Self { ranks }
    }

    /// Pays for the outputs that a node claims.
    pub(super) fn pay(&self, allowance: &Allowance, node: &IrNode<'_>) -> Result<()> {
        let count = output_count(node);
        allowance.pay_outputs(count, &node.name, || {
            format!("node \"{}\" with {count} outputs", node.name)
        })
    }

    /// Names of a node's own values.
    pub(super) fn outputs<'n>(&self, node: &'n IrNode<'_>, op: &Op) -> Vec<Cow<'n, str>> {
        let count = match op {
            Op::Input(..) | Op::Const(_) => 1,
            _ => output_count(node),
        };
        (0..count).map(|port| value_name(&node.name, port)).collect()
    }

    /// The name of the value that `view`'s node reads through its inbound at `position`.
    pub(super) fn operand<'n>(
        &self,
        view: &View<'_, '_>,
        position: usize,
        name: &'n str,
    ) -> Cow<'n, str> {
        let producer = match view.find(name) {
            Some(producer) => producer,
            None => return first_output(view, name),
        };
        let count = output_count(producer);
        let Some(ranks) = self.ranks.get(&(name, view.node.name.as_ref())).filter(|_| count > 1)
        else {
            return Cow::Borrowed(name);
        };
        let earlier = &view.node.inbounds[..position];
        let repeats = earlier.iter().filter(|inbound| inbound.0 == name).count();
        let rank = ranks[repeats.min(ranks.len() - 1)];
        let wanted = view.node.body.input_shape.0.get(position);
        let fits = |port: &usize| match (wanted, producer.body.output_shape.0.get(*port)) {
            (Some(wanted), Some(made)) => wanted == made,
            _ => false,
        };
        let port = (rank..rank + count).map(|port| port % count).find(fits);
        value_name(name, port.unwrap_or(rank % count))
    }
}

/// `name:0` is the first output of `name`, if the file has no node of that very name.
fn first_output<'n>(view: &View<'_, '_>, name: &'n str) -> Cow<'n, str> {
    match name.strip_suffix(":0") {
        Some(node) if view.find(node).is_some() => Cow::Borrowed(node),
        _ => Cow::Borrowed(name),
    }
}

fn value_name(node: &str, port: usize) -> Cow<'_, str> {
    if port == 0 { Cow::Borrowed(node) } else { Cow::Owned(format!("{node}:{port}")) }
}

/// Outputs of a node: one for each recorded shape, or as many as a Split says.
fn output_count(node: &IrNode<'_>) -> usize {
    let recorded = node.body.output_shape.0.len();
    let split = super::attrs::first(node.attrs().num_split.as_ref())
        .and_then(|count| usize::try_from(count).ok())
        .or_else(|| node.attrs().split.as_ref().map(|sizes| sizes.0.len()));
    split.unwrap_or(0).min(MAX_CLAIMED).max(recorded).clamp(1, MAX_OUTPUTS)
}
