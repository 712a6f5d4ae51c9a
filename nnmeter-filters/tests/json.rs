//! Spaces and samples as JSON: what is refused, and how.

use expect_test::{Expect, expect};
use nnmeter_filters::builtin;
use nnmeter_filters::space::SearchSpace;
use serde_json::{Value, json};

/// A small space with everything that can be wrong.
fn small() -> Value {
    json!({"name": "small", "input": [1, 3, 32, 32],
        "choices": [{"name": "width", "options": [16, 24]}, {"name": "block", "options": ["k3", "skip"]},
            {"name": "depth", "options": [1, 2]}],
        "body": [
            {"op": "conv", "channels": {"choice": "width", "of": [16, 24]}, "kernel": 3, "stride": 2},
            {"op": "relu", "as": "x"},
            {"op": "choose", "choice": "block", "candidates": [[{"op": "dwconv", "kernel": 3}], []]},
            {"op": "add", "from": ["x", "-"]},
            {"op": "repeat", "choice": "depth", "times": [1, 2], "layers": [[{"op": "bn"}], [{"op": "relu6"}]]},
            {"op": "gap"},
            {"op": "fc", "channels": 10, "bias": true}]})
}

fn read(json: &Value) -> Result<SearchSpace, String> {
    SearchSpace::from_json(json.to_string().as_bytes()).map_err(|error| error.to_string())
}

/// What is said of the small space with `value` at `pointer`.
fn refused(pointer: &str, value: Value, expected: Expect) {
    let mut json = small();
    *json.pointer_mut(pointer).expect("a place") = value;
    expected.assert_eq(&read(&json).expect_err("an error"));
}

