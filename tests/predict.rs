//! `nnmeter predict` as a user calls it.

mod support;

use expect_test::{expect, expect_file};
use support::{DEVICE, Run, json_lines, nnmeter, nnmeter_with, summary};

fn predict(arguments: &[&str]) -> Run {
    let mut all = vec!["predict", "--device", DEVICE];
    all.extend(arguments);
    nnmeter(&all)
}

/// Total, coverage, kernels by name and what is uncovered, for every model of the project.
#[test]
fn every_model_of_the_project() {
    let run = predict(&["tests/models", "--json", "--allow-uncovered"]);
    assert_eq!((run.code, run.err.as_str()), (0, ""), "{run:?}");
    expect_file!["golden/models.txt"].assert_eq(&summary(&run.out));
}

#[test]
fn text_for_people() {
    let run = predict(&["tests/models/squeezenet1_1.onnx"]);
    assert_eq!(run.code, 0, "{run:?}");
    expect_file!["golden/squeezenet1_1.txt"].assert_eq(&run.out);
}

#[test]
fn json_has_the_documented_keys() {
    let run = predict(&["tests/models/resnet18.onnx", "--json"]);
    let lines = json_lines(&run.out);
    assert_eq!((run.code, lines.len()), (0, 1), "{run:?}");
    let keys: Vec<&String> = lines[0].as_object().expect("an object").keys().collect();
    assert_eq!(
        keys,
        [
            "coverage",
            "device",
            "file",
            "interval_ms",
            "kernels",
            "outside_fit",
            "total_ms",
            "uncovered",
            "version"
        ]
    );
    expect![[r#"{"config":{"batch":1,"cin":3,"cout":64,"dilation":[1,1],"groups":1,"input":[224,224],"kernel":[7,7],"output":[112,112],"stride":[2,2]},"kind":"conv-relu"}"#]]
    .assert_eq(&{
        let mut kernel = lines[0]["kernels"][0].clone();
        let object = kernel.as_object_mut().expect("an object");
        assert!(object.remove("ms").expect("ms").as_f64().expect("a number") > 0.0);
        assert_eq!(object.remove("nodes").expect("nodes").as_array().expect("names").len(), 2);
        kernel.to_string()
    });
}

#[test]
fn a_budget_is_kept_with_a_probability() {
    let file = "tests/models/resnet18.onnx";
    let within = |budget: &str| {
        let line = json_lines(&predict(&[file, "--json", "--budget", budget]).out).remove(0);
        assert!(line["budget_ms"].as_f64().expect("a number") > 0.0);
        line["probability_within_budget"].as_f64().expect("a number")
    };
    let line = json_lines(&predict(&[file, "--json"]).out).remove(0);
    let end = |at: usize| line["interval_ms"][at].as_f64().expect("a number");
    assert!((within(&format!("{}ms", end(0))) - 0.05).abs() < 1e-9);
    assert!((within(&format!("{}s", end(1) / 1e3)) - 0.95).abs() < 1e-9);
    assert!(within("1us") < 0.01 && within("9s") > 0.99);
    let text = predict(&[file, "--budget", "0.22 s"]).out;
    expect![[r#"
        tests/models/resnet18.onnx on cortexA76cpu_tflite21: 212.63 ms (90 % interval 197.54 to 234.06 ms)
        within 220 ms with a probability of 85.3 %"#]].assert_eq(&text.lines().take(2).collect::<Vec<_>>().join("\n"));
}

#[test]
fn a_budget_for_a_part_of_a_network_is_kept_only_if_accepted() {
    let file = ["tests/models/efficientnet_b0.onnx", "--budget", "65ms"];
    let probability = |more: &[&str]| {
        let arguments: Vec<&str> = file.iter().chain(more).copied().collect();
        json_lines(&predict(&arguments).out)[0]["probability_within_budget"].clone()
    };
    assert!(probability(&["--json"]).is_null());
    assert!(probability(&["--json", "--allow-uncovered"]).is_f64());
    let text = predict(&file).out;
    assert!(text.contains("\nwhether that is within 65 ms cannot be said\n"), "{text}");
}

#[test]
fn wrong_budgets_and_metrics_are_usage_errors() {
    let file = "tests/models/alexnet.onnx";
    for (arguments, expected) in [
        (
            ["--budget", "30"],
            expect![
                "error: invalid value '30' for '--budget <BUDGET>': is no number with its unit; expected one as in 30ms, 0.03s, 12mJ or 300Mmacs"
            ],
        ),
        (
            ["--budget", "0ms"],
            expect![
                "error: invalid value '0ms' for '--budget <BUDGET>': allows nothing; expected a budget above zero"
            ],
        ),
        (
            ["--budget", "12mJ"],
            expect![[
                r#"error: budget "12mJ": is of energy, and latency is asked for; expected a budget of latency"#
            ]],
        ),
        (
            ["--budget", "20ms..30ms"],
            expect![[
                r#"error: budget "20ms..30ms": has a lower bound; expected an upper bound alone"#
            ]],
        ),
        (
            ["--budget", "30ms@phone"],
            expect![[r#"error: budget "30ms@phone": names a device; expected a budget without @"#]],
        ),
        (
            ["--metric", "ms"],
            expect![
                "error: invalid value 'ms' for '--metric <METRIC>': expected latency_ms or energy_mj"
            ],
        ),
        (
            ["--metric", "energy_mj"],
            expect![[
                r#"error: device "cortexA76cpu_tflite21": its package has no models of energy_mj; expected latency_ms"#
            ]],
        ),
    ] {
        let run = predict(&[file, arguments[0], arguments[1]]);
        assert_eq!((run.code, run.out.as_str()), (2, ""), "{run:?}");
        expected.assert_eq(run.err.lines().next().unwrap_or_default());
    }
}

#[test]
fn a_network_outside_of_the_fit_is_flagged_as_a_whole() {
    let file = "tests/models/squeezenet1_1.onnx";
    let flags =
        |arguments: &[&str]| json_lines(&predict(arguments).out)[0]["outside_fit"].to_string();
    assert_eq!(flags(&[file, "--json"]), "[]");
    assert_eq!(flags(&[file, "--json", "--batch", "1024"]), r#"["kernels","large_total"]"#);
    let text = predict(&[file, "--batch", "1024"]).out;
    assert!(text.contains("the total is larger than that of any network"), "{text}");
}

#[test]
fn a_package_is_a_device_by_its_path() {
    let path = format!("nnmeter-hardware/predictors/{DEVICE}.nnmeter");
    let by_path = nnmeter(&["predict", "tests/models/alexnet.onnx", "-d", &path]);
    let by_name = predict(&["tests/models/alexnet.onnx"]);
    assert_eq!((by_path.code, by_path.out), (0, by_name.out));
    let missing = nnmeter(&["predict", "tests/models/alexnet.onnx", "-d", "./no.nnmeter"]);
    assert_eq!((missing.code, missing.out.as_str()), (1, ""));
    expect![[r#"
        error: ./no.nnmeter: No such file or directory (os error 2)
    "#]]
    .assert_eq(&missing.err);
}

#[test]
fn uncovered_operators_fail_unless_allowed() {
    let file = "tests/models/efficientnet_b0.onnx";
    let refused = predict(&[file]);
    assert_eq!(refused.code, 1);
    assert!(refused.out.contains(": more than 60."), "{}", refused.out);
    assert!(refused.out.contains("NOT COVERED by the total: "), "{}", refused.out);
    assert!(refused.out.contains("--allow-uncovered"), "{}", refused.out);
    assert_eq!(predict(&[file, "--allow-uncovered"]).code, 0);
}

#[test]
fn one_bad_file_does_not_stop_the_rest() {
    let files = ["Cargo.toml", "tests/models/alexnet.onnx", "tests/models/no_such.onnx"];
    let run = predict(&[files[0], files[1], files[2], "--json"]);
    let lines = json_lines(&run.out);
    assert_eq!((run.code, lines.len()), (1, 3), "{run:?}");
    assert_eq!(lines[0]["file"], files[0]);
    assert!(lines[0]["error"]["message"].as_str().expect("a message").contains("one of onnx"));
    assert!(lines[1]["total_ms"].as_f64().expect("a total") > 0.0);
    assert!(lines[2]["error"]["message"].as_str().expect("a message").contains("cannot be opened"));
}

#[test]
fn standard_input_is_a_file() {
    let bytes = std::fs::read("tests/models/alexnet.onnx").expect("a model");
    let piped = nnmeter_with(&["predict", "-", "-d", DEVICE, "--json"], &bytes, &[]);
    let named = predict(&["tests/models/alexnet.onnx", "--json"]);
    let total = |run: &Run| json_lines(&run.out)[0]["total_ms"].as_f64().expect("a total");
    assert_eq!(total(&piped), total(&named));
    let empty = nnmeter_with(&["predict", "-", "-d", DEVICE], b"", &[]);
    assert_eq!((empty.code, empty.out.as_str()), (1, ""), "{empty:?}");
    assert!(empty.err.starts_with("error: -: "), "{}", empty.err);
}

#[test]
fn a_batch_scales_the_work() {
    let total = |arguments: &[&str]| {
        let run = predict(arguments);
        assert_eq!(run.code, 0, "{run:?}");
        json_lines(&run.out)[0]["total_ms"].as_f64().expect("a total")
    };
    for file in ["tests/models/resnet18.onnx", "tests/models/shufflenet_v2_x1_0.onnx"] {
        let one = total(&[file, "--json"]);
        let four = total(&[file, "--json", "--batch", "4"]);
        assert!((3.0..4.2).contains(&(four / one)), "{file}: {one} to {four}");
    }
}

#[test]
fn devices_that_do_not_exist_are_a_usage_error() {
    let run = nnmeter(&["predict", "tests/models/alexnet.onnx", "-d", "cortexA76cpu_tflite2"]);
    assert_eq!((run.code, run.out.as_str()), (2, ""));
    expect![[r#"
        error: device "cortexA76cpu_tflite2": there is no predictor of that name; expected one of adreno630gpu_tflite21, adreno640gpu_tflite21, cortexA76cpu_tflite21, myriadvpu_openvino2019r2
        hint: did you mean cortexA76cpu_tflite21?
    "#]]
    .assert_eq(&run.err);
    assert_eq!(
        nnmeter(&["predict", "tests/models/alexnet.onnx", "-d", &DEVICE.to_uppercase()]).code,
        0
    );
}

#[test]
fn usage_errors_exit_with_2() {
    assert_eq!(nnmeter(&["predict"]).code, 2);
    assert_eq!(predict(&["x.onnx", "--batch", "0"]).code, 2);
    assert_eq!(predict(&["x.onnx", "--input-shape", "1x3"]).code, 2);
    assert_eq!(predict(&["x.onnx", "--format", "caffe"]).code, 2);
    assert_eq!(predict(&["tests/golden"]).code, 2);
}

#[test]
fn shapes_of_inputs_are_checked() {
    let file = "tests/models/alexnet.onnx";
    let wrong = predict(&[file, "--input-shape", "nothing:1x3x224x224"]);
    assert_eq!(wrong.code, 1);
    assert!(wrong.err.contains("is not an input of the model; expected one of"), "{}", wrong.err);
    let fixed = predict(&[file, "--input-shape", "input:1x3x64x64"]);
    assert_eq!(fixed.code, 1);
    assert!(fixed.err.contains("expected 1x3x224x224"), "{}", fixed.err);
}
