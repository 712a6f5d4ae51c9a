//! `nnmeter calibrate` as a user calls it, with timings made from predictions of the base.

mod support;

use std::fmt::Write;
use std::path::{Path, PathBuf};

use expect_test::{Expect, expect};
use serde_json::Value;
use support::{DEVICE, Run, json_lines, nnmeter};

const NETWORKS: [&str; 11] = [
    "alexnet",
    "mobilenet_v2",
    "mobilenet_v3_small",
    "nb201",
    "resnet18",
    "resnet50",
    "shufflenet_v2_x1_0",
    "squeezenet1_1",
    "vgg16",
    "mobilenet_v2_bn",
    "resnet18_bn",
];

fn model(name: &str) -> String {
    format!("{}/tests/models/{name}.onnx", env!("CARGO_MANIFEST_DIR"))
}

fn predict(file: &str, device: &str) -> Value {
    let run = nnmeter(&["predict", file, "-d", device, "--json"]);
    assert_eq!(run.code, 0, "{run:?}");
    json_lines(&run.out).remove(0)
}

fn total(line: &Value) -> f64 {
    line["total_ms"].as_f64().expect("a total")
}

/// What a device takes on which everything is half as slow again, and depthwise twice as slow.
fn slower(line: &Value) -> f64 {
    let kernels = line["kernels"].as_array().expect("kernels").iter();
    let ms = |kernel: &Value| {
        let is_depthwise = kernel["kind"].as_str().expect("a kind").starts_with("dwconv");
        kernel["ms"].as_f64().expect("ms") * if is_depthwise { 2.0 } else { 1.5 }
    };
    kernels.map(ms).sum()
}

/// A folder with timings of some networks on the slower device.
fn timings(networks: &[&str]) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let mut csv = "family,model,ms\n".to_owned();
    for name in networks {
        let file = model(name);
        let family = name.split('_').next().unwrap_or_default();
        let ms = slower(&predict(&file, DEVICE));
        writeln!(csv, "{family},{file},{ms}").expect("a string takes all");
    }
    let path = folder.path().join("timings.csv");
    std::fs::write(&path, csv).expect("a file");
    (folder, path)
}

fn calibrate(csv: &Path, output: &Path, more: &[&str]) -> Run {
    let (csv, output) = (csv.to_str().expect("UTF-8"), output.to_str().expect("UTF-8"));
    let mut all = vec!["calibrate", "--base", DEVICE, "--measured", csv, "-o", output];
    all.extend(more);
    nnmeter(&all)
}

#[test]
fn a_calibrated_device_predicts_what_was_not_timed() {
    let (timed, left) = NETWORKS.split_at(9);
    let (folder, csv) = timings(timed);
    let output = folder.path().join("mine.nnmeter");
    let run = calibrate(&csv, &output, &["--title", "My phone"]);
    assert_eq!((run.code, run.out.as_str()), (0, ""), "{run:?}");
    let device = output.to_str().expect("UTF-8");
    for name in left {
        let right = slower(&predict(&model(name), DEVICE));
        let found = predict(&model(name), device);
        assert!((total(&found) / right - 1.0).abs() < 0.01, "{name}: {found} {right}");
        let interval: Vec<f64> = found["interval_ms"]
            .as_array()
            .expect("two")
            .iter()
            .filter_map(Value::as_f64)
            .collect();
        assert!((interval[0]..interval[1]).contains(&right), "{name}");
    }
    let folder = folder.path().to_str().expect("UTF-8");
    let variables = [("NNMETER_PREDICTORS", folder)];
    let card = support::nnmeter_with(&["devices", "mine"], b"", &variables);
    for text in ["My phone", "9 networks of timings in timings.csv (SHA-256 ", "cross-validation"] {
        assert!(card.out.contains(text), "{text} in {}", card.out);
    }
    assert!(card.out.contains(&format!("Rates of {DEVICE} calibrated to totals")), "{}", card.out);
}