#[test]
fn what_is_wrong_is_named() {
    assert!(read(&small()).is_ok());
    refused(
        "/body/0/op",
        json!("cnov"),
        expect![[
            r#"step 1 (cnov), op: "cnov" is not known; expected conv, dwconv, bn, relu, relu6, hswish, hsigmoid, sigmoid, swish, maxpool, avgpool, gap, fc, add, mul, concat, split, shuffle, zero, choose or repeat"#
        ]],
    );
    refused(
        "/body/0/channels/choice",
        json!("widht"),
        expect![[
            r#"step 1 (conv), choice "widht": is not defined; expected a name among "choices""#
        ]],
    );
    refused(
        "/body/0/channels/of",
        json!([16]),
        expect![[
            r#"step 1, conv, channels, choice "width": has 2 options, but 1 numbers are given; expected 2 numbers, one for each option"#
        ]],
    );
    refused(
        "/body/0/channels/of/0",
        json!(0),
        expect!["step 1, conv, channels, number: is 0; expected 1 to 1048576"],
    );
    refused(
        "/body/2/candidates",
        json!([[]]),
        expect![[
            r#"step 3, choice "block": has 2 options, but 1 candidates are given; expected 2 candidates, one for each option"#
        ]],
    );
    refused(
        "/body/2/candidates/0/0",
        json!({"op": "dwconv"}),
        expect!["step 3 (choose), block 1, step 1 (dwconv), kernel: is missing"],
    );
    refused(
        "/body/2/candidates/0/0/kernel",
        json!(40),
        expect![[
            r#"node #6 "4 add": operands 1x16x16x16 and 1x16x15x15 do not broadcast; expected extents that are equal or 1, from the last axis back"#
        ]],
    );
    refused(
        "/body/3/from",
        json!(["x", "y"]),
        expect![[
            r#"step 4 (add), value "y": is not of a step before this one in its block; expected "in", "-" or a name that "as" gives"#
        ]],
    );
    refused(
        "/body/3/from",
        json!(["x"]),
        expect!["step 4, add: reads 1 values; expected 2 or more"],
    );
    refused(
        "/body/4/times",
        json!([1, 3]),
        expect![[
            r#"step 5, choice "depth": repeats 3 times, but has 2 layers; expected as many layers"#
        ]],
    );
    refused("/body/4/choice", json!("block"), expect![[r#"choice "depth": is used nowhere"#]]);
    refused(
        "/body/5",
        json!({"op": "gap", "kernel": 3}),
        expect!["step 6 (gap), kernel: is no member of gap"],
    );
    refused(
        "/choices/0/name",
        json!("block"),
        expect![[
            r#"step 1 (conv), choice "width": is not defined; expected a name among "choices""#
        ]],
    );
    refused(
        "/choices/1/options/1",
        json!("k3"),
        expect![[
            r#"choice "block": has the option "k3" twice; expected a name of its own for each option"#
        ]],
    );
    refused(
        "/choices/2/options",
        json!([]),
        expect![[r#"choice "depth": has 0 options; expected 1 to 256"#]],
    );
    refused(
        "/input",
        json!([3, 32, 32]),
        expect!["input: has 3 extents; expected 4: batch, channels, height, width"],
    );
    refused(
        "/input/2",
        json!(0),
        expect!["input: has the extents [1, 3, 0, 32]; expected extents from 1 to 1048576"],
    );
    refused(
        "/name",
        json!(1),
        expect![
            "search space: is not valid: invalid type: integer `1`, expected a string at line 1 column 511"
        ],
    );
}

#[test]
fn extents_that_do_not_meet_are_named_with_the_option() {
    let mut json = small();
    json["body"][2]["candidates"][1] = json!([{"op": "conv", "channels": 8, "kernel": 1}]);
    expect![[r#"choice "block", option "skip", node #6 "4 add": operands 1x16x16x16 and 1x8x16x16 do not broadcast; expected extents that are equal or 1, from the last axis back"#]].assert_eq(&read(&json).expect_err("an error"));
}

#[test]
fn hostile_files_are_refused() {
    let nested = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    assert!(SearchSpace::from_json(nested.as_bytes()).is_err());
    let mut json = small();
    json["body"][3] = json!({"op": "split", "parts": 65535});
    assert!(read(&json).is_err());
    json = small();
    json["body"][0]["channels"]["of"] = json!([4_000_000_000u32, 1]);
    assert!(read(&json).is_err());
    let whole = small().to_string();
    for end in 0..whole.len() {
        assert!(SearchSpace::from_json(&whole.as_bytes()[..end]).is_err());
    }
}

#[test]
fn samples_are_read_by_name() {
    let space = builtin::space("once-for-all").expect("a built-in space");
    let sample = space.sample(&[1; 45]).expect("a sample");
    let json = space.sample_to_json(&sample);
    assert_eq!(json["kernel 1.1"], 5);
    assert_eq!(space.sample_from_json(&json).expect("a sample"), sample);

    // With depth 2, the third block's choices may be left out; the second block's may not.
    let mut short = json.clone();
    short["depth 1"] = json!(2);
    short.as_object_mut().expect("an object").remove("kernel 1.3");
    let read = space.sample_from_json(&short).expect("a sample");
    assert_eq!(space.canonical(&read), space.canonical(&sample.with(0, 0)));
    let wrong = |key: &str, value: Option<Value>, expected: Expect| {
        let mut json = json.clone();
        let object = json.as_object_mut().expect("an object");
        match value {
            Some(value) => drop(object.insert(key.to_owned(), value)),
            None => drop(object.remove(key)),
        }
        expected.assert_eq(&space.sample_from_json(&json).expect_err("an error").to_string());
    };
    wrong(
        "kernel 1.1",
        None,
        expect![[r#"choice "kernel 1.1": is missing; expected one of 3, 5, 7"#]],
    );
    wrong(
        "kernel 1.1",
        Some(json!(4)),
        expect![[r#"choice "kernel 1.1": has no option 4; expected one of 3, 5, 7"#]],
    );
    expect![[r#"choice "depth 1": has no option 3; expected an index below 3"#]]
        .assert_eq(&space.sample(&[3; 45]).expect_err("an error").to_string());
    expect!["sample: has options for 4 choices; expected 45, as many as the space has"]
        .assert_eq(&space.sample(&[0; 4]).expect_err("an error").to_string());
}
