//! From a model to a number: as a file with its weights, as a graph in memory, as a process.
//!
//! Figures of nn-Meter 2.0 for the same questions, from another machine (2-vCPU Ice Lake Xeon at
//! 2.8 GHz, CPU time, forests of the official size): ResNet-18 from ONNX 340 ms, ShuffleNetV2 from its
//! graph 265 ms, the command line 6.6 s.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use bytes::Bytes;
use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use nnmeter_core::graph::Graph;
use nnmeter_core::import::{Format, read};
use nnmeter_core::op::Op;
use nnmeter_core::tensor::DType;
use nnmeter_hardware::registry::Registry;

const DEVICE: &str = "cortexA76cpu_tflite21";

fn model(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/models").join(name)
}

fn graph(bytes: &Bytes) -> Graph {
    read(bytes.clone(), Some(Format::Onnx)).expect("a valid model")
}

/// The model of `path` with all its weights in it. A second `graph` field merges with the first, so
/// the initializers can follow the file as it is.
fn with_weights(path: &Path, into: &Path) {
    let bytes = std::fs::read(path).expect("a model");
    let mut initializers = Vec::new();
    for node in graph(&Bytes::from(bytes.clone())).dag().node_weights() {
        if let Op::Const(constant) = &node.op
            && constant.ty.dtype == DType::F32
        {
            let mut tensor = Vec::new();
            for &dim in &constant.ty.dims {
                varint_field(&mut tensor, 1, dim as u64);
            }
            varint_field(&mut tensor, 2, 1);
            bytes_field(&mut tensor, 8, node.name.as_bytes());
            bytes_field(&mut tensor, 9, &vec![0x3c; constant.ty.bytes()]);
            bytes_field(&mut initializers, 5, &tensor);
        }
    }
    let mut file = File::create(into).expect("a temporary file");
    let mut graph_field = Vec::new();
    bytes_field(&mut graph_field, 7, &initializers);
    file.write_all(&bytes).and_then(|()| file.write_all(&graph_field)).expect("space");
}

fn varint_field(out: &mut Vec<u8>, field: u64, value: u64) {
    varint(out, field << 3);
    varint(out, value);
}

fn bytes_field(out: &mut Vec<u8>, field: u64, value: &[u8]) {
    varint(out, field << 3 | 2);
    varint(out, value.len() as u64);
    out.extend_from_slice(value);
}

fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// A warm file with 47 MB of weights to a number.
fn file(criterion: &mut Criterion) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("resnet18.onnx");
    with_weights(&model("resnet18.onnx"), &path);
    let size = path.metadata().expect("a file").len();
    let device = Registry::built_in().open(DEVICE).expect("a device");
    let predictor = device.latency().expect("latency");
    let name = format!("resnet18.onnx ({} MB) to a number", size / 1_000_000);
    criterion.bench_function(&name, |bencher| {
        bencher.iter(|| {
            let file = File::open(&path).expect("a file");
            // SAFETY: nothing changes the file while it is mapped.
            #[allow(unsafe_code)]
            let map = unsafe { memmap2::Mmap::map(&file) }.expect("a map");
            let graph = graph(&Bytes::from_owner(map)).infer_shapes().expect("shapes");
            predictor.predict(&graph).total
        });
    });
}

/// A graph in memory to a number, with and without shape inference.
fn in_memory(criterion: &mut Criterion) {
    let bytes = Bytes::from(std::fs::read(model("shufflenet_v2_x1_0.onnx")).expect("a model"));
    let device = Registry::built_in().open(DEVICE).expect("a device");
    let predictor = device.latency().expect("latency");
    let untyped = graph(&bytes);
    let typed = untyped.clone().infer_shapes().expect("shapes");
    let operators = typed.order().iter().filter(|&&id| typed.is_op(id)).count();
    let name = format!("ShuffleNetV2 in memory ({operators} operators)");
    let mut group = criterion.benchmark_group(&name);
    group.bench_function("shapes known, to a number", |bencher| {
        bencher.iter(|| predictor.predict(&typed).total);
    });
    group.bench_function("shapes inferred, to a number", |bencher| {
        bencher.iter_batched(
            || untyped.clone(),
            |graph| predictor.predict(&graph.infer_shapes().expect("shapes")).total,
            BatchSize::SmallInput,
        );
    });
    group.finish();
}

/// Opening the built-in device, for the first time in a process.
fn load(criterion: &mut Criterion) {
    criterion.bench_function("opening the built-in device", |bencher| {
        bencher.iter(|| Registry::built_in().open(DEVICE).expect("a device"));
    });
}

/// Process start to number.
fn process(criterion: &mut Criterion) {
    let model = model("mobilenet_v2.onnx");
    criterion.bench_function("process start to number, MobileNetV2", |bencher| {
        bencher.iter(|| {
            let mut command = Command::new(env!("CARGO_BIN_EXE_nnmeter"));
            command.args(["predict", "--device", DEVICE, "--json"]).arg(&model);
            assert!(command.stdout(Stdio::null()).status().expect("a run").success());
        });
    });
}

criterion_group! {
    name = benches;
    config = Criterion::default().measurement_time(Duration::from_secs(4));
    targets = file, in_memory, load, process
}
criterion_main!(benches);
