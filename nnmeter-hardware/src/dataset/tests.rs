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
        as.jsonl:2, measured model: missing field `graph` at line 1 column 13; expected {"id": name, "<device>": ms or null, "graph": nn-Meter IR}
        as.jsonl:4, measured model: expected ident at line 1 column 2; expected {"id": name, "<device>": ms or null, "graph": nn-Meter IR}
        as.jsonl:5, measured model: expected value at line 1 column 1; expected {"id": name, "<device>": ms or null, "graph": nn-Meter IR}
        as.jsonl:6, model "a_2": has -1 for "cpu"; expected a positive number or null
        as.jsonl:7, measured model: node "r": missing field `type` at line 1 column 349; expected {"id": name, "<device>": ms or null, "graph": nn-Meter IR}
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
