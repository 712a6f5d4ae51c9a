//! On graphs of nn-Meter's benchmark set the fast kernel detector finds what the slow one finds.
//!
//! The set is not part of the repository: `cargo xtask test --data DIR` runs this.

#[path = "../nnmeter-core/tests/oracle/mod.rs"]
mod oracle;

use std::path::PathBuf;

use nnmeter_core::detect::detect;
use nnmeter_core::graph::NodeId;
use nnmeter_hardware::dataset::{Dataset, Record, parallel};
use nnmeter_hardware::registry::Registry;

/// How many graphs are compared, spread evenly over the families.
const GRAPHS: usize = 500;

fn records() -> Vec<Record> {
    let folder = std::env::var_os("NNMETER_BENCHMARK_DATA").expect("NNMETER_BENCHMARK_DATA is set");
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
        .expect("a folder of data")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.to_string_lossy().contains(".jsonl"))
        .collect();
    files.sort();
    assert!(!files.is_empty(), "the folder holds no .jsonl file");
    let share = GRAPHS.div_ceil(files.len());
    let first = |file: &PathBuf| {
        let data = Dataset::open(file).expect("a data set");
        let lines = data.lines().step_by(7).take(share);
        lines.map(|line| line.expect("a line").parse().expect("a model")).collect::<Vec<_>>()
    };
    files.iter().flat_map(first).take(GRAPHS).collect()
}

#[test]
fn kernels_are_what_the_rules_say() {
    let device = Registry::built_in().open("cortexA76cpu_tflite21").expect("a built-in device");
    let rules = serde_json::from_str(device.rules_json()).expect("JSON");
    let records = records();
    assert!(records.len() >= GRAPHS, "{} graphs", records.len());
    let compare = |record: Record| {
        let detection = detect(&record.graph, device.rules());
        let mut found: Vec<(String, Vec<NodeId>)> = detection
            .kernels()
            .map(|kernel| {
                let mut nodes = kernel.nodes().to_vec();
                nodes.sort();
                (kernel.name(), nodes)
            })
            .collect();
        found.sort();
        assert_eq!(found, oracle::kernels(&record.graph, &rules), "{}", record.id);
    };
    parallel::ordered(records.into_iter(), None, compare, |()| {});
}
