//! The service as clients meet it: round trips beside those of a plain echo on the same kind of socket,
//! samples a second in batches, and a thousand clients at once. Over loopback and a socket in the file
//! system; bounded in count and time.

#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a bench prints its figures")]

use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};
use std::{io, thread};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use nng::options::{Options, RecvMaxSize, RecvTimeout, SendTimeout};
use nng::{Aio, AioResult, Context, Message, Protocol, Socket};
use serde_json::{Value, json};

const DEVICE: &str = "cortexA76cpu_tflite21";
/// Round trips that are timed, after as many as a tenth that are not.
const TRIPS: usize = 20_000;
/// Samples in a batch, and batches.
const SAMPLES: usize = 100_000;
const BATCHES: usize = 10;
/// Clients at once, and how many calls each makes.
const CLIENTS: usize = 1000;
const CALLS: usize = 10;

fn main() {
    let folder = tempfile::TempDir::new().unwrap();
    let ipc = |name: &str| format!("ipc://{}", folder.path().join(name).display());
    let bridge = Bridge::start(&ipc("bridge"));
    for address in &bridge.addresses {
        let transport = address.split(':').next().unwrap_or_default();
        let echo = match transport {
            "ipc" => ipc("echo"),
            _ => "tcp://127.0.0.1:48731".to_owned(),
        };
        let _echo = echo_on(&echo);
        let request = cost_request(&table(address));
        // In turns, so that a busy spell of the machine hits both.
        let (mut service, mut plain) = (Vec::new(), Vec::new());
        let (service_client, plain_client) = (dial(address), dial(&echo));
        for trip in 0..TRIPS + TRIPS / 10 {
            let (a, b) = (timed(&service_client, &request), timed(&plain_client, &request));
            if trip >= TRIPS / 10 {
                service.push(a);
                plain.push(b);
            }
        }
        report(&format!("{transport}: cost of a sample"), &mut service);
        report(&format!("{transport}: plain echo"), &mut plain);
    }
    bridge.addresses.iter().for_each(|address| batches(address));
    bridge.addresses.iter().for_each(|address| crowd(address));
}

/// Median and 99th percentile.
fn report(what: &str, trips: &mut [Duration]) {
    trips.sort_unstable();
    let at = |share: f64| trips[(share * trips.len() as f64) as usize].as_secs_f64() * 1e6;
    println!("{what}: {:.0} us p50, {:.0} us p99", at(0.5), at(0.99));
}

/// Costs of samples in batches, in both forms.
fn batches(address: &str) {
    let (client, table) = (dial(address), table(address));
    let options: Vec<Vec<u8>> = (0..SAMPLES)
        .map(|n| (0..20).map(|choice| ((n >> (choice % 16)) % 4) as u8).collect())
        .collect();
    let packed = STANDARD.encode(options.concat());
    for (form, samples) in [("packed", json!(packed)), ("arrays", json!(options))] {
        let params = json!({"table": table, "samples": samples});
        let request = request("space.cost", params).to_string();
        let start = Instant::now();
        for _ in 0..BATCHES {
            let answer = exchange(&client, request.as_bytes()).unwrap();
            assert!(answer.len() > SAMPLES);
        }
        let rate = (SAMPLES * BATCHES) as f64 / start.elapsed().as_secs_f64();
        println!("{address}: {rate:.0} samples/s, {form}, {SAMPLES} a batch");
    }
}

