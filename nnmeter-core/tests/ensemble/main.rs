//! Tests of tree ensembles through the public interface: against the plain walker, against the
//! real XGBoost's predictions, and on broken bytes.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod corruption;
mod forests;
mod properties;
mod sizes;
mod sklearn;
mod xgboost;

use std::path::{Path, PathBuf};

use nnmeter_core::ensemble::Ensemble;

/// The folder of models that the real XGBoost wrote; see `generate.py` there.
fn fixtures() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/xgboost"))
}

/// The model files whose name starts or does not start with `reject_`, sorted.
fn model_files(rejected: bool) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(fixtures()).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<PathBuf> = entries
        .filter(|path| path.extension().is_some_and(|suffix| suffix == "json" || suffix == "ubj"))
        .filter(|path| stem(path).starts_with("reject_") == rejected)
        .collect();
    files.sort();
    files
}

fn stem(path: &Path) -> &str {
    path.file_stem().unwrap().to_str().unwrap()
}

/// Reads raw little-endian `f32`s.
fn read_f32(path: &Path) -> Vec<f32> {
    let bytes = std::fs::read(path).unwrap();
    bytes.as_chunks().0.iter().map(|&four| f32::from_le_bytes(four)).collect()
}

fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|value| value.to_bits()).collect()
}

/// Predicts `rows` in every way there is and checks that all give the same bits.
fn predict_all_ways(ensemble: &Ensemble, rows: &[f32]) -> Vec<f32> {
    let n_features = ensemble.n_features();
    let plain = ensemble.to_plain();
    let by_walker: Vec<f32> = rows.chunks(n_features).map(|row| plain.predict_row(row)).collect();
    let by_row: Vec<f32> = rows.chunks(n_features).map(|row| ensemble.predict_row(row)).collect();
    let mut by_block = vec![f32::NAN; by_row.len()];
    ensemble.predict_rows(rows, n_features, &mut by_block);
    assert_eq!(bits(&by_row), bits(&by_walker), "row by row against the walker");
    assert_eq!(bits(&by_block), bits(&by_walker), "blocks of rows against the walker");
    by_block
}
