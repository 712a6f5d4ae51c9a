//! Addresses that a server listens on, as `--listen` gives them, and whether they are safe to.

use std::fmt;
use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use super::greeting;
use super::service::Source;
use crate::error::{Error, ErrorKind, Result};

/// How many bytes the path of a socket may have.
const LONGEST_PATH: usize = 107;

/// An address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// A socket in the file system, for programs of the same user.
    Ipc(PathBuf),
    /// A port of this machine.
    Tcp(SocketAddr),
}

impl FromStr for Address {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let wrong = |found: &str| {
            Error::new(ErrorKind::Transport, format!("address {text:?}"), found)
                .expected("ipc:///PATH or tcp://127.0.0.1:PORT")
        };
        if let Some(path) = text.strip_prefix("ipc://") {
            let path = PathBuf::from(path);
            return match path.as_os_str().len() {
                _ if !path.is_absolute() => Err(wrong("has no absolute path")),
                0..=LONGEST_PATH => Ok(Self::Ipc(path)),
                bytes => Err(wrong(&format!("has a path of {bytes} bytes"))
                    .expected(format!("at most {LONGEST_PATH}"))),
            };
        }
        let Some(host) = text.strip_prefix("tcp://") else {
            return Err(wrong("is of no known transport"));
        };
        let host = host.replacen("localhost:", "127.0.0.1:", 1).replacen("*:", "0.0.0.0:", 1);
        host.parse().map(Self::Tcp).map_err(|_| wrong("is no IP address with a port"))
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ipc(path) => write!(f, "ipc://{}", path.display()),
            Self::Tcp(address) => write!(f, "tcp://{address}"),
        }
    }
}

impl Address {
    /// What messages from there are taken for.
    pub(super) fn source(&self) -> Source {
        match self {
            Self::Ipc(_) => Source::Ipc,
            Self::Tcp(_) => Source::Tcp,
        }
    }

    /// Whether other machines reach it.
    pub fn is_public(&self) -> bool {
        match self {
            Self::Ipc(_) => false,
            Self::Tcp(address) => !address.ip().is_loopback(),
        }
    }

    /// Refuses a path at which there is something else than a socket, which nng would delete, or a
    /// socket that somebody listens on.
    ///
    /// # Errors
    /// [`ErrorKind::Transport`] if so.
    pub(super) fn check_free(&self) -> Result<()> {
        let Self::Ipc(path) = self else { return Ok(()) };
        match fs::symlink_metadata(path) {
            Ok(facts) if !facts.file_type().is_socket() => {
                Err(Error::new(ErrorKind::Transport, self.to_string(), "is there, and no socket")
                    .hint("name another path; the file there stays as it is"))
            }
            Ok(_) if greeting::greet(self).is_ok() => Err(self.taken()),
            _ => Ok(()),
        }
    }

    /// That another server has it.
    pub(super) fn taken(&self) -> Error {
        let found = "another server listens there";
        Error::new(ErrorKind::Transport, self.to_string(), found)
            .hint("stop it, or choose another address")
    }

    /// Whether the socket that was made is for this user alone.
    ///
    /// # Errors
    /// [`ErrorKind::Transport`] if others may connect.
    pub(super) fn check_private(&self) -> Result<()> {
        let Self::Ipc(path) = self else { return Ok(()) };
        match mode_of(path) {
            Some(mode) if mode & 0o077 == 0 => Ok(()),
            mode => {
                let found = format!("has permissions {:o}", mode.unwrap_or(0));
                Err(Error::new(ErrorKind::Transport, self.to_string(), found)
                    .expected("600, which this file system may not support"))
            }
        }
    }
}

fn mode_of(path: &Path) -> Option<u32> {
    fs::symlink_metadata(path).ok().map(|facts| facts.mode() & 0o777)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_it_writes() {
        for (text, public) in [
            ("ipc:///run/user/1000/nnmeter", false),
            ("tcp://127.0.0.1:5555", false),
            ("tcp://[::1]:0", false),
            ("tcp://0.0.0.0:5555", true),
            ("tcp://192.168.1.2:1", true),
        ] {
            let address: Address = text.parse().expect(text);
            assert_eq!((address.to_string().as_str(), address.is_public()), (text, public));
        }
        assert!("tcp://*:1".parse::<Address>().expect("any").is_public());
        let long = format!("ipc:///{}", "a".repeat(107));
        for text in [
            "",
            "ipc://",
            "ipc://here",
            "tcp://",
            "tcp://example.org:1",
            "tcp://1.2.3.4",
            "http://127.0.0.1:1",
            &long,
        ] {
            assert!(text.parse::<Address>().is_err(), "{text}");
        }
    }
}
