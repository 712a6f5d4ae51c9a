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
    check(
        "latency_ms.json",
        "0.001",
        "-0.001",
        expect![[
            r#"part "latency_ms.json", parametric kernel model: has rate -0.001 for one; expected terms with rates that are finite and not negative"#
        ]],
    );
    check(
        "latency_ms.json",
        "0.001",
        "1e999",
        expect![[r#"part "latency_ms.json": number out of range at line 37 column 27"#]],
    );
    check(
        "latency_ms.json",
        "0.001",
        "null",
        expect![[
            r#"part "latency_ms.json": invalid type: null, expected f64 at line 37 column 26"#
        ]],
    );
    check(
        "latency_ms.json",
        "2048.0",
        "0.5",
        expect![[
            r#"part "latency_ms.json": has the range [1, 0.5] for cin; expected the smaller bound first"#
        ]],
    );
}

#[test]
fn wrong_uncertainty() {
    for (from, to, expected) in [
        (
            "\"level\": 0.9",
            "\"level\": 1.9",
            expect![[
                r#"part "latency_ms.json", uncertainty: has the level 1.9; expected a level above 0 that the quantiles reach"#
            ]],
        ),
        (
            "\"level\": 0.9",
            "\"level\": 0.0",
            expect![[
                r#"part "latency_ms.json", uncertainty: has the level 0; expected a level above 0 that the quantiles reach"#
            ]],
        ),
        (
            "900.0",
            "0.125",
            expect![[
                r#"part "latency_ms.json", uncertainty: has totals from 0.25 to 0.125; expected two numbers from 0 on, the smaller first"#
            ]],
        ),
        (
            "0.25",
            "-0.25",
            expect![[
                r#"part "latency_ms.json", uncertainty: has totals from -0.25 to 900; expected two numbers from 0 on, the smaller first"#
            ]],
        ),
        (
            "-0.1",
            "0.1001",
            expect![[
                r#"part "latency_ms.json", quantiles of errors: go from 0.1001 at 0.05 to 0.1 at 0.95; expected two or more, of probabilities that rise between 0 and 1 and errors that do not fall"#
            ]],
        ),
        (
            "0.95",
            "0.04",
            expect![[
                r#"part "latency_ms.json", quantiles of errors: go from -0.1 at 0.05 to 0.1 at 0.04; expected two or more, of probabilities that rise between 0 and 1 and errors that do not fall"#
            ]],
        ),
        (
            "0.95",
            "1.0",
            expect![[
                r#"part "latency_ms.json", quantiles of errors: go from -0.1 at 0.05 to 0.1 at 1; expected two or more, of probabilities that rise between 0 and 1 and errors that do not fall"#
            ]],
        ),
        (
            "-0.3",
            "\"low\"",
            expect![[
                r#"part "latency_ms.json": invalid type: string "low", expected f64 at line 21 column 13"#
            ]],
        ),
    ] {
        check("latency_ms.json", from, to, expected);
    }
}

#[test]
fn unknown_names() {
    check(
        "latency_ms.json",
        "\"cin\"",
        "\"cin2\"",
        expect![[r#"part "latency_ms.json": names the feature "cin2", which is not known"#]],
    );
    check(
        "latency_ms.json",
        "\"fc\"",
        "\"fcc\"",
        expect![[r#"part "latency_ms.json": names the kernel "fcc", which is not known"#]],
    );
    check(
        "latency_ms.json",
        "\"pointwise\"",
        "\"point\"",
        expect![[r#"part "latency_ms.json": names the window class "point", which is not known"#]],
    );
    check(
        "latency_ms.json",
        "\"rate\"",
        "\"rates\"",
        expect![[
            r#"part "latency_ms.json": unknown field `rates`, expected one of `feature`, `window`, `rate` at line 37 column 21"#
        ]],
    );
    check(
        "latency_ms.json",
        "\"corrected\"",
        "\"neural\"",
        expect![[
            r#"part "latency_ms.json": unknown variant `neural`, expected one of `parametric`, `learned`, `corrected`, `nn_meter` at line 32 column 16"#
        ]],
    );
    check(
        "rules.json",
        "BF_conv_relu",
        "BF_conv_foo",
        expect![[
            r#"part "rules.json", fusion rule "BF_conv_foo": names the operator "foo", which is not known; expected conv, dwconv, convtrans, dense, pooling, bn, relu, add, concat, ..."#
        ]],
    );
    check(
        "manifest.json",
        "fp32",
        "fp4",
        expect![[
            r#"part "manifest.json": precision "fp4", expected fp32, fp16, bf16, int8 at line 1 column 592"#
        ]],
    );
    check(
        "manifest.json",
        "\"latency_ms\"",
        "\"latency_s\"",
        expect![[
            r#"part "manifest.json": has the metric "latency_s"; expected latency_ms or energy_mj"#
        ]],
    );
    check(
        "manifest.json",
        "\"unit\": \"ms\"",
        "\"unit\": \"s\"",
        expect![[r#"part "manifest.json": has latency_ms in "s"; expected the unit "ms""#]],
    );
}

#[test]
fn names_that_come_twice() {
    check(
        "latency_ms.json",
        "\"fc\"",
        "\"conv\"",
        expect![[r#"part "latency_ms.json": the key "conv" comes twice at line 90 column 5"#]],
    );
    check(
        "latency_ms.json",
        "latency_ms/fc.trees",
        "latency_ms/conv.trees",
        expect![[
            r#"part "latency_ms/conv.trees": is missing from the package, or is asked for twice"#
        ]],
    );
}

#[test]
fn wrong_cards() {
    check(
        "manifest.json",
        "\"name\": \"test\"",
        "\"name\": \"../test\"",
        expect![[
            r#"part "manifest.json": has the device name "../test"; expected letters, digits, _, - and ."#
        ]],
    );
    check(
        "manifest.json",
        "2024-05-06",
        "2024-15-06",
        expect![[r#"part "manifest.json": has the date "2024-15-06"; expected YYYY-MM-DD"#]],
    );
    check(
        "manifest.json",
        "predictor package",
        "song book",
        expect![[
            r#"part "manifest.json": has the format "nnmeter song book"; expected "nnmeter predictor package""#
        ]],
    );
    check(
        "latency_ms/conv.trees",
        "nnmtree",
        "mnmtree",
        expect![[
            r#"part "latency_ms/conv.trees", tree ensemble: other leading bytes; expected "nnmtree" and version 1"#
        ]],
    );
}

#[test]
fn a_newer_major_version_is_not_read() {
    let bytes = altered("manifest.json", "\"major\": 1", "\"major\": 2");
    let error = Package::from_bytes(&bytes).expect_err("must be refused");
    assert_eq!(error.kind(), ErrorKind::NewerPackage);
    expect![[r#"part "manifest.json": has format version 2.0; expected 1.x"#]]
        .assert_eq(&error.to_string());
    expect!["a newer nnmeter can read this package"].assert_eq(error.advice().unwrap_or_default());
    check(
        "manifest.json",
        "\"major\": 1",
        "\"major\": 0",
        expect![[r#"part "manifest.json": has format version 0.0; expected 1.x"#]],
    );
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
