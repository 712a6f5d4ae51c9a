//! `nnmeter space generate` as a user calls it.

mod support;

use expect_test::{expect, expect_file};
use serde_json::Value;
use support::{DEVICE, json_lines, nnmeter};

const GPU: &str = "adreno640gpu_tflite21";
const VPU: &str = "myriadvpu_openvino2019r2";

/// What `space generate` of the small skeleton prints.
fn generate(arguments: &[&str]) -> String {
    let run = nnmeter(&[&["space", "generate", "--skeleton", "cifar"], arguments].concat());
    assert_eq!(run.code, 0, "{run:?}");
    run.out
}

#[test]
fn a_space_for_a_cpu() {
    expect_file!["golden/space_generate.txt"].assert_eq(&generate(&["-d", DEVICE]));
}

#[test]
fn a_space_for_two_devices_with_budgets() {
    let (cpu, gpu) = (format!("9ms@{DEVICE}"), format!("4ms@{GPU}"));
    let text = generate(&["-d", DEVICE, "-d", GPU, "--budget", &gpu, "--budget", &cpu]);
    expect_file!["golden/space_generate_two.txt"].assert_eq(&text);
}

#[test]
fn a_pool_of_ones_own_where_kernels_span_layers() {
    let (_folder, pool) = file(
        r#"{"built_in": ["separable", "shufflenetv2"], "operators": [
          {"family": "fused", "name": "fused k{k}", "for": {"k": [3, 5]},
           "keeping": [{"op": "conv", "channels": "in*2", "kernel": "k"}, {"op": "relu"},
                       {"op": "conv", "channels": "out", "kernel": 1},
                       {"op": "add", "from": ["in", "-"]}]}]}"#,
    );
    let text =
        generate(&["-d", VPU, "--pool", &pool, "--budget", "8ms", "--capacity", "parameters"]);
    expect_file!["golden/space_generate_pool.txt"].assert_eq(&text);
}

#[test]
fn json_has_all_figures_and_the_space_that_output_writes() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("space.json");
    let output = path.to_str().expect("UTF-8");
    let text = generate(&["-d", DEVICE, "--budget", "9ms", "--json", "-o", output]);
    let page = json_lines(&text).remove(0);
    assert_eq!(page["devices"], Value::from(vec![DEVICE]));
    let layers = page["layers"].as_array().expect("layers");
    assert_eq!(layers.len(), 12);
    for layer in layers {
        let candidates = layer["candidates"].as_array().expect("operators");
        assert_eq!(candidates.len(), 42);
        let chosen: Vec<&Value> =
            candidates.iter().filter(|operator| operator["chosen"] == true).collect();
        assert_eq!(chosen.len(), 4);
        assert!(chosen.iter().all(|operator| operator["costs_ms"][0].as_f64() > Some(0.0)));
    }
    let written = std::fs::read(&path).expect("the space");
    assert_eq!(serde_json::from_slice::<Value>(&written).ok(), Some(page["space"].clone()));
    let reach = page["reach"].as_array().expect("spaces");
    let names: Vec<&str> = reach.iter().filter_map(|space| space["space"].as_str()).collect();
    assert_eq!(names[..3], ["generated", "every operator", "separable alone"]);
    assert!(reach[0]["best_costs_ms"][0].as_f64() <= Some(9.0));
    assert!(reach[0]["best_macs"].as_f64() <= reach[1]["best_macs"].as_f64());
    // The space is one as any other.
    let compiled = nnmeter(&["space", "compile", output, "-d", DEVICE, "--json"]);
    assert_eq!(compiled.code, 0, "{compiled:?}");
}

#[test]
fn layers_may_be_left_out() {
    let page = json_lines(&generate(&["-d", DEVICE, "--identity", "--top", "2", "--json"]));
    let text = page[0]["space"].to_string();
    assert_eq!(text.matches("\"identity\"").count(), 9, "{text}");
}

#[test]
fn what_makes_no_sense_is_told() {
    let (_broken, broken) = file("{");
    let (_strange, strange) =
        file(r#"{"operators": [{"family": "a", "name": "x", "keeping": [{"op": "warp"}]}]}"#);
    let (_unpriced, unpriced) = file(r#"{"built_in": ["shufflenetv2"]}"#);
    let mut told = String::new();
    for arguments in [
        &["-d", DEVICE, "--skeleton", "vgg"][..],
        &["-d", DEVICE, "--skeleton", &broken],
        &["-d", DEVICE, "--pool", &broken],
        &["-d", DEVICE, "--pool", &strange],
        &["-d", GPU, "--pool", &unpriced],
        &["-d", "pixel"],
        &["-d", DEVICE, "--budget", "9ms", "--budget", "4ms"],
        &["-d", DEVICE, "-d", GPU, "--budget", "9ms", "--budget", "4ms"],
        &["-d", DEVICE, "--budget", "9ms@adreno640gpu_tflite21"],
        &["-d", DEVICE, "--top", "0"],
        &["-d", DEVICE, "--exponents", "1,2"],
        &[],
    ] {
        let run = nnmeter(&[&["space", "generate"], arguments].concat());
        assert!(run.code > 0 && run.out.is_empty(), "{arguments:?} {run:?}");
        let error = run.err.replace(&broken, "BROKEN").replace(&strange, "STRANGE");
        told.push_str(&format!("{} {error}", run.code));
    }
    expect![[r#"
        2 error: skeleton "vgg": is not a built-in one; expected one of mobilenetv2, shufflenetv2, cifar, or a JSON file
        1 error: BROKEN: skeleton: is not valid: EOF while parsing an object at line 1 column 1
        1 error: BROKEN: pool: is not valid: EOF while parsing an object at line 1 column 1
        1 error: operator "x", layer 1.2, step 1 (warp), op: "warp" is not known; expected conv, dwconv, bn, relu, relu6, hswish, hsigmoid, sigmoid, swish, maxpool, avgpool, gap, fc, add, mul, concat, split, shuffle, zero, choose or repeat
        1 error: layer 1.2: has no operator with a price; lacking channelshuffle on adreno640gpu_tflite21, split on adreno640gpu_tflite21
        hint: put operators into the pool that the device has prices for
        2 error: device "pixel": there is no predictor of that name; expected one of adreno630gpu_tflite21, adreno640gpu_tflite21, cortexA76cpu_tflite21, myriadvpu_openvino2019r2
        2 error: 2 budgets on cortexA76cpu_tflite21; expected one, as in 30ms
        2 error: 0 budgets on cortexA76cpu_tflite21; expected one, as in 30ms@cortexA76cpu_tflite21
        2 error: budget "9ms@adreno640gpu_tflite21" is for no --device that is given
        1 error: operators of a layer: are 0 of 2 families; expected 1 or more, and no more families than operators
        2 error: invalid value '1,2' for '--exponents <A,B,C>': expected three numbers, as in 0.5,0.5,1

        For more information, try '--help'.
        2 error: the following required arguments were not provided:
          --device <NAME>

        Usage: nnmeter space generate --device <NAME>

        For more information, try '--help'.
    "#]].assert_eq(&told);
}

/// A file with such a text, and its path.
fn file(text: &str) -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("input.json");
    std::fs::write(&path, text).expect("a file");
    let path = path.to_str().expect("UTF-8").to_owned();
    (folder, path)
}
