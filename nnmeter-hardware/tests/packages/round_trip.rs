//! What goes into a package comes out of it, from memory and from files.

use expect_test::expect;
use nnmeter_core::feature::Feature;
use nnmeter_core::kind::Kind;
use nnmeter_core::model::{FittedRange, KernelModel};
use nnmeter_core::units::{Millijoules, Millis};
use nnmeter_hardware::error::ErrorKind;
use nnmeter_hardware::package::Package;

use crate::archives::Parts;
use crate::sample;

#[test]
fn a_package_reads_back_as_it_was() {
    let package = sample::package("test");
    let bytes = package.to_bytes().expect("writes");
    let read = Package::from_bytes(&bytes).expect("reads");
    assert_eq!(read.device, package.device);
    assert_eq!(read.provenance, package.provenance);
    assert_eq!(read.accuracy, package.accuracy);
    assert_eq!(read.rules, package.rules);
    let (read, package) = (read.latency.expect("kept"), package.latency.expect("given"));
    assert_eq!(read.uncertainty, package.uncertainty);
    assert_eq!(read.kernels.len(), package.kernels.len());
    for ((kind, read), (other_kind, given)) in read.kernels.iter().zip(&package.kernels) {
        assert_eq!(kind, other_kind);
        assert_eq!(read.range, given.range);
        assert_eq!(format!("{:?}", read.model), format!("{:?}", given.model));
    }
}

#[test]
fn the_same_package_gives_the_same_bytes() {
    let bytes = sample::package("test").to_bytes().expect("writes");
    assert_eq!(sample::package("test").to_bytes().expect("writes"), bytes);
    let read = Package::from_bytes(&bytes).expect("reads");
    assert_eq!(read.to_bytes().expect("writes again"), bytes);
}

#[test]
fn predictors_are_of_the_metric_asked_for() {
    let package = sample::package("test");
    let predictor = package.predictor::<Millis>().expect("has latency");
    let conv = predictor.model(Kind::Conv).expect("has convolutions");
    assert!(matches!(conv.model, KernelModel::Corrected(..)));
    assert!(predictor.model(Kind::Softmax).is_none());
    let error = package.predictor::<Millijoules>().expect_err("has no energy");
    assert_eq!(error.kind(), ErrorKind::UnknownMetric);
    expect![[r#"device "test": its package has no models of energy_mj; expected latency_ms"#]]
        .assert_eq(&error.to_string());
}

#[test]
fn energy_is_kept_apart() {
    let mut package = sample::package("test");
    package.energy = package.latency.take();
    let bytes = package.to_bytes().expect("writes");
    let read = Package::from_bytes(&bytes).expect("reads");
    assert!(read.predictor::<Millis>().is_err());
    assert!(read.predictor::<Millijoules>().is_ok());
}

#[test]
fn the_parts_are_as_documented() {
    let mut parts = Parts::of(&sample::package("test").to_bytes().expect("writes"));
    let names: Vec<&str> = parts.0.iter().map(|(name, _)| name.as_str()).collect();
    expect!["manifest.json latency_ms.json latency_ms/conv.trees latency_ms/fc.trees rules.json"]
        .assert_eq(&names.join(" "));
    let text = String::from_utf8(parts.get("latency_ms.json").clone()).expect("text");
    let words: Vec<&str> = text.split_whitespace().collect();
    expect![[r#"{ "uncertainty": { "level": 0.9, "totals": [ 0.25, 900.0 ], "inside": [ [ 0.05, -0.1 ], [ 0.95, 0.1 ] ], "outside": [ [ 0.05, -0.3 ], [ 0.95, 0.3 ] ] }, "kernels": { "conv": { "model": { "corrected": { "parametric": [ { "feature": "one", "window": "any", "rate": 0.001 }, { "feature": "macs", "window": "pointwise", "rate": 3.333333333333333e-8 }, { "feature": "macs", "window": "large", "rate": 5e-324 } ], "learned": { "features": [ "cin", "cout" ], "ensemble": "latency_ms/conv.trees" } } }, "range": { "macs": [ 1.0, 1000000000.0 ], "cin": [ 1.0, 2048.0 ] } }, "fc": { "model": { "learned": { "features": [ "cin", "cout" ], "ensemble": "latency_ms/fc.trees" } }, "range": { "macs": [ 1.0, 1000000000.0 ], "cin": [ 1.0, 2048.0 ] } }, "global-avgpool": { "model": { "parametric": [ { "feature": "one", "window": "any", "rate": 0.001 }, { "feature": "macs", "window": "pointwise", "rate": 3.333333333333333e-8 }, { "feature": "macs", "window": "large", "rate": 5e-324 } ] }, "range": { "macs": [ 1.0, 1000000000.0 ], "cin": [ 1.0, 2048.0 ] } } } }"#]].assert_eq(&words.join(" "));
}

#[test]
fn what_cannot_be_stored_is_not_written() {
    let mut package = sample::package("test");
    package.latency.as_mut().expect("has latency").kernels[0].1.range =
        FittedRange::new(vec![(Feature::Cin, f64::NAN..=1.0)]);
    assert!(package.to_bytes().is_err());
    let mut package = sample::package("test");
    let models = package.latency.as_mut().expect("has latency");
    models.kernels.push(models.kernels[0].clone());
    assert!(package.to_bytes().is_err());
    assert!(sample::package("../test").to_bytes().is_err());
}

#[test]
fn files_are_written_whole_or_not_at_all() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("test.nnmeter");
    let mut package = sample::package("test");
    package.write(&path).expect("writes");
    let written = std::fs::read(&path).expect("is there");
    assert_eq!(written, package.to_bytes().expect("writes"));
    package.provenance.date = "some day".to_owned();
    package.write(&path).expect_err("not a date");
    assert_eq!(std::fs::read(&path).expect("is still there"), written);
    assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 1);
    let missing = folder.path().join("missing").join("test.nnmeter");
    let error = sample::package("test").write(&missing).expect_err("no folder");
    assert_eq!(error.kind(), ErrorKind::Io);
    assert_eq!(error.subject(), missing.display().to_string());
}
