//! The tuner's log: standard error, which NNI's manager keeps, and `dispatcher.log` in the experiment's
//! log directory, which NNI's web page shows.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::Path;

/// Where the tuner's log goes.
#[derive(Debug, Default)]
pub struct Log {
    file: Option<File>,
}

impl Log {
    /// The log in the directory that `NNI_LOG_DIRECTORY` names; standard error alone without it.
    pub fn of_environment() -> Self {
        let folder = std::env::var_os("NNI_LOG_DIRECTORY");
        let path = folder.map(|folder| Path::new(&folder).join("dispatcher.log"));
        let open = |path| OpenOptions::new().create(true).append(true).open(path).ok();
        Self { file: path.and_then(open) }
    }

    /// Writes a line. Where it cannot be written there is nobody to be told.
    pub fn line(&mut self, line: &str) {
        let line = format!("nnmeter-bridge: {line}\n");
        let _ = std::io::stderr().write_all(line.as_bytes());
        if let Some(file) = &mut self.file {
            let _ = file.write_all(line.as_bytes());
        }
    }
}
