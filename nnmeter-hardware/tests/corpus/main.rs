//! Runs every file of the fuzz corpus through its target, and valid files in damaged forms.
//!
//! Nothing may panic, take more memory than a package may, or end in an error that is not fit to be
//! shown. The targets are those of `fuzz/`; what is in the corpus is told by the files' names. The
//! valid files are written anew by `UPDATE_EXPECT=1`.

#[path = "../../../nnmeter-core/tests/corpus/allocations.rs"]
mod allocations;
mod targets;

use std::fs;
use std::path::{Path, PathBuf};

use allocations::peak_of;

/// What any file may take: all parts of a package at their limit, and something on top.
const MOST: usize = 320 << 20;

/// How many damaged forms of each valid file are tried, of each kind.
const CUTS: usize = 200;
const FLIPS: usize = 400;

fn folder(target: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target)
}

fn files(target: &str) -> Vec<(String, Vec<u8>)> {
    let entries = fs::read_dir(folder(target)).unwrap_or_else(|error| panic!("{target}: {error}"));
    let read = |path: PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        (name, fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display())))
    };
    let mut files: Vec<_> = entries.flatten().map(|entry| read(entry.path())).collect();
    files.sort();
    files
}

/// Runs `bytes`; where it panics, the test's output names `what`.
fn run(target: &str, what: &str, bytes: &[u8]) {
    let peak = match std::panic::catch_unwind(|| peak_of(|| targets::run(target, bytes))) {
        Ok(peak) => peak,
        Err(_) => panic!("{target}: {what} panics; the bytes are {:?}", bytes.escape_ascii()),
    };
    assert!(peak < MOST, "{target}: {what} takes {} MiB", peak >> 20);
}

#[test]
fn corpus() {
    for (target, _) in targets::ALL {
        let files = files(target);
        assert!(files.len() > 8, "{target} has {} files", files.len());
        files.iter().for_each(|(name, bytes)| run(target, name, bytes));
    }
}

/// Cuts each valid file short, and flips bits of it, at places spread over all of it.
#[test]
fn damaged_files() {
    for (target, name, bytes) in targets::valid() {
        for cut in spread(bytes.len(), CUTS) {
            run(target, &format!("{name} cut at {cut}"), &bytes[..cut]);
        }
        for (round, at) in spread(bytes.len(), FLIPS).enumerate() {
            let mut bytes = bytes.clone();
            bytes[at] ^= [0x01, 0x80, 0xff, 0x10, 0x7f][round % 5];
            run(target, &format!("{name} changed at {at}"), &bytes);
        }
    }
}

/// At most `count` places in so many bytes, the same ones each time.
fn spread(length: usize, count: usize) -> impl Iterator<Item = usize> {
    let count = count.min(length);
    (0..count).map(move |index| index * length / count)
}

#[test]
fn valid_files_are_valid_and_of_this_format() {
    for (target, name, bytes) in targets::valid() {
        let body = targets::ALL.into_iter().find(|(other, _)| *other == target);
        let result = body.map(|(_, body)| body(&bytes)).expect("a target");
        assert!(result.is_ok(), "{target}/{name}: {}", result.unwrap_err());
        let file = folder(target).join(name);
        if std::env::var_os("UPDATE_EXPECT").is_some() {
            fs::write(&file, &bytes).expect("writes");
        }
        let same = fs::read(&file).is_ok_and(|there| there == bytes);
        assert!(same, "{target}/{name} is another; UPDATE_EXPECT=1 writes it anew");
    }
}
