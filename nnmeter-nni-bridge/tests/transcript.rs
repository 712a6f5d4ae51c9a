//! Bytes in, bytes out: the cases of the JSON-RPC 2.0 specification (the examples of its section 7, with
//! methods of this server), and those that `jsonrpc-core` alone gets wrong.
#![allow(clippy::unwrap_used, reason = "a test")]

mod common;

use common::{Bridge, Client, socket};
use expect_test::{Expect, expect};

/// What comes back for each message over an nng socket; nothing for an empty one.
fn check(messages: &[&str], expected: Expect) {
    let (_folder, _, address) = socket();
    let _bridge = Bridge::serve(&["--listen", &address]);
    let client = Client::dial(&address);
    let mut transcript = String::new();
    for message in messages {
        let answer = String::from_utf8(client.exchange(message.as_bytes())).unwrap();
        transcript.push_str(&format!("--> {message}\n<-- {answer}\n"));
    }
    expected.assert_eq(&transcript);
}

#[test]
fn parameters_by_position_and_by_name() {
    check(
        &[
            r#"{"jsonrpc": "2.0", "method": "space.count", "params": [[], "nasbench201"], "id": 1}"#,
            r#"{"jsonrpc": "2.0", "method": "space.count", "params": {"space": "nasbench201"}, "id": 3}"#,
            r#"{"jsonrpc": "2.0", "method": "space.count", "params": [[], "spos", 1], "id": 4}"#,
            r#"{"jsonrpc": "2.0", "method": "space.count", "params": {"spaces": "spos"}, "id": 5}"#,
            r#"{"jsonrpc": "2.0", "method": "cancel", "id": 6}"#,
        ],
        expect![[""]],
    );
}

#[test]
fn notifications_have_no_answer() {
    check(
        &[
            r#"{"jsonrpc": "2.0", "method": "status", "params": [null]}"#,
            r#"{"jsonrpc": "2.0", "method": "foobar"}"#,
            r#"{"jsonrpc": "2.0", "method": "cancel", "params": {"wrong": 1}}"#,
        ],
        expect![[""]],
    );
}

#[test]
fn what_is_no_request() {
    check(
        &[
            r#"{"jsonrpc": "2.0", "method": "foobar", "id": "1"}"#,
            r#"{"jsonrpc": "2.0", "method": "foobar, "params": "bar", "baz]"#,
            r#"{"jsonrpc": "2.0", "method": 1, "params": "bar"}"#,
            r#"{"jsonrpc": "2.0", "method": "cancel", "params": "bar", "id": 7}"#,
            r#"{"method": "cancel", "id": 8}"#,
            r#"{"jsonrpc": "1.0", "method": "cancel", "id": 9}"#,
            r#"{"jsonrpc": "2.0", "method": "cancel", "id": [1]}"#,
            r#"1"#,
            "",
            "\u{feff}{}",
        ],
        expect![[""]],
    );
}

#[test]
fn ids_come_back_as_they_were() {
    check(
        &[
            r#"{"jsonrpc": "2.0", "method": "foobar", "id": -1}"#,
            r#"{"jsonrpc": "2.0", "method": "foobar", "id": 1.5}"#,
            r#"{"jsonrpc": "2.0", "method": "foobar", "id": 18446744073709551615}"#,
            r#"{"jsonrpc": "2.0", "method": "foobar", "id": null}"#,
            r#"{"jsonrpc": "2.0", "method": "foobar", "id": "é\n", "extra": true}"#,
        ],
        expect![[""]],
    );
}

#[test]
fn batches() {
    check(
        &[
            r#"[{"jsonrpc": "2.0", "method": "foobar", "params": [1,2,4], "id": "1"}, {"jsonrpc": "2.0", "method"]"#,
            "[]",
            "[1]",
            "[1,2,3]",
            r#"[{"jsonrpc": "2.0", "method": "space.count", "params": [[], "spos"], "id": "1"},
                {"jsonrpc": "2.0", "method": "status", "params": [null]},
                {"foo": "boo"},
                {"jsonrpc": "2.0", "method": "foo.get", "params": {"name": "myself"}, "id": "5"},
                {"jsonrpc": "2.0", "method": "cancel", "params": ["x"], "id": "9"}]"#,
            r#"[{"jsonrpc": "2.0", "method": "status", "params": []}, {"jsonrpc": "2.0", "method": "version"}]"#,
        ],
        expect![[""]],
    );
}

#[test]
fn a_batch_has_an_end() {
    let (_folder, _, address) = socket();
    let _bridge = Bridge::serve(&["--listen", &address]);
    let answer = Client::dial(&address).exchange(format!("[{}1]", "1,".repeat(1000)).as_bytes());
    expect![[""]].assert_eq(std::str::from_utf8(&answer).unwrap());
}
