//! `nnmeter space count`, `sample`, `best` and `pareto` as a user calls them.

mod support;

use std::collections::BTreeSet;
use std::fs::File;
use std::path::Path;

use expect_test::expect_file;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::{Field, Row};
use serde_json::Value;
use support::{DEVICE, Run, json_lines, nnmeter, nnmeter_with};

/// A command with what it printed and its exit code.
fn told(arguments: &[&str]) -> String {
    let Run { code, out, err } = nnmeter(arguments);
    format!("$ nnmeter {}\n{out}{err}-> {code}\n\n", arguments.join(" "))
}

#[test]
fn answers_as_people_see_them() {
    let budget = ["-d", DEVICE, "--budget", "42ms"];
    let with = |start: &[&'static str], end: &[&'static str]| told(&[start, &budget, end].concat());
    let text = [
        with(&["space", "count", "spos"], &[]),
        with(&["space", "count", "once-for-all"], &[]),
        with(&["space", "sample", "spos"], &["-n", "3"]),
        with(&["space", "best", "spos"], &["--score", "macs", "-k", "3"]),
        with(&["space", "pareto", "spos"], &["--score", "parameters", "--rows", "4"]),
        told(&["space", "count", "spos", "--budget", "290Mmacs..291Mmacs"]),
    ];
    expect_file!["golden/space_budgets.txt"].assert_eq(&text.concat());
}

#[test]
fn requests_that_cannot_be_met_say_why() {
    let text = [
        told(&["space", "sample", "spos", "-d", DEVICE, "--budget", "30ms"]),
        told(&["space", "count", "spos", "-d", DEVICE, "--budget", "90ms..", "--json"]),
        told(&["space", "count", "spos", "--budget", "30ms"]),
        told(&["space", "count", "spos", "-d", "a", "-d", "b", "--budget", "30ms"]),
        told(&["space", "count", "spos", "--budget", "3Mmacs", "--probability", "0.9"]),
        told(&["space", "sample", "spos", "-d", DEVICE, "-o", "samples.xlsx"]),
        told(&["space", "sample", "spos", "--bins", "3"]),
        told(&["space", "best", "spos", "--score", "accuracy.csv"]),
        told(&["space", "pareto", "spos", "--score", "macs"]),
    ];
    expect_file!["golden/space_refused.txt"].assert_eq(&text.concat());
    for budget in ["30", "30ms..20ms", "1ms..2mJ", "300Mmacs@phone"] {
        assert_eq!(nnmeter(&["space", "count", "spos", "--budget", budget]).code, 2, "{budget}");
    }
}

#[test]
fn several_devices_have_a_budget_each() {
    let gpu = "adreno640gpu_tflite21";
    let (cpu_limit, gpu_limit) = (format!("50ms@{DEVICE}"), format!("10ms..14ms@{gpu}"));
    let budgets = ["--budget", &cpu_limit, "--budget", &gpu_limit];
    let run = nnmeter(
        &[&["space", "sample", "once-for-all", "-n", "9", "--json"], &budgets[..]].concat(),
    );
    assert_eq!(run.code, 0, "{run:?}");
    for line in json_lines(&run.out) {
        let cost = |name: &str| line["costs"][name].as_f64().expect("a cost");
        assert!(cost(&format!("latency_ms@{DEVICE}")) <= 50.0);
        assert!((10.0..=14.0).contains(&cost(&format!("latency_ms@{gpu}"))));
    }
}

#[test]
fn a_probability_makes_the_budget_tighter() {
    let count = |more: &[&str]| {
        let arguments = ["space", "count", "spos", "-d", DEVICE, "--budget", "48ms", "--json"];
        let run = nnmeter(&[&arguments, more].concat());
        assert_eq!(run.code, 0, "{run:?}");
        json_lines(&run.out)[0]["count"].as_u64().expect("an exact count")
    };
    let (half, most) = (count(&["--probability", "0.6"]), count(&["--probability", "0.9"]));
    assert!(most < half && half < count(&[]), "{most} {half}");
}

#[test]
fn seeds_repeat_and_fair_rounds_have_every_option() {
    let draw = |seed: &str| {
        let run =
            nnmeter(&["space", "sample", "spos", "--seed", seed, "-n", "4", "--fair", "--json"]);
        assert_eq!(run.code, 0, "{run:?}");
        run.out
    };
    assert_eq!(draw("1"), draw("1"));
    assert_ne!(draw("1"), draw("2"));
    let round = json_lines(&draw("1"));
    for choice in 1..=20 {
        let name = format!("block {choice}");
        let options: BTreeSet<&str> =
            round.iter().map(|line| line["sample"][&name].as_str().expect("an option")).collect();
        assert_eq!(options.len(), 4);
    }
}

