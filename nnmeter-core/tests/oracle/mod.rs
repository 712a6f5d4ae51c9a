//! The slow, obviously right kernel detector that the fast one is tested against.
//!
//! Units and wires are found anew by searching the whole graph for every question, and each step
//! starts over after every change. Out of its domain: GELU, softmax and layer normalisation spelled
//! out in parts, and `MON` 1 (several consumers always stop fusion here).
//!
//! Another test takes it in with `#[path = "../nnmeter-core/tests/oracle/mod.rs"] mod oracle;`.

mod blocks;
mod operators;

use std::collections::BTreeSet;

use nnmeter_core::graph::NodeId;
use nnmeter_core::kind::Kind;
use nnmeter_core::op::Op;
use nnmeter_core::typed::TypedGraph;
use serde_json::Value as Json;

/// Operators that fuse as one.
pub(crate) struct Unit {
    kind: Kind,
    nodes: BTreeSet<NodeId>,
    tail: NodeId,
}

/// The graph and its units so far, by the topological order of their tails.
pub(crate) struct Units<'a> {
    graph: &'a TypedGraph,
    units: Vec<Unit>,
}

/// The kernels of `graph`: names and operators, both sorted.
pub(crate) fn kernels(graph: &TypedGraph, rules: &Json) -> Vec<(String, Vec<NodeId>)> {
    let units = blocks::collapse(graph);
    let mut next: Vec<Option<usize>> = vec![None; units.units.len()];
    fuse_patterns(&units, rules, &mut next);
    fuse_pairs(&units, rules, &mut next);
    let heads = (0..next.len()).filter(|&unit| !next.contains(&Some(unit)));
    let mut kernels: Vec<_> = heads.map(|head| units.kernel(head, &next)).collect();
    kernels.sort();
    kernels
}

impl Units<'_> {
    /// The unit that a node belongs to, if it is an operator.
    fn of(&self, node: NodeId) -> Option<usize> {
        self.units.iter().position(|unit| unit.nodes.contains(&node))
    }

    /// The units that read any result of `unit`.
    fn consumers(&self, unit: usize) -> BTreeSet<usize> {
        let edges = self.graph.graph().dag().raw_edges().iter();
        let leaving = edges.filter(|edge| self.of(edge.source()) == Some(unit));
        leaving.filter_map(|edge| self.of(edge.target())).filter(|&to| to != unit).collect()
    }

    /// The units that `unit` reads, the lowest operand slot first.
    fn producers(&self, unit: usize) -> Vec<usize> {
        let edges = self.graph.graph().dag().raw_edges().iter();
        let entering = edges.filter(|edge| self.of(edge.target()) == Some(unit));
        let mut producers: Vec<(u16, usize)> = entering
            .filter_map(|edge| Some((edge.weight.slot, self.of(edge.source())?)))
            .filter(|&(_, from)| from != unit)
            .collect();
        producers.sort_unstable();
        producers.into_iter().map(|(_, from)| from).collect()
    }

    /// The unit that alone reads `unit`; none if the graph returns a result of it.
    fn only_consumer(&self, unit: usize) -> Option<usize> {
        let mut outputs = self.graph.graph().outputs().iter();
        if outputs.any(|output| self.units[unit].nodes.contains(&output.node)) {
            return None;
        }
        let consumers = self.consumers(unit);
        if consumers.len() == 1 { consumers.first().copied() } else { None }
    }

    fn kernel(&self, head: usize, next: &[Option<usize>]) -> (String, Vec<NodeId>) {
        let chain: Vec<usize> = std::iter::successors(Some(head), |&unit| next[unit]).collect();
        let names: Vec<&str> = chain.iter().map(|&unit| self.units[unit].kind.name()).collect();
        let nodes: BTreeSet<NodeId> =
            chain.iter().flat_map(|&unit| self.units[unit].nodes.iter().copied()).collect();
        (names.join("-"), nodes.into_iter().collect())
    }
}

/// Names that rules may call a kind by.
fn names(kind: Kind) -> Vec<&'static str> {
    match kind {
        Kind::MaxPool => vec!["maxpool", "pooling"],
        Kind::AvgPool => vec!["avgpool", "pooling"],
        Kind::Fc => vec!["fc", "dense"],
        Kind::GlobalAvgPool => vec!["global-avgpool", "gap"],
        kind => vec![kind.name()],
    }
}

fn is_true(rules: &Json, name: &str) -> bool {
    rules[name]["obey"] == Json::Bool(true)
}

/// Whether a list of names in `json` has one of a kind's.
fn lists(json: &Json, kind: Kind) -> bool {
    let listed = json.as_array().into_iter().flatten();
    listed.filter_map(Json::as_str).any(|name| names(kind).contains(&name))
}

