//! Commands on a device that has models of energy and none of latency.

mod support;

use nnmeter_hardware::package::Package;
use serde_json::json;
use support::{DEVICE, json_lines, nnmeter};

/// A device that needs as many millijoules as the built-in one takes milliseconds.
fn device(folder: &tempfile::TempDir) -> String {
    let built_in = format!("nnmeter-hardware/predictors/{DEVICE}.nnmeter");
    let mut package = Package::read(built_in.as_ref()).expect("the built-in package");
    package.energy = package.latency.take();
    let path = folder.path().join("joule.nnmeter");
    package.write(&path).expect("writes");
    path.to_str().expect("UTF-8").to_owned()
}

#[test]
fn predicts_evaluates_and_calibrates_energy() {
    let folder = tempfile::tempdir().expect("a folder");
    let device = device(&folder);
    let file = "tests/models/alexnet.onnx";
    let energy = ["--device", &device, "--metric", "energy_mj", "--json"];
    let predict = ["predict", file, "--budget", "0.06J"];
    let line = json_lines(&nnmeter(&[&predict[..], &energy].concat()).out).remove(0);
    let total = line["total_mj"].as_f64().expect("a total");
    assert_eq!(line["budget_mj"], 60.0);
    assert!(line["interval_mj"].is_array() && line["kernels"][0]["mj"].is_f64(), "{line}");

    let graph = nnmeter(&["convert", file]).out;
    let graph: serde_json::Value = serde_json::from_str(&graph).expect("nn-Meter IR");
    let data = folder.path().join("nets.jsonl");
    let record = json!({"id": "alexnet_0", "mj": total, "graph": graph});
    std::fs::write(&data, record.to_string()).expect("a file");
    let data = data.to_str().expect("UTF-8");
    let evaluate = ["evaluate", data, "--column", "mj"];
    let line = json_lines(&nnmeter(&[&evaluate[..], &energy].concat()).out).remove(0);
    assert_eq!((&line["models"], &line["within_5"]), (&json!(1), &json!(100.0)));

    let csv = folder.path().join("energy.csv");
    let root = env!("CARGO_MANIFEST_DIR");
    std::fs::write(&csv, format!("model,mj\n{root}/{file},{}\n", 3.0 * total)).expect("a file");
    let (csv, mine) = (csv.to_str().expect("UTF-8"), folder.path().join("mine.nnmeter"));
    let mine = mine.to_str().expect("UTF-8");
    let calibrate = ["calibrate", "--base", &device, "--measured", csv, "-o", mine];
    let run = nnmeter(&[&calibrate[..], &["--metric", "energy_mj"]].concat());
    assert_eq!(run.code, 0, "{run:?}");
    let energy = ["--device", mine, "--metric", "energy_mj", "--json"];
    let line = json_lines(&nnmeter(&[&["predict", file][..], &energy].concat()).out).remove(0);
    assert!((line["total_mj"].as_f64().expect("a total") / total - 3.0).abs() < 1e-9, "{line}");
    let latency = nnmeter(&["predict", file, "-d", mine]);
    assert_eq!(latency.code, 2);
    assert!(latency.err.contains("no models of latency_ms; expected energy_mj"), "{latency:?}");
}
