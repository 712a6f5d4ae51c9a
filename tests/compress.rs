//! `nnmeter prune` and `nnmeter student` as a user calls them.

mod support;

use std::fmt::Write as _;

use expect_test::expect_file;
use serde_json::Value;
use support::{DEVICE, json_lines, nnmeter};

const GPU: &str = "adreno640gpu_tflite21";
const RESNET: &str = "tests/models/resnet18.onnx";
const MOBILENET: &str = "tests/models/mobilenet_v2.onnx";

#[test]
fn plans_are_shown() {
    let mut text = String::new();
    for (file, device, budget) in [
        (RESNET, DEVICE, "150ms"),
        (RESNET, GPU, "25ms"),
        (MOBILENET, DEVICE, "30ms"),
        (MOBILENET, GPU, "6ms"),
    ] {
        let run = nnmeter(&["prune", file, "-d", device, "--budget", budget]);
        assert_eq!(run.code, 0, "{run:?}");
        writeln!(text, "{}", run.out).expect("a string takes all");
    }
    expect_file!["golden/prune.txt"].assert_eq(&text);
}

#[test]
fn the_pruned_network_is_predicted_as_the_plan_says() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("pruned.json");
    let file = file.to_str().expect("UTF-8");
    for (model, device, budget) in [(RESNET, DEVICE, 150.0), (MOBILENET, GPU, 6.0)] {
        let text = format!("{budget}ms");
        let arguments =
            ["prune", model, "-d", device, "--budget", &text, "--json", "--graph", file];
        let run = nnmeter(&arguments);
        assert_eq!(run.code, 0, "{run:?}");
        let plan: Value = serde_json::from_str(&run.out).expect("JSON");
        let after = plan["after_ms"].as_f64().expect("a number");
        assert!(after <= budget && plan["exact"] == true, "{plan}");
        let predicted = nnmeter(&["predict", file, "-d", device, "--json"]);
        let total = json_lines(&predicted.out)[0]["total_ms"].as_f64().expect("a number");
        assert!((total / after - 1.0).abs() < 1e-9, "{total} is not {after}");
        let groups = plan["groups"].as_array().expect("groups");
        let narrower = |group: &&Value| group["channels_after"] != group["channels_before"];
        assert!(groups.iter().any(|group| narrower(&group)));
        assert!(plan["constants"].as_array().is_some_and(|all| !all.is_empty()));
        assert!(plan["fixed"][0]["reason"].as_str().is_some_and(|why| why.contains("returned")));
    }
}

#[test]
fn students_are_shown() {
    let run = nnmeter(&["student", RESNET, "-d", DEVICE, "--budget", "100ms"]);
    assert_eq!(run.code, 0, "{run:?}");
    expect_file!["golden/student.txt"].assert_eq(&run.out);
    let staged =
        ["student", RESNET, "-d", GPU, "--budget", "20ms", "--by-stage", "--json", "-k", "2"];
    let run = nnmeter(&staged);
    let students = json_lines(&run.out);
    assert_eq!(students.len(), 2, "{run:?}");
    assert!(
        students.iter().all(|student| student["after_ms"].as_f64().is_some_and(|ms| ms <= 20.0))
    );
}

#[test]
fn what_cannot_be_is_said() {
    for verb in ["prune", "student"] {
        let run = nnmeter(&[verb, RESNET, "-d", DEVICE, "--budget", "1ms"]);
        assert_eq!((run.code, run.out.as_str()), (1, ""), "{run:?}");
        assert!(run.err.contains("over budget: the least that can be reached is"), "{}", run.err);
        let run = nnmeter(&[verb, RESNET, "-d", DEVICE, "--budget", "50ms", "--min-keep", "0"]);
        assert_eq!(run.code, 2, "{run:?}");
        let efficientnet = "tests/models/efficientnet_b0.onnx";
        let run = nnmeter(&[verb, efficientnet, "-d", DEVICE, "--budget", "50ms"]);
        assert_eq!(run.code, 1, "{run:?}");
        assert!(run.err.contains("has no price"), "{}", run.err);
    }
}