/// The cells of a Parquet file as CSV has them.
fn parquet_rows(path: &Path) -> Vec<Vec<String>> {
    let reader = SerializedFileReader::new(File::open(path).expect("a file")).expect("Parquet");
    let rows = reader.get_row_iter(None).expect("rows");
    let cell = |field: Field| match field {
        Field::Null => String::new(),
        Field::Str(text) => text,
        Field::Double(number) => number.to_string(),
        other => panic!("{other:?} in a column of texts or numbers"),
    };
    let row = |row: Row| row.into_columns().into_iter().map(|(_, field)| cell(field)).collect();
    rows.map(|fields| row(fields.expect("a row"))).collect()
}

#[test]
fn files_hold_what_is_printed() {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str| {
        let path = folder.path().join(name);
        let file = path.to_str().expect("UTF-8");
        let run =
            nnmeter(&["space", "sample", "once-for-all", "-d", DEVICE, "-n", "70", "-o", file]);
        assert_eq!((run.code, run.out.as_str()), (0, ""), "{run:?}");
        path
    };
    let csv = std::fs::read_to_string(write("samples.csv")).expect("a file");
    let rows: Vec<Vec<String>> =
        csv.lines().map(|line| line.split(',').map(str::to_owned).collect()).collect();
    assert_eq!((rows.len(), rows[0][0].as_str()), (71, "depth 1"));
    assert_eq!(rows[0].last().map(String::as_str), Some(&*format!("latency_ms@{DEVICE}")));
    assert!(csv.contains(",,"), "choices without effect are empty");
    assert_eq!(parquet_rows(&write("samples.parquet")), rows[1..]);
    let lines = json_lines(&std::fs::read_to_string(write("samples.jsonl")).expect("a file"));
    assert_eq!(lines.len(), 70);
    assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 3);
    let missing = folder.path().join("nothing").join("samples.csv");
    let missing = missing.to_str().expect("UTF-8");
    assert_eq!(nnmeter(&["space", "sample", "spos", "-o", missing]).code, 1);
}

#[test]
fn a_list_of_choices_alone_needs_no_device() {
    let space = nnmeter(&["space", "show", "resnet18-widths", "--json"]).out;
    let run = nnmeter_with(&["space", "sample", "-", "-n", "2", "-o", "-"], space.as_bytes(), &[]);
    assert_eq!((run.code, run.out.lines().count()), (0, 3), "{run:?}");
}

#[test]
fn scores_of_a_file_rank() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("scores.csv");
    let scores = (1..=20).flat_map(|block| {
        ["k3", "k5", "k7", "xception"].into_iter().enumerate().map(move |(place, option)| {
            format!("block {block},{option},{}\n", block as f64 / 10.0 * place as f64)
        })
    });
    let text: String = ["choice,option,score\n".to_owned()].into_iter().chain(scores).collect();
    std::fs::write(&file, text).expect("a file");
    let path = file.to_str().expect("UTF-8");
    let best = |more: &[&str]| {
        let arguments = ["space", "best", "spos", "-k", "1", "--json", "--score", path];
        let run = nnmeter(&[&arguments, more].concat());
        assert_eq!(run.code, 0, "{run:?}");
        json_lines(&run.out).remove(0)
    };
    assert_eq!(best(&[])["sample"]["block 7"], "xception");
    assert_eq!(best(&["--lower-is-better"])["costs"]["score"], 0.0);
    let plot = folder.path().join("front.svg");
    let plot = plot.to_str().expect("UTF-8");
    let arguments = ["space", "pareto", "spos", "-d", DEVICE, "--budget", "45ms", "--json"];
    let run = nnmeter(&[&arguments, &["--score", path, "--plot", plot][..]].concat());
    assert_eq!(run.code, 0, "{run:?}");
    let front = json_lines(&run.out);
    let of = |line: &Value, name: &str| line["costs"][name].as_f64().expect("a cost");
    let latency = format!("latency_ms@{DEVICE}");
    for pair in front.windows(2) {
        assert!(of(&pair[0], &latency) < of(&pair[1], &latency));
        assert!(of(&pair[0], "score") < of(&pair[1], "score"));
    }
    let svg = std::fs::read_to_string(plot).expect("a plot");
    assert!(svg.starts_with("<svg") && svg.contains("Pareto front, exact"));
}
