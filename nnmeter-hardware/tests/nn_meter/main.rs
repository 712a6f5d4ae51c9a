//! nn-Meter's predictors: read from a folder or archive, kept in a package, and held against the
//! totals that the real nn-Meter 2.0 gave; see `../fixtures/nn_meter/generate.py`.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod import;
mod totals;

use std::path::{Path, PathBuf};

use nnmeter_hardware::device::{Device, Precision, Provenance, Runtime};
use nnmeter_hardware::nn_meter;
use nnmeter_hardware::package::{Package, RuleFile};

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/nn_meter")
}

/// A package of the fixture's forests with the given rules.
fn package(rules: &[u8]) -> Package {
    let device = Device {
        name: "imported".to_owned(),
        title: "imported".to_owned(),
        chip: "unknown".to_owned(),
        clock: None,
        threads: 1,
        runtime: Runtime { name: "unknown".to_owned(), version: String::new(), build: None },
        precision: Precision::Fp32,
        source: None,
    };
    let provenance = Provenance {
        data_set: "random figures".to_owned(),
        licence: "MIT".to_owned(),
        source: "a test".to_owned(),
        models: 0,
        kernels: 0,
        date: "2024-01-01".to_owned(),
        seed: 0,
        tool: "scikit-learn".to_owned(),
        method: "random forests".to_owned(),
    };
    let mut package = Package::new(device, provenance, RuleFile::from_json(rules).unwrap());
    package.latency = Some(nn_meter::read(&fixtures().join("predictor"), |_| {}).unwrap().latency);
    package
}
