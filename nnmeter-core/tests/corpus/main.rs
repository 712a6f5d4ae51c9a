//! Runs every file of the fuzz corpus through its target, and valid files in damaged forms.
//!
//! Nothing may panic, take memory out of proportion, or end in an error that is not fit to be
//! shown. The targets are those of `fuzz/`; what is in the corpus is told by the files' names.

mod allocations;
mod targets;

use std::fs;
use std::path::{Path, PathBuf};

use allocations::peak_of;

/// What any file may take, and how many times its own size on top.
const BASE: usize = 64 << 20;
const FACTOR: usize = 64;

/// How many damaged forms of each valid file are tried, of each kind.
const CUTS: usize = 400;
const FLIPS: usize = 1600;

fn files(target: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
    let entries = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{target}: {error}"));
    let mut files: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    files.sort();
    files
}

fn bytes_of(path: &Path) -> Vec<u8> {
    fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn is_valid(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("valid_"))
}

/// Runs `bytes`; where it panics, the test's output names `what`.
fn run(target: &str, what: &str, bytes: &[u8]) {
    let peak = match std::panic::catch_unwind(|| peak_of(|| targets::run(target, bytes))) {
        Ok(peak) => peak,
        Err(_) => panic!("{target}: {what} panics; the bytes are {:?}", bytes.escape_ascii()),
    };
    let most = BASE + FACTOR * bytes.len();
    assert!(peak < most, "{target}: {what} takes {} MiB", peak >> 20);
}

fn corpus(target: &str) {
    let files = files(target);
    assert!(files.iter().any(|path| is_valid(path)), "{target} has no valid file");
    for path in files {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        run(target, &name, &bytes_of(&path));
    }
}

/// Cuts each valid file short, and flips bits of it, at places spread over all of it.
fn damage(target: &str) {
    for path in files(target).into_iter().filter(|path| is_valid(path)) {
        let bytes = bytes_of(&path);
        for cut in spread(bytes.len(), CUTS) {
            run(target, &format!("{} cut at {cut}", path.display()), &bytes[..cut]);
        }
        for (round, at) in spread(bytes.len(), FLIPS).enumerate() {
            let mut bytes = bytes.clone();
            bytes[at] ^= [0x01, 0x80, 0xff, 0x10, 0x7f][round % 5];
            run(target, &format!("{} changed at {at}", path.display()), &bytes);
        }
    }
}

/// At most `count` places in so many bytes, the same ones each time.
fn spread(length: usize, count: usize) -> impl Iterator<Item = usize> {
    let count = count.min(length);
    (0..count).map(move |index| index * length / count)
}

macro_rules! targets {
    ($($name:ident)*) => {
        $(mod $name {
            #[test]
            fn corpus() {
                super::corpus(stringify!($name));
            }

            #[test]
            fn damaged_files() {
                super::damage(stringify!($name));
            }
        })*

        #[test]
        fn every_target_is_run() {
            let names = targets::ALL.map(|target| target.name);
            assert_eq!(names, [$(stringify!($name)),*]);
        }
    };
}

targets! { onnx nnmeter_ir tensorflow nni_ir any xgboost rules sklearn }

/// The valid files are: their targets take them without an error.
#[test]
fn valid_files_are_valid() {
    for target in targets::ALL {
        for path in files(target.name).into_iter().filter(|path| is_valid(path)) {
            let result = (target.run)(&bytes_of(&path));
            assert!(result.is_ok(), "{}: {}", path.display(), result.unwrap_err());
        }
    }
}
