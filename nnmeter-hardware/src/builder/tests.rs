//! Builds with a made-up runtime, whose costs are known.

use std::panic::{AssertUnwindSafe, catch_unwind};

use nnmeter_core::detect::detect;
use nnmeter_core::export::nnmeter_ir::names;
use nnmeter_core::kind::Kind;
use nnmeter_core::predict::workloads;
use nnmeter_core::rules::{FusionRules, Verdict};
use nnmeter_core::typed::TypedGraph;

use super::*;
use crate::backend::{ExecutedKernel, Identity, Options, ProfiledKernel, Sample, Session, Timer};
use crate::device::{Precision, Runtime};

/// What the runtime fuses.
const RULES: &[u8] = br#"{"BF_conv_relu": {"obey": true}, "BF_add_relu": {"obey": true}}"#;

/// A runtime whose kernels cost what they compute, move and load, and a start each. It tells of
/// them, if it `tells`, in a clock that runs fast.
#[derive(Debug)]
struct Known {
    identity: Identity,
    tells: bool,
}

struct KnownSession(Vec<(ExecutedKernel, f64)>, bool);

impl Known {
    fn new(tells: bool) -> Self {
        let identity = Identity {
            chip: "none".to_owned(),
            clock: None,
            threads: 1,
            runtime: Runtime::new("made up", "1"),
            precision: Precision::Fp32,
            timer: Timer::Stated,
            options: Options::default(),
        };
        Self { identity, tells }
    }
}

fn kernels(graph: &TypedGraph) -> Vec<(ExecutedKernel, f64)> {
    let (rules, names) = (FusionRules::from_json(RULES).expect("rules"), names(graph));
    let detection = detect(graph, &rules);
    let kernels = detection.kernels().map(|kernel| {
        let works = workloads(graph, kernel).expect("shapes are known");
        let of = |work: &nnmeter_core::workload::Workload| {
            let moved = (work.read + work.written) as f64;
            2e-9 * work.macs as f64 + 4e-8 * moved + 1e-8 * work.weights as f64 + 2e-3
        };
        let cost = works.iter().filter(|work| work.kind != Kind::Reshape).map(of).sum();
        let nodes = kernel.nodes().iter().map(|id| names[id.index()].clone()).collect();
        (ExecutedKernel { name: kernel.name(), nodes }, cost)
    });
    kernels.collect()
}

impl Backend for Known {
    fn identity(&self) -> &Identity {
        &self.identity
    }

    fn metrics(&self) -> &[Metric] {
        &[Metric::Latency]
    }

    fn prepare(&self, model: &Model) -> Result<Box<dyn Session>> {
        Ok(Box::new(KnownSession(kernels(model.graph()), self.tells)))
    }
}

impl Session for KnownSession {
    fn measure(&mut self) -> Result<Vec<Sample>> {
        Ok(vec![sample(self.0.iter().map(|(_, cost)| cost).sum())])
    }

    fn profile(&mut self) -> Result<Option<Vec<ProfiledKernel>>> {
        let profiled = |(kernel, cost): &(ExecutedKernel, f64)| ProfiledKernel {
            kernel: kernel.clone(),
            samples: vec![sample(1.2 * cost)],
        };
        Ok(self.1.then(|| self.0.iter().map(profiled).collect()))
    }
}

fn sample(value: f64) -> Sample {
    Sample { metric: Metric::Latency, value }
}

/// A batch and a half, judged by the small ones of the published networks.
fn plan(backend: &Known) -> Plan {
    let small = ["squeezenet1.1", "mobilenet_v1 0.5@160", "shufflenet_v2 0.5"];
    let judges = zoo::all().expect("sound networks").into_iter();
    Plan {
        device: backend.identity().device("known", "a made-up runtime"),
        date: "2026-01-31".to_owned(),
        seed: 1,
        rounds: 2,
        judges: judges.filter(|known| small.contains(&known.name.as_str())).collect(),
        enough: Enough { networks: Some(72), ..Enough::default() },
        rules: None,
    }
}

#[test]
fn a_runtime_that_tells_becomes_a_device() {
    let backend = Known::new(true);
    let mut shares = Vec::new();
    let built = build(&backend, &plan(&backend), &mut Log::in_memory(), &mut |event| {
        if let Event::Fitted { within_10, .. } = event {
            shares.push(within_10);
        }
    });
    let built = built.expect("a device");
    assert!(built.failed.is_empty() && built.report.failed.is_empty(), "{built:?}");
    assert_eq!(built.package.provenance.models, 72);
    let rules = built.package.rules.rules();
    assert_eq!(rules.verdict(Kind::Conv, Kind::Relu), Verdict::Allowed);
    assert_eq!(rules.verdict(Kind::Relu, Kind::Conv), Verdict::Denied);
    let accuracy = built.report.accuracy().expect("was judged");
    assert_eq!((accuracy.models, accuracy.within_10), (3, 100.0), "{:?}", built.report);
    assert!(matches!(shares[..], [None, Some(share)] if share > 0.8), "{shares:?}");
    assert_eq!(built.package.accuracy.len(), 2);
    built.package.to_bytes().expect("can be written");
}

#[test]
fn a_runtime_that_does_not_tell_takes_rules() {
    let backend = Known::new(false);
    let build = |plan: &Plan| build(&backend, plan, &mut Log::in_memory(), &mut |_| ());
    let error = build(&plan(&backend)).expect_err("nothing tells the rules");
    assert!(error.advice().is_some_and(|hint| hint.contains("build rules")), "{error}");
    let rules = Some(RuleFile::from_json(RULES).expect("rules"));
    let built = build(&Plan { rules, ..plan(&backend) }).expect("a device");
    let accuracy = built.report.accuracy().expect("was judged");
    assert!(accuracy.rmspe < 15.0, "totals alone tell less: {:?}", built.report);
}

/// Whatever a build is doing when it is stopped, another goes on and ends with the same bytes.
#[test]
fn a_build_that_was_stopped_ends_with_the_same_package() {
    let backend = Known::new(true);
    let (plan, folder) = (plan(&backend), tempfile::tempdir().expect("a folder"));
    let run = |name: &str, most: usize| {
        let mut log = Log::open(&folder.path().join(name), backend.identity()).expect("a log");
        let mut events = 0;
        let built = catch_unwind(AssertUnwindSafe(|| {
            build(&backend, &plan, &mut log, &mut |_| {
                events += 1;
                assert!(events < most, "stopped");
            })
        }));
        built.ok().map(|built| built.expect("a device").package.to_bytes().expect("bytes"))
    };
    let whole = run("whole", usize::MAX).expect("is not stopped");
    for most in [2, 40, 90, 120] {
        assert!(run("stopped", most).is_none(), "{most}");
    }
    assert!(run("stopped", usize::MAX) == Some(whole), "other bytes");
}
