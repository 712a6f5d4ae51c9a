//! Many clients, slow ones, dead ones, long calls and bounds: nobody harms another, nothing is lost.
#![allow(clippy::unwrap_used, reason = "a test")]

mod common;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::thread;
use std::time::Duration;

use common::{Bridge, Client, DEVICE, request, socket};
use nng::options::{Options, RecvTimeout};
use rustix::process::Signal;
use serde_json::{Value, json};

#[test]
fn every_client_gets_its_own_answers() {
    let (_folder, _, address) = socket();
    let bridge = Bridge::serve(&["--listen", &address, "--listen", "tcp://127.0.0.1:0"]);
    let clients: Vec<_> = (0..64)
        .map(|client| {
            let address = bridge.addresses[client % 2].clone();
            thread::spawn(move || {
                let socket = Client::dial(&address);
                for call in 0..20 {
                    let id = format!("{client}/{call}");
                    let request =
                        json!({"jsonrpc": "2.0", "id": id, "method": "cancel", "params": [id]});
                    let answer = socket.ask(&request);
                    assert_eq!(answer["id"], id);
                    assert_eq!(answer["error"]["data"]["subject"], format!("call {id:?}"));
                }
            })
        })
        .collect();
    clients.into_iter().for_each(|client| client.join().unwrap());
    let health = Client::dial(&bridge.addresses[0]).call("health", json!({}));
    assert_eq!(health["calls"]["failed"], 64 * 20);
}

#[test]
fn dead_and_slow_clients_harm_no_other() {
    let (_folder, path, address) = socket();
    let bridge = Bridge::serve(&["--listen", &address, "--listen", "tcp://127.0.0.1:0"]);
    let port = bridge.addresses[1].strip_prefix("tcp://").unwrap();
    // Some say nothing, some half a message of nng, some garbage.
    let greeting = [0, b'S', b'P', 0, 0, 0x30, 0, 0];
    let mut silent: Vec<UnixStream> = Vec::new();
    for length in 0..=greeting.len() {
        let mut stream = UnixStream::connect(&path).unwrap();
        stream.write_all(&greeting[..length]).unwrap();
        silent.push(stream);
    }
    let mut half = TcpStream::connect(port).unwrap();
    half.write_all(&greeting).unwrap();
    half.write_all(&u64::MAX.to_be_bytes()).unwrap();
    let mut rest = Vec::new();
    // A length of 2^64 ends that connection, and no other.
    assert!(half.read_to_end(&mut rest).is_ok());
    // Some send a request and are gone, some never read the answer.
    let unread: Vec<Client> = (0..16)
        .map(|_| {
            let client = Client::dial(&address);
            let request = request("devices.list", json!({}));
            client.0.send(request.to_string().as_bytes()).unwrap();
            client
        })
        .collect();
    (0..16).for_each(|_| {
        let client = Client::dial(&address);
        client.0.send(&b"[1]"[..]).unwrap();
    });
    for address in &bridge.addresses {
        Client::dial(address).call("version", json!({}));
    }
    drop((silent, unread));
}

#[test]
fn clients_that_go_without_a_greeting_close_no_door() {
    let (_folder, path, address) = socket();
    let bridge = Bridge::serve(&["--listen", &address, "--listen", "tcp://127.0.0.1:0"]);
    let port = bridge.addresses[1].strip_prefix("tcp://").unwrap();
    for _ in 0..100 {
        drop(UnixStream::connect(&path).unwrap());
        drop(TcpStream::connect(port).unwrap());
    }
    for address in &bridge.addresses {
        Client::dial(address).call("version", json!({}));
    }
}

#[test]
fn a_message_over_the_bound_is_dropped_and_health_tells_the_bound() {
    let (_folder, _, address) = socket();
    let _bridge = Bridge::serve(&["--listen", &address, "--message-mib", "1"]);
    let client = Client::dial(&address);
    let bound = client.call("health", json!({}))["limits"]["message_bytes"].as_u64().unwrap();
    assert_eq!(bound, 1 << 20);
    let large = Client::dial(&address);
    large.0.set_opt::<RecvTimeout>(Some(Duration::from_millis(300))).unwrap();
    large.0.send(&vec![b' '; bound as usize + 1][..]).unwrap();
    assert!(large.0.recv().is_err());
    client.call("version", json!({}));
    // An answer over the bound is an error that says so.
    let many = json!({"space": "spos", "count": 100_000, "form": "names"});
    assert_eq!(client.code("space.sample", many), -32005);
}

