//! Running other programs from the root of the workspace, and what they are given.

use std::ffi::{OsStr, OsString};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};

use anyhow::{Context, Result, bail};

/// The root of the workspace.
pub(crate) fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_owned()
}

/// The folder of what is built.
pub(crate) fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| root().join("target"), |path| root().join(path))
}

/// Runs the cargo that runs us, with `arguments`; prints the command first.
pub(crate) fn cargo<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> Result<()> {
    cargo_with(arguments, &[])
}

/// As [`cargo`], with variables set in its environment.
pub(crate) fn cargo_with<S: AsRef<OsStr>>(
    arguments: impl IntoIterator<Item = S>,
    variables: &[(&str, OsString)],
) -> Result<()> {
    let mut command = cargo_command(arguments, variables);
    let shown: Vec<_> = command.get_args().map(|argument| argument.to_string_lossy()).collect();
    let shown = format!("cargo {}", shown.join(" "));
    eprintln!("$ {shown}");
    let status = command.status().with_context(|| format!("`{shown}` cannot be started"))?;
    if !status.success() {
        bail!("`{shown}` failed");
    }
    Ok(())
}

/// Runs the cargo that runs us, in the present folder, and tells how it ended.
pub(crate) fn cargo_status<S: AsRef<OsStr>>(
    arguments: impl IntoIterator<Item = S>,
    variables: &[(&str, OsString)],
) -> Result<ExitStatus> {
    let mut command = cargo_command(arguments, variables);
    let here = std::env::current_dir().context("the present folder")?;
    command.current_dir(here).status().context("`cargo` cannot be started")
}

fn cargo_command<S: AsRef<OsStr>>(
    arguments: impl IntoIterator<Item = S>,
    variables: &[(&str, OsString)],
) -> Command {
    let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(program);
    let variables = variables.iter().map(|(name, value)| (name, value));
    command.args(arguments).current_dir(root()).envs(variables);
    command
}

/// A port of this machine that nothing listens on.
pub(crate) fn free_port() -> Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}
