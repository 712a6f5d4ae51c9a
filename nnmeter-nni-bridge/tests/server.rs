//! The server as a program: where it listens and for whom, how it starts and ends.
#![allow(clippy::unwrap_used, reason = "a test")]

mod common;

use std::fs;
use std::io::Read;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::process::{Command, Stdio};

use common::{Bridge, Client, DEVICE, address_of, command, request, run, socket};
use rustix::process::Signal;
use serde_json::json;

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

#[test]
fn a_socket_in_the_file_system_is_for_its_user_alone() {
    let (_folder, path, address) = socket();
    let bridge = Bridge::serve(&["--listen", &address]);
    assert_eq!(bridge.addresses, [address.as_str()]);
    let facts = fs::symlink_metadata(&path).unwrap();
    assert!(facts.file_type().is_socket());
    assert_eq!(facts.permissions().mode() & 0o777, 0o600);
    assert_eq!(Client::dial(&address).call("health", json!({}))["addresses"], json!([address]));
    bridge.signal(Signal::TERM);
    assert_eq!(bridge.exit_code(), Some(0));
    assert!(!path.exists());
}

#[test]
fn a_second_server_is_refused_and_the_first_goes_on() {
    let (_folder, _, address) = socket();
    let first = Bridge::serve(&["--listen", &address, "--listen", "tcp://127.0.0.1:0"]);
    for address in &first.addresses {
        let second = run(&["serve", "--listen", address]);
        assert_eq!(second.status.code(), Some(1));
        let message = text(&second.stderr);
        assert!(message.contains("another server listens there"), "{message}");
        Client::dial(address).call("version", json!({}));
    }
}

#[test]
fn what_a_killed_server_left_is_taken_over() {
    let (_folder, path, address) = socket();
    let killed = Bridge::serve(&["--listen", &address]);
    drop(killed);
    assert!(path.exists());
    let _next = Bridge::serve(&["--listen", &address]);
    Client::dial(&address).call("version", json!({}));
}

#[test]
fn a_file_is_never_deleted_for_a_socket() {
    let (_folder, path, address) = socket();
    fs::write(&path, "a thesis").unwrap();
    let refused = run(&["serve", "--listen", &address]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(text(&refused.stderr).contains("no socket"), "{}", text(&refused.stderr));
    assert_eq!(fs::read_to_string(&path).unwrap(), "a thesis");
}

#[test]
fn other_machines_need_leave_and_a_token() {
    let public = ["serve", "--listen", "tcp://0.0.0.0:0"];
    assert!(text(&run(&public).stderr).contains("--public"));
    let allowed = [&public[..], &["--public"]].concat();
    assert!(text(&run(&allowed).stderr).contains("--token-file"));
}

#[test]
fn a_token_is_demanded_of_every_request() {
    let (folder, _, address) = socket();
    let file = folder.path().join("token");
    fs::write(&file, "0123456789abcdef\n").unwrap();
    let arguments = ["--listen", &address, "--token-file", file.to_str().unwrap()];
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    let loose = run(&[&["serve"], &arguments[..]].concat());
    assert_eq!(loose.status.code(), Some(2));
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    let _bridge = Bridge::serve(&arguments);
    let client = Client::dial(&address);
    assert_eq!(client.code("version", json!({})), -32001);
    let mut request = request("version", json!({}));
    request["token"] = json!("0123456789abcdeF");
    assert_eq!(client.ask(&request)["error"]["code"], -32001);
    request["token"] = json!("0123456789abcdef");
    assert!(client.ask(&request)["result"].is_object());
}

#[test]
fn requests_that_cannot_be_meant_end_with_2() {
    for arguments in [
        &["serve"][..],
        &["serve", "--stdio", "--devices", "nothing"],
        &["serve", "--listen", "http://localhost:1"],
        &["serve", "--stdio", "--message-mib", "0"],
    ] {
        assert_eq!(run(arguments).status.code(), Some(2), "{arguments:?}");
    }
}

#[test]
fn lines_are_answered_until_they_end() {
    let mut bridge = Bridge::lines(&["--devices", DEVICE, "--message-mib", "1"]);
    bridge.send("");
    let answer = bridge.ask(&request("health", json!({})));
    assert_eq!(answer["result"]["devices"], json!([DEVICE]));
    let unknown = bridge.ask(&request("devices.card", json!(["adreno640gpu_tflite21"])));
    assert_eq!(unknown["error"]["data"]["found"], "is not served");
    bridge.send(&"x".repeat(2 << 20));
    assert!(bridge.line().contains("-32005"));
    bridge.send(&request("version", json!({})).to_string());
    bridge.input = None;
    assert!(bridge.line().contains("methods"));
    let mut rest = String::new();
    bridge.output.read_to_string(&mut rest).unwrap();
    assert_eq!((rest.as_str(), bridge.exit_code()), ("", Some(0)));
}

#[test]
fn it_ends_with_the_input_or_the_parent() {
    let (folder, _, address) = socket();
    let mut bridge = Bridge::serve(&["--listen", &address, "--until-stdin-ends"]);
    bridge.send("this is not read as a request");
    Client::dial(&address).call("version", json!({}));
    bridge.input = None;
    assert_eq!(bridge.exit_code(), Some(0));

    let mut parent = Command::new("sleep").arg("1000").stdin(Stdio::null()).spawn().unwrap();
    let pid = parent.id().to_string();
    let other = address_of(&folder.path().join("other.ipc"));
    let bridge = Bridge::serve(&["--listen", &other, "--parent-pid", &pid]);
    Client::dial(&other).call("version", json!({}));
    parent.kill().unwrap();
    parent.wait().unwrap();
    assert_eq!(bridge.exit_code(), Some(0));
}

#[test]
fn files_are_read_for_the_same_user_only() {
    let (_folder, _, address) = socket();
    let bridge = Bridge::serve(&["--listen", &address, "--listen", "tcp://localhost:0"]);
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/models/mobilenet_v2.onnx");
    let predict = |path: &str| json!({"device": DEVICE, "model": {"path": path}});
    let [ipc, tcp] = &bridge.addresses[..] else { panic!("two addresses") };
    let (ipc, tcp) = (Client::dial(ipc), Client::dial(tcp));
    let total = ipc.call("predict", predict(path))["total_ms"].as_f64().unwrap();
    assert_eq!(tcp.code("predict", predict(path)), 4);
    let bytes =
        base64::Engine::encode(&base64::engine::general_purpose::STANDARD, fs::read(path).unwrap());
    let sent = json!({"device": DEVICE, "model": {"base64": bytes}, "without_kernels": true});
    let over_tcp = tcp.call("predict", sent);
    assert_eq!(over_tcp["total_ms"].as_f64(), Some(total));
    assert!(over_tcp.get("kernels").is_none());
    assert_eq!(ipc.code("predict", predict("/dev/zero")), 4);
    let device = json!({"device": "/etc/passwd.nnmeter", "model": {"path": path}});
    assert_eq!(ipc.code("predict", device), 1);
}

#[test]
fn help_has_examples() {
    let help = command(&["serve", "--help"]).output().unwrap();
    assert!(text(&help.stdout).contains("Examples:"));
}
