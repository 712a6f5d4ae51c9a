//! Putting package files where the registry looks for them, and taking them away.
//!
//! A package is put there as it is, byte for byte, whole or not at all; two that are put there at
//! the same moment do not mix. Which folder that is, is for the caller to say: a user's own is
//! [`user_folder`](crate::registry::user_folder).

use std::path::{Path, PathBuf};

use crate::error::{Error, ErrorKind, Result};
use crate::folders::packages_of;
use crate::package::{Package, write_bytes};
use crate::provider::file_name;
use crate::registry::{Origin, Registry};
use crate::version::{Spec, Version};

/// A package that was put into a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Installed {
    /// Name of its device.
    pub name: String,
    /// Version of its predictor.
    pub version: Version,
    /// Its file.
    pub path: PathBuf,
    /// Whether it took the place of another.
    pub replaced: bool,
}

/// Puts `package`, whose bytes are `bytes`, into `folder`, which is made if it is not there, as
/// `NAME@VERSION.nnmeter`.
///
/// # Errors
/// [`ErrorKind::Exists`] if the folder has that version of that device and `replace` is not asked
/// for; [`ErrorKind::Io`] if the folder cannot be made or written to.
pub fn add(package: &Package, bytes: &[u8], folder: &Path, replace: bool) -> Result<Installed> {
    let (name, version) = (package.device.name.clone(), package.version);
    std::fs::create_dir_all(folder).map_err(|error| Error::io(folder.display(), &error))?;
    let spec = Spec { name: &name, version: Some(version) };
    let present = find(folder, spec)?.into_iter().next().map(|(path, _)| path);
    let replaced = present.is_some();
    let path = present.unwrap_or_else(|| folder.join(file_name(&name, version)));
    if replaced && !replace {
        return Err(exists(&path, &name, version));
    }
    match write_bytes(&path, bytes, replace) {
        Ok(()) => Ok(Installed { name, version, path, replaced }),
        Err(error) if error.kind() == ErrorKind::Exists => Err(exists(&path, &name, version)),
        Err(error) => Err(error),
    }
}

/// Removes the package called `wanted` (`name`, or `name@1.0`) from `folder`, and returns its
/// files; they are not looked into. `registry` is asked what to say of a package that is elsewhere.
///
/// # Errors
/// [`ErrorKind::UnknownDevice`] if there is no such package, or several versions and none is named;
/// [`ErrorKind::NotRemovable`] if it is not in that folder; [`ErrorKind::Io`] if the folder
/// cannot be changed.
pub fn remove(registry: &Registry, wanted: &str, folder: &Path) -> Result<Vec<PathBuf>> {
    let found = find(folder, Spec::parse(wanted))?;
    let Some((_, version)) = found.first() else {
        return Err(elsewhere(registry, wanted, folder));
    };
    if found.iter().any(|(_, other)| other != version) {
        let mut specs: Vec<String> =
            found.iter().map(|(_, version)| format!("{wanted}@{version}")).collect();
        specs.dedup();
        let subject = format!("device {wanted:?}");
        return Err(Error::new(ErrorKind::UnknownDevice, subject, "has several versions there")
            .expected(format!("one of {}", specs.join(", "))));
    }
    for (path, _) in &found {
        std::fs::remove_file(path).map_err(|error| Error::io(path.display(), &error))?;
    }
    Ok(found.into_iter().map(|(path, _)| path).collect())
}

/// The files of a folder that are called as asked for, with their versions.
fn find(folder: &Path, wanted: Spec<'_>) -> Result<Vec<(PathBuf, Version)>> {
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let files = packages_of(folder)?.into_iter();
    let files = files.filter(|(_, package)| wanted.is(package.name(), package.version()));
    Ok(files.map(|(path, package)| (path, package.version())).collect())
}

fn exists(path: &Path, name: &str, version: Version) -> Error {
    Error::new(
        ErrorKind::Exists,
        path.display().to_string(),
        format!("is {name}@{version} already"),
    )
    .hint("--force replaces it; another version of the package would stand beside it")
}

/// The error for a package that is to be removed and is not in `folder`.
fn elsewhere(registry: &Registry, wanted: &str, folder: &Path) -> Error {
    let entry = match registry.find(wanted) {
        Ok(entry) => entry,
        Err(unknown) => return unknown,
    };
    let error = |found: String| {
        Error::new(ErrorKind::NotRemovable, format!("device {:?}", entry.spec()), found)
    };
    let hides = "a package of the same name and version that you add comes before it";
    match entry.origin() {
        Origin::BuiltIn => error("is built into nnmeter".to_owned()).hint(hides),
        Origin::Registered => error("is part of this program".to_owned()).hint(hides),
        Origin::File(path) => {
            let other = path.parent().unwrap_or(Path::new(".")).display();
            error(format!("is in {other}"))
                .expected(format!("a package in {}", folder.display()))
                .hint(format!("--from {other} removes it"))
        }
    }
}
