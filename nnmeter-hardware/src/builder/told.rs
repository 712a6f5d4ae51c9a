//! Fusion rules as a runtime tells them: which operators it executed as one kernel in networks that
//! it ran.

use std::collections::{BTreeMap, HashMap};

use nnmeter_core::detect::detect;
use nnmeter_core::export::nnmeter_ir::names;
use nnmeter_core::graph::NodeId;
use nnmeter_core::kind::Kind;
use nnmeter_core::rules::{FusionRules, pair_name};
use nnmeter_core::typed::TypedGraph;
use serde_json::{Map, Value, json};

use crate::backend::ProfiledKernel;
use crate::error::Result;

/// How often each pair of units, of which only the second reads the first, was in one kernel.
#[derive(Clone, Debug, Default)]
pub struct Told {
    pairs: BTreeMap<(Kind, Kind), Count>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Count {
    fused: u32,
    apart: u32,
}

impl Told {
    /// Counts the pairs of a network by what the runtime told of it.
    ///
    /// # Errors
    /// None, unless there is a mistake here.
    pub fn add(&mut self, graph: &TypedGraph, kernels: &[ProfiledKernel]) -> Result<()> {
        let places = places(graph, kernels);
        let place = |id: &NodeId| places.get(id).copied();
        let units = detect(graph, &no_rules()?);
        let kind_of: HashMap<NodeId, Kind> = units
            .kernels()
            .flat_map(|unit| unit.nodes().iter().map(move |&id| (id, unit.units()[0].kind)))
            .collect();
        for unit in units.kernels() {
            let (kind, Some(&last)) = (unit.units()[0].kind, unit.nodes().last()) else { continue };
            let mut readers = graph.graph().readers(last);
            let (Some(reader), None) = (readers.next(), readers.next()) else { continue };
            let (Some(here), Some(there)) = (place(&last), place(&reader)) else { continue };
            let second = kind_of[&reader];
            if [kind, second].contains(&Kind::Reshape) {
                continue; // views cost nothing, whoever has them
            }
            let count = self.pairs.entry((kind, second)).or_default();
            if here == there { count.fused += 1 } else { count.apart += 1 }
        }
        Ok(())
    }

    /// Whether nothing was told.
    pub fn is_empty(&self) -> bool {
        self.pairs.is_empty()
    }

    /// The rules in nn-Meter's format: a pair is fused that was in most cases, each with its counts.
    pub fn rules_json(&self) -> Value {
        let rules = self.pairs.iter().map(|(&(first, second), count)| {
            let rule = json!({"obey": count.fused > count.apart,
                "runtime_fused": count.fused, "runtime_did_not": count.apart});
            (pair_name(first, second), rule)
        });
        Value::Object(rules.collect::<Map<String, Value>>())
    }
}

fn no_rules() -> Result<FusionRules> {
    Ok(FusionRules::from_json(b"{}")?)
}

/// The place of the last kernel that executes each operator.
fn places(graph: &TypedGraph, kernels: &[ProfiledKernel]) -> HashMap<NodeId, usize> {
    let ids = nodes_by_name(graph);
    let mut places = HashMap::new();
    for (place, kernel) in kernels.iter().enumerate() {
        let nodes = kernel.kernel.nodes.iter().filter_map(|node| ids.get(node));
        places.extend(nodes.map(|&id| (id, place)));
    }
    places
}

/// The operators of a network by the names that backends know them by.
pub(super) fn nodes_by_name(graph: &TypedGraph) -> HashMap<String, NodeId> {
    let mut names = names(graph);
    let ids = graph.order().iter().filter(|&&id| graph.is_op(id));
    ids.map(|&id| (std::mem::take(&mut names[id.index()]), id)).collect()
}
