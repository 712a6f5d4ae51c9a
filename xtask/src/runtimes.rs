//! `cargo xtask runtimes NAME`: fetches a runtime that backends measure, and prints its library.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::{shell, tools};

/// The wheel whose library is loaded.
const ONNXRUNTIME: &str = "onnxruntime==1.32.0";

/// Fetch a runtime from PyPI, once, and print the path of its library.
///
/// For ONNX Runtime: export ORT_DYLIB_PATH="$(cargo xtask runtimes onnxruntime)"
#[derive(clap::Args)]
pub(crate) struct Runtimes {
    /// The runtime.
    runtime: Runtime,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Runtime {
    Onnxruntime,
}

impl Runtimes {
    #[expect(clippy::print_stdout, reason = "the path is what the command is for")]
    pub(crate) fn run(&self) -> Result<()> {
        let library = match self.runtime {
            Runtime::Onnxruntime => onnxruntime()?,
        };
        println!("{}", library.display());
        Ok(())
    }
}

/// ONNX Runtime's library, which is installed if need be.
pub(crate) fn onnxruntime() -> Result<PathBuf> {
    let folder = shell::target().join("runtimes").join("onnxruntime");
    let packages = tools::install(&folder, &["--no-deps", ONNXRUNTIME])
        .context("hint: install Python 3 with venv (Debian: python3-venv) and reach PyPI once")?;
    let libraries = packages.join("onnxruntime").join("capi");
    let entries = fs::read_dir(&libraries).with_context(|| libraries.display().to_string())?;
    let is_library = |path: &PathBuf| {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        name.starts_with("libonnxruntime.") || name == "onnxruntime.dll"
    };
    let mut paths = entries.flatten().map(|entry| entry.path());
    paths.find(is_library).with_context(|| format!("{} holds no library", libraries.display()))
}