#[test]
fn clients_beyond_the_bound_are_turned_away() {
    let (_folder, path, address) = socket();
    let _bridge = Bridge::serve(&["--listen", &address, "--clients", "2"]);
    let (first, _second) = (Client::dial(&address), Client::dial(&address));
    first.call("version", json!({}));
    let mut third = UnixStream::connect(path).unwrap();
    third.write_all(&[0, b'S', b'P', 0, 0, 0x30, 0, 0]).unwrap();
    let mut greeting = Vec::new();
    // It gets nng's greeting, and the end.
    third.read_to_end(&mut greeting).unwrap();
    assert_eq!(greeting.len(), 8);
    first.call("version", json!({}));
}

#[test]
fn a_long_call_can_be_watched_and_cancelled() {
    let (_folder, _, address) = socket();
    let _bridge = Bridge::serve(&["--listen", &address, "--time-limit-s", "600"]);
    let client = Client::dial(&address);
    let long = start_long(&address, "mine");
    wait_for(&client, "mine");
    assert_eq!(
        client.code("predict_batch", json!({"device": DEVICE, "models": [], "call": "mine"})),
        -32602
    );
    client.call("cancel", json!({"call": "mine"}));
    assert_eq!(long.join().unwrap()["error"]["code"], -32004);
    assert_eq!(client.code("status", json!({"call": "mine"})), 24);
}

#[test]
fn a_call_has_a_limit_of_time() {
    let (_folder, _, address) = socket();
    let _bridge = Bridge::serve(&["--listen", &address, "--time-limit-s", "1"]);
    assert_eq!(start_long(&address, "mine").join().unwrap()["error"]["code"], -32003);
}

#[test]
fn long_calls_keep_no_quick_one_waiting_and_end_with_the_server() {
    let (_folder, _, address) = socket();
    let arguments =
        ["--listen", &address, "--workers", "1", "--queue", "2", "--time-limit-s", "600"];
    let bridge = Bridge::serve(&arguments);
    let client = Client::dial(&address);
    let running = start_long(&address, "running");
    wait_for(&client, "running");
    // Two wait for the only thread; the others find no room.
    let others = ["a", "b", "c", "d"].map(|name| start_long(&address, name));
    while client.call("health", json!({}))["calls"]["failed"] != 2 {
        thread::sleep(Duration::from_millis(5));
    }
    bridge.signal(Signal::TERM);
    assert_eq!(running.join().unwrap()["error"]["code"], -32000);
    let codes = others.map(|call| call.join().unwrap()["error"]["code"].as_i64().unwrap());
    let count = |code| codes.iter().filter(|own| **own == code).count();
    assert_eq!((count(-32000), count(-32002)), (2, 2), "{codes:?}");
    assert_eq!(bridge.exit_code(), Some(0));
}

#[test]
fn handles_are_the_same_in_every_server_and_old_ones_make_room() {
    let (_folder, _, address) = socket();
    let compile = json!({"space": "spos", "metric": "macs"});
    let mut handles = Vec::new();
    for _ in 0..2 {
        let _bridge = Bridge::serve(&["--listen", &address, "--spaces", "1"]);
        let client = Client::dial(&address);
        let table = client.call("space.compile", compile.clone());
        assert_eq!(client.call("space.compile", compile.clone()), table);
        handles.push(table["table"].clone());
        client.call("space.compile", json!({"space": "spos", "metric": "parameters"}));
        let cost = json!({"table": table["table"], "sample": vec![0; 20]});
        assert_eq!(client.code("space.cost", cost), 23);
    }
    assert_eq!(handles[0], handles[1]);
}

/// Parameters of a call that takes minutes.
fn long_params(name: &str) -> Value {
    let model =
        json!({"path": concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/models/mobilenet_v2.onnx")});
    let models = vec![model; 100_000];
    json!({"device": DEVICE, "models": models, "without_kernels": true, "call": name})
}

fn start_long(address: &str, name: &str) -> thread::JoinHandle<Value> {
    let client = Client::dial(address);
    let request = request("predict_batch", long_params(name));
    thread::spawn(move || client.ask(&request))
}

fn wait_for(client: &Client, name: &str) {
    let is_running = || {
        let calls = client.call("status", json!({}))["calls"].clone();
        calls.as_array().unwrap().iter().any(|call| call["call"] == name)
    };
    while !is_running() {
        thread::sleep(Duration::from_millis(5));
    }
}
