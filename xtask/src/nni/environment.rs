//! NNI of PyPI, in virtual environments under the target directory.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use clap::ValueEnum;

use crate::shell;

/// A version of NNI.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Version {
    #[value(name = "3.0")]
    V3,
    #[value(name = "2.10")]
    V2,
}

impl Version {
    /// What is installed. NNI 2.10 does not pin what it breaks with.
    fn packages(self) -> &'static [&'static str] {
        match self {
            Version::V3 => &["nni==3.0"],
            Version::V2 => &[
                "nni==2.10",
                "typeguard<3",
                "filelock<3.12",
                "numpy<2",
                "pandas<2.3",
                "websockets<14",
            ],
        }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Version::V3 => "3.0",
            Version::V2 => "2.10",
        })
    }
}

/// NNI, installed.
pub(crate) struct Environment {
    pub(crate) version: Version,
    folder: PathBuf,
}

impl Environment {
    /// Installs NNI, unless that was done before.
    pub(crate) fn install(version: Version) -> Result<Self> {
        let folder = shell::target().join("nni").join(version.to_string());
        let stamp = folder.join("installed");
        let packages = version.packages();
        if fs::read_to_string(&stamp).is_ok_and(|installed| installed == packages.join("\n")) {
            return Ok(Self { version, folder });
        }
        eprintln!("installing {} into {}", packages.join(" "), folder.display());
        fs::create_dir_all(&folder)?;
        run(Command::new("python3").args(["-m", "venv"]).arg(&folder))?;
        let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"];
        run(Command::new(folder.join("bin/python")).args(pip).args(packages))
            .context("hint: the first time, PyPI has to be reachable")?;
        fs::write(&stamp, packages.join("\n"))?;
        Ok(Self { version, folder })
    }

    /// The folder with `nnictl` and `python`.
    pub(crate) fn programs(&self) -> PathBuf {
        self.folder.join("bin")
    }

    /// An empty folder for a scenario.
    pub(crate) fn scratch(&self, name: &str) -> Result<PathBuf> {
        let folder = self.folder.join("runs").join(name);
        if folder.exists() {
            fs::remove_dir_all(&folder)?;
        }
        fs::create_dir_all(&folder)?;
        Ok(folder)
    }
}

fn run(command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| format!("{command:?}"))?;
    if !status.success() {
        bail!("{command:?} failed");
    }
    Ok(())
}

/// Copies the files of a folder, and of the folders in it.
pub(crate) fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from).with_context(|| from.display().to_string())? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}
