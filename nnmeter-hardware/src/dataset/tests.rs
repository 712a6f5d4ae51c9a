//! Data sets in folders that the tests make up.

use std::io::Write;

use super::*;
use crate::fit::samples::Samples;
use nnmeter_core::rules::FusionRules;

const GRAPH: &str = r#"{"x": {"inbounds": [], "outbounds": ["r"], "attr":
    {"name": "x", "type": "Placeholder", "output_shape": [[1, 4, 4, 3]], "input_shape": [], "attr": {}}},
    "r": {"inbounds": ["x"], "outbounds": [], "attr":
    {"name": "r", "type": "Relu", "output_shape": [[1, 4, 4, 3]], "input_shape": [[1, 4, 4, 3]], "attr": {}}}}"#;

fn line(id: &str, columns: &str) -> String {
    let graph = GRAPH.replace('\n', " ");
    format!("{{\"id\": \"{id}\", {columns}, \"graph\": {graph}}}\n")
}

fn folder(files: &[(&str, &[u8])]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, bytes) in files {
        std::fs::write(folder.path().join(name), bytes).expect("a file");
    }
    folder
}

/// What parsing every line gives: ids or messages, without the folder's own name.
fn parse_all(folder: &tempfile::TempDir, name: &str) -> Vec<String> {
    let path = if name.is_empty() { folder.path().to_owned() } else { folder.path().join(name) };
    let dataset = Dataset::open(&path).expect("a data set");
    let root = format!("{}/", folder.path().display());
    let show = |line: Result<Line>| match line.and_then(|line| line.parse()) {
        Ok(record) => record.id,
        Err(error) => error.to_string().replace(&root, ""),
    };
    dataset.lines().map(show).collect()
}

#[test]
fn reads_every_packing_in_the_order_of_names() {
    let (a, b) = (line("a_0", "\"cpu\": 1.5"), line("b_0", "\"cpu\": null"));
    let packed = zstd::encode_all(b.as_bytes(), 3).expect("compresses");
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default();
    zip.start_file("set/cs.jsonl", options).expect("an entry");
    zip.write_all(line("c_0", "\"cpu\": 2").as_bytes()).expect("bytes");
    zip.start_file("__MACOSX/._cs.jsonl", options).expect("an entry");
    let zip = zip.finish().expect("an archive").into_inner();
    let files: [(&str, &[u8]); 4] = [
        ("as.jsonl", a.as_bytes()),
        ("bs.jsonl.zst", &packed),
        ("z.zip", &zip),
        ("README.md", b"text"),
    ];
    let folder = folder(&files);
    assert_eq!(parse_all(&folder, ""), ["a_0", "b_0", "c_0"]);
    let dataset = Dataset::open(folder.path()).expect("a data set");
    let families: Vec<_> =
        dataset.lines().map(|line| line.expect("a line").family.to_string()).collect();
    assert_eq!(families, ["as", "bs", "cs"]);
    assert!(dataset.progress().bytes() > (a.len() + packed.len()) as u64);
}

