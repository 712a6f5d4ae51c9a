//! The tuner as processes, with a stand-in for NNI's manager: what is killed is made up for.

use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nnmeter_nni_bridge::nni::frame::Framing;
use serde_json::{Value as Json, json};
use tungstenite::{Message, WebSocket};

struct Manager {
    listener: TcpListener,
    socket: WebSocket<TcpStream>,
    tuner: Child,
    framing: Framing,
    folder: tempfile::TempDir,
}

impl Manager {
    /// Starts a tuner, and has it connect.
    fn new(framing: Framing, args: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("ws://{}/tuner", listener.local_addr().expect("an address"));
        let tuner = Command::new(env!("CARGO_BIN_EXE_nnmeter-bridge"))
            .args(["tuner", "--args", args])
            .env("NNI_TUNER_COMMAND_CHANNEL", url)
            .env("NNI_CHECKPOINT_DIRECTORY", folder.path())
            .env("NNI_LOG_DIRECTORY", folder.path())
            .stderr(Stdio::null())
            .spawn()
            .expect("the tuner");
        let socket = accept(&listener);
        Self { listener, socket, tuner, framing, folder }
    }

    fn say(&mut self, letters: &str, content: &str) {
        let text = match self.framing {
            Framing::Objects => json!({"type": letters, "content": content}).to_string(),
            Framing::Letters => format!("{letters}{content}"),
        };
        self.socket.send(Message::text(text)).expect("sent");
    }

    fn hear(&mut self) -> String {
        loop {
            if let Message::Text(text) = self.socket.read().expect("a message") {
                return text.to_string();
            }
        }
    }

    /// The number of the parameters of the trial that is asked for.
    fn ask(&mut self) -> u64 {
        self.say("GE", "1");
        let heard = self.hear();
        let packed = match self.framing {
            Framing::Letters => heard.strip_prefix("TR").expect("a trial").to_owned(),
            Framing::Objects => {
                let json: Json = serde_json::from_str(&heard).expect("JSON");
                assert_eq!(json["type"], "TR", "{heard}");
                json["content"].as_str().expect("a string").to_owned()
            }
        };
        let packed: Json = serde_json::from_str(&packed).expect("JSON");
        packed["parameter_id"].as_u64().expect("a number")
    }

    fn initialize(&mut self) -> String {
        let space = json!({"x": {"_type": "uniform", "_value": [0, 1]},
            "arch": {"_type": "choice", "_value": ["nnmeter:nasbench201"]}});
        self.say("IN", &space.to_string());
        self.hear()
    }

    /// Waits until the tuner has noted that its last answer has left. Until then the answer would be
    /// sent once more.
    fn wait_for_journal(&self) {
        let path = self.folder.path().join("nnmeter-tuner.jsonl");
        let is_noted = || {
            let journal = std::fs::read_to_string(&path).unwrap_or_default();
            journal.lines().last().is_some_and(|line| line.starts_with("{\"sent\""))
        };
        while !is_noted() {
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Kills the worker, or the keeper, with signal 9.
    fn kill(&self, name: &str) {
        let pid = process(self.folder.path(), name);
        let status = Command::new("kill").args(["-9", &pid]).status().expect("kill");
        assert!(status.success());
    }
}

fn accept(listener: &TcpListener) -> WebSocket<TcpStream> {
    let (stream, _) = listener.accept().expect("a connection");
    stream.set_read_timeout(Some(Duration::from_secs(60))).expect("a limit");
    tungstenite::accept(stream).expect("a WebSocket")
}

/// The last process of that name in the log, which is written before the process does anything.
fn process(folder: &Path, name: &str) -> String {
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(60) {
        let log = std::fs::read_to_string(folder.join("dispatcher.log")).unwrap_or_default();
        let prefix = format!("nnmeter-bridge: {name}: process ");
        if let Some(rest) = log.lines().rev().find_map(|line| line.strip_prefix(&prefix)) {
            return rest.chars().take_while(char::is_ascii_digit).collect();
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("no {name} in the log");
}

#[test]
fn a_worker_that_is_killed_is_made_up_for() {
    for (framing, ready) in
        [(Framing::Letters, "ID"), (Framing::Objects, "{\"content\":\"\",\"type\":\"ID\"}")]
    {
        let mut manager = Manager::new(framing, "{}");
        assert_eq!(manager.initialize(), ready);
        for expected in 0..4 {
            assert_eq!(manager.ask(), expected);
            manager.kill("worker");
        }
        manager.say("TE", "");
        assert!(manager.tuner.wait().expect("it ends").success());
    }
}

#[test]
fn a_keeper_that_is_killed_is_made_up_for_by_nni_3() {
    let mut manager = Manager::new(Framing::Objects, "{}");
    manager.initialize();
    for expected in 0..3 {
        assert_eq!(manager.ask(), expected);
        manager.wait_for_journal();
        manager.kill("keeper");
        manager.socket = accept(&manager.listener);
    }
    assert!(!manager.tuner.wait().expect("it ends").success());
    manager.say("TE", "");
    while manager.socket.read().is_ok() {}
}

#[test]
fn wrong_options_are_an_error_of_the_experiment() {
    let args = r#"{"constraints": ["latency@cortexA76cpu_tflite21>=1000ms"]}"#;
    let mut manager = Manager::new(Framing::Letters, args);
    let heard = manager.initialize();
    assert!(heard.starts_with("ER") && heard.contains("every architecture needs"), "{heard}");
    let mut manager = Manager::new(Framing::Letters, "{\"algorithm\": \"annealing\"}");
    let heard = manager.initialize();
    assert!(heard.starts_with("ER") && heard.contains("annealing"), "{heard}");
    manager.say("TE", "");
    assert!(manager.tuner.wait().expect("it ends").success());
}

#[test]
fn a_journal_that_is_broken_is_an_error_of_the_experiment() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("nnmeter-tuner.jsonl"), "nonsense\n").expect("written");
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("ws://{}/tuner", listener.local_addr().expect("an address"));
    let mut tuner = Command::new(env!("CARGO_BIN_EXE_nnmeter-bridge"))
        .args(["tuner", "--url", &url, "--checkpoint"])
        .arg(folder.path())
        .stderr(Stdio::null())
        .spawn()
        .expect("the tuner");
    let mut socket = accept(&listener);
    socket.send(Message::text("IN{}")).expect("sent");
    let heard = socket.read().expect("a message").to_string();
    assert!(heard.starts_with("ER") && heard.contains("line 1"), "{heard}");
    assert_eq!(tuner.wait().expect("it ends").code(), Some(1));
}
