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
        expect![[r#"
            --> {"jsonrpc": "2.0", "method": "space.count", "params": [[], "nasbench201"], "id": 1}
            <-- {"jsonrpc":"2.0","result":{"architectures":"15625","certain":"15625","ends":[],"possible":"15625"},"id":1}
            --> {"jsonrpc": "2.0", "method": "space.count", "params": {"space": "nasbench201"}, "id": 3}
            <-- {"jsonrpc":"2.0","result":{"architectures":"15625","certain":"15625","ends":[],"possible":"15625"},"id":3}
            --> {"jsonrpc": "2.0", "method": "space.count", "params": [[], "spos", 1], "id": 4}
            <-- {"jsonrpc":"2.0","error":{"code":-32602,"message":"Invalid params","data":{"expected":null,"found":"invalid length 3, expected fewer elements in array","hint":null,"subject":"params of \"space.count\""}},"id":4}
            --> {"jsonrpc": "2.0", "method": "space.count", "params": {"spaces": "spos"}, "id": 5}
            <-- {"jsonrpc":"2.0","error":{"code":-32602,"message":"Invalid params","data":{"expected":null,"found":"unknown field `spaces`, expected `constraints` or `space`","hint":null,"subject":"params of \"space.count\""}},"id":5}
            --> {"jsonrpc": "2.0", "method": "cancel", "id": 6}
            <-- {"jsonrpc":"2.0","error":{"code":-32602,"message":"Invalid params","data":{"expected":null,"found":"missing field `call`","hint":null,"subject":"params of \"cancel\""}},"id":6}
        "#]],
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
        expect![[r#"
            --> {"jsonrpc": "2.0", "method": "status", "params": [null]}
            <-- 
            --> {"jsonrpc": "2.0", "method": "foobar"}
            <-- 
            --> {"jsonrpc": "2.0", "method": "cancel", "params": {"wrong": 1}}
            <-- 
        "#]],
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
        expect![[r#"
            --> {"jsonrpc": "2.0", "method": "foobar", "id": "1"}
            <-- {"jsonrpc":"2.0","error":{"code":-32601,"message":"Method not found","data":{"expected":"one of version, health, status, cancel, devices.list, devices.card, predict, predict_batch, predict_kernels, space.load, space.compile, space.table, space.unload, space.list, space.cost, space.check, space.sample, space.count, space.optimum, space.expect","found":"is not known","hint":null,"subject":"method \"foobar\""}},"id":"1"}
            --> {"jsonrpc": "2.0", "method": "foobar, "params": "bar", "baz]
            <-- {"jsonrpc":"2.0","error":{"code":-32700,"message":"Parse error","data":{"expected":"JSON text in UTF-8","found":"expected `,` or `}` at line 1 column 40","hint":null,"subject":"message"}},"id":null}
            --> {"jsonrpc": "2.0", "method": 1, "params": "bar"}
            <-- {"jsonrpc":"2.0","error":{"code":-32600,"message":"Invalid Request","data":{"expected":"the name of a method","found":"is missing or wrong","hint":null,"subject":"method"}},"id":null}
            --> {"jsonrpc": "2.0", "method": "cancel", "params": "bar", "id": 7}
            <-- {"jsonrpc":"2.0","error":{"code":-32600,"message":"Invalid Request","data":{"expected":"an object or an array, if any","found":"is missing or wrong","hint":null,"subject":"params"}},"id":7}
            --> {"method": "cancel", "id": 8}
            <-- {"jsonrpc":"2.0","error":{"code":-32600,"message":"Invalid Request","data":{"expected":"\"2.0\"","found":"is missing or wrong","hint":null,"subject":"jsonrpc"}},"id":8}
            --> {"jsonrpc": "1.0", "method": "cancel", "id": 9}
            <-- {"jsonrpc":"2.0","error":{"code":-32600,"message":"Invalid Request","data":{"expected":"\"2.0\"","found":"is missing or wrong","hint":null,"subject":"jsonrpc"}},"id":9}
            --> {"jsonrpc": "2.0", "method": "cancel", "id": [1]}
            <-- {"jsonrpc":"2.0","error":{"code":-32600,"message":"Invalid Request","data":{"expected":"a string, a number or null","found":"is of the wrong type","hint":null,"subject":"id"}},"id":null}
            --> 1
            <-- {"jsonrpc":"2.0","error":{"code":-32600,"message":"Invalid Request","data":{"expected":"{\"jsonrpc\": \"2.0\", \"method\": ..., \"id\": ...}","found":"is not an object","hint":null,"subject":"request"}},"id":null}
            --> 
            <-- {"jsonrpc":"2.0","error":{"code":-32700,"message":"Parse error","data":{"expected":"JSON text in UTF-8","found":"EOF while parsing a value at line 1 column 0","hint":null,"subject":"message"}},"id":null}
            --> ﻿{}
            <-- {"jsonrpc":"2.0","error":{"code":-32700,"message":"Parse error","data":{"expected":"JSON text in UTF-8","found":"expected value at line 1 column 1","hint":null,"subject":"message"}},"id":null}
        "#]],
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
        expect![[r#"
            --> {"jsonrpc": "2.0", "method": "foobar", "id": -1}
            <-- {"jsonrpc":"2.0","error":{"code":-32601,"message":"Method not found","data":{"expected":"one of version, health, status, cancel, devices.list, devices.card, predict, predict_batch, predict_kernels, space.load, space.compile, space.table, space.unload, space.list, space.cost, space.check, space.sample, space.count, space.optimum, space.expect","found":"is not known","hint":null,"subject":"method \"foobar\""}},"id":-1}
            --> {"jsonrpc": "2.0", "method": "foobar", "id": 1.5}
            <-- {"jsonrpc":"2.0","error":{"code":-32601,"message":"Method not found","data":{"expected":"one of version, health, status, cancel, devices.list, devices.card, predict, predict_batch, predict_kernels, space.load, space.compile, space.table, space.unload, space.list, space.cost, space.check, space.sample, space.count, space.optimum, space.expect","found":"is not known","hint":null,"subject":"method \"foobar\""}},"id":1.5}
            --> {"jsonrpc": "2.0", "method": "foobar", "id": 18446744073709551615}
            <-- {"jsonrpc":"2.0","error":{"code":-32601,"message":"Method not found","data":{"expected":"one of version, health, status, cancel, devices.list, devices.card, predict, predict_batch, predict_kernels, space.load, space.compile, space.table, space.unload, space.list, space.cost, space.check, space.sample, space.count, space.optimum, space.expect","found":"is not known","hint":null,"subject":"method \"foobar\""}},"id":18446744073709551615}
            --> {"jsonrpc": "2.0", "method": "foobar", "id": null}
            <-- {"jsonrpc":"2.0","error":{"code":-32601,"message":"Method not found","data":{"expected":"one of version, health, status, cancel, devices.list, devices.card, predict, predict_batch, predict_kernels, space.load, space.compile, space.table, space.unload, space.list, space.cost, space.check, space.sample, space.count, space.optimum, space.expect","found":"is not known","hint":null,"subject":"method \"foobar\""}},"id":null}
            --> {"jsonrpc": "2.0", "method": "foobar", "id": "é\n", "extra": true}
            <-- {"jsonrpc":"2.0","error":{"code":-32601,"message":"Method not found","data":{"expected":"one of version, health, status, cancel, devices.list, devices.card, predict, predict_batch, predict_kernels, space.load, space.compile, space.table, space.unload, space.list, space.cost, space.check, space.sample, space.count, space.optimum, space.expect","found":"is not known","hint":null,"subject":"method \"foobar\""}},"id":"é\n"}
        "#]],
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
        expect![[r#"
            --> [{"jsonrpc": "2.0", "method": "foobar", "params": [1,2,4], "id": "1"}, {"jsonrpc": "2.0", "method"]
            <-- {"jsonrpc":"2.0","error":{"code":-32700,"message":"Parse error","data":{"expected":"JSON text in UTF-8","found":"expected `:` at line 1 column 99","hint":null,"subject":"message"}},"id":null}
            --> []
            <-- {"jsonrpc":"2.0","error":{"code":-32600,"message":"Invalid Request","data":{"expected":"one request or more","found":"is empty","hint":null,"subject":"batch"}},"id":null}
            --> [1]
            <-- [{"jsonrpc":"2.0","error":{"code":-32600,"message":"Invalid Request","data":{"expected":"{\"jsonrpc\": \"2.0\", \"method\": ..., \"id\": ...}","found":"is not an object","hint":null,"subject":"request"}},"id":null}]
            --> [1,2,3]
            <-- [{"jsonrpc":"2.0","error":{"code":-32600,"message":"Invalid Request","data":{"expected":"{\"jsonrpc\": \"2.0\", \"method\": ..., \"id\": ...}","found":"is not an object","hint":null,"subject":"request"}},"id":null},{"jsonrpc":"2.0","error":{"code":-32600,"message":"Invalid Request","data":{"expected":"{\"jsonrpc\": \"2.0\", \"method\": ..., \"id\": ...}","found":"is not an object","hint":null,"subject":"request"}},"id":null},{"jsonrpc":"2.0","error":{"code":-32600,"message":"Invalid Request","data":{"expected":"{\"jsonrpc\": \"2.0\", \"method\": ..., \"id\": ...}","found":"is not an object","hint":null,"subject":"request"}},"id":null}]
            --> [{"jsonrpc": "2.0", "method": "space.count", "params": [[], "spos"], "id": "1"},
                            {"jsonrpc": "2.0", "method": "status", "params": [null]},
                            {"foo": "boo"},
                            {"jsonrpc": "2.0", "method": "foo.get", "params": {"name": "myself"}, "id": "5"},
                            {"jsonrpc": "2.0", "method": "cancel", "params": ["x"], "id": "9"}]
            <-- [{"jsonrpc":"2.0","result":{"architectures":"1099511627776","certain":"1099511627776","ends":[],"possible":"1099511627776"},"id":"1"},{"jsonrpc":"2.0","error":{"code":-32600,"message":"Invalid Request","data":{"expected":"\"2.0\"","found":"is missing or wrong","hint":null,"subject":"jsonrpc"}},"id":null},{"jsonrpc":"2.0","error":{"code":-32601,"message":"Method not found","data":{"expected":"one of version, health, status, cancel, devices.list, devices.card, predict, predict_batch, predict_kernels, space.load, space.compile, space.table, space.unload, space.list, space.cost, space.check, space.sample, space.count, space.optimum, space.expect","found":"is not known","hint":null,"subject":"method \"foo.get\""}},"id":"5"},{"jsonrpc":"2.0","error":{"code":24,"message":"Unknown call","data":{"expected":null,"found":"is not running","hint":"`status` lists the calls that are","subject":"call \"x\""}},"id":"9"}]
            --> [{"jsonrpc": "2.0", "method": "status", "params": []}, {"jsonrpc": "2.0", "method": "version"}]
            <-- 
        "#]],
    );
}

#[test]
fn a_batch_has_an_end() {
    let (_folder, _, address) = socket();
    let _bridge = Bridge::serve(&["--listen", &address]);
    let answer = Client::dial(&address).exchange(format!("[{}1]", "1,".repeat(1000)).as_bytes());
    expect![[r#"{"jsonrpc":"2.0","error":{"code":-32005,"message":"Beyond a bound of the server","data":{"expected":"at most 1000","found":"has 1001 requests","hint":null,"subject":"batch"}},"id":null}"#]].assert_eq(std::str::from_utf8(&answer).unwrap());
}
