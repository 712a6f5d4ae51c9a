//! `cargo xtask runtimes NAME`: fetches a runtime that backends measure, and prints its library.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::tools::Variables;
use crate::{shell, tools};

/// Fetch a runtime from PyPI, once, and print the path of its library.
///
/// For ONNX Runtime: export ORT_DYLIB_PATH="$(cargo xtask runtimes onnxruntime)"; for OpenVINO: export
/// OPENVINO_LIB_PATH="$(cargo xtask runtimes openvino)"
#[derive(clap::Args)]
pub(crate) struct Runtimes {
    /// The runtime.
    runtime: Runtime,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Runtime {
    Onnxruntime,
    Openvino,
}

impl Runtimes {
    #[expect(clippy::print_stdout, reason = "the path is what the command is for")]
    pub(crate) fn run(&self) -> Result<()> {
        println!("{}", self.runtime.library()?.display());
        Ok(())
    }
}

/// The variables that name the libraries of all of them, which are installed if need be.
pub(crate) fn variables() -> Result<Variables> {
    let variable = |runtime: Runtime| Ok((runtime.variable(), runtime.library()?.into_os_string()));
    [Runtime::Onnxruntime, Runtime::Openvino].into_iter().map(variable).collect()
}

impl Runtime {
    /// The wheel whose library is loaded.
    fn wheel(self) -> &'static str {
        match self {
            Runtime::Onnxruntime => "onnxruntime==1.32.0",
            Runtime::Openvino => "openvino==2026.4.0",
        }
    }

    /// The folder of the wheel that its libraries are in, and how the one to be loaded is called.
    fn place(self) -> (&'static str, &'static [&'static str]) {
        match self {
            Runtime::Onnxruntime => ("onnxruntime/capi", &["libonnxruntime.", "onnxruntime.dll"]),
            Runtime::Openvino => ("openvino/libs", &["libopenvino_c.", "openvino_c.dll"]),
        }
    }

    /// The variable that the backend reads the library's path from.
    fn variable(self) -> &'static str {
        match self {
            Runtime::Onnxruntime => "ORT_DYLIB_PATH",
            Runtime::Openvino => "OPENVINO_LIB_PATH",
        }
    }

    /// The library, which is installed if need be.
    fn library(self) -> Result<PathBuf> {
        let wheel = self.wheel();
        let name = wheel.split('=').next().unwrap_or(wheel);
        let folder = shell::target().join("runtimes").join(name);
        let packages = tools::install(&folder, &["--no-deps", wheel]).context(
            "hint: install Python 3 with venv (Debian: python3-venv) and reach PyPI once",
        )?;
        let (place, names) = self.place();
        let libraries = packages.join(place);
        let entries = fs::read_dir(&libraries).with_context(|| libraries.display().to_string())?;
        let is_library = |path: &PathBuf| {
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            names.iter().any(|start| name.starts_with(start))
        };
        let mut paths = entries.flatten().map(|entry| entry.path());
        paths.find(is_library).with_context(|| format!("{} holds no library", libraries.display()))
    }
}
