//! Models pickled by scikit-learn 0.23 to 1.9: our predictions are its own, bit for bit.
//!
//! How the files came about is told by `generate.py` beside them.

use std::path::{Path, PathBuf};

use nnmeter_core::ensemble::Forest;

use super::forests::predict_all_ways;
use super::stem;

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/sklearn")
}

/// The pickles whose name starts or does not start with `reject_`, sorted.
pub(crate) fn pickles(rejected: bool) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(fixtures()).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<PathBuf> = entries
        .filter(|path| path.extension().is_some_and(|suffix| suffix == "pkl"))
        .filter(|path| stem(path).starts_with("reject_") == rejected)
        .collect();
    files.sort();
    files
}

pub(crate) fn read(path: &Path) -> Forest {
    let forest = Forest::from_sklearn(&std::fs::read(path).unwrap());
    forest.unwrap_or_else(|error| panic!("{}: {error}", stem(path)))
}

/// The rows of a model, one after another, and scikit-learn's predictions.
fn rows_of(path: &Path) -> (Vec<f32>, Vec<u64>) {
    let text = std::fs::read_to_string(path.with_extension("txt")).unwrap();
    let (mut rows, mut predictions) = (Vec::new(), Vec::new());
    for line in text.lines() {
        let (row, prediction) = line.rsplit_once(' ').unwrap();
        let features = row.split(' ').map(|bits| u32::from_str_radix(bits, 16).unwrap());
        rows.extend(features.map(f32::from_bits));
        predictions.push(u64::from_str_radix(prediction, 16).unwrap());
    }
    (rows, predictions)
}

#[test]
fn predictions_are_those_of_scikit_learn() {
    let files = pickles(false);
    assert!(files.len() > 25, "{} files", files.len());
    for path in files {
        let forest = read(&path);
        let (rows, expected) = rows_of(&path);
        assert!(expected.len() >= 12 && rows.len() == 7 * expected.len());
        let found: Vec<u64> =
            predict_all_ways(&forest, &rows).iter().map(|value| value.to_bits()).collect();
        assert_eq!(found, expected, "{}", stem(&path));
    }
}

#[test]
fn a_model_is_the_same_in_every_protocol_and_on_every_version_of_python() {
    let named = |name: &str| read(&fixtures().join(name));
    for version in ["023", "19"] {
        let first = named(&format!("protocol0_{version}.pkl"));
        for protocol in 1..6 {
            assert_eq!(named(&format!("protocol{protocol}_{version}.pkl")), first, "{protocol}");
        }
    }
    assert_eq!(named("forest_023.pkl"), named("forest_023py36.pkl"));
}

#[test]
fn the_binary_form_is_small_and_gives_the_model_back() {
    let mut largest = 0.0f64;
    for path in pickles(false) {
        let forest = read(&path);
        let bytes = forest.to_bytes();
        assert_eq!(Forest::from_bytes(&bytes).unwrap(), forest, "{}", stem(&path));
        let pickled = std::fs::metadata(&path).unwrap().len() as f64;
        largest = largest.max(bytes.len() as f64 / pickled);
    }
    assert!(largest < 0.25, "{largest} of the pickle");
}

