//! What each fuzz target does with its bytes. The fuzz targets and the corpus test share it.
//!
//! `package` takes a whole file. `part` takes one part of a sound package, whose digests are made to
//! match, for no fuzzer finds its way past SHA-256: the first byte, as a digit, says which part (0 is
//! the manifest, then by name), the rest is what it holds. `timings` takes a CSV file of measurements,
//! `nn_meter_ir` a graph as nn-Meter sees it.

#[path = "../packages/archives.rs"]
#[allow(dead_code, reason = "the tests of packages use the rest")]
mod archives;
#[path = "../packages/sample.rs"]
mod sample;

use nnmeter_core::units::Millis;
use nnmeter_hardware::error::{Error, Result};
use nnmeter_hardware::nn_meter::IrGraph;
use nnmeter_hardware::package::{Metric, Package};
use nnmeter_hardware::registry::{OpenDevice, Origin};
use nnmeter_hardware::timings::Timings;
use nnmeter_hardware::verify::verify;

use archives::Parts;

/// The targets: name and body.
pub(crate) const ALL: [(&str, Target); 4] =
    [("package", package), ("part", part), ("timings", timings), ("nn_meter_ir", nn_meter_ir)];

const TIMINGS: &[u8] = b"\xef\xbb\xbfmodel,ms,energy_mj,family,input_shape\r\n\
    a.onnx,41.3,2,resnet,\r\n\r\n\"b, \"\"quoted\"\".onnx\",1e-3,3,,input:1x3x128x128\n";

const GRAPH: &[u8] = br#"{"x": {"inbounds": [], "outbounds": ["y"], "attr": {"type": "Placeholder",
 "output_shape": [[1, 8, 8, 3]], "attr": {}}}, "y": {"inbounds": ["x"], "outbounds": [],
 "attr": {"type": "Conv2D", "input_shape": [[1, 8, 8, 3]], "output_shape": [[1, 4, 4, 8]],
 "attr": {"kernel_shape": [3, 3], "strides": [1, 2, 2, 1], "weight_shape": [3, 3, 3, 8]}}}}"#;

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
    let texts = [
        ("package", "valid_package", package),
        ("timings", "valid_timings", TIMINGS.to_vec()),
        ("nn_meter_ir", "valid_graph", GRAPH.to_vec()),
    ];
    texts.into_iter().chain(parts.map(part)).collect()
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

fn timings(bytes: &[u8]) -> Result<()> {
    for &metric in Metric::ALL {
        for row in Timings::from_csv(bytes, metric)?.rows {
            assert!(row.measured > 0.0 && row.measured.is_finite() && !row.model.is_empty());
        }
    }
    Ok(())
}

fn nn_meter_ir(bytes: &[u8]) -> Result<()> {
    IrGraph::from_json(bytes).map(drop)
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
