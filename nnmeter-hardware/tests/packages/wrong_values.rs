//! Packages whose digests are right and whose contents are not, as a careless or newer packager
//! would write them.

use expect_test::{Expect, expect};
use nnmeter_hardware::error::ErrorKind;
use nnmeter_hardware::package::Package;

use crate::archives::Parts;
use crate::sample;

fn altered(part: &str, from: &str, to: &str) -> Vec<u8> {
    let mut parts = Parts::of(&sample::package("test").to_bytes().expect("writes"));
    parts.replace(part, from, to);
    parts.seal();
    parts.zip()
}

fn check(part: &str, from: &str, to: &str, expected: Expect) {
    let error = Package::from_bytes(&altered(part, from, to)).expect_err("must be refused");
    assert_eq!(error.kind(), ErrorKind::CorruptPackage);
    expected.assert_eq(&error.to_string());
}

#[test]
fn wrong_numbers() {
    check("latency_ms.json", "0.001", "-0.001", expect![[]]);
    check("latency_ms.json", "0.001", "1e999", expect![[]]);
    check("latency_ms.json", "0.001", "null", expect![[]]);
    check("latency_ms.json", "2048.0", "0.5", expect![[]]);
    check("latency_ms.json", "\"level\": 0.9", "\"level\": 1.9", expect![[]]);
}

#[test]
fn unknown_names() {
    check("latency_ms.json", "\"cin\"", "\"cin2\"", expect![[]]);
    check("latency_ms.json", "\"fc\"", "\"fcc\"", expect![[]]);
    check("latency_ms.json", "\"pointwise\"", "\"point\"", expect![[]]);
    check("latency_ms.json", "\"rate\"", "\"rates\"", expect![[]]);
    check("latency_ms.json", "\"corrected\"", "\"neural\"", expect![[]]);
    check("rules.json", "BF_conv_relu", "BF_conv_foo", expect![[]]);
    check("manifest.json", "fp32", "fp4", expect![[]]);
    check("manifest.json", "\"latency_ms\"", "\"latency_s\"", expect![[]]);
    check("manifest.json", "\"unit\": \"ms\"", "\"unit\": \"s\"", expect![[]]);
}

#[test]
fn names_that_come_twice() {
    check("latency_ms.json", "\"fc\"", "\"conv\"", expect![[]]);
    check("latency_ms.json", "latency_ms/fc.trees", "latency_ms/conv.trees", expect![[]]);
}

#[test]
fn wrong_cards() {
    check("manifest.json", "\"name\": \"test\"", "\"name\": \"../test\"", expect![[]]);
    check("manifest.json", "2024-05-06", "2024-15-06", expect![[]]);
    check("manifest.json", "predictor package", "song book", expect![[]]);
    check("latency_ms/conv.trees", "nnmtree", "mnmtree", expect![[]]);
}

#[test]
fn a_newer_major_version_is_not_read() {
    let bytes = altered("manifest.json", "\"major\": 1", "\"major\": 2");
    let error = Package::from_bytes(&bytes).expect_err("must be refused");
    assert_eq!(error.kind(), ErrorKind::NewerPackage);
    expect![[]].assert_eq(&error.to_string());
    expect![[]].assert_eq(error.advice().unwrap_or_default());
    check("manifest.json", "\"major\": 1", "\"major\": 0", expect![[]]);
}

#[test]
fn a_newer_minor_version_may_add() {
    let bytes = altered("manifest.json", "\"minor\": 0", "\"minor\": 1, \"patch\": 1");
    let mut parts = Parts::of(&bytes);
    parts.0.push(("curves.json".to_owned(), b"{}".to_vec()));
    parts.replace("manifest.json", "\"device\":{", "\"device\":{\"colour\":\"blue\",");
    parts.seal();
    let package = Package::from_bytes(&parts.zip()).expect("reads what it knows");
    assert_eq!(package.device, sample::package("test").device);
}
