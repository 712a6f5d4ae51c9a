//! `nnmeter devices`, `explain`, `convert`, `evaluate` and `completions` as a user calls them.

mod support;

use expect_test::{expect, expect_file};
use serde_json::{Value, json};
use support::{DEVICE, json_lines, nnmeter, nnmeter_with};

#[test]
fn devices_are_listed_and_have_cards() {
    let list = nnmeter(&["devices"]);
    assert_eq!(list.code, 0, "{list:?}");
    assert!(list.out.contains(DEVICE), "{}", list.out);
    let card = nnmeter(&["devices", DEVICE]);
    assert_eq!(card.code, 0, "{card:?}");
    for line in ["chip", "clock", "threads", "runtime", "fitted on", "Accuracy of latency_ms"] {
        assert!(card.out.contains(line), "{line} in {}", card.out);
    }
    let json = json_lines(&nnmeter(&["devices", DEVICE, "--json"]).out);
    assert_eq!(json[0]["name"], DEVICE);
    assert!(json[0]["accuracy"].as_array().expect("tables").len() >= 2);
    assert_eq!(nnmeter(&["devices", "pixel"]).code, 2);
}

#[test]
fn a_broken_package_is_listed_and_named() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("mine.nnmeter"), b"not a package").expect("a file");
    let path = folder.path().to_str().expect("UTF-8");
    let run = nnmeter_with(&["devices"], b"", &[("NNMETER_PREDICTORS", path)]);
    assert_eq!(run.code, 1);
    assert!(run.out.contains(DEVICE) && run.err.contains("mine.nnmeter"), "{run:?}");
}

#[test]
fn explains_which_rule_fused_which_nodes() {
    let file = "tests/models/resnet18_bn.onnx";
    let all = nnmeter(&["explain", file, "-d", DEVICE, "--json"]);
    assert_eq!(all.code, 0, "{all:?}");
    let kernels = json_lines(&all.out);
    let first = &kernels[0]["units"][0]["nodes"][0];
    let name = first.as_str().expect("a name");
    let one = nnmeter(&["explain", file, "-d", DEVICE, "--node", name]);
    assert_eq!(one.code, 0, "{one:?}");
    expect_file!["golden/explain.txt"].assert_eq(&one.out);
    let none = nnmeter(&["explain", file, "-d", DEVICE, "--node", "nothing"]);
    assert_eq!((none.code, none.out.as_str()), (2, ""));
    assert!(none.err.contains("is not an operator of the model"), "{}", none.err);
}

#[test]
fn explains_with_a_rule_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let rules = folder.path().join("rules.json");
    std::fs::write(&rules, r#"{"BF_conv_relu": {"obey": false}}"#).expect("a file");
    let path = rules.to_str().expect("UTF-8");
    let run = nnmeter(&["explain", "tests/models/alexnet.onnx", "--rules", path]);
    assert_eq!(run.code, 0, "{run:?}");
    assert!(run.out.contains("not fused: rule BF_conv_relu says no"), "{}", run.out);
}

#[test]
fn a_converted_model_costs_the_same() {
    let folder = tempfile::tempdir().expect("a folder");
    for model in ["mobilenet_v3_small", "shufflenet_v2_x1_0_bn", "nb201", "vgg16"] {
        let (onnx, ir) = (format!("tests/models/{model}.onnx"), folder.path().join("model.json"));
        let ir = ir.to_str().expect("UTF-8");
        let converted = nnmeter(&["convert", &onnx, "-o", ir]);
        assert_eq!(converted.code, 0, "{converted:?}");
        let lines = json_lines(&nnmeter(&["predict", &onnx, ir, "-d", DEVICE, "--json"]).out);
        let total = |line: &Value| line["total_ms"].as_f64().expect("a total");
        assert_eq!(lines.len(), 2);
        assert!((total(&lines[0]) / total(&lines[1]) - 1.0).abs() < 1e-12, "{model}");
    }
}

/// A data set whose measured latencies are the predictions, but for the second model's.
fn data_set() -> String {
    let ir = nnmeter(&["convert", "tests/models/alexnet.onnx"]).out;
    let graph: Value = serde_json::from_str(&ir).expect("nn-Meter IR");
    let run = nnmeter(&["predict", "tests/models/alexnet.onnx", "-d", DEVICE, "--json"]);
    let total = json_lines(&run.out)[0]["total_ms"].as_f64().expect("a total");
    let line = |id: &str, ms: Value| json!({"id": id, DEVICE: ms, "graph": graph}).to_string();
    [
        line("net18_0", json!(total)),
        line("net34_1", json!(total / 1.08)),
        line("other_0", json!(total)),
        line("other_1", Value::Null),
    ]
    .join("\n")
}

