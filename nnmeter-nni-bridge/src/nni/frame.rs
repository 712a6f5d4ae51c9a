//! The two framings of the tuner's channel. NNI 3.0: JSON objects whose content is JSON in a string.
//! NNI 2.10: two letters, and the content behind them.

use serde_json::{Value as Json, json};

use super::command::{Command, Reply, bad_message};
use super::error::Result;

/// How messages are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// NNI 3.0: `{"type":"GE","content":"2"}`.
    Objects,
    /// NNI 2.10: `GE2`.
    Letters,
}

impl Framing {
    /// The framing that a message of the manager's is in.
    pub fn of(frame: &str) -> Self {
        if frame.trim_start().starts_with('{') { Framing::Objects } else { Framing::Letters }
    }

    /// Writes a reply.
    pub fn write(self, reply: &Reply) -> String {
        let (letters, content) = letters(reply);
        match self {
            Framing::Objects => json!({"type": letters, "content": content}).to_string(),
            Framing::Letters => format!("{letters}{content}"),
        }
    }
}

/// Reads a message of the manager's, in either framing.
///
/// # Errors
/// [`BadMessage`](super::error::ErrorKind::BadMessage) if it is none.
pub fn read(frame: &str) -> Result<Command> {
    match Framing::of(frame) {
        Framing::Letters => match frame.split_at_checked(2) {
            Some((letters, content)) => Command::read(letters, content),
            None => Err(bad_message(frame, "is shorter than two letters", frame)),
        },
        Framing::Objects => {
            let bad = |found: &str| bad_message("frame", found, frame);
            let json: Json =
                serde_json::from_str(frame).map_err(|error| bad(&error.to_string()))?;
            let letters = json.get("type").and_then(Json::as_str);
            let content = json.get("content").and_then(Json::as_str).unwrap_or_default();
            Command::read(letters.ok_or_else(|| bad("has no type"))?, content)
        }
    }
}

fn letters(reply: &Reply) -> (&'static str, String) {
    let packed = |id: u64, parameters: &Json| {
        let packed = json!({"parameter_id": id, "parameter_source": "algorithm",
            "parameters": parameters, "parameter_index": 0});
        packed.to_string()
    };
    match reply {
        Reply::Initialized => ("ID", String::new()),
        Reply::Trial { parameter, parameters } => ("TR", packed(*parameter, parameters)),
        Reply::NoMore { parameter } => ("NO", packed(*parameter, &json!(""))),
        Reply::Kill(trial) => ("KI", json!(trial).to_string()),
        Reply::Error(message) => ("ER", message.clone()),
    }
}

/// Reads a reply that [`Framing::write`] wrote, if it is a trial: for the journal.
pub(super) fn trial(frame: &str) -> Option<(u64, Json)> {
    let content = match Framing::of(frame) {
        Framing::Letters => frame.strip_prefix("TR")?.to_owned(),
        Framing::Objects => {
            let json: Json = serde_json::from_str(frame).ok()?;
            json["content"].as_str().filter(|_| json["type"] == "TR")?.to_owned()
        }
    };
    let packed: Json = serde_json::from_str(&content).ok()?;
    Some((packed["parameter_id"].as_u64()?, packed["parameters"].clone()))
}
