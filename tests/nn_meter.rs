//! nn-Meter's predictors through the command line: imported, used, and repeated with their quirks.

mod support;

use expect_test::expect;
use support::{Run, json_lines, nnmeter_with};

const FIXTURES: &str = "nnmeter-hardware/tests/fixtures/nn_meter";

/// Runs `nnmeter` with a user's folder of its own.
fn run(home: &str, arguments: &[&str]) -> Run {
    nnmeter_with(arguments, &[], &[("XDG_DATA_HOME", home)])
}

fn told(home: &str, arguments: &[&str]) -> String {
    let run = run(home, arguments);
    format!("{}{}-> {}\n", run.out, run.err, run.code).replace(home, "USER")
}

fn import(home: &str) -> String {
    let (predictor, rules) =
        (format!("{FIXTURES}/predictor"), format!("{FIXTURES}/rules/cortexA76cpu_tflite21.json"));
    told(home, &["devices", "import-nn-meter", &predictor, "--rules", &rules, "--name", "phone"])
}

#[test]
fn predictors_are_imported_and_used() {
    let home = tempfile::tempdir().expect("a folder");
    let home = home.path().to_str().expect("UTF-8");
    expect![[r#"
        imported 16 forests as phone@1.0: USER/nnmeter/predictors/phone@1.0.nnmeter
        -> 0
    "#]]
    .assert_eq(&import(home));
    expect![[r#"
        error: USER/nnmeter/predictors/phone@1.0.nnmeter: is phone@1.0 already
        hint: --force replaces it; another version of the package would stand beside it
        -> 1
    "#]]
    .assert_eq(&import(home));
    let predict = ["predict", "tests/models/vgg16.onnx", "-d", "phone"];
    let text = told(home, &predict);
    expect!["tests/models/vgg16.onnx on phone: 45.74 ms (how far off it may be is not known)"]
        .assert_eq(text.lines().next().unwrap_or_default());
    let line = &json_lines(&run(home, &[&predict[..], &["--json"]].concat()).out)[0];
    assert!(line["interval_ms"].is_null() && line["coverage"] == 1.0, "{line}");
    // A kernel that no forest prices is uncovered, and not zero.
    let swish = told(home, &["predict", "tests/models/efficientnet_b0.onnx", "-d", "phone"]);
    assert!(swish.contains("NOT COVERED") && swish.ends_with("-> 1\n"), "{swish}");
}

#[test]
fn nn_meters_total_is_repeated() {
    let home = tempfile::tempdir().expect("a folder");
    let home = home.path().to_str().expect("UTF-8");
    import(home);
    let model = format!("{FIXTURES}/quirks.json");
    let compat = ["predict", &model, "-d", "phone", "--compat", "nn-meter"];
    expect![[r#"
        nnmeter-hardware/tests/fixtures/nn_meter/quirks.json on phone: 24.2224 ms, which is nn-Meter's total

         first node                                        kernel          ms      nn-Meter's quirks
         conv                                              conv            1.5304
         bias                                              BiasAdd         -       has no features
         relu                                              relu            0.5204
         groups                                            conv            1.5304  groups are not looked at
         depthwise;norm;clip                               dwconv-bn-relu  1.4793
         fan0                                              relu            0.5204
         fan1                                              add             0.7355
         fan2                                              mul             -       has no features
         fan3                                              maxpool         1.7887
         fan4                                              relu            0.5204
         fan5                                              add             0.7355
         fan6                                              mul             -       has no features
         fan7                                              maxpool         1.7887
         fan8                                              relu            0.5204
         fan9                                              add             0.7355
         fan10                                             mul             -       has no features
         fan11                                             maxpool         1.7887
         concat                                            concat          2.0123  of more than 4 operands 4 are looked at
         shift                                             add             0.7355  operand shapes are overwritten
         concat2                                           concat          1.3083
         split                                             split           0.9016
         transpose                                         transpose       -       costs nothing
         reshape1;pack1;slice1;swap;reshape2;pack2;slice2  channelshuffle  0.5777
         left                                              relu            0.5470
         right                                             relu            0.5470
         sigmoid                                           Sigmoid         -       has no features
         both                                              add             0.7355
         sum                                               add             0.7355  operand shapes are overwritten
         mean;flat                                         gap             0.5544  height is taken to be 1
         product                                           fc              0.8260
         offset                                            relu            0.5470
        costs nothing: nn_meter/predictor/prediction/predict_by_kernel.py, predict_model
        has no features: nn_meter/predictor/prediction/extract_feature.py, get_predict_features
        operand shapes are overwritten: nn_meter/kernel_detector/utils/ir_tools.py, convert_nodes
        height is taken to be 1: nn_meter/predictor/prediction/extract_feature.py, get_predict_features
        of more than 4 operands 4 are looked at: nn_meter/predictor/prediction/extract_feature.py, get_predict_features
        groups are not looked at: nn_meter/predictor/prediction/extract_feature.py, get_predict_features

        -> 0
    "#]].assert_eq(&told(home, &compat));
    let line = &json_lines(&run(home, &[&compat[..], &["--json"]].concat()).out)[0];
    let total = line["total_ms"].as_f64().map(f64::to_bits);
    // 0x1.838ec0576f39dp+4 in tests/fixtures/nn_meter/totals.json.
    assert_eq!(total, Some((4 + 1023) << 52 | 0x838ec0576f39d), "{line}");
    assert_eq!(line["compat"], "nn-meter");
    let all = ["predict", "tests/models", "-d", "phone", "--compat", "nn-meter", "--json"];
    let run = run(home, &all);
    assert!(run.code == 0 && json_lines(&run.out).len() > 10, "{}", run.err);
}

#[test]
fn what_cannot_be_meant_is_told() {
    let home = tempfile::tempdir().expect("a folder");
    let home = home.path().to_str().expect("UTF-8");
    let model = "tests/models/alexnet.onnx";
    let builtin = ["predict", model, "-d", support::DEVICE, "--compat", "nn-meter"];
    expect![[r#"
        error: tests/models/alexnet.onnx: device "cortexA76cpu_tflite21": has none of nn-Meter's forests
        hint: `nnmeter devices import-nn-meter` makes a device of nn-Meter's predictors
        -> 1
    "#]].assert_eq(&told(home, &builtin));
    let predictor = format!("{FIXTURES}/predictor");
    expect![[r#"
        error: no fusion_rules.json lies beside the predictors; --rules names the rules
        -> 2
    "#]]
    .assert_eq(&told(home, &["devices", "import-nn-meter", &predictor]));
    expect![[r#"
        error: tests/models, predictors: none is there; expected conv-bn-relu.pkl, ...
        -> 1
    "#]]
    .assert_eq(&told(home, &["devices", "import-nn-meter", "tests/models"]));
}
