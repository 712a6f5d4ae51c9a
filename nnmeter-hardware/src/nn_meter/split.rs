//! The second step of nn-Meter's kernel detection: pairs of nodes fuse along a topological order.

use std::collections::{BTreeMap, HashSet};

use serde::Deserialize;
use serde_json::Value as Json;

use super::ir::{IrGraph, fails};
use super::pyset::PySet;
use crate::error::{Error, ErrorKind, Result};

/// Fusion rules as nn-Meter's detection reads them: names as they are spelled, see
/// [`Quirk::LiteralRules`](super::quirks::Quirk::LiteralRules).
#[derive(Clone, Debug)]
pub(super) struct Rules {
    pairs: HashSet<(String, String)>,
    patterns: Vec<Vec<String>>,
    /// Whether only one consumer may fuse to a node with several (`MON`), or none.
    first_consumer: bool,
}

#[derive(Deserialize)]
struct Rule {
    obey: Option<Json>,
}

impl Rules {
    /// Reads a rule file that the device's package has, so one that was checked.
    pub(super) fn from_json(json: &str) -> Result<Self> {
        let rules: BTreeMap<String, Rule> = serde_json::from_str(json)
            .map_err(|error| Error::new(ErrorKind::BadData, "fusion rules", error.to_string()))?;
        let first_consumer = rules.get("MON").is_some_and(Rule::holds);
        let (mut pairs, mut patterns) = (HashSet::new(), Vec::new());
        for (name, rule) in rules.iter().filter(|(name, _)| name.starts_with("BF")) {
            let ops: Vec<String> = name.split('_').skip(1).map(str::to_owned).collect();
            match <[String; 2]>::try_from(ops) {
                Ok([first, second]) if rule.holds() => {
                    pairs.insert((first, second));
                }
                Err(ops) if rule.holds() && ops.len() > 2 => patterns.push(ops),
                _ => {}
            }
        }
        Ok(Self { pairs, patterns, first_consumer })
    }

    /// Chains of three types or more that fuse as a whole.
    pub(super) fn patterns(&self) -> &[Vec<String>] {
        &self.patterns
    }
}

impl Rule {
    fn holds(&self) -> bool {
        match &self.obey {
            Some(Json::Bool(obey)) => *obey,
            Some(Json::Number(obey)) => obey.as_f64() != Some(0.0),
            _ => false,
        }
    }
}

/// The kernels: nodes of the graph, by their place in topological order.
pub(super) struct Split {
    /// The nodes in topological order.
    pub(super) order: Vec<usize>,
    /// By place: the place of the first node of its kernel.
    pub(super) roots: Vec<usize>,
    /// By place of a first node: the places that its kernel is read at.
    pub(super) consumers: Vec<PySet>,
}

/// Fuses what rules of two allow.
pub(super) fn split(graph: &IrGraph, rules: &Rules) -> Result<Split> {
    let order = topological(graph)?;
    let mut places = vec![0; graph.nodes.len()];
    order.iter().enumerate().for_each(|(place, &node)| places[node] = place);
    let consumers_of = |&node: &usize| {
        let mut set = PySet::default();
        graph.nodes[node].outbounds.iter().for_each(|&consumer| set.add(places[consumer]));
        set
    };
    let consumers = order.iter().map(consumers_of).collect();
    let mut split = Split { roots: (0..order.len()).collect(), order, consumers };
    for place in 0..split.order.len() {
        if split.roots[place] == place {
            while split.fuse_next(graph, rules, place) {}
        }
    }
    Ok(split)
}

impl Split {
    /// Fuses a consumer to the kernel that begins at `place`, if one may: by the type of that node,
    /// see [`Quirk::FirstType`](super::quirks::Quirk::FirstType).
    fn fuse_next(&mut self, graph: &IrGraph, rules: &Rules, place: usize) -> bool {
        if self.consumers[place].len() > 1 && !rules.first_consumer {
            return false;
        }
        let kind = |place: usize| graph.nodes[self.order[place]].kind.clone();
        let may = |&consumer: &usize| {
            self.roots[consumer] == consumer && rules.pairs.contains(&(kind(place), kind(consumer)))
        };
        let Some(consumer) = self.consumers[place].iter().find(may) else { return false };
        self.roots[consumer] = place;
        let further = self.consumers[consumer].clone();
        if rules.first_consumer {
            self.consumers[place].update(&further);
        } else {
            self.consumers[place] = further;
        }
        true
    }

    /// The places of each kernel, by that of its first node.
    pub(super) fn kernels(&self) -> Vec<Vec<usize>> {
        let mut kernels = vec![Vec::new(); self.order.len()];
        for (place, &root) in self.roots.iter().enumerate() {
            kernels[root].push(place);
        }
        kernels.retain(|kernel| !kernel.is_empty());
        kernels
    }
}

/// NetworkX's topological order: by generations, each in the order in which its nodes lost their
/// last producer.
fn topological(graph: &IrGraph) -> Result<Vec<usize>> {
    let drawn = graph.drawn();
    let mut open: Vec<usize> = graph.nodes.iter().map(|node| node.inbounds.len()).collect();
    let mut readers: Vec<Vec<usize>> = vec![Vec::new(); graph.nodes.len()];
    for node in graph.alive() {
        graph.nodes[node].inbounds.iter().for_each(|&producer| readers[producer].push(node));
    }
    let mut order: Vec<usize> = drawn.iter().copied().filter(|&node| open[node] == 0).collect();
    let mut next = 0;
    while let Some(&node) = order.get(next) {
        for &reader in &readers[node] {
            open[reader] -= 1;
            if open[reader] == 0 {
                order.push(reader);
            }
        }
        next += 1;
    }
    if order.len() == drawn.len() {
        return Ok(order);
    }
    let stuck =
        drawn.iter().find(|&&node| open[node] > 0).map_or("", |&node| &graph.nodes[node].name);
    Err(fails(stuck, "lies on a cycle"))
}
