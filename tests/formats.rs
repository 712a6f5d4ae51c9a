//! Predictions for files that TensorFlow and NNI wrote themselves: `tests/models/tensorflow` and
//! `tests/models/nni`, each with the script that made them. What single operators become is tested
//! beside each importer.

mod support;

use expect_test::expect_file;
use support::{DEVICE, nnmeter, summary};

fn check(folder: &str, extension: &str, golden: expect_test::ExpectFile) {
    let entries = std::fs::read_dir(folder).expect("the folder of models");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    let mut files: Vec<String> = paths
        .filter(|path| path.extension().is_some_and(|found| found == extension))
        .map(|path| path.to_str().expect("UTF-8").to_owned())
        .collect();
    files.sort();
    let mut arguments = vec!["predict", "--device", DEVICE, "--json", "--allow-uncovered"];
    arguments.extend(files.iter().map(String::as_str));
    let run = nnmeter(&arguments);
    assert_eq!((run.code, run.err.as_str()), (0, ""), "{run:?}");
    golden.assert_eq(&summary(&run.out));
}

#[test]
fn graphs_that_tensorflow_froze() {
    check("tests/models/tensorflow", "pb", expect_file!["golden/tensorflow.txt"]);
}

#[test]
fn graphs_that_nni_dumped() {
    check("tests/models/nni", "json", expect_file!["golden/nni.txt"]);
}
