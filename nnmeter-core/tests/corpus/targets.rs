//! What each fuzz target does with its bytes. The fuzz targets and the corpus test share it.
//!
//! A target goes the whole way on success: from bytes to the work of every kernel. It is no oracle
//! of what a model means; it fails where something panics or an error is not fit to be shown.

use bytes::Bytes;
use nnmeter_core::detect::explain::explain;
use nnmeter_core::ensemble::{Ensemble, Forest};
use nnmeter_core::error::{Error, Result};
use nnmeter_core::export;
use nnmeter_core::feature::Feature;
use nnmeter_core::graph::Graph;
use nnmeter_core::import::{self, Format};
use nnmeter_core::nn_meter;
use nnmeter_core::predict::workloads;
use nnmeter_core::rules::FusionRules;
use nnmeter_core::typed::TypedGraph;
use nnmeter_core::workload::Workload;

/// A target by its name, which is that of its folder in the corpus too.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Target {
    /// The name.
    pub(crate) name: &'static str,
    /// Its body.
    pub(crate) run: fn(&[u8]) -> Result<()>,
}

/// All targets.
pub(crate) const ALL: [Target; 8] = [
    Target { name: "onnx", run: |bytes| model(bytes, Some(Format::Onnx)) },
    Target { name: "nnmeter_ir", run: |bytes| model(bytes, Some(Format::NnMeterIr)) },
    Target { name: "tensorflow", run: |bytes| model(bytes, Some(Format::TensorFlow)) },
    Target { name: "nni_ir", run: |bytes| model(bytes, Some(Format::NniIr)) },
    Target { name: "any", run: |bytes| model(bytes, None) },
    Target { name: "xgboost", run: ensemble },
    Target { name: "rules", run: rules },
    Target { name: "sklearn", run: forest },
];

/// Runs the target called `name`, and checks the error if there is one.
///
/// # Panics
/// If there is no such target, or its error is not fit to be shown.
pub(crate) fn run(name: &str, bytes: &[u8]) {
    let Some(target) = ALL.into_iter().find(|target| target.name == name) else {
        panic!("no target is called {name}");
    };
    if let Err(error) = (target.run)(bytes) {
        check_error(&error);
    }
}

/// An error is one line of bounded length, and its parts say something.
pub(crate) fn check_error(error: &Error) {
    let line = error.to_string();
    assert!(line.len() < 1024, "{} bytes: {line}", line.len());
    let texts = [Some(error.subject()), Some(error.found()), error.expectation(), error.advice()];
    for text in texts.into_iter().flatten() {
        assert!(!text.trim().is_empty(), "says nothing: {line:?}");
        assert!(!text.contains(char::is_control), "has control characters: {line:?}");
        assert!(text.len() < 1024, "{} bytes: {text}", text.len());
    }
}

/// A few rules: all that fuse, a pattern, and the first of several consumers.
const RULES: &str = r#"{"BF_conv_bn": {"obey": true}, "BF_conv_relu": {"obey": true},
    "BF_dwconv_bn": {"obey": true}, "BF_bn_relu": {"obey": true}, "BF_relu_relu": {"obey": true},
    "BF_conv_add": {"obey": true}, "BF_add_relu": {"obey": true}, "BF_dense_relu": {"obey": true},
    "BF_relu_concat": {"obey": true}, "BF_add_add": {"obey": true},
    "BF_conv_bn_relu": {"obey": true}, "MON": {"obey": 1}}"#;

fn model(bytes: &[u8], format: Option<Format>) -> Result<()> {
    let graph = import::read(Bytes::copy_from_slice(bytes), format)?;
    let mut other_batch = graph.clone();
    if let Err(error) = other_batch.set_batch(3).and_then(|()| whole_way(other_batch)) {
        check_error(&error);
    }
    whole_way(graph)
}

fn whole_way(graph: Graph) -> Result<()> {
    let typed = graph.infer_shapes()?;
    if let Err(error) = export::nnmeter_ir::write(&typed) {
        check_error(&error);
    }
    detect(&typed, &FusionRules::default());
    detect(&typed, &FusionRules::from_json(RULES.as_bytes())?);
    Ok(())
}

fn detect(typed: &TypedGraph, rules: &FusionRules) {
    let (detection, _) = explain(typed, rules);
    for kernel in detection.kernels() {
        assert!(!kernel.name().is_empty(), "a kernel without a name");
        let work = workloads(typed, kernel);
        work.iter().flatten().for_each(measure);
    }
}

/// Everything that a workload can be asked.
fn measure(work: &Workload) {
    for feature in Feature::ALL {
        assert!(feature.of(work) >= 0.0, "{} of {work:?}", feature.name());
    }
    assert!(nn_meter::features(work).is_none_or(|row| !row.is_empty()), "{work:?}");
    let (flops, read, written) = (work.flops(), work.bytes_read(), work.bytes_written());
    let bytes = read.0.saturating_add(written.0);
    assert!(flops.0 > 0 || bytes > 0 || work.read == 0 || work.written == 0, "{work:?}");
    assert!(work.weight_bytes().0 <= work.weights.saturating_mul(8), "{work:?}");
}

/// Both readers of ensembles; what reads must predict, and survive its own encoding.
fn ensemble(bytes: &[u8]) -> Result<()> {
    let (foreign, own) = (Ensemble::from_xgboost(bytes), Ensemble::from_bytes(bytes));
    for ensemble in [&foreign, &own].into_iter().flatten() {
        if ensemble.n_features() < 1 << 16 {
            let row = vec![0.5; ensemble.n_features()];
            let sum = ensemble.predict_row(&row);
            assert_eq!(sum.to_bits(), ensemble.to_plain().predict_row(&row).to_bits());
        }
        let again = Ensemble::from_bytes(&ensemble.to_bytes());
        assert_eq!(again.as_ref().ok(), Some(ensemble), "its own encoding");
    }
    if let (Err(error), true) = (&foreign, own.is_err()) {
        check_error(error);
    }
    foreign.or(own).map(drop)
}

/// Both readers of forests, in the same way.
fn forest(bytes: &[u8]) -> Result<()> {
    let (foreign, own) = (Forest::from_sklearn(bytes), Forest::from_bytes(bytes));
    for forest in [&foreign, &own].into_iter().flatten() {
        if forest.n_features() < 1 << 16 {
            let row = vec![0.5; forest.n_features()];
            let mean = forest.predict_row(&row);
            assert_eq!(mean.to_bits(), forest.to_plain().predict_row(&row).to_bits());
        }
        let again = Forest::from_bytes(&forest.to_bytes());
        assert_eq!(again.as_ref().ok(), Some(forest), "its own encoding");
    }
    if let (Err(error), true) = (&foreign, own.is_err()) {
        check_error(error);
    }
    foreign.or(own).map(drop)
}

fn rules(bytes: &[u8]) -> Result<()> {
    let rules = FusionRules::from_json(bytes)?;
    assert!(rules.patterns().iter().all(|pattern| pattern.places.len() > 2));
    Ok(())
}
