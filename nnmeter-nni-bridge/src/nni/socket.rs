//! The tuner's end of the WebSocket: connecting, reading with patience, and noticing its loss. Pings are
//! answered while it is read.

use std::io::ErrorKind as IoKind;
use std::net::{TcpStream, ToSocketAddrs};
use std::time::{Duration, Instant};

use tungstenite::client::client_with_config;
use tungstenite::http::Uri;
use tungstenite::protocol::WebSocketConfig;
use tungstenite::{Error as WsError, Message, WebSocket};

use super::error::{Error, ErrorKind, Result};

/// How long a read waits.
const PATIENCE: Duration = Duration::from_millis(20);
/// How long one attempt to connect, or a write, may take.
const LIMIT: Duration = Duration::from_secs(5);
/// Between attempts to connect.
const PAUSE: Duration = Duration::from_millis(200);
/// The largest message: search spaces and imported results can be large.
const LARGEST: usize = 256 << 20;

/// Codes with which NNI 3.0 and 2.10 close a connection after another one was made.
const REPLACED: [u16; 2] = [4001, 1001];

/// A connection to NNI's manager.
#[derive(Debug)]
pub struct Socket(WebSocket<TcpStream>);

/// What reading a socket gave.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// A message.
    Frame(String),
    /// Nothing yet.
    Idle,
    /// The connection is gone, for this reason.
    Lost(String),
    /// NNI has closed the connection because another tuner has come.
    Replaced,
}

impl Socket {
    /// Connects to a `ws://` address, and tries again until `limit` is over.
    ///
    /// # Errors
    /// [`ErrorKind::Unreachable`] with what the last attempt came to.
    pub fn connect(url: &str, limit: Duration) -> Result<Self> {
        let start = Instant::now();
        loop {
            match attempt(url) {
                Ok(socket) => return Ok(Self(socket)),
                Err(reason) if start.elapsed() + PAUSE > limit => {
                    return Err(Error::new(
                        ErrorKind::Unreachable,
                        format!("NNI at {url}"),
                        reason,
                    )
                    .expected("NNI's manager, whose tuner channel it is"));
                }
                Err(_) => std::thread::sleep(PAUSE),
            }
        }
    }

    /// The next message, if there is one soon.
    pub fn read(&mut self) -> Event {
        match self.0.read() {
            Ok(Message::Text(text)) => Event::Frame(text.to_string()),
            Ok(Message::Close(Some(frame))) if REPLACED.contains(&u16::from(frame.code)) => {
                Event::Replaced
            }
            Ok(Message::Close(frame)) => {
                let reason = frame.map_or(String::new(), |frame| format!(": {frame}"));
                Event::Lost(format!("NNI closed the connection{reason}"))
            }
            Ok(_) => Event::Idle,
            Err(WsError::Io(error)) if is_patience(error.kind()) => Event::Idle,
            Err(error) => Event::Lost(error.to_string()),
        }
    }

    /// Sends a message; the reason if it could not be.
    ///
    /// # Errors
    /// The reason.
    pub fn send(&mut self, text: &str) -> Result<(), String> {
        self.0.send(Message::text(text)).map_err(|error| error.to_string())
    }

    /// Says goodbye.
    pub fn close(&mut self) {
        let _ = self.0.close(None);
        let _ = self.0.flush();
    }
}

fn is_patience(kind: IoKind) -> bool {
    matches!(kind, IoKind::WouldBlock | IoKind::TimedOut | IoKind::Interrupted)
}

fn attempt(url: &str) -> Result<WebSocket<TcpStream>, String> {
    let uri: Uri = url.parse().map_err(|error| format!("is no address: {error}"))?;
    let (Some("ws"), Some(host)) = (uri.scheme_str(), uri.host()) else {
        return Err("is no ws:// address".to_owned());
    };
    let host = host.trim_matches(['[', ']']);
    let addresses = (host, uri.port_u16().unwrap_or(80)).to_socket_addrs();
    let mut reason = "has no address".to_owned();
    for address in addresses.map_err(|error| error.to_string())? {
        match TcpStream::connect_timeout(&address, LIMIT) {
            Ok(stream) => return handshake(url, stream),
            Err(error) => reason = error.to_string(),
        }
    }
    Err(reason)
}

fn handshake(url: &str, stream: TcpStream) -> Result<WebSocket<TcpStream>, String> {
    let limits = |read| {
        stream.set_nodelay(true)?;
        stream.set_write_timeout(Some(LIMIT))?;
        stream.set_read_timeout(Some(read))
    };
    limits(LIMIT).map_err(|error| error.to_string())?;
    let config =
        WebSocketConfig::default().max_message_size(Some(LARGEST)).max_frame_size(Some(LARGEST));
    let second = stream.try_clone().map_err(|error| error.to_string())?;
    let (socket, _) =
        client_with_config(url, stream, Some(config)).map_err(|error| error.to_string())?;
    second.set_read_timeout(Some(PATIENCE)).map_err(|error| error.to_string())?;
    Ok(socket)
}
