//! nn-Meter's predictors: read from a folder or archive, kept in a package, and held against the
//! totals that the real nn-Meter 2.0 gave; see `../fixtures/nn_meter/generate.py`.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod import;
mod totals;

use std::path::{Path, PathBuf};

use nnmeter_hardware::nn_meter;
use nnmeter_hardware::package::{Package, RuleFile};

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/nn_meter")
}

/// A package of the fixture's forests with the given rules.
fn package(rules: &[u8]) -> Package {
    let imported = nn_meter::read(&fixtures().join("predictor"), |_| {}).unwrap();
    let device = nn_meter::device("imported", None);
    imported.into_package(device, RuleFile::from_json(rules).unwrap())
}
