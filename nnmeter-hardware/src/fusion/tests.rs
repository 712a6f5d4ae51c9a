//! Studies of a made-up runtime whose fusions are known.

use std::cell::Cell;

use nnmeter_core::graph::NodeId;
use nnmeter_core::op::{Op, Unary};
use nnmeter_core::rules::{FusionRules, Verdict as Ruling};
use nnmeter_core::typed::TypedGraph;

use super::*;
use crate::backend::{ExecutedKernel, Identity, Model, Options, Sample, Session, Timer};
use crate::device::{Precision, Runtime};
use crate::package::Metric;

/// A runtime that fuses a relu into the convolution before it, and what else `fuses` says.
#[derive(Debug)]
struct MadeUp {
    identity: Identity,
    fuses: fn(&Op, &Op) -> bool,
    seed: Cell<u64>,
}

struct MadeUpSession {
    kernels: usize,
    ms: f64,
    random: u64,
}

impl MadeUp {
    fn new(fuses: fn(&Op, &Op) -> bool) -> Self {
        let identity = Identity {
            chip: "none".to_owned(),
            clock: None,
            threads: 1,
            runtime: Runtime::new("made up", "1"),
            precision: Precision::Fp32,
            timer: Timer::Stated,
            options: Options::default(),
        };
        Self { identity, fuses, seed: Cell::new(1) }
    }

    /// Whether an operator is fused into the one whose result it reads first, which nobody else
    /// must have.
    fn is_fused(&self, graph: &TypedGraph, id: NodeId) -> bool {
        let Some(data) = graph.graph().operand(id, 0) else { return false };
        let returned = graph.graph().outputs().contains(&data);
        let readers = graph.graph().dag().edges(data.node).count();
        let op = |id| &graph.graph().node(id).op;
        !returned && readers == 1 && (self.fuses)(op(data.node), op(id))
    }
}

impl Backend for MadeUp {
    fn identity(&self) -> &Identity {
        &self.identity
    }

    fn metrics(&self) -> &[Metric] {
        &[Metric::Latency]
    }

    /// A convolution takes 0.1 ms, any other operator 0.01 ms, and what is fused nothing.
    fn prepare(&self, model: &Model) -> Result<Box<dyn Session>> {
        let graph = model.graph();
        let ids = graph.order().iter().copied().filter(|&id| graph.is_op(id));
        let kernels: Vec<NodeId> = ids.filter(|&id| !self.is_fused(graph, id)).collect();
        let cost = |&id: &NodeId| match graph.graph().node(id).op {
            Op::Conv(_) => 0.1,
            _ => 0.01,
        };
        self.seed.set(self.seed.get() + 1);
        let (ms, random) = (kernels.iter().map(cost).sum(), self.seed.get());
        Ok(Box::new(MadeUpSession { kernels: kernels.len(), ms, random }))
    }
}

impl Session for MadeUpSession {
    /// With half a percent of noise, and one round in ten that something else disturbs.
    fn measure(&mut self) -> Result<Vec<Sample>> {
        self.random = self.random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(99_991);
        let uniform = (self.random >> 11) as f64 / (1u64 << 53) as f64;
        let noise = if uniform > 0.9 { 0.5 } else { 0.005 * uniform };
        Ok(vec![Sample { metric: Metric::Latency, value: self.ms * (1.0 + noise) }])
    }

    fn kernels(&mut self) -> Result<Option<Vec<ExecutedKernel>>> {
        let kernel = |index: usize| ExecutedKernel { name: index.to_string(), nodes: Vec::new() };
        Ok(Some((0..self.kernels).map(kernel).collect()))
    }
}

fn relu_after_conv(first: &Op, second: &Op) -> bool {
    matches!((first, second), (Op::Conv(_), Op::Unary(Unary::Relu)))
}

fn plan() -> Plan {
    let shapes = vec![Shape { channels: 2, side: 4 }];
    Plan { firsts: vec![Operator::Conv, Operator::Relu], shapes, rounds: 200, ..Plan::default() }
}

#[test]
fn a_runtime_is_found_out() {
    let backend = MadeUp::new(relu_after_conv);
    let mut last = None;
    let pairs = find(&backend, &plan(), &mut Log::in_memory(), &mut |progress| {
        last = Some(*progress);
    });
    let pairs = pairs.expect("nothing is written");
    assert_eq!(pairs.len(), 2 * Operator::SECOND.len());
    for pair in &pairs {
        let expected = match (pair.first, pair.second) {
            (Operator::Conv, Operator::Relu) => Verdict::Fused,
            (_, Operator::Sigmoid | Operator::Hswish) => Verdict::Undecided,
            _ => Verdict::NotFused,
        };
        assert_eq!(pair.verdict(), expected, "{pair:?}");
    }
    let agreement = Agreement::of(&pairs);
    assert_eq!((agreement.told, agreement.right, agreement.undecided()), (20, 16, 4));
    assert_eq!((agreement.nn_meter_right, agreement.nn_meter_wrong), (20, 0));
    assert!(last.is_some_and(|progress| progress.done == progress.rounds));
}

/// A runtime that fuses nothing, measured again and again: hardly ever is a pair said to be fused.
#[test]
fn wrong_verdicts_are_rare() {
    for seed in 0..10 {
        let backend = MadeUp::new(|_, _| false);
        backend.seed.set(1000 * seed);
        let plan = Plan { rounds: 20, ..plan() };
        let pairs = find(&backend, &plan, &mut Log::in_memory(), &mut |_| ());
        let pairs = pairs.expect("nothing is written");
        assert!(pairs.iter().all(|pair| pair.verdict() != Verdict::Fused), "seed {seed}");
    }
}

#[test]
fn what_was_found_reads_as_rules() {
    let backend = MadeUp::new(relu_after_conv);
    let pairs = find(&backend, &plan(), &mut Log::in_memory(), &mut |_| ());
    let json = rules_json(&pairs.expect("nothing is written"));
    let rules = FusionRules::from_json(json.to_string().as_bytes()).expect("valid rules");
    let kinds = |first: Operator, second: Operator| (first.kind(), second.kind());
    let of = |(first, second)| rules.verdict(first, second);
    assert_eq!(of(kinds(Operator::Conv, Operator::Relu)), Ruling::Allowed);
    assert_eq!(of(kinds(Operator::Relu, Operator::Conv)), Ruling::Denied);
    assert_eq!(of(kinds(Operator::Conv, Operator::Sigmoid)), Ruling::NoRule);
    assert_eq!(json["BF_conv_relu"]["found"][0]["runtime_says_fused"], true);
}

#[test]
fn pairs_that_differ_from_shape_to_shape_are_undecided() {
    let mut pairs = find(
        &MadeUp::new(relu_after_conv),
        &Plan { firsts: vec![Operator::Conv], ..plan() },
        &mut Log::in_memory(),
        &mut |_| (),
    )
    .expect("nothing is written");
    let other = pairs[0].findings[0].clone();
    let relu = pairs.iter_mut().find(|pair| pair.second == Operator::Relu).expect("is there");
    assert_eq!(relu.verdict(), Verdict::Fused);
    relu.findings.push(other);
    assert_eq!(relu.verdict(), Verdict::Undecided);
}
