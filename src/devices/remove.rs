//! `nnmeter devices remove`: takes a package out of the user's folder.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use nnmeter_hardware::install;
use nnmeter_hardware::registry::Registry;

/// Remove the package of a device from the user's folder.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  nnmeter devices remove my_phone
  nnmeter devices remove my_phone@1.0")]
pub(crate) struct Args {
    /// The device, with the version if it has several.
    #[arg(value_name = "NAME[@VERSION]")]
    name: String,

    /// Another folder than the user's.
    #[arg(long, value_name = "DIR")]
    from: Option<PathBuf>,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let folder = super::folder(args.from.as_ref(), "--from")?;
    let mut out = std::io::stdout().lock();
    for path in install::remove(&Registry::standard()?, &args.name, &folder)? {
        writeln!(out, "removed {}", path.display())?;
    }
    Ok(ExitCode::SUCCESS)
}
