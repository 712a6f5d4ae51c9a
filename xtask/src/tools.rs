//! What parts of the workspace take beside Rust: cmake, with which the bridge's nng is built, and for
//! fitting trees also libclang, with which XGBoost is.
//!
//! They are got from PyPI where they lack. This program is built without XGBoost at first. A command
//! that needs it runs the same command line once more in a build with feature `fit`.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::shell;

/// What is installed: cmake if none is on PATH, and a libclang that xgboost-rs's binding generator
/// understands (it finds no functions by versions from 18 on) unless LIBCLANG_PATH names one.
const CMAKE: &str = "cmake==4.4.4";
const LIBCLANG: &str = "libclang==14.0.6";

const HINT: &str = "hint: install Python 3 with venv (Debian: python3-venv) and reach PyPI once; \
    or put cmake on PATH and the folder of libclang.so (version 14 to 17) into LIBCLANG_PATH";

/// Variables of an environment.
pub(crate) type Variables = Vec<(&'static str, OsString)>;

/// Whether this build can fit trees.
pub(crate) const CAN_FIT_TREES: bool = cfg!(feature = "fit");

/// Runs the present command line in a build that can fit trees, and ends with its exit code.
pub(crate) fn run_again_with_trees() -> Result<()> {
    let arguments = ["run", "--quiet", "--package", "xtask", "--features", "fit", "--"];
    let arguments = arguments.into_iter().map(OsString::from).chain(std::env::args_os().skip(1));
    eprintln!("note: this device's models have trees; building XGBoost (minutes, once)");
    let status = shell::cargo_status(arguments, &variables()?)?;
    std::process::exit(status.code().unwrap_or(1));
}

/// Environment in which cargo can build XGBoost; installs what it takes if need be.
pub(crate) fn variables() -> Result<Variables> {
    let libclang = std::env::var_os("LIBCLANG_PATH").is_none();
    with_tools(libclang)
}

/// Environment in which cargo can build the bridge; installs cmake if need be.
pub(crate) fn variables_for_bridge() -> Result<Variables> {
    with_tools(false)
}

fn with_tools(libclang: bool) -> Result<Variables> {
    let mut variables = vec![
        // The cmake files of both are older than what cmake 4 accepts unasked.
        ("CMAKE_POLICY_VERSION_MINIMUM", OsString::from("3.5")),
    ];
    let cmake = !runs(Command::new("cmake").arg("--version"));
    let wanted: Vec<&str> = [(cmake, CMAKE), (libclang, LIBCLANG)]
        .iter()
        .filter(|(lacks, _)| *lacks)
        .map(|(_, tool)| *tool)
        .collect();
    if wanted.is_empty() {
        return Ok(variables);
    }
    let tools = shell::target().join("tools");
    let packages = install(&tools, &wanted).context(HINT)?;
    if cmake {
        variables.push(("PATH", path_with(tools.join("bin"))?));
    }
    if libclang {
        variables.push(("LIBCLANG_PATH", packages.join("clang/native").into_os_string()));
        variables.push(("BINDGEN_EXTRA_CLANG_ARGS", compiler_headers()?));
    }
    Ok(variables)
}

/// Installs Python packages (`wanted`: what pip is told) into an environment of their own, unless
/// they are there; returns the folder of packages.
pub(crate) fn install(tools: &Path, wanted: &[&str]) -> Result<PathBuf> {
    let stamp = tools.join("installed");
    let installed = fs::read_to_string(&stamp).unwrap_or_default();
    let mut wanted = wanted.to_vec();
    if wanted.iter().any(|tool| !installed.lines().any(|there| there == *tool)) {
        // The environment is made anew, with what others want of it, too.
        wanted.extend(installed.lines());
        wanted.sort_unstable();
        wanted.dedup();
        eprintln!("installing {} into {}", wanted.join(", "), tools.display());
        let python = tools.join("bin/python");
        succeed(Command::new("python3").args(["-m", "venv", "--clear"]).arg(tools))?;
        let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"];
        succeed(Command::new(python).args(pip).args(&wanted))?;
        fs::write(&stamp, wanted.join("\n")).with_context(|| stamp.display().to_string())?;
    }
    let library = tools.join("lib");
    let entries = fs::read_dir(&library).with_context(|| library.display().to_string())?;
    let packages = entries.flatten().map(|entry| entry.path().join("site-packages"));
    packages.into_iter().find(|path| path.is_dir()).context("the environment has no packages")
}

/// The headers that come with the C compiler, which a libclang from PyPI lacks.
fn compiler_headers() -> Result<OsString> {
    let output = Command::new("cc").arg("-print-file-name=include").output();
    let output = output.context("`cc` cannot be started; expected a C compiler")?;
    let folder = String::from_utf8_lossy(&output.stdout);
    Ok(format!("-isystem {}", folder.trim()).into())
}

fn path_with(folder: PathBuf) -> Result<OsString> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = [folder].into_iter().chain(std::env::split_paths(&path));
    std::env::join_paths(folders).context("PATH")
}

fn runs(command: &mut Command) -> bool {
    let status = command.stdout(Stdio::null()).stderr(Stdio::null()).status();
    status.is_ok_and(|status| status.success())
}

fn succeed(command: &mut Command) -> Result<()> {
    let shown = format!("{command:?}");
    let status = command.status().with_context(|| format!("{shown} cannot be started"))?;
    if !status.success() {
        bail!("{shown} failed");
    }
    Ok(())
}
