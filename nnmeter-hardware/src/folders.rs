//! Where a user's own packages live on each platform, and which packages a folder has.
//!
//! Written out rather than taken from a crate: three variables of the environment are all there is
//! to it, and a library should not bring a dependency, or calls into the system's libraries, for
//! that. Nothing is created here, and no package is opened.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::package::EXTENSION;
use crate::provider::LazyPackage;

/// Variable of the environment that names a folder to look in before all others.
pub const PREDICTORS_VARIABLE: &str = "NNMETER_PREDICTORS";

/// The platforms whose conventions differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Platform {
    Windows,
    MacOs,
    Other,
}

const PLATFORM: Platform = if cfg!(windows) {
    Platform::Windows
} else if cfg!(target_os = "macos") {
    Platform::MacOs
} else {
    Platform::Other
};

/// The folder that [`PREDICTORS_VARIABLE`] names, if any.
pub fn explicit_folder() -> Option<PathBuf> {
    filled(std::env::var_os(PREDICTORS_VARIABLE))
}

/// The user's folder, whether or not it exists; `None` where the environment does not tell.
///
/// `$XDG_DATA_HOME/nnmeter/predictors` or `~/.local/share/nnmeter/predictors`;
/// `~/Library/Application Support/nnmeter/predictors` on macOS; `%APPDATA%\nnmeter\predictors` on
/// Windows.
pub fn user_folder() -> Option<PathBuf> {
    user_folder_on(PLATFORM, |name| std::env::var_os(name))
}

fn user_folder_on(
    platform: Platform,
    variable: impl Fn(&str) -> Option<OsString>,
) -> Option<PathBuf> {
    let home = || filled(variable("HOME"));
    let data = match platform {
        Platform::Windows => filled(variable("APPDATA"))?,
        Platform::MacOs => home()?.join("Library").join("Application Support"),
        Platform::Other => match filled(variable("XDG_DATA_HOME")) {
            // The convention has relative paths ignored.
            Some(data) if data.is_absolute() => data,
            _ => home()?.join(".local").join("share"),
        },
    };
    Some(data.join("nnmeter").join("predictors"))
}

/// The package files of a folder, in the order of their names.
pub(crate) fn packages_of(folder: &Path) -> Result<Vec<(PathBuf, LazyPackage)>> {
    let failed = |error: std::io::Error| Error::io(folder.display(), &error);
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if path.extension().is_some_and(|extension| extension == EXTENSION) {
            files.push(path);
        }
    }
    files.sort();
    Ok(files.into_iter().map(|path| (path.clone(), LazyPackage::from_file(path))).collect())
}

fn filled(value: Option<OsString>) -> Option<PathBuf> {
    value.filter(|value| !value.is_empty()).map(PathBuf::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(platform: Platform, variables: &[(&str, &str)]) -> Option<PathBuf> {
        user_folder_on(platform, |name| {
            let set = variables.iter().find(|(other, _)| *other == name);
            set.map(|(_, value)| OsString::from(value))
        })
    }

    #[test]
    fn follows_each_platform() {
        let home = [("HOME", "/home/a"), ("XDG_DATA_HOME", "relative")];
        let on_linux = Some(PathBuf::from("/home/a/.local/share/nnmeter/predictors"));
        assert_eq!(folder(Platform::Other, &home), on_linux);
        let on_mac = PathBuf::from("/home/a/Library/Application Support/nnmeter/predictors");
        assert_eq!(folder(Platform::MacOs, &home), Some(on_mac));
        let data = if cfg!(windows) { "C:\\data" } else { "/data" };
        let expected = Some(PathBuf::from(data).join("nnmeter").join("predictors"));
        assert_eq!(folder(Platform::Other, &[("XDG_DATA_HOME", data)]), expected);
        assert_eq!(folder(Platform::Windows, &[("APPDATA", data)]), expected);
        assert_eq!(folder(Platform::Windows, &home), None);
        assert_eq!(folder(Platform::Other, &[("HOME", "")]), None);
    }
}
