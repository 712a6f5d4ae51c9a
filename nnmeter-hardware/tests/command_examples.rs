//! The examples of docs/command-backend.md do what they say, as far as that shows without their devices: the
//! script for phones with a made-up `adb`, the program for NVIDIA GPUs up to the GPU.
#![cfg(unix)]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use nnmeter_hardware::backend::{Backend, Backends, Model, Options, Session};
use nnmeter_hardware::error::{Error, ErrorKind};
use nnmeter_hardware::package::Metric;

/// A phone that takes what it is given, and whose tool prints what TFLite's does.
const ADB: &str = r#"#!/bin/sh
[ "$1 $2" = "-s 1234" ] || { echo "no such phone" >&2; exit 1; }
shift 2
case "$1 $2" in
  "shell getprop") printf 'SM8250\r\n' ;;
  push\ *) [ -f "$2" ] ;;
  "shell taskset")
    case "$*" in *strange*) echo "ERROR: cannot load"; exit ;; esac
    case "$*" in *"--graph=/data/local/tmp/net.tflite --num_threads=4"*) ;; *) exit 3 ;; esac
    echo "count=3 first=52000 curr=42000 min=41000 max=52000 avg=45000 std=300"
    echo "count=50 first=41300 curr=40900 min=40700 max=44000 avg=41020 std=600" ;;
esac
"#;

fn executable(path: &Path, text: &str) {
    fs::write(path, text).expect("written");
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("may be executed");
}

/// The script of the document, with an `adb` before all others.
fn script(folder: &Path) -> String {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/command-backend.md");
    let page = fs::read_to_string(page).expect("the document");
    let (_, script) = page.split_once("```sh\n").expect("a script");
    let (script, _) = script.split_once("```").expect("its end");
    executable(&folder.join("bench_tflite.sh"), script);
    executable(&folder.join("adb"), ADB);
    let folder = folder.display();
    format!("command:env PATH={folder}:/usr/bin:/bin {folder}/bench_tflite.sh")
}

fn phone(folder: &Path, serial: &str) -> Result<Box<dyn Backend>, Error> {
    let options: Options = [("serial", serial), ("threads", "4")].into_iter().collect();
    Backends::built_in().open(&script(folder), &options)
}

/// A session for a model that stands beside what is measured.
fn session(backend: &dyn Backend, folder: &Path, name: &str) -> Box<dyn Session> {
    let model = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/models/squeezenet1_1.onnx");
    let path: PathBuf = folder.join(format!("{name}.onnx"));
    fs::copy(model, &path).expect("copied");
    backend.prepare(&Model::read(&path).expect("a model")).expect("prepares")
}

#[test]
fn tflite_on_a_phone() {
    let folder = tempfile::tempdir().expect("a folder");
    let backend = phone(folder.path(), "1234").expect("the phone answers");
    assert_eq!((backend.identity().chip.as_str(), backend.identity().threads), ("SM8250", 4));
    let mut net = session(&*backend, folder.path(), "net");
    let error = net.measure().expect_err("there is no net.tflite");
    assert_eq!(error.kind(), ErrorKind::UnsupportedModel, "{error}");
    for name in ["net", "strange"] {
        fs::write(folder.path().join(name).with_extension("tflite"), "flat").expect("written");
    }
    let values: Vec<f64> = net.measure().expect("figures").iter().map(|one| one.value).collect();
    assert_eq!(values, [40.7]);
    let mut strange = session(&*backend, folder.path(), "strange");
    let error = strange.measure().expect_err("the tool fails").to_string();
    assert!(error.ends_with("benchmark_model printed no figures"), "{error}");
    phone(folder.path(), "5678").expect_err("another phone");
}

/// The program for NVIDIA GPUs, as far as its identity.
fn gpu(options: &[(&str, &str)]) -> Result<Box<dyn Backend>, String> {
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/cuda.py");
    let name = format!("command:python3 {}", program.display());
    let options: Options = options.iter().copied().collect();
    Backends::built_in().open(&name, &options).map_err(|error| error.to_string())
}

#[test]
fn an_nvidia_gpu_or_what_it_lacks() {
    match gpu(&[]) {
        Ok(backend) => assert_eq!(backend.metrics(), [Metric::Latency, Metric::Energy]),
        Err(error) => {
            let lacks =
                ["packages onnxruntime-gpu", "package onnxruntime-gpu", "cannot be reached"];
            let told = lacks.iter().any(|lack| error.contains(lack));
            assert!(error.contains("device: ") && told, "{error}");
        }
    }
    let error = gpu(&[("colour", "red")]).expect_err("there is no such option");
    assert!(error.ends_with("'colour' is not known; expected one of device, seconds"), "{error}");
    let error = gpu(&[("device", "first")]).expect_err("is no number");
    assert!(error.ends_with("option 'device' is 'first'; expected a number"), "{error}");
}
