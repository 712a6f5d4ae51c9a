//! `nnmeter devices add`: puts a package where `nnmeter` looks for it.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use nnmeter_hardware::package::{EXTENSION, Package};
use nnmeter_hardware::registry::user_folder;

/// Add the package of a device to the user's folder.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The package file.
    file: PathBuf,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let package = Package::read(&args.file)?;
    let folder = user_folder().context("the environment does not tell the user's folder")?;
    std::fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
    let path = folder.join(format!("{}.{EXTENSION}", package.device.name));
    package.write(&path)?;
    writeln!(std::io::stdout().lock(), "{}", path.display())?;
    Ok(ExitCode::SUCCESS)
}
