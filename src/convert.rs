//! `nnmeter convert`: a model file as nn-Meter IR.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use nnmeter_core::export;

use crate::models::ReadArgs;

/// Convert a model file to nn-Meter IR.
#[derive(clap::Args)]
#[command(after_help = "\
Example:
  nnmeter convert model.onnx -o model.json")]
pub(crate) struct Args {
    /// The model file, or - for standard input.
    file: PathBuf,

    /// Where the result goes; - is standard output.
    #[arg(long, short, value_name = "FILE", default_value = "-")]
    output: PathBuf,

    #[command(flatten)]
    read: ReadArgs,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let named = || args.file.display().to_string();
    let graph = args.read.load(&args.file).with_context(named)?;
    let text = format!("{:#}\n", export::nnmeter_ir::write(&graph).with_context(named)?);
    if args.output == *"-" {
        std::io::stdout().write_all(text.as_bytes())?;
    } else {
        let cannot = || format!("{} cannot be written", args.output.display());
        std::fs::write(&args.output, text).with_context(cannot)?;
    }
    Ok(ExitCode::SUCCESS)
}
