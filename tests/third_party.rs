//! The example crate (`nnmeter-hardware/examples/toy-device`), built and run as a stranger would, and
//! the way of its device into `nnmeter`.
//!
//! It measures for real; how long anything takes is not looked at.

mod support;

use std::path::Path;
use std::process::Command;

use support::json_lines;
use support::user::User;

const EXAMPLE: &str = "nnmeter-hardware/examples/toy-device";

/// Runs the example, which writes its package to `package`, and returns what it prints.
///
/// Its dependencies are those of this workspace, at the same versions: nothing is downloaded, and
/// little is built twice.
fn run_example(package: &Path) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let example = root.join(EXAMPLE);
    std::fs::copy(root.join("Cargo.lock"), example.join("Cargo.lock")).expect("copies");
    let target = Path::new(env!("CARGO_BIN_EXE_nnmeter")).ancestors().nth(2).expect("a folder");
    let run = Command::new(std::env::var_os("CARGO").unwrap_or("cargo".into()))
        .args(["run", "--quiet", "--offline", "--manifest-path"])
        .arg(example.join("Cargo.toml"))
        .arg("--target-dir")
        .arg(target)
        .arg("--")
        .arg(package)
        .output()
        .expect("cargo starts");
    let errors = String::from_utf8_lossy(&run.stderr);
    assert!(run.status.success() && errors.is_empty(), "{}: {errors}", run.status);
    String::from_utf8(run.stdout).expect("UTF-8")
}

#[test]
fn a_strangers_runtime_becomes_a_device() {
    let user = User::new();
    let package = user.home_folder().join("toy_cpu.nnmeter");
    let printed = run_example(&package);
    for text in ["measuring 24 networks", "conv-relu", "The toy runtime, here (ms", "An NPU"] {
        assert!(printed.contains(text), "{text} in {printed}");
    }
    let file = package.to_str().expect("UTF-8");
    let run = |arguments: &[&str]| {
        let run = user.run(arguments);
        assert_eq!(run.code, 0, "{arguments:?}: {run:?}");
        run.out
    };
    run(&["devices", "verify", file]);
    run(&["devices", "add", file]);
    let card = &json_lines(&run(&["devices", "toy_cpu", "--json"]))[0];
    assert_eq!((&card["fitted_on"]["models"], &card["threads"]), (&24.into(), &1.into()));
    assert_eq!(card["accuracy"][0]["families"].as_array().expect("families").len(), 4);
    let by_name = run(&[
        "predict",
        "tests/models/vgg16.onnx",
        "-d",
        "toy_cpu",
        "--allow-uncovered",
        "--json",
    ]);
    let by_file =
        run(&["predict", "tests/models/vgg16.onnx", "-d", file, "--allow-uncovered", "--json"]);
    assert_eq!(by_name, by_file);
    assert!(json_lines(&by_name)[0]["total_ms"].as_f64().expect("a total") > 0.0);
}