#[test]
fn one_two_and_three_timings() {
    for (count, expected) in [
        (
            1,
            expect![[r#"
                few: cortexA76cpu_tflite21 calibrated to 1 network of 1 family
                  chosen: a multiple of each rate of the base, pulled towards one scale (strength 0.001)
                  networks left out: none, for want of another network
                  90 % interval: -43.8 to +77.8 % around a prediction
                note: fewer than 9 networks: the interval rests on assumptions more than on timings
                note: no timed network has kernels of kind maxpool, avgpool, bnrelu, relu, hswish, se, addrelu, concat, split, channelshuffle: priced as the base says, times what the other kernels call for
                wrote few.nnmeter
            "#]],
        ),
        (
            2,
            expect![[r#"
                few: cortexA76cpu_tflite21 calibrated to 2 networks of 1 family
                  chosen: a multiple of each rate of the base, pulled towards one scale (strength 0.001)
                  networks left out: 100.0 % within 10 %, 100.0 % within 5 %, 100.0 % in the interval
                  90 % interval: -27.2 to +37.3 % around a prediction
                note: fewer than 9 networks: the interval rests on assumptions more than on timings
                note: no timed network has kernels of kind maxpool, avgpool, bnrelu, relu, addrelu, concat, split, channelshuffle: priced as the base says, times what the other kernels call for
                wrote few.nnmeter
            "#]],
        ),
        (
            3,
            expect![[r#"
                few: cortexA76cpu_tflite21 calibrated to 3 networks of 2 families
                  chosen: a multiple of each rate of the base, pulled towards one scale (strength 0.001)
                  networks left out: 66.7 % within 10 %, 66.7 % within 5 %, 100.0 % in the interval
                  90 % interval: -28.5 to +30.0 % around a prediction
                note: fewer than 9 networks: the interval rests on assumptions more than on timings
                note: no timed network has kernels of kind maxpool, concat, split, channelshuffle: priced as the base says, times what the other kernels call for
                wrote few.nnmeter
            "#]],
        ),
    ] {
        let (folder, csv) = timings(&NETWORKS[1..=count]);
        let output = folder.path().join("few.nnmeter");
        let run = calibrate(&csv, &output, &[]);
        assert_eq!((run.code, run.out.as_str()), (0, ""), "{run:?}");
        expected.assert_eq(&without_folder(&run.err, folder.path()));
        let found = predict(&model(NETWORKS[1]), output.to_str().expect("UTF-8"));
        let right = slower(&predict(&model(NETWORKS[1]), DEVICE));
        assert!((total(&found) / right - 1.0).abs() < 0.05, "{count}: {found} {right}");
    }
}

fn without_folder(text: &str, folder: &Path) -> String {
    let models = format!("{}/tests/", env!("CARGO_MANIFEST_DIR"));
    text.replace(&format!("{}/", folder.display()), "").replace(&models, "")
}

/// What a run with such timings says on standard error; nothing is written.
fn check(csv: &str, more: &[&str], code: i32, expected: Expect) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("timings.csv");
    std::fs::write(&path, csv.replace("MODELS", &model("").replace(".onnx", ""))).expect("a file");
    let output = folder.path().join("mine.nnmeter");
    let run = calibrate(&path, &output, more);
    assert_eq!((run.code, run.out.as_str()), (code, ""), "{run:?}");
    expected.assert_eq(&without_folder(&run.err, folder.path()));
    assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 1, "nothing written");
}

#[test]
fn wrong_timings_are_named_by_their_line() {
    check(
        "",
        &[],
        1,
        expect![[r#"
        error: timings.csv: line 1: is empty; expected a header with the columns model and ms, and family or input_shape
    "#]],
    );
    check(
        "model,seconds\na.onnx,1\n",
        &[],
        1,
        expect![[r#"
        error: timings.csv: line 1: has the column "seconds"; expected a header with the columns model and ms, and family or input_shape
    "#]],
    );
    check(
        "model,ms\na.onnx,fast\n",
        &[],
        1,
        expect![[r#"
        error: timings.csv: line 2: has "fast" for ms; expected a positive number
    "#]],
    );
    check(
        "model,ms\nMODELSalexnet.onnx,60\nnone.onnx,1\n",
        &[],
        1,
        expect![[r#"
        error: timings.csv:3: none.onnx: cannot be opened: No such file or directory (os error 2)
        hint: --keep-going passes over it
    "#]],
    );
    check(
        "model,ms\ntimings.csv,1\n",
        &["--keep-going"],
        1,
        expect![[r#"
        warning: timings.csv:2: timings.csv: model file: starts with "model,ms\ntim"; expected one of onnx, nn-meter-ir, tensorflow, nni-ir
        error: timings.csv: none of its models can be used
    "#]],
    );
    check(
        "model,ms\n\nMODELSefficientnet_b0.onnx,1\n",
        &[],
        1,
        expect![[r#"
        error: timings.csv:3: models/efficientnet_b0.onnx: holds 66 operators that the base has no price for (node #159 "/features/features.0/features.0.2/Sigmoid")
        hint: --keep-going passes over it
    "#]],
    );
    let shape = "model,ms,input_shape\nMODELSalexnet.onnx,60,";
    check(
        &format!("{shape}1x3\n"),
        &[],
        1,
        expect![[r#"
        error: timings.csv:2: models/alexnet.onnx: input shape "1x3": expected NAME:DIMS as in x:1x3x224x224
        hint: --keep-going passes over it
    "#]],
    );
    check(
        &format!("{shape}x:1x3x8x8\n"),
        &[],
        1,
        expect![[r#"
        error: timings.csv:2: models/alexnet.onnx: input "x": is not an input of the model; expected one of "input"
        hint: --keep-going passes over it
    "#]],
    );
}

#[test]
fn wrong_requests_are_refused() {
    let csv = "model,ms\nMODELSalexnet.onnx,60\n";
    check(
        csv,
        &["--metric", "energy_mj"],
        2,
        expect![[r#"
        error: device "cortexA76cpu_tflite21": its package has no models of energy_mj; expected latency_ms
    "#]],
    );
    check(
        csv,
        &["--name", "../mine"],
        2,
        expect![[r#"
        error: device name "../mine": expected letters, digits, _, - and . (see --name)
    "#]],
    );
    check(
        csv,
        &["--metric", "time"],
        2,
        expect![[r#"
        error: invalid value 'time' for '--metric <METRIC>': expected latency_ms or energy_mj

        For more information, try '--help'.
    "#]],
    );
    check(
        csv,
        &["--date", "today"],
        2,
        expect![[r#"
        error: invalid value 'today' for '--date <YYYY-MM-DD>': expected a day as in 2026-01-31

        For more information, try '--help'.
    "#]],
    );
    let run = calibrate(Path::new("none.csv"), Path::new("mine.zip"), &[]);
    assert_eq!(run.code, 2);
    expect![[r#"
        error: mine.zip: is no name of a package; expected *.nnmeter
    "#]]
    .assert_eq(&run.err);
    let run = calibrate(Path::new("none.csv"), Path::new("mine.nnmeter"), &[]);
    assert_eq!(run.code, 1);
    expect![[r#"
        error: none.csv: No such file or directory (os error 2)
    "#]]
    .assert_eq(&run.err);
}

#[test]
fn a_package_is_replaced_only_by_force() {
    let (folder, csv) = timings(&NETWORKS[..1]);
    let output = folder.path().join("mine.nnmeter");
    std::fs::write(&output, b"precious").expect("a file");
    let run = calibrate(&csv, &output, &[]);
    assert_eq!(run.code, 1);
    expect![[r#"
        error: mine.nnmeter: exists; expected a new file, or --force to replace it
    "#]]
    .assert_eq(&without_folder(&run.err, folder.path()));
    assert_eq!(std::fs::read(&output).expect("is there"), b"precious");
    assert_eq!(calibrate(&csv, &output, &["--force"]).code, 0);
    assert!(std::fs::read(&output).expect("is there").starts_with(b"PK"));
}

#[test]
fn bad_models_are_passed_over_and_counted() {
    let (folder, csv) = timings(&NETWORKS[..3]);
    let mut text = std::fs::read_to_string(&csv).expect("is there");
    text.push_str("x,none.onnx,1\n");
    std::fs::write(&csv, text).expect("a file");
    let run = calibrate(&csv, &folder.path().join("mine.nnmeter"), &["--keep-going"]);
    assert_eq!(run.code, 0, "{run:?}");
    assert!(run.err.contains("timings.csv:5: none.onnx: cannot be opened"), "{}", run.err);
    assert!(run.err.contains("note: 1 of 4 timings could not be used"), "{}", run.err);
}

#[test]
fn the_same_timings_and_day_give_the_same_bytes() {
    let (folder, csv) = timings(&NETWORKS[..4]);
    let bytes = |name: &str| {
        let output = folder.path().join(name);
        let run = calibrate(&csv, &output, &["--name", "mine", "--date", "2024-05-06"]);
        assert_eq!(run.code, 0, "{run:?}");
        std::fs::read(output).expect("is there")
    };
    assert_eq!(bytes("a.nnmeter"), bytes("b.nnmeter"));
}

#[test]
fn the_same_file_in_other_shapes() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::copy(model("squeezenet1_1"), folder.path().join("free.onnx")).expect("a copy");
    let path = folder.path().join("timings.csv");
    std::fs::write(&path, "model,ms,input_shape\nfree.onnx,60,\nfree.onnx,60,input:1x3x224x224\n")
        .expect("a file");
    let run = calibrate(&path, &folder.path().join("mine.nnmeter"), &[]);
    assert_eq!(run.code, 0, "{run:?}");
    assert!(run.err.contains("calibrated to 2 networks of 1 family"), "{}", run.err);
}