#[test]
fn other_models_are_refused_by_name() {
    let refused = |path: &PathBuf| {
        let error = Forest::from_sklearn(&std::fs::read(path).unwrap()).unwrap_err();
        format!("{}: {error}\n", stem(path))
    };
    let found: String = pickles(true).iter().map(refused).collect();
    expect_test::expect![[r#"
        reject_boosting_023: pickle, byte 63: refers to sklearn.ensemble._gb.GradientBoostingRegressor, which a predictor has no need of
        reject_boosting_19: pickle, byte 63: refers to sklearn.ensemble._gb.GradientBoostingRegressor, which a predictor has no need of
        reject_classifier_023: pickle, byte 64: refers to sklearn.ensemble._forest.RandomForestClassifier, which a predictor has no need of
        reject_classifier_19: pickle, byte 64: refers to sklearn.ensemble._forest.RandomForestClassifier, which a predictor has no need of
        reject_dict_023: scikit-learn model: a dictionary; expected RandomForestRegressor, ExtraTreesRegressor, DecisionTreeRegressor or ExtraTreeRegressor
        reject_dict_19: scikit-learn model: a dictionary; expected RandomForestRegressor, ExtraTreesRegressor, DecisionTreeRegressor or ExtraTreeRegressor
        reject_outputs_023: scikit-learn model, tree #0, arguments: 2 outputs; expected one
        reject_outputs_19: scikit-learn model, tree #0, arguments: 2 outputs; expected one
        reject_unfitted_023: scikit-learn model: a forest without trees; expected one that was fitted
        reject_unfitted_19: scikit-learn model: a forest without trees; expected one that was fitted
    "#]].assert_eq(&found);
}

/// Cuts each pickle at every place, and changes bits of it at many: no panic, and what is read
/// predicts like its walker.
#[test]
fn broken_pickles() {
    for path in pickles(false) {
        let bytes = std::fs::read(&path).unwrap();
        for end in (0..bytes.len()).step_by(bytes.len() / 400 + 1) {
            assert!(Forest::from_sklearn(&bytes[..end]).is_err(), "{} cut at {end}", stem(&path));
        }
        let mut broken = bytes.clone();
        for at in (0..bytes.len()).step_by(bytes.len() / 100 + 1) {
            for flip in [0x01, 0x10, 0x80, 0xff] {
                broken[at] ^= flip;
                if let Ok(forest) = Forest::from_sklearn(&broken)
                    && (1..100).contains(&forest.n_features())
                {
                    let rows: Vec<f32> = (0..5 * forest.n_features()).map(|i| i as f32).collect();
                    predict_all_ways(&forest, &rows);
                }
                broken[at] = bytes[at];
            }
        }
    }
}

/// Edits a pickled tree of 0.23.1 after a text that stands in it, and gives the error.
fn error_of(after: &str, from: &[u8], to: &[u8]) -> String {
    let mut bytes = std::fs::read(fixtures().join("tree_023.pkl")).unwrap();
    let find = |bytes: &[u8], what: &[u8]| bytes.windows(what.len()).position(|w| w == what);
    let start = find(&bytes, after.as_bytes()).unwrap();
    let at = start + find(&bytes[start..], from).unwrap();
    bytes.splice(at..at + from.len(), to.iter().copied());
    Forest::from_sklearn(&bytes).unwrap_err().to_string()
}

#[test]
fn trees_that_are_none_are_pointed_at() {
    // The first record follows the names of its fields: its left child is node 1.
    let (names, one) = ("weighted_n_node_samples", &1i64.to_le_bytes());
    let found = [
        error_of(names, one, &0i64.to_le_bytes()),
        error_of(names, one, &99_999i64.to_le_bytes()),
        error_of(names, one, &(1i64 << 40).to_le_bytes()),
        error_of(names, one, &(-1i64).to_le_bytes()),
        error_of("tree_", b"left_child", b"left_chilx"),
        error_of("left_child", b"f8", b"i8"),
        error_of("tree_", b"V56", b"V57"),
        error_of("tree_", b"V56", b"V0 "),
        error_of("tree_", b"\x8c\x01<", b"\x8c\x01!"),
        error_of("sklearn.tree", b"_classes", b"_tree\n\n\n"),
    ];
    expect_test::expect![[r#"
        tree #0, node #0: refers to node #0, which has a parent already
        tree #0, node #0: refers to node #99999 of 27
        scikit-learn model, tree #0, node #0: left child 1099511627776
        scikit-learn model, tree #0, node #0: left child -1
        scikit-learn model, tree #0, nodes: no left_child of the expected type; expected integers for indices, f64 for thresholds and values
        scikit-learn model, tree #0, nodes: no threshold of the expected type; expected integers for indices, f64 for thresholds and values
        scikit-learn model, tree #0, array "nodes": 1512 bytes; expected 57 for each element of the shape [27]
        scikit-learn model, tree #0, array "nodes": elements that are neither numbers nor records of them
        scikit-learn model, tree #0, array "nodes": elements that are neither numbers nor records of them
        pickle, byte 60: refers to sklearn.tree._tree\n\n\n.DecisionTreeRegressor, which a predictor has no need of"#]].assert_eq(&found.join("\n"));
}
