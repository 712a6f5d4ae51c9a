//! What each fuzz target does with its bytes. The fuzz targets and the corpus test share it.
//!
//! `package` takes a whole file. `part` takes one part of a sound package, whose digests are made to
//! match, for no fuzzer finds its way past SHA-256: the first byte, as a digit, says which part (0 is
//! the manifest, then by name), the rest is what it holds.

#[path = "../packages/archives.rs"]
#[allow(dead_code, reason = "the tests of packages use the rest")]
mod archives;
#[path = "../packages/sample.rs"]
mod sample;

use nnmeter_core::units::Millis;
use nnmeter_hardware::error::{Error, Result};
use nnmeter_hardware::package::Package;
use nnmeter_hardware::registry::{OpenDevice, Origin};
use nnmeter_hardware::verify::verify;

use archives::Parts;

/// The targets: name and body.
pub(crate) const ALL: [(&str, Target); 2] = [("package", package), ("part", part)];

type Target = fn(&[u8]) -> Result<()>;

/// Runs the target called `name`, and checks the error if there is one.
///
/// # Panics
/// If there is no such target, or its error is not fit to be shown.
pub(crate) fn run(name: &str, bytes: &[u8]) {
    let target = ALL.into_iter().find(|(other, _)| *other == name);
    let (_, body) = target.unwrap_or_else(|| panic!("no target is called {name}"));
    if let Err(error) = body(bytes) {
        check_error(&error);
    }
}

/// The valid inputs of the targets, by the names of their files.
pub(crate) fn valid() -> Vec<(&'static str, &'static str, Vec<u8>)> {
    let package = sample::package("test").to_bytes().expect("writes");
    let parts = Parts::of(&package).0.into_iter().enumerate();
    let part = |(index, (name, bytes)): (usize, (String, Vec<u8>))| {
        let file =
            ["valid_manifest", "valid_models", "valid_trees", "valid_other_trees", "valid_rules"];
        assert_eq!(name == "rules.json", index == 4, "{name}");
        ("part", file[index], [vec![b'0' + index as u8], bytes].concat())
    };
    [("package", "valid_package", package)].into_iter().chain(parts.map(part)).collect()
}

fn package(bytes: &[u8]) -> Result<()> {
    let package = Package::from_bytes(bytes)?;
    let written = package.to_bytes()?;
    let again = Package::from_bytes(&written)?;
    assert_eq!(again.to_bytes()?, written, "not the same bytes again");
    if let Err(error) = verify(bytes) {
        check_error(&error);
    }
    let device = OpenDevice::new(package, Origin::Registered);
    assert_eq!(device.latency().is_ok(), again.predictor::<Millis>().is_ok());
    Ok(())
}

fn part(bytes: &[u8]) -> Result<()> {
    let Some((&digit, content)) = bytes.split_first() else { return Ok(()) };
    let mut parts = Parts::of(&sample::package("test").to_bytes()?);
    let index = usize::from(digit.wrapping_sub(b'0')) % parts.0.len();
    parts.0[index].1 = content.to_vec();
    if index > 0 {
        parts.seal();
    }
    package(&parts.zip())
}

/// An error is one line of bounded length, and its parts say something.
fn check_error(error: &Error) {
    let line = error.to_string();
    assert!(line.len() < 2048, "{} bytes: {line}", line.len());
    let texts = [Some(error.subject()), Some(error.found()), error.expectation(), error.advice()];
    for text in texts.into_iter().flatten() {
        assert!(!text.trim().is_empty(), "says nothing: {line:?}");
        assert!(!text.contains(char::is_control), "has control characters: {line:?}");
    }
}
