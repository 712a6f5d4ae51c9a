//! Real runtimes run what is written as ONNX. Built with the features `onnxruntime`, `openvino` and `tract`;
//! libraries are where `ORT_DYLIB_PATH` and `OPENVINO_LIB_PATH` say. How long anything takes is not looked at.
#![cfg(any(feature = "onnxruntime", feature = "openvino", feature = "tract"))]

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use nnmeter_core::rules::FusionRules;
use nnmeter_hardware::backend::{Backend, Backends, Model, Options};
use nnmeter_hardware::error::ErrorKind;
use nnmeter_hardware::fusion::{self, COMMON, Source};
use nnmeter_hardware::measure::{Log, Plan, Quality, measure};
use nnmeter_hardware::package::Metric;

/// Files without weights, of all operators that networks for phones use.
const FILES: [&str; 9] = [
    "mobilenet_v2",
    "mobilenet_v3_small",
    "nb201",
    "nb201_bn",
    "resnet18",
    "shufflenet_v2_x1_0",
    "shufflenet_v2_x1_0_bn",
    "squeezenet1_1",
    "efficientnet_b0",
];

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/models").join(format!("{name}.onnx"))
}

fn check(name: &str) {
    let options: Options = [("round_ms", "1")].into_iter().collect();
    let backend = Backends::built_in().open(name, &options).expect("the runtime is at hand");
    let models: Vec<Model> =
        FILES.iter().map(|name| Model::read(&file(name)).expect("a model")).collect();
    let plan = Plan { rounds: 2, ..Plan::default() };
    let results = measure(&*backend, &models, &plan, &mut Log::in_memory(), &mut |_| ());
    for (model, result) in models.iter().zip(results.expect("nothing is written")) {
        let measurement = result.unwrap_or_else(|error| panic!("{}: {error}", model.name()));
        let quality = Quality::of(&measurement, Metric::Latency).expect("has figures");
        assert!(quality.minimum > 0.0 && quality.rounds == 2, "{quality:?}");
    }
    reveals(&*backend, &models[4]);
    refuses(&*backend);
}

/// The runtime tells of a network which kernels it made of it: all operators are in one, and some
/// execute several.
fn reveals(backend: &dyn Backend, model: &Model) {
    let graph = model.graph();
    let operators = graph.order().iter().filter(|&&id| graph.is_op(id)).count();
    let mut session = backend.prepare(model).expect("loads");
    let kernels = session.kernels().expect("no failure").expect("it tells");
    let executed: HashSet<&String> = kernels.iter().flat_map(|kernel| &kernel.nodes).collect();
    assert_eq!(executed.len(), operators, "{kernels:?}");
    assert!(kernels.iter().any(|kernel| kernel.nodes.len() > 1), "{kernels:?}");
    let profile = session.profile().expect("no failure").expect("it tells");
    assert_eq!(profile.len(), kernels.len());
    assert!(profile.iter().all(|profiled| !profiled.samples.is_empty()));
}

/// A model that no runtime has the operators of is an error of that model.
fn refuses(backend: &dyn Backend) {
    let json = br#"{"x": {"inbounds": [], "outbounds": ["r"], "attr": {"type": "Placeholder",
        "attr": {"shape": [1, 4, 4, 2]}, "input_shape": [], "output_shape": [[1, 4, 4, 2]]}},
        "r": {"inbounds": ["x"], "outbounds": [], "attr": {"type": "FooBar", "attr": {},
        "input_shape": [], "output_shape": [[1, 4, 4, 2]]}}}"#;
    let model = Model::new("strange", json.to_vec()).expect("a sound model");
    let error = backend.prepare(&model).err().expect("has no such operator");
    assert_eq!(error.kind(), ErrorKind::UnsupportedModel, "{error}");
}

/// The runtime tells which of the common patterns it fuses, by their place among them, but for those
/// that it does not treat alike from unit to unit.
fn tells(name: &str, fused: &[usize], unlike: &[usize]) {
    let backend = Backends::built_in().open(name, &Options::default()).expect("is at hand");
    let plan = fusion::Plan::default();
    let plan = fusion::Plan { rounds: 0, looks: vec![plan.looks[0]], ..plan };
    let mut log = Log::in_memory();
    let (rules, findings) = fusion::rules(&*backend, &plan, Source::Told, &mut log, &mut |_| ())
        .expect("nothing is written");
    let finding = |case| findings.iter().find(|finding| finding.case == case).expect("is asked");
    for (place, case) in COMMON.into_iter().enumerate() {
        let told = finding(case).told().obey();
        let expected = (!unlike.contains(&place)).then_some(fused.contains(&place));
        assert_eq!(told, expected, "{}", case.name());
    }
    assert_ne!(rules, FusionRules::default());
}

#[cfg(feature = "onnxruntime")]
#[test]
fn onnx_runtime_runs_networks() {
    check("onnxruntime");
}

#[cfg(feature = "onnxruntime")]
#[test]
fn onnx_runtime_tells_what_it_fuses() {
    tells("onnxruntime", &[0, 1, 2, 3, 4, 5, 7, 8, 10, 11, 12], &[]);
}

#[cfg(feature = "openvino")]
#[test]
fn openvino_runs_networks() {
    check("openvino");
}

#[cfg(feature = "openvino")]
#[test]
fn openvino_tells_what_it_fuses() {
    tells("openvino", &[0, 1, 2, 3, 4, 5, 6, 7, 9, 10, 11, 12, 13, 14], &[15]);
}

#[cfg(feature = "tract")]
#[test]
fn tract_runs_networks() {
    check("tract");
}
