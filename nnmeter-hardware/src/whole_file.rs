//! Files that are written whole or not at all: beside their place first, and put there when finished.
//!
//! What is in them is for others to know.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::error::{Error, ErrorKind, Result};

/// A file that is being written. Until it is [finished](WholeFile::finish) nobody sees it; if it never
/// is, nothing stays.
#[derive(Debug)]
pub struct WholeFile {
    file: tempfile::NamedTempFile,
    path: PathBuf,
}

impl WholeFile {
    /// A file that is to be at `path`.
    ///
    /// # Errors
    /// [`ErrorKind::Io`] if the folder does not exist or cannot be written to.
    pub fn create(path: &Path) -> Result<Self> {
        let file = temporary(folder(path)).map_err(|error| Error::io(path.display(), &error))?;
        Ok(Self { file, path: path.to_owned() })
    }

    /// Puts the file in its place. One that is there is replaced in one step, or, without `replace`,
    /// left alone, whoever else may be writing it at the same moment.
    ///
    /// # Errors
    /// [`ErrorKind::Exists`] without `replace` if the path is taken; [`ErrorKind::Io`] if the system
    /// refuses.
    pub fn finish(self, replace: bool) -> Result<()> {
        let path = self.path;
        let failed = |error: io::Error| match error.kind() {
            io::ErrorKind::AlreadyExists => {
                Error::new(ErrorKind::Exists, path.display().to_string(), "exists")
            }
            _ => Error::io(path.display(), &error),
        };
        self.file.as_file().sync_all().map_err(failed)?;
        let written =
            if replace { self.file.persist(&path) } else { self.file.persist_noclobber(&path) };
        written.map_err(|error| failed(error.error))?;
        sync_folder(folder(&path)).map_err(failed)
    }
}

impl Write for WholeFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// The folder that a path is in.
fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// A temporary file that others may read, as far as the user's mask allows.
#[cfg(unix)]
fn temporary(folder: &Path) -> std::io::Result<tempfile::NamedTempFile> {
    use std::os::unix::fs::PermissionsExt;
    let everyone = std::fs::Permissions::from_mode(0o666);
    tempfile::Builder::new().prefix(".nnmeter-").permissions(everyone).tempfile_in(folder)
}

#[cfg(not(unix))]
fn temporary(folder: &Path) -> std::io::Result<tempfile::NamedTempFile> {
    tempfile::Builder::new().prefix(".nnmeter-").tempfile_in(folder)
}

/// Makes a renaming in `folder` last; only Unix has, and needs, a way to.
#[cfg(unix)]
fn sync_folder(folder: &Path) -> std::io::Result<()> {
    File::open(folder)?.sync_all()
}

#[cfg(not(unix))]
fn sync_folder(_: &Path) -> std::io::Result<()> {
    Ok(())
}
