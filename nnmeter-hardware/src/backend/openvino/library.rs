//! Where OpenVINO's library is, and what it says of itself.
//!
//! It is loaded at run time: nothing is linked, and no build needs it. A process has one; what was loaded
//! first stays.

use std::path::{Path, PathBuf};

use openvino::Core;
use openvino_sys::library;

use super::super::Options;
use super::failed;
use crate::device::Runtime;
use crate::error::{Error, ErrorKind, Result};

/// The variable that names the library.
const VARIABLE: &str = "OPENVINO_LIB_PATH";
const FETCH: &str = "export OPENVINO_LIB_PATH=\"$(cargo xtask runtimes openvino)\"";

/// Loads the library that the option `library` or the variable names, or else one that is installed.
///
/// # Errors
/// [`ErrorKind::Backend`] if there is none that fits.
pub(super) fn load(options: &Options) -> Result<Core> {
    let given = options.get("library").map(PathBuf::from);
    let named = given.or_else(|| std::env::var_os(VARIABLE).map(PathBuf::from));
    match &named {
        Some(path) => {
            check_name(path)?;
            library::load_from(path).map_err(|error| cannot(&error, path))?;
        }
        None => library::load().map_err(|_| {
            Error::new(ErrorKind::Backend, "OpenVINO", "is not found")
                .expected(format!(
                    "libopenvino_c in the option library, in ${VARIABLE} or installed"
                ))
                .hint(FETCH)
        })?,
    }
    Core::new().map_err(failed)
}

/// Refuses files whose functions are not those of the C library: using them would end the program.
fn check_name(path: &Path) -> Result<()> {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    if name.trim_start_matches("lib").starts_with("openvino_c.") && path.is_file() {
        return Ok(());
    }
    let found = if path.exists() { "is another file" } else { "is not there" };
    Err(cannot(found, path))
}

fn cannot(error: &str, path: &Path) -> Error {
    Error::new(ErrorKind::Backend, "OpenVINO", format!("cannot be loaded ({})", error.trim()))
        .expected(format!("the library libopenvino_c, of 2025.1 or later, at {}", path.display()))
        .hint(FETCH)
}

/// The version and the build: `2026.4.0-22959-99c81491cc3-releases/2026/4`.
pub(super) fn runtime(build_number: &str) -> Runtime {
    let (version, build) = build_number.split_once('-').unwrap_or((build_number, ""));
    let build = (!build.is_empty()).then(|| format!("build {build}"));
    Runtime { build, ..Runtime::new("OpenVINO", version) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn version_and_build_are_told_apart() {
        let of = |number: &str| runtime(number).to_string();
        assert_eq!(
            of("2026.4.0-22959-99c81491cc3-releases/2026/4"),
            "OpenVINO 2026.4.0 (build 22959-99c81491cc3-releases/2026/4)"
        );
        assert_eq!(of("2025.1.0"), "OpenVINO 2025.1.0");
    }

    #[test]
    fn what_is_not_the_library_is_refused() {
        let refused = |library: &str| {
            let options = [("library", library)].into_iter().collect();
            load(&options).err().expect(library).to_string()
        };
        let missing = refused("/nonexistent/libopenvino_c.so");
        assert!(missing.starts_with("OpenVINO: cannot be loaded (is not there)"), "{missing}");
        let other = refused(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"));
        assert!(other.starts_with("OpenVINO: cannot be loaded (is another file)"), "{other}");
    }
}
