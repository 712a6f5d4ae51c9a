//! Models trained by XGBoost 1.7, 2.1 and 3.2: our predictions are its own, bit for bit.
//!
//! Of the log-link objectives the last step is the C library's `expf`, there and here.

use nnmeter_core::ensemble::{Ensemble, Link};
use nnmeter_core::error::ErrorKind;

use super::{bits, fixtures, model_files, predict_all_ways, read_f32, stem};

fn read(name: &str) -> Ensemble {
    Ensemble::from_xgboost(&std::fs::read(fixtures().join(name)).unwrap()).unwrap()
}

#[test]
fn predictions_are_those_of_xgboost() {
    let rows = read_f32(&fixtures().join("rows.f32"));
    let files = model_files(false);
    assert_eq!(files.len(), 39, "13 models of each of three versions");
    for path in files {
        let ensemble = Ensemble::from_xgboost(&std::fs::read(&path).unwrap()).unwrap();
        let ours = predict_all_ways(&ensemble, &rows);
        let theirs = read_f32(&path.with_extension("f32"));
        assert_eq!(bits(&ours), bits(&theirs), "{}", stem(&path));
    }
}

#[test]
fn json_and_ubj_are_the_same_model() {
    for name in ["squarederror_v17", "squarederror_v21", "squarederror_v32", "gamma_v32"] {
        assert_eq!(read(&format!("{name}.json")), read(&format!("{name}.ubj")), "{name}");
    }
}

#[test]
fn the_header_is_read() {
    let ensemble = read("squarederror_v32.ubj");
    let names = ["HW", "CIN", "COUT", "KERNEL_SIZE", "STRIDE", "size with spaces é"];
    assert_eq!(ensemble.feature_names().unwrap(), names);
    assert_eq!((ensemble.link(), ensemble.n_trees()), (Link::Identity, 8));
    let poisson = read("poisson_v17.json");
    assert_eq!((poisson.link(), poisson.feature_names()), (Link::Exp, None));
    assert_eq!(poisson.base_score(), 1.7f32.ln());
    assert_eq!(read("constant_v32.json").predict_row(&[f32::NAN; 6]), 0.7);
}

#[test]
fn the_binary_form_gives_the_model_back() {
    for path in model_files(false) {
        let ensemble = Ensemble::from_xgboost(&std::fs::read(path).unwrap()).unwrap();
        let bytes = ensemble.to_bytes();
        assert_eq!(Ensemble::from_bytes(&bytes).unwrap(), ensemble);
        assert!(bytes.len() < 128 + 6 * ensemble.n_nodes(), "{} bytes", bytes.len());
    }
}

#[test]
fn other_models_are_refused_by_name() {
    let found: Vec<String> = model_files(true)
        .iter()
        .map(|path| {
            let error = Ensemble::from_xgboost(&std::fs::read(path).unwrap()).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
            format!("{}: {error}\n", stem(path))
        })
        .collect();
    expect_test::expect![[r#"
        reject_categorical: XGBoost model, tree #0: categorical splits; expected numerical splits
        reject_dart: XGBoost model: booster is dart; expected gbtree
        reject_gblinear: XGBoost model: booster is gblinear; expected gbtree
        reject_logistic: XGBoost model: objective is binary:logistic; expected a regression objective with an identity or log link
        reject_multi_output_tree: XGBoost model: multi-target, 2 targets; expected one
        reject_multiclass: XGBoost model: multi-class, objective multi:softmax; expected a regression objective
        reject_one_output_per_tree: XGBoost model: multi-target, 2 targets; expected one
    "#]].assert_eq(&found.concat());
}

#[test]
fn what_is_no_model_is_said_to_be_none() {
    for (bytes, message) in [
        (&b""[..], "no JSON or UBJ object; expected a file of Booster.save_model"),
        (b"binf\0\0\0\0", "no JSON or UBJ object; expected a file of Booster.save_model"),
        (b"{}", "missing field `learner` at line 1 column 2"),
        (b"{i\x01aZ}", "missing field `learner`"),
        (b"{L\0\0", "UBJ, byte 2: 2 bytes left; expected 8 more"),
    ] {
        let error = Ensemble::from_xgboost(bytes).unwrap_err().to_string();
        assert!(error.ends_with(message), "{error}");
    }
}

#[test]
fn default_directions_may_be_truth_values() {
    let name = "absoluteerror_v17.json";
    let text = std::fs::read_to_string(fixtures().join(name)).unwrap();
    let start = text.find("\"default_left\":[").unwrap() + "\"default_left\":[".len();
    let end = start + text[start..].find(']').unwrap();
    let truths = text[start..end].replace('0', "false").replace('1', "true");
    let text = [&text[..start], &truths, &text[end..]].concat();
    assert_eq!(Ensemble::from_xgboost(text.as_bytes()).unwrap(), read(name));
}

/// Edits a good model and gives the error.
fn error_of(from: &str, to: &str) -> String {
    let text = std::fs::read_to_string(fixtures().join("absoluteerror_v32.json")).unwrap();
    assert!(text.contains(from), "{from}");
    Ensemble::from_xgboost(text.replacen(from, to, 1).as_bytes()).unwrap_err().to_string()
}

#[test]
fn broken_models_are_pointed_at() {
    let cases = [
        ("\"left_children\":[1", "\"left_children\":[0"),
        ("\"left_children\":[1", "\"left_children\":[-1"),
        ("\"left_children\":[1", "\"left_children\":[99"),
        ("\"left_children\":[", "\"left_children\":[1,"),
        ("\"num_feature\":\"6\",\"num_target\"", "\"num_feature\":\"0\",\"num_target\""),
        ("\"base_score\":\"[", "\"base_score\":\"[x"),
        ("\"base_score\":\"[", "\"base_score\":\"[1,"),
        ("\"default_left\":[", "\"default_left\":[null,"),
        ("\"feature_names\":[]", "\"feature_names\":[\"a\"]"),
    ];
    let found: Vec<String> =
        cases.iter().map(|(from, to)| format!("{}\n", error_of(from, to))).collect();
    expect_test::expect![[r#"
        tree #0, node #0: refers to node #0, which has a parent already
        XGBoost model, tree #0: a node with one child, or child out of range; expected two children, or -1 twice
        tree #0, node #0: refers to node #99 of 13
        XGBoost model, tree #0: 13 right_children; expected 14, one a node
        tree #0, node #0: splits on feature 3; expected below 0
        XGBoost model: base_score is "x2.1649604E0"; expected a number
        XGBoost model: base_score is [1,2.1649604E0], one a target; expected one
        XGBoost model: expected 0, 1 or a truth value in default_left at line 1 column 531
        tree ensemble: 1 feature names; expected 6, one a feature
    "#]].assert_eq(&found.concat());
}
