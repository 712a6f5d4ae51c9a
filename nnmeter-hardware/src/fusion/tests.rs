//! Studies of a made-up runtime whose fusions are known.

use std::cell::Cell;

use nnmeter_core::detect::detect;
use nnmeter_core::export::nnmeter_ir::names;
use nnmeter_core::kind::Kind;
use nnmeter_core::rules::{FusionRules, Verdict as Ruling};

use super::*;
use crate::backend::{ExecutedKernel, Identity, Model, Options, Sample, Session, Timer};
use crate::device::{Precision, Runtime};
use crate::package::Metric;

/// A runtime that fuses what its rules say. A convolution takes 0.1 ms, any other kernel 0.01 ms.
#[derive(Debug)]
struct MadeUp {
    identity: Identity,
    rules: FusionRules,
    tells: bool,
    seed: Cell<u64>,
}

struct MadeUpSession {
    kernels: Option<Vec<ExecutedKernel>>,
    ms: f64,
    random: u64,
}

impl MadeUp {
    fn new(rules: &str) -> Self {
        let identity = Identity {
            chip: "none".to_owned(),
            clock: None,
            threads: 1,
            runtime: Runtime::new("made up", "1"),
            precision: Precision::Fp32,
            timer: Timer::Stated,
            options: Options::default(),
        };
        let rules = FusionRules::from_json(rules.as_bytes()).expect("valid rules");
        Self { identity, rules, tells: true, seed: Cell::new(1) }
    }
}

impl Backend for MadeUp {
    fn identity(&self) -> &Identity {
        &self.identity
    }

    fn metrics(&self) -> &[Metric] {
        &[Metric::Latency]
    }

    fn prepare(&self, model: &Model) -> Result<Box<dyn Session>> {
        let graph = model.graph();
        let (detection, names) = (detect(graph, &self.rules), names(graph));
        let is_conv = |kind| matches!(kind, Kind::Conv | Kind::DwConv | Kind::ConvTrans);
        let (mut kernels, mut ms) = (Vec::new(), 0.0);
        for kernel in detection.kernels() {
            let convolves = kernel.units().iter().any(|unit| is_conv(unit.kind));
            ms += if convolves { 0.1 } else { 0.01 };
            let nodes = kernel.nodes().iter().map(|id| names[id.index()].clone()).collect();
            kernels.push(ExecutedKernel { name: kernel.name(), nodes });
        }
        self.seed.set(self.seed.get() + 1);
        let (kernels, random) = (self.tells.then_some(kernels), self.seed.get());
        Ok(Box::new(MadeUpSession { kernels, ms, random }))
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
        Ok(self.kernels.clone())
    }
}

/// Sums only into convolutions and not beside inputs, relus into sums only there, hard swishes
/// unless they are returned, hard swishes and shuffles in one piece.
const RULES: &str = r#"{"BF_conv_relu": {"obey": true},
    "BF_conv_add": {"obey": true, "where": {"not_beside": ["input"]}},
    "BF_add_relu": {"obey": true, "where": {"kernel_begins_with": ["conv", "dwconv"]}},
    "BF_conv_hswish": {"obey": true, "where": {"not_returned": true}}}"#;

fn plan() -> Plan {
    let firsts = vec![Operator::Conv, Operator::Relu, Operator::Add];
    Plan { firsts, step: 20, rounds: 120, ..Plan::default() }
}

fn found(backend: &MadeUp, plan: &Plan) -> Vec<Finding> {
    find(backend, plan, &mut Log::in_memory(), &mut |_| ()).expect("nothing is written")
}

#[test]
fn a_runtime_is_found_out() {
    let backend = MadeUp::new(RULES);
    let mut last = None;
    let (rules, findings) =
        rules(&backend, &plan(), Source::Measured, &mut Log::in_memory(), &mut |progress| {
            last = Some(*progress);
        })
        .expect("nothing is written");
    assert!(last.is_some_and(|progress| progress.done == progress.rounds));
    for finding in &findings {
        assert_eq!(finding.verdict(), finding.told(), "{finding:#?}");
    }
    let agreement = Agreement::of(&findings);
    assert_eq!((agreement.told, agreement.undecided()), (findings.len(), 0));
    for first in [Kind::Conv, Kind::Relu, Kind::Add] {
        for second in Operator::ELEMENTWISE.iter().map(|operator| operator.kind()) {
            let (found, real) =
                (rules.verdict(first, second), backend.rules.verdict(first, second));
            match (found, real) {
                (Ruling::InContext(found), Ruling::InContext(real)) => {
                    let [found, real] =
                        [&rules.contextual()[found], &backend.rules.contextual()[real]];
                    assert_eq!(found.context, real.context, "{}", real.name);
                }
                (Ruling::Denied, Ruling::NoRule) => {}
                _ => assert_eq!(found, real, "{first} {second}"),
            }
        }
    }
}

/// A runtime that fuses nothing, measured again and again: hardly ever is a pair said to be fused.
#[test]
fn wrong_verdicts_are_rare() {
    for seed in 0..10 {
        let backend = MadeUp::new("{}");
        backend.seed.set(1000 * seed);
        let plan = Plan { step: 4, rounds: 20, ..plan() };
        for finding in found(&backend, &plan) {
            if let Case::Pair(..) = finding.case {
                assert_ne!(finding.verdict(), Verdict::Fused, "seed {seed}: {finding:?}");
            }
        }
    }
}

#[test]
fn rules_are_what_the_runtime_tells_if_that_is_asked_for() {
    let plan = Plan { rounds: 0, ..plan() };
    let findings = found(&MadeUp::new(RULES), &plan);
    assert!(findings.iter().all(|finding| finding.verdict() == Verdict::Undecided));
    let obey = |findings: &[Finding], source, rule: &str| {
        rules_json(findings, source)[rule]["obey"].clone()
    };
    assert_eq!(obey(&findings, Source::Told, "BF_conv_relu"), true);
    assert_eq!(obey(&findings, Source::Told, "BF_relu_conv"), false);
    assert_eq!(obey(&findings, Source::Told, "MON"), 0);
    assert_eq!(obey(&findings, Source::Told, "BLOCK_se"), true);
    assert_eq!(obey(&findings, Source::Measured, "BF_conv_relu"), serde_json::Value::Null);
    let silent = MadeUp { tells: false, ..MadeUp::new(RULES) };
    let findings = found(&silent, &plan);
    assert_eq!(obey(&findings, Source::Told, "BF_conv_relu"), serde_json::Value::Null);
    assert_eq!(Agreement::of(&findings), Agreement::default());
}

#[test]
fn what_differs_from_image_to_image_is_undecided() {
    let plan = Plan { firsts: vec![Operator::Conv], ..plan() };
    let mut findings = found(&MadeUp::new(RULES), &plan);
    let place = |second| {
        let case = Case::Pair(Site::Plain, Operator::Conv, second);
        findings.iter().position(|finding| finding.case == case).expect("is asked")
    };
    let (relu, bn) = (place(Operator::Relu), place(Operator::Bn));
    let other = findings[bn].seen[0].clone();
    assert_eq!(findings[relu].verdict(), Verdict::Fused);
    findings[relu].seen.push(other);
    assert_eq!(findings[relu].verdict(), Verdict::Undecided);
    assert_eq!(findings[relu].told(), Verdict::Undecided);
}
