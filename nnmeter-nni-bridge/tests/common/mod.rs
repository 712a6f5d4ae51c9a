//! A bridge that runs, and clients of it. Not every test uses all of it.
#![allow(dead_code, clippy::unwrap_used, reason = "helpers of tests")]

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Output, Stdio};
use std::time::Duration;

use nng::options::{Options, RecvMaxSize, RecvTimeout, SendTimeout};
use nng::{Protocol, Socket};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tempfile::TempDir;

/// A device that every test may use.
pub(crate) const DEVICE: &str = "cortexA76cpu_tflite21";

/// A bridge that runs; it is killed when this is dropped.
pub(crate) struct Bridge {
    pub(crate) child: Child,
    pub(crate) input: Option<ChildStdin>,
    pub(crate) output: BufReader<ChildStdout>,
    /// Where it listens.
    pub(crate) addresses: Vec<String>,
}

/// The program with the devices that are built in, whatever the user has.
pub(crate) fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_nnmeter-bridge"));
    let nowhere = "/nonexistent/nnmeter";
    command.args(arguments).env("XDG_DATA_HOME", nowhere).env_remove("NNMETER_PREDICTORS");
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Runs the program to its end.
pub(crate) fn run(arguments: &[&str]) -> Output {
    command(arguments).output().unwrap()
}

impl Bridge {
    /// Starts `serve` with these arguments, and waits until it listens.
    pub(crate) fn serve(arguments: &[&str]) -> Self {
        let mut bridge = Self::silent(arguments);
        let line: Value = serde_json::from_str(&bridge.line()).unwrap();
        let addresses = line["listening"].as_array().unwrap().iter();
        bridge.addresses = addresses.map(|address| address.as_str().unwrap().to_owned()).collect();
        bridge
    }

    /// Starts `serve --stdio`.
    pub(crate) fn lines(arguments: &[&str]) -> Self {
        Self::silent(&[&["--stdio"], arguments].concat())
    }

    fn silent(arguments: &[&str]) -> Self {
        let mut command = command(&[&["serve"], arguments].concat());
        let mut child = command.stderr(Stdio::inherit()).spawn().unwrap();
        let (input, output) = (child.stdin.take(), BufReader::new(child.stdout.take().unwrap()));
        Self { child, input, output, addresses: Vec::new() }
    }

    /// The next line that it prints.
    pub(crate) fn line(&mut self) -> String {
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        line
    }

    /// Sends a line.
    pub(crate) fn send(&mut self, line: &str) {
        let input = self.input.as_mut().unwrap();
        writeln!(input, "{line}").unwrap();
        input.flush().unwrap();
    }

    /// Asks over lines.
    pub(crate) fn ask(&mut self, request: &Value) -> Value {
        self.send(&request.to_string());
        serde_json::from_str(&self.line()).unwrap()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Waits for its end, and gives its exit code.
    pub(crate) fn exit_code(mut self) -> Option<i32> {
        self.child.wait().unwrap().code()
    }
}

impl Drop for Bridge {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A client of an address.
pub(crate) struct Client(pub(crate) Socket);

impl Client {
    pub(crate) fn dial(address: &str) -> Self {
        let socket = Socket::new(Protocol::Req0).unwrap();
        socket.set_opt::<RecvTimeout>(Some(Duration::from_secs(120))).unwrap();
        socket.set_opt::<SendTimeout>(Some(Duration::from_secs(120))).unwrap();
        socket.set_opt::<RecvMaxSize>(64 << 20).unwrap();
        socket.dial(address).unwrap();
        Self(socket)
    }

    /// Bytes in, bytes out.
    pub(crate) fn exchange(&self, message: &[u8]) -> Vec<u8> {
        self.0.send(message).map_err(|(_, error)| error).unwrap();
        self.0.recv().unwrap().as_slice().to_vec()
    }

    /// The whole answer to a request.
    pub(crate) fn ask(&self, request: &Value) -> Value {
        serde_json::from_slice(&self.exchange(request.to_string().as_bytes())).unwrap()
    }

    /// The result of a call.
    pub(crate) fn call(&self, method: &str, params: Value) -> Value {
        let answer = self.ask(&request(method, params));
        assert!(answer["error"].is_null(), "{method}: {answer}");
        answer["result"].clone()
    }

    /// The code of the error of a call.
    pub(crate) fn code(&self, method: &str, params: Value) -> i64 {
        let answer = self.ask(&request(method, params));
        answer["error"]["code"].as_i64().unwrap_or_else(|| panic!("{method}: {answer}"))
    }
}

pub(crate) fn request(method: &str, params: Value) -> Value {
    json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
}

/// A folder with the path and the address of a socket in it.
pub(crate) fn socket() -> (TempDir, PathBuf, String) {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("bridge.ipc");
    let address = address_of(&path);
    (folder, path, address)
}

pub(crate) fn address_of(path: &Path) -> String {
    format!("ipc://{}", path.display())
}