/// Many clients at once: each checks that its answers are its own.
fn crowd(address: &str) {
    let (right, start) = (Arc::new(AtomicUsize::new(0)), Instant::now());
    let table = table(address);
    let clients: Vec<_> = (0..CLIENTS)
        .map(|client| {
            let (address, table, right) = (address.to_owned(), table.clone(), Arc::clone(&right));
            let work = move || {
                let socket = dial(&address);
                for call in 0..CALLS {
                    let mut request = cost_value(&table);
                    request["id"] = json!(format!("{client}/{call}"));
                    let answer = exchange(&socket, request.to_string().as_bytes());
                    let answer: Value = serde_json::from_slice(&answer.unwrap()).unwrap();
                    if answer["id"] == request["id"] && answer["result"]["cost_ms"].is_f64() {
                        right.fetch_add(1, Relaxed);
                    }
                }
            };
            thread::Builder::new().stack_size(256 << 10).spawn(work).unwrap()
        })
        .collect();
    clients.into_iter().for_each(|client| client.join().unwrap());
    let (right, took) = (right.load(Relaxed), start.elapsed().as_secs_f64());
    println!(
        "{address}: {CLIENTS} clients, {right} of {} answers right, {:.0} calls/s",
        CLIENTS * CALLS,
        right as f64 / took
    );
    assert_eq!(right, CLIENTS * CALLS);
}

fn request(method: &str, params: Value) -> Value {
    json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
}

fn cost_value(table: &str) -> Value {
    request("space.cost", json!({"table": table, "sample": vec![1; 20]}))
}

fn cost_request(table: &str) -> Vec<u8> {
    cost_value(table).to_string().into_bytes()
}

/// The handle of the table of a space.
fn table(address: &str) -> String {
    let params = json!({"space": "spos", "device": DEVICE});
    let request = request("space.compile", params).to_string();
    let answer = exchange(&dial(address), request.as_bytes()).unwrap();
    let answer: Value = serde_json::from_slice(&answer).unwrap();
    answer["result"]["table"].as_str().unwrap().to_owned()
}

fn dial(address: &str) -> Socket {
    let socket = Socket::new(Protocol::Req0).unwrap();
    socket.set_opt::<RecvTimeout>(Some(Duration::from_secs(60))).unwrap();
    socket.set_opt::<SendTimeout>(Some(Duration::from_secs(60))).unwrap();
    socket.set_opt::<RecvMaxSize>(64 << 20).unwrap();
    // A thousand at once are more than the system keeps waiting at a door; this knocks again.
    socket.dial_async(address).unwrap();
    socket
}

fn exchange(socket: &Socket, message: &[u8]) -> nng::Result<Vec<u8>> {
    socket.send(message).map_err(|(_, error)| error)?;
    Ok(socket.recv()?.as_slice().to_vec())
}

fn timed(socket: &Socket, message: &[u8]) -> Duration {
    let start = Instant::now();
    exchange(socket, message).unwrap();
    start.elapsed()
}

/// A socket that sends back what it gets, as fast as nng does that.
fn echo_on(address: &str) -> (Socket, Aio) {
    let socket = Socket::new(Protocol::Rep0).unwrap();
    let context = Context::new(&socket).unwrap();
    let own = context.clone();
    let aio = Aio::new(move |aio, event| match event {
        AioResult::Recv(Ok(message)) => {
            let _ = own.send(&aio, Message::from(message.as_slice()));
        }
        AioResult::Send(Ok(())) => {
            let _ = own.recv(&aio);
        }
        _ => {}
    })
    .unwrap();
    socket.listen(address).unwrap();
    context.recv(&aio).unwrap();
    (socket, aio)
}

/// The program, listening on a socket in the file system and on a port.
struct Bridge {
    child: Child,
    addresses: Vec<String>,
}

impl Bridge {
    fn start(ipc: &str) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_nnmeter-bridge"));
        command.args(["serve", "--listen", ipc, "--listen", "tcp://127.0.0.1:0"]);
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        let mut output = io::BufReader::new(child.stdout.take().unwrap());
        io::BufRead::read_line(&mut output, &mut line).unwrap();
        let line: Value = serde_json::from_str(&line).unwrap();
        let addresses = line["listening"].as_array().unwrap().iter();
        let addresses = addresses.map(|address| address.as_str().unwrap().to_owned()).collect();
        Self { child, addresses }
    }
}

impl Drop for Bridge {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
