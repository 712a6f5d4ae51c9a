//! `nnmeter space` as a user calls it.

mod support;

use expect_test::expect_file;
use serde_json::Value;
use support::{DEVICE, json_lines, nnmeter};

#[test]
fn spaces_are_listed_and_shown() {
    let list = nnmeter(&["space", "show"]);
    assert_eq!(list.code, 0, "{list:?}");
    assert!(list.out.contains("nasbench201"), "{}", list.out);
    let shown = nnmeter(&["space", "show", "once-for-all"]);
    assert_eq!(shown.code, 0, "{shown:?}");
    expect_file!["golden/space_show.txt"].assert_eq(&shown.out);
    let unknown = nnmeter(&["space", "show", "darts"]);
    assert_eq!((unknown.code, unknown.out.as_str()), (2, ""));
    assert!(unknown.err.contains("one of spos, "), "{}", unknown.err);
}

#[test]
fn a_space_written_as_json_compiles_to_the_same_tables() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("space.json");
    let json = nnmeter(&["space", "show", "spos", "--json"]);
    std::fs::write(&file, &json.out).expect("a file");
    let compile = |space: &str| {
        let run = nnmeter(&["space", "compile", space, "-d", DEVICE, "--json"]);
        assert_eq!(run.code, 0, "{run:?}");
        json_lines(&run.out).remove(0)
    };
    let (own, read) = (compile("spos"), compile(file.to_str().expect("UTF-8")));
    assert_eq!(own, read);
    assert_eq!(own["tables"].as_array().map(Vec::len), Some(20));
    assert_eq!(own["tables"][0]["choices"], Value::from(vec!["block 1"]));
    assert!(own["constant_ms"].as_f64().is_some_and(|constant| constant > 0.0));
}

#[test]
fn tables_are_shown_and_need_a_device() {
    let shown = nnmeter(&["space", "compile", "resnet18-widths", "--metric", "parameters"]);
    assert_eq!(shown.code, 0, "{shown:?}");
    expect_file!["golden/space_compile.txt"].assert_eq(&shown.out);
    let without = nnmeter(&["space", "compile", "spos"]);
    assert_eq!(without.code, 2, "{without:?}");
    assert!(without.err.contains("expected --device NAME"), "{}", without.err);
}