#[test]
fn a_bad_line_is_named_and_does_not_stop_the_rest() {
    let mut text = line("a_0", "\"cpu\": 1").into_bytes();
    text.extend(b"{\"id\": \"a_1\"}\n\nnot json\n\xff\xfe\n");
    text.extend(line("a_2", "\"cpu\": -1").bytes());
    text.extend(
        line("a_3", "\"cpu\": 1, \"note\": \"x\"")
            .replace("\"r\", \"type\": \"Relu\"", "\"r\"")
            .bytes(),
    );
    text.extend(line("a_4", "\"cpu\": 1").bytes());
    let found = parse_all(&folder(&[("as.jsonl", &text)]), "as.jsonl").join("\n");
    expect_test::expect![[r#"
        a_0
        as.jsonl:2, "a_1": has neither of graph and kernel; expected {"id": name, "<device>": ms or null, "graph": nn-Meter IR}, or "kernel" in place of "graph"
        as.jsonl:4, measured model: expected ident at line 1 column 2; expected {"id": name, "<device>": ms or null, "graph": nn-Meter IR}, or "kernel" in place of "graph"
        as.jsonl:5, measured model: expected value at line 1 column 1; expected {"id": name, "<device>": ms or null, "graph": nn-Meter IR}, or "kernel" in place of "graph"
        as.jsonl:6, model "a_2": has -1 for "cpu"; expected a positive number or null
        as.jsonl:7, measured model: node "r": missing field `type` at line 1 column 349; expected {"id": name, "<device>": ms or null, "graph": nn-Meter IR}, or "kernel" in place of "graph"
        a_4"#]].assert_eq(&found);
}

#[test]
fn a_broken_file_does_not_stop_the_next() {
    let good = line("b_0", "\"cpu\": 1");
    let folder = folder(&[("as.jsonl.zst", b"no zstd"), ("bs.jsonl", good.as_bytes())]);
    let found = parse_all(&folder, "");
    assert_eq!(found.len(), 2);
    assert!(found[0].starts_with("as.jsonl.zst"), "{}", found[0]);
    assert_eq!(found[1], "b_0");
}

#[test]
fn says_what_is_not_a_data_set() {
    let folder = folder(&[("notes.txt", b"")]);
    let open = |path: &Path| Dataset::open(path).expect_err("no data set").to_string();
    let root = format!("{}", folder.path().display());
    let found = [open(folder.path()), open(&folder.path().join("notes.txt"))].join("\n");
    expect_test::expect![[r#"
        data set "DIR": holds no file of a data set; expected FAMILY.jsonl, FAMILY.jsonl.zst or a .zip of FAMILY.jsonl
        data set "DIR/notes.txt": is not named like a file of a data set; expected FAMILY.jsonl, FAMILY.jsonl.zst or a .zip of FAMILY.jsonl"#]].assert_eq(&found.replace(&root, "DIR"));
    assert!(open(&folder.path().join("none.jsonl")).contains("No such file"));
}

#[test]
fn a_missing_column_is_told_with_those_there_are() {
    let text = line("a_0", "\"cpu\": 1, \"gpu\": null");
    let folder = folder(&[("as.jsonl", text.as_bytes())]);
    let read = |device| {
        let dataset = Dataset::open(folder.path()).expect("a data set");
        Samples::read(&dataset, device, &FusionRules::default(), |_| {}, || {})
    };
    let message = |device| read(device).expect_err("no figures").to_string();
    expect_test::expect![[r#"data set: has no column "vpu"; it has cpu, gpu"#]]
        .assert_eq(&message("vpu"));
    expect_test::expect![[r#"data set: has no figure for "gpu""#]].assert_eq(&message("gpu"));
    let (samples, reading) = read("cpu").expect("one model");
    assert_eq!((samples.samples().len(), reading.lines, reading.bad), (1, 1, 0));
    assert_eq!(samples.samples()[0].kernels, [(0, 1)]);
}

/// What parsing lines of single kernels gives.
fn kernels(lines: &[&str]) -> String {
    let text = lines.join("\n");
    let folder = folder(&[("kernels.jsonl", text.as_bytes())]);
    let dataset = Dataset::open(folder.path()).expect("a data set");
    let show = |line: Result<Line>| match line.expect("a line").parse_any() {
        Ok(Measured::Kernel(record)) => format!("{:?}\n", record.work),
        Ok(Measured::Model(_)) => "a model\n".to_owned(),
        Err(error) => {
            format!("{}\n", error.to_string().replace(&format!("{}/", folder.path().display()), ""))
        }
    };
    dataset.lines().map(show).collect()
}

#[test]
fn a_kernel_is_told_by_its_configuration() {
    let found = kernels(&[
        r#"{"id": "a", "cpu": 1, "kernel": {"kind": "conv", "input": [56, 57], "cin": 64, "cout": 128, "window": [3, 3], "stride": [2, 2]}}"#,
        r#"{"id": "b", "cpu": 1, "kernel": {"kind": "se", "input": [7, 7], "cin": 64, "weights": 2048, "macs": 2048}}"#,
        r#"{"id": "c", "cpu": 1, "kernel": {"kind": "conv", "input": [8], "cin": 3, "pooled": {"kind": "maxpool", "window": [3, 3], "stride": [2, 2]}}}"#,
    ]);
    expect_test::expect![[r#"
        Workload { kind: Conv, batch: 1, input: [1, 56, 57], output: [1, 28, 29], cin: 64, cout: 128, window: [1, 3, 3], stride: [1, 2, 2], dilation: [1, 1, 1], groups: 1, operands: 1, channels: [64, 0, 0, 0], bits: 32, macs: 59867136, weights: 73728, read: 204288, written: 103936, pooled: None }
        Workload { kind: Se, batch: 1, input: [1, 7, 7], output: [1, 7, 7], cin: 64, cout: 64, window: [1, 1, 1], stride: [1, 1, 1], dilation: [1, 1, 1], groups: 1, operands: 1, channels: [64, 0, 0, 0], bits: 32, macs: 2048, weights: 2048, read: 3136, written: 3136, pooled: None }
        Workload { kind: Conv, batch: 1, input: [1, 1, 8], output: [1, 1, 8], cin: 3, cout: 3, window: [1, 1, 1], stride: [1, 1, 1], dilation: [1, 1, 1], groups: 1, operands: 1, channels: [3, 0, 0, 0], bits: 32, macs: 72, weights: 9, read: 24, written: 24, pooled: Some(Pooling { kind: MaxPool, window: [1, 3, 3], stride: [1, 2, 2], joined: 1 }) }
    "#]].assert_eq(&found);
}

#[test]
fn a_kernel_that_makes_no_sense_is_named() {
    let found = kernels(&[
        r#"{"id": "a", "kernel": {"kind": "konv", "cin": 1}}"#,
        r#"{"id": "b", "kernel": {"kind": "conv", "cin": 0}}"#,
        r#"{"id": "c", "kernel": {"kind": "conv", "cin": 1, "groups": 0}}"#,
        r#"{"id": "d", "kernel": {"kind": "conv", "cin": 1, "stride": [0, 1]}}"#,
        r#"{"id": "e", "kernel": {"kind": "conv", "cin": 1, "input": [1, 1, 1, 1]}}"#,
        r#"{"id": "f", "kernel": {"kind": "se", "cin": 1}}"#,
        r#"{"id": "g", "kernel": {"kind": "conv", "cin": 1, "colour": 3}}"#,
        r#"{"id": "h", "cpu": 1}"#,
        r#"{"id": "i", "kernel": {"kind": "fc", "cin": 1, "pooled": {"kind": "maxpool", "window": [3]}}}"#,
        r#"{"id": "j", "kernel": {"kind": "conv", "cin": 1, "pooled": {"kind": "relu", "window": [3]}}}"#,
        r#"{"id": "k", "kernel": {"kind": "conv", "cin": 1, "pooled": {"kind": "maxpool", "window": [0]}}}"#,
    ]);
    expect_test::expect![[r#"
        kernels.jsonl:1, "a", measured kernel: is of kind "konv", which is not known; expected a name like "conv", "dwconv", "add"
        kernels.jsonl:2, "b", measured kernel: has an extent or count of 0; expected 1 or more
        kernels.jsonl:3, "c", measured kernel: has an extent or count of 0; expected 1 or more
        kernels.jsonl:4, "d", measured kernel: has an extent or count of 0; expected 1 or more
        kernels.jsonl:5, "e", measured kernel: has 4 spatial extents; expected up to three
        kernels.jsonl:6, "f", measured kernel: is of kind "se" and lacks weights or macs; expected both, for they do not follow from its extents
        kernels.jsonl:7, measured model: unknown field `colour`, expected one of `kind`, `input`, `output`, `cin`, `cout`, `window`, `stride`, `dilation`, `groups`, `operands`, `batch`, `bits`, `channels`, `read`, `also_read`, `written`, `weights`, `macs`, `pooled` at line 1 column 57; expected {"id": name, "<device>": ms or null, "graph": nn-Meter IR}, or "kernel" in place of "graph"
        kernels.jsonl:8, "h": has neither of graph and kernel; expected {"id": name, "<device>": ms or null, "graph": nn-Meter IR}, or "kernel" in place of "graph"
        kernels.jsonl:9, "i", measured kernel: is of kind "fc" and has a pooling behind it; expected "pooled" for convolutions alone
        kernels.jsonl:10, "j", measured kernel: has a "relu" for the pooling behind it; expected "maxpool", "avgpool" or "pool"
        kernels.jsonl:11, "k", measured kernel: has an extent or count of 0; expected 1 or more
    "#]].assert_eq(&found);
    let huge = r#"{"id": "i", "kernel": {"kind": "conv", "cin": 4294967295, "cout": 4294967295, "input": [4294967295, 4294967295]}}"#;
    assert!(kernels(&[huge]).contains("macs: 18446744073709551615"));
}

#[test]
fn whole_models_and_kernels_are_read_side_by_side() {
    let model = line("as_0", "\"cpu\": 2");
    let kernel = r#"{"id": "k", "cpu": 1, "kernel": {"kind": "relu", "input": [4, 4], "cin": 3}}"#;
    let folder = folder(&[("as.jsonl", model.as_bytes()), ("ks.jsonl", kernel.as_bytes())]);
    let dataset = Dataset::open(folder.path()).expect("a data set");
    let read = Samples::read(&dataset, "cpu", &FusionRules::default(), |_| {}, || {});
    let (samples, reading) = read.expect("two samples");
    assert_eq!((reading.lines, reading.bad), (2, 0));
    assert_eq!(samples.families(), ["as", "ks"]);
    assert!(!samples.is_of_kernels(0) && samples.is_of_kernels(1));
    // The model is that ReLU alone: the same work.
    assert_eq!(samples.workloads().len(), 1);
    let parse = |line: Line| line.parse().map(|record| record.id).map_err(|e| e.to_string());
    let ids: Vec<_> = dataset.lines().map(|line| parse(line.expect("a line"))).collect();
    assert_eq!(ids[0], Ok("as_0".to_owned()));
    let refused = ids[1].as_ref().expect_err("no model");
    assert!(refused.contains("\"k\": is a kernel; expected a whole model"), "{refused}");
}

/// Kernels of real networks, told by their configuration, have the work that detection finds.
#[test]
fn configurations_say_what_graphs_say() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/models");
    let mut kinds = std::collections::BTreeSet::new();
    for name in ["mobilenet_v3_small", "shufflenet_v2_x1_0_bn", "vgg16", "nb201_bn"] {
        let bytes = std::fs::read(format!("{folder}/{name}.onnx")).expect("a fixture");
        let graph = nnmeter_core::import::read(bytes.into(), None).expect("a graph");
        let graph = graph.infer_shapes().expect("shapes");
        let works = crate::fit::samples::work_of(&graph, &FusionRules::default()).expect("kernels");
        for work in works {
            let told = Configuration::of(&work);
            assert_eq!(told.workload().expect(name), work, "{told:?}");
            kinds.insert(work.kind);
        }
    }
    assert!(kinds.len() >= 12, "{kinds:?}");
}