#[test]
fn evaluates_a_data_set() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("nets.jsonl");
    std::fs::write(&file, data_set()).expect("a file");
    let path = file.to_str().expect("UTF-8");
    let run = nnmeter(&["evaluate", path, "-d", DEVICE, "--json"]);
    assert_eq!(run.code, 0, "{run:?}");
    let lines = json_lines(&run.out);
    let figures: Vec<String> = lines
        .iter()
        .map(|line| {
            let figure = |key: &str| line[key].as_f64().expect("a number");
            format!(
                "{} {} {:.2} {:.2} {:.0} {:.3} {:.3}",
                line["family"],
                line["models"],
                figure("within_5"),
                figure("within_10"),
                figure("in_interval"),
                figure("rmspe"),
                figure("bias")
            )
        })
        .collect();
    expect![[r#"
        "net" 2 50.00 100.00 100 5.657 4.000
        "other" 1 100.00 100.00 100 0.000 0.000
        "overall" 3 66.67 100.00 100 4.619 2.667"#]]
    .assert_eq(&figures.join("\n"));
    assert!(run.err.contains("1 lines were not measured"), "{}", run.err);
}

#[test]
fn a_bad_line_is_named_and_the_rest_counts() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("nets.jsonl");
    std::fs::write(&file, format!("{{\"id\": 3}}\n{}", data_set())).expect("a file");
    let path = file.to_str().expect("UTF-8");
    let run = nnmeter(&["evaluate", path, "-d", DEVICE]);
    assert_eq!(run.code, 1);
    assert!(run.err.contains("nets.jsonl:1"), "{}", run.err);
    assert!(run.out.contains("overall"), "{}", run.out);
    let column = nnmeter(&["evaluate", path, "-d", DEVICE, "--column", "phone"]);
    assert_eq!(column.code, 1);
    assert!(column.err.contains("has no figure in column \"phone\""), "{}", column.err);
}

#[test]
fn single_kernels_are_compared_too() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("kernels.jsonl");
    let kernel = |id: &str, kind: &str, ms: f64| {
        let kernel = json!({"kind": kind, "input": [56, 56], "cin": 64, "window": [3, 3]});
        json!({"id": id, DEVICE: ms, "kernel": kernel}).to_string()
    };
    let lines = [kernel("a", "conv", 1.0), kernel("b", "conv", 9.0), kernel("c", "dwconv", 1.0)];
    std::fs::write(&file, format!("{}\n{}", lines.join("\n"), data_set())).expect("a file");
    let path = file.to_str().expect("UTF-8");
    let run = nnmeter(&["evaluate", path, "-d", DEVICE, "--json"]);
    let lines = json_lines(&run.out);
    let row =
        |line: &Value| format!("{} {} {}", line["family"], line["models"], line["in_interval"]);
    let rows: Vec<String> = lines.iter().map(row).collect();
    let expected = [
        r#""kernel conv" 2 null"#,
        r#""kernel dwconv" 1 null"#,
        r#""net" 2 100.0"#,
        r#""other" 1 100.0"#,
        r#""overall" 6 100.0"#,
    ];
    assert_eq!((run.code, rows), (0, expected.map(str::to_owned).to_vec()), "{}", run.err);

    std::fs::write(&file, kernel("a", "recurrent", 1.0)).expect("a file");
    let run = nnmeter(&["evaluate", path, "-d", DEVICE]);
    assert_eq!(run.code, 1, "{run:?}");
}

#[test]
fn a_data_set_without_a_model_says_so() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("nets.jsonl");
    let path = file.to_str().expect("UTF-8");
    for (text, lines) in [("", 1), ("{\n", 3)] {
        std::fs::write(&file, text).expect("a file");
        let run = nnmeter(&["evaluate", path, "-d", DEVICE]);
        assert_eq!((run.code, run.err.lines().count()), (1, lines), "{run:?}");
        assert!(run.err.ends_with("holds no model with a measured figure\n"), "{}", run.err);
    }
}

#[test]
fn completions_for_each_shell() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let run = nnmeter(&["completions", shell]);
        assert_eq!(run.code, 0);
        assert!(run.out.contains("nnmeter"), "{shell}");
    }
}