/// Whether the wire between two units lies where `context` says. `next` is what fuses so far.
fn meets(
    units: &Units<'_>,
    context: &Json,
    (from, to): (usize, usize),
    next: &[Option<usize>],
) -> bool {
    let mut head = from;
    while let Some(before) = next.iter().position(|&after| after == Some(head)) {
        head = before;
    }
    let kind = |unit: usize| units.units[unit].kind;
    let begins = &context["kernel_begins_with"];
    let any = begins.as_array().is_none_or(Vec::is_empty);
    let graph = units.graph.graph();
    let members = &units.units[to].nodes;
    let returned = graph.outputs().iter().any(|output| members.contains(&output.node));
    let beside = &context["not_beside"];
    let mut others = units.producers(to).into_iter().filter(|&other| other != from);
    let inputs = beside.as_array().is_some_and(|names| names.contains(&Json::from("input")));
    let edges = graph.dag().raw_edges().iter().filter(|edge| members.contains(&edge.target()));
    let reads_input =
        edges.into_iter().any(|edge| matches!(graph.node(edge.source()).op, Op::Input(..)));
    (any || lists(begins, kind(head)))
        && !(returned && context["not_returned"] == Json::Bool(true))
        && !others.any(|other| lists(beside, kind(other)))
        && !(inputs && reads_input)
}

/// Whole patterns: the longest first, equally long ones by name.
fn patterns(rules: &Json) -> Vec<Vec<&str>> {
    let rules_of_json = rules.as_object().expect("rules are an object");
    let mut names: Vec<&str> = rules_of_json.keys().map(String::as_str).collect();
    names.sort_unstable();
    let obeyed = names.into_iter().filter(|name| is_true(rules, name));
    let split = obeyed.filter_map(|name| Some(name.strip_prefix("BF_")?.split('_').collect()));
    let mut patterns: Vec<Vec<&str>> = split.filter(|chain: &Vec<&str>| chain.len() > 2).collect();
    patterns.sort_by_key(|chain| std::cmp::Reverse(chain.len()));
    patterns
}

/// Units such that producers come before their only consumer, and the producers of one consumer
/// in the order of its operand slots. Patterns that meet in a unit are tried in this order.
fn pattern_order(units: &Units<'_>) -> Vec<usize> {
    fn visit(units: &Units<'_>, unit: usize, order: &mut Vec<usize>) {
        if order.contains(&unit) {
            return;
        }
        for producer in units.producers(unit) {
            if units.only_consumer(producer) == Some(unit) {
                visit(units, producer, order);
            }
        }
        order.push(unit);
    }
    let mut order = Vec::new();
    (0..units.units.len())
        .filter(|&unit| units.only_consumer(unit).is_none())
        .for_each(|unit| visit(units, unit, &mut order));
    order
}

fn fuse_patterns(units: &Units<'_>, rules: &Json, next: &mut [Option<usize>]) {
    let patterns = patterns(rules);
    let mut used = BTreeSet::new();
    for head in pattern_order(units) {
        let fitting = patterns.iter().find_map(|pattern| {
            let mut chain = vec![head];
            while chain.len() < pattern.len() {
                chain.push(units.only_consumer(chain[chain.len() - 1])?);
            }
            let fits = |(&unit, name): (&usize, &&str)| {
                !used.contains(&unit) && names(units.units[unit].kind).contains(name)
            };
            chain.iter().zip(pattern).all(fits).then_some(chain)
        });
        for pair in fitting.iter().flat_map(|chain| chain.windows(2)) {
            next[pair[0]] = Some(pair[1]);
        }
        used.extend(fitting.unwrap_or_default());
    }
}

fn fuse_pairs(units: &Units<'_>, rules: &Json, next: &mut [Option<usize>]) {
    let allowed = |from: usize, to: usize, next: &[Option<usize>]| {
        let kinds = (names(units.units[from].kind), names(units.units[to].kind));
        let rules_of_two = kinds.0.iter().flat_map(|a| kinds.1.iter().map(move |b| (a, b)));
        let mut obeyed = rules_of_two
            .map(|(a, b)| format!("BF_{a}_{b}"))
            .filter(|name| is_true(rules, name))
            .map(|name| &rules[&name]["where"]);
        obeyed.any(|context| meets(units, context, (from, to), next))
    };
    for unit in 0..units.units.len() {
        if next.contains(&Some(unit)) {
            continue;
        }
        let mut producers = units.producers(unit).into_iter();
        let fusible =
            |&from: &usize| units.only_consumer(from) == Some(unit) && allowed(from, unit, next);
        if let Some(producer) = producers.find(fusible) {
            next[producer] = Some(unit);
        }
    }
}
