//! Broken bytes: truncations, flipped bytes and garbage give errors or valid models, and never a
//! panic.

use nnmeter_core::ensemble::Ensemble;
use nnmeter_core::error::Result;
use proptest::prelude::*;

use super::{model_files, predict_all_ways};

/// How many truncations and flips each file is put through.
const TRIES: usize = 300;

/// Reads `bytes`; if they are a model, it must predict like its walker and survive the binary
/// form.
fn attempt(read: fn(&[u8]) -> Result<Ensemble>, bytes: &[u8]) {
    let Ok(ensemble) = read(bytes) else { return };
    let n_features = ensemble.n_features();
    if (1..1000).contains(&n_features) {
        let rows: Vec<f32> = (0..9 * n_features).map(|i| i as f32).collect();
        predict_all_ways(&ensemble, &rows);
    }
    assert_eq!(Ensemble::from_bytes(&ensemble.to_bytes()).unwrap(), ensemble);
}

/// Truncates `bytes` and flips bits in them at some `tries` places each.
fn attack(read: fn(&[u8]) -> Result<Ensemble>, bytes: &[u8], tries: usize) {
    let step = bytes.len() / tries + 1;
    for end in (0..bytes.len()).step_by(step) {
        assert!(read(&bytes[..end]).is_err(), "cut at byte {end}");
    }
    let mut broken = bytes.to_vec();
    for at in (0..bytes.len()).step_by(step) {
        for flip in [0x01, 0x10, 0x80, 0xff] {
            broken[at] ^= flip;
            attempt(read, &broken);
            broken[at] = bytes[at];
        }
    }
}

#[test]
fn broken_xgboost_models() {
    for path in model_files(false).into_iter().chain(model_files(true)) {
        attack(Ensemble::from_xgboost, &std::fs::read(path).unwrap(), TRIES);
    }
}

/// Every byte of the shorter ones, where the structure is denser than in a large tree's numbers.
#[test]
fn broken_binary_forms() {
    for path in model_files(false) {
        let ensemble = Ensemble::from_xgboost(&std::fs::read(path).unwrap()).unwrap();
        attack(Ensemble::from_bytes, &ensemble.to_bytes(), 10 * TRIES);
    }
}

/// Bytes out of the alphabet of UBJ, which get further than any bytes do.
fn ubj_like() -> impl Strategy<Value = Vec<u8>> {
    let marker = prop::sample::select(&b"{}[]$#iUIlLdDSCZTFN\x00\x01\x02a"[..]);
    prop::collection::vec(prop_oneof![9 => marker.boxed(), 1 => any::<u8>().boxed()], 0..200)
}

proptest! {
    #[test]
    fn garbage(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        attempt(Ensemble::from_xgboost, &bytes);
        attempt(Ensemble::from_bytes, &bytes);
        attempt(Ensemble::from_xgboost, &[b"{L", &bytes[..]].concat());
        attempt(Ensemble::from_bytes, &[b"nnmtree\x01", &bytes[..]].concat());
    }

    #[test]
    fn garbage_like_ubj(bytes in ubj_like()) {
        attempt(Ensemble::from_xgboost, &[b"{", &bytes[..]].concat());
    }
}
