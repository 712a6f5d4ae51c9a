//! `nnmeter completions`: a script that teaches a shell to complete the command line.

use std::process::ExitCode;

use clap::CommandFactory;

/// Print a completion script for a shell.
#[derive(clap::Args)]
#[command(after_help = "\
Example:
  nnmeter completions bash > ~/.local/share/bash-completion/completions/nnmeter")]
pub(crate) struct Args {
    /// The shell.
    shell: clap_complete::Shell,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let mut command = crate::Cli::command();
    clap_complete::generate(args.shell, &mut command, "nnmeter", &mut std::io::stdout());
    Ok(ExitCode::SUCCESS)
}
