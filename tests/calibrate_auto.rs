//! `nnmeter calibrate --base auto`, with timings that a built-in device predicts.

mod support;

use std::fmt::Write;
use std::path::Path;

use expect_test::expect;
use support::{Run, json_lines, nnmeter};

const NETWORKS: [&str; 11] = [
    "alexnet",
    "mobilenet_v2",
    "mobilenet_v3_small",
    "nb201",
    "resnet18",
    "resnet50",
    "squeezenet1_1",
    "vgg16",
    "mobilenet_v2_bn",
    "resnet18_bn",
    "shufflenet_v2_x1_0",
];

/// Calibrates to what `device` takes for `networks`, one and a half times.
fn calibrate(folder: &Path, device: &str, networks: &[&str]) -> Run {
    let mut csv = "family,model,ms\n".to_owned();
    for name in networks {
        let file = format!("{}/tests/models/{name}.onnx", env!("CARGO_MANIFEST_DIR"));
        let run = nnmeter(&["predict", &file, "-d", device, "--json"]);
        let ms = json_lines(&run.out)[0]["total_ms"].as_f64().expect("a total");
        let family = name.split('_').next().unwrap_or_default();
        writeln!(csv, "{family},{file},{}", 1.5 * ms).expect("a string takes all");
    }
    let path = |name: &str| folder.join(name).display().to_string();
    std::fs::write(path("timings.csv"), csv).expect("a file");
    auto(&path("timings.csv"), &path("mine.nnmeter"), &[])
}

fn auto(csv: &str, output: &str, more: &[&str]) -> Run {
    let mut all = vec!["calibrate", "--base", "auto", "--measured", csv, "-o", output];
    all.extend(more);
    nnmeter(&all)
}

#[test]
fn the_device_that_was_timed_is_the_base() {
    let folder = tempfile::tempdir().expect("a folder");
    let run = calibrate(folder.path(), "adreno630gpu_tflite21", &NETWORKS[..10]);
    assert_eq!((run.code, run.out.as_str()), (0, ""), "{run:?}");
    let told: Vec<&str> = run.err.lines().take(5).collect();
    assert!(told[0].ends_with("adreno630gpu_tflite21 calibrated to 10 networks of 7 families"));
    assert!(told[1].starts_with("  base adreno630gpu_tflite21: networks left out are 0.0 % off"));
    assert!(told[2].starts_with("  instead of adreno640gpu_tflite21: networks left out are "));
    assert!(told[3..].iter().all(|line| line.starts_with("  instead of ")), "{told:?}");
    let card = nnmeter(&["devices", &folder.path().join("mine.nnmeter").display().to_string()]);
    let method = "adreno630gpu_tflite21 was closer to networks left out than adreno640gpu_tflite21";
    assert!(card.out.contains(method), "{}", card.out);
}

#[test]
fn a_device_that_does_not_price_all_is_no_base() {
    let folder = tempfile::tempdir().expect("a folder");
    let run = calibrate(folder.path(), "cortexA76cpu_tflite21", &NETWORKS);
    assert_eq!(run.code, 0, "{run:?}");
    assert!(run.err.contains("  base cortexA76cpu_tflite21: "), "{}", run.err);
    for device in ["adreno630gpu_tflite21", "adreno640gpu_tflite21"] {
        let line = format!("  not compared: {device}: ");
        let line = run.err.lines().find(|told| told.starts_with(&line)).expect("a line");
        assert!(line.contains("shufflenet_v2_x1_0.onnx holds ") && line.contains("no price"));
    }
}

#[test]
fn few_timings_tell_no_base() {
    let folder = tempfile::tempdir().expect("a folder");
    let run = calibrate(folder.path(), "cortexA76cpu_tflite21", &NETWORKS[..5]);
    assert_eq!((run.code, run.out.as_str()), (1, ""), "{run:?}");
    let told = run.err.replace(&folder.path().display().to_string(), "FOLDER");
    expect![[r#"
        error: FOLDER/timings.csv: timings: 5 of them tell no base from another; expected 8 different networks at least
        hint: name the base that is most like the device
    "#]]
    .assert_eq(&told);
}

#[test]
fn what_no_device_has_is_no_base() {
    let run = auto("none.csv", "mine.nnmeter", &["--metric", "energy_mj"]);
    assert_eq!((run.code, run.out.as_str()), (1, ""), "{run:?}");
    let start = "error: base \"auto\": no device can be the base: adreno630gpu_tflite21: device";
    assert!(run.err.starts_with(start), "{}", run.err);
}
