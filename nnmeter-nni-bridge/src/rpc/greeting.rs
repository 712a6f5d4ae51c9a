//! A connection that greets as nng's clients do, and goes: whether somebody listens at an address.
//!
//! One that goes without a word is no harmless question. Where the other side finds the connection closed
//! when it greets, NNG 1.4 takes that for the end of its own listener, and lets nobody in any more.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::time::Duration;

use super::address::Address;

/// How long a greeting may take.
const PATIENCE: Duration = Duration::from_secs(1);
/// The greeting of a REQ socket.
const GREETING: [u8; 8] = [0, b'S', b'P', 0, 0, 0x30, 0, 0];

/// Connects and greets, and waits for the greeting in return.
///
/// # Errors
/// If nobody listens there, or nobody of nng's kind.
pub(super) fn greet(address: &Address) -> io::Result<()> {
    match address {
        Address::Ipc(path) => {
            let stream = UnixStream::connect(path)?;
            stream.set_read_timeout(Some(PATIENCE))?;
            exchange(stream)
        }
        Address::Tcp(address) => {
            let stream = TcpStream::connect_timeout(address, PATIENCE)?;
            stream.set_read_timeout(Some(PATIENCE))?;
            exchange(stream)
        }
    }
}

fn exchange(mut stream: impl Read + Write) -> io::Result<()> {
    stream.write_all(&GREETING)?;
    stream.read_exact(&mut [0; GREETING.len()])
}
