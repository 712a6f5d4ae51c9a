//! Packages as files: written whole or not at all, read with a limit on their size.
//!
//! Which folders packages live in is the registry's business.

use std::fmt::Display;
use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;

use super::Package;
use crate::error::{Error, ErrorKind, Result};
use crate::whole_file::WholeFile;

/// Extension of package files.
pub const EXTENSION: &str = "nnmeter";

/// Most bytes that a package file may have.
const MAX_FILE_BYTES: u64 = 256 << 20;

impl Package {
    /// Writes the package to `path`. A file that is there is replaced in one step: at every moment,
    /// and after a crash, `path` is the old file or the new one.
    ///
    /// # Errors
    /// As for [`Package::to_bytes`]; [`ErrorKind::Io`] if the folder does not exist or cannot be
    /// written to.
    pub fn write(&self, path: &Path) -> Result<()> {
        write_bytes(path, &self.to_bytes()?, true)
    }

    /// Reads the package at `path`.
    ///
    /// # Errors
    /// As for [`Package::from_bytes`], naming the file; [`ErrorKind::Io`] if it cannot be read.
    pub fn read(path: &Path) -> Result<Self> {
        Self::from_bytes(&read_file(path)?).map_err(|error| error.within(path.display()))
    }
}

/// Writes a file whole or not at all. One that is there is replaced in one step, or, without
/// `replace`, left alone, whoever else may be writing it at the same moment.
///
/// # Errors
/// [`ErrorKind::Exists`] without `replace` if `path` is there; [`ErrorKind::Io`] if its folder does
/// not exist or cannot be written to.
pub fn write_bytes(path: &Path, bytes: &[u8], replace: bool) -> Result<()> {
    let mut file = WholeFile::create(path)?;
    file.write_all(bytes).map_err(|error| Error::io(path.display(), &error))?;
    file.finish(replace)
}

/// The bytes of a package file, be they right or wrong.
///
/// # Errors
/// [`ErrorKind::Io`] if it cannot be read, [`ErrorKind::CorruptPackage`] if it is larger than any
/// package may be.
pub fn read_file(path: &Path) -> Result<Vec<u8>> {
    let file = File::open(path).map_err(|error| Error::io(path.display(), &error))?;
    read_all(file, path.display())
}

/// As [`read_file`], from a file or pipe that errors call `subject`.
///
/// # Errors
/// As for [`read_file`].
pub fn read_all(from: impl Read, subject: impl Display) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let read = from.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes);
    read.map_err(|error| Error::io(&subject, &error))?;
    if bytes.len() as u64 > MAX_FILE_BYTES {
        return Err(Error::new(ErrorKind::CorruptPackage, subject.to_string(), "is too large")
            .expected(format!("at most {MAX_FILE_BYTES} bytes")));
    }
    Ok(bytes)
}
