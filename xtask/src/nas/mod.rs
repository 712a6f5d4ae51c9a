//! `cargo xtask nas`: the Python package with the real NNI 3.0 and 2.10 and torch, end to end.
//!
//! | file | holds |
//! |---|---|
//! | `torch.rs` | PyTorch for the CPU |
//! | `scenarios.rs` | the examples in Python, run as they are, and what must come of them |

mod scenarios;
mod torch;

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use clap::ValueEnum;

use crate::shell;
use crate::tools::Variables;
use scenarios::Scenario;

/// A version of NNI with what its architecture search needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Version {
    V3,
    V2,
}

impl Version {
    fn name(self) -> &'static str {
        match self {
            Version::V3 => "3.0",
            Version::V2 => "2.10",
        }
    }

    /// The folder that it is installed into.
    fn folder(self) -> &'static str {
        match self {
            Version::V3 => "nas",
            Version::V2 => "nas-2.10",
        }
    }

    /// What is installed. NNI does not pin what it breaks with; its own profiler (3.0) takes onnx, whose
    /// newer versions do not read temporary files.
    fn packages(self) -> Vec<&'static str> {
        let own: &[&str] = match self {
            Version::V3 => {
                &["nni==3.0", "onnx==1.14.1", "onnxruntime==1.16.3", "onnxsim==0.4.36", "rich"]
            }
            Version::V2 => &["nni==2.10", "typeguard<3", "filelock<3.12", "packaging"],
        };
        let both = [
            "numpy<2",
            "pandas<2.3",
            "websockets<14",
            "scipy<1.14",
            "scikit-learn<1.6",
            "sympy",
            "networkx",
            "jinja2",
            "pillow<11",
        ];
        [own, &both].concat()
    }

    /// What would bring PyPI's torch along.
    fn alone(self) -> &'static [&'static str] {
        match self {
            Version::V3 => &[
                "pytorch-lightning==2.0.9",
                "torchmetrics==1.1.2",
                "lightning-utilities==0.9.0",
                "fsspec",
            ],
            Version::V2 => &[
                "pytorch-lightning==1.9.5",
                "torchmetrics==0.11.4",
                "lightning-utilities==0.9.0",
                "fsspec",
            ],
        }
    }
}

/// Run architecture searches with the real NNI 3.0 (and 2.10) on the Python package.
///
/// The first time, NNI comes from PyPI, and torch from Debian's packages where `python3` has none,
/// without installing them: into the target directory (2 GB).
#[derive(clap::Args)]
pub(crate) struct Nas {
    /// These scenarios only; may be repeated.
    #[arg(long, value_enum)]
    scenario: Vec<Scenario>,
}

impl Nas {
    pub(crate) fn run(&self) -> Result<()> {
        let all = self.scenario.is_empty();
        run(if all { Scenario::value_variants() } else { &self.scenario })
    }
}

/// What `cargo xtask test` runs.
pub(crate) fn run_core() -> Result<()> {
    run(&Scenario::CORE)
}

/// A Python that imports NNI and torch.
pub(crate) struct Installed {
    python: PathBuf,
    variables: Variables,
    folder: PathBuf,
}

fn run(scenarios: &[Scenario]) -> Result<()> {
    shell::cargo(["build", "--package", "nnmeter-nni-bridge"])?;
    unit_tests()?;
    for version in [Version::V3, Version::V2] {
        let own: Vec<_> = scenarios.iter().filter(|of| of.version() == version).collect();
        if own.is_empty() {
            continue;
        }
        let start = Instant::now();
        let installed = install(version)?;
        let seconds = start.elapsed().as_secs_f64();
        eprintln!("ok: NNI {} with torch ({seconds:.0} s)", version.name());
        for scenario in own {
            let start = Instant::now();
            scenario.run(&installed)?;
            eprintln!("ok: {scenario} ({:.0} s)", start.elapsed().as_secs_f64());
        }
    }
    Ok(())
}

/// The package's own tests, which need neither NNI nor torch.
fn unit_tests() -> Result<()> {
    let folder = shell::root().join("nnmeter-nni-bridge/python");
    let mut tests = Command::new("python3");
    tests.args(["-m", "unittest", "discover", "-s", "tests"]).current_dir(&folder);
    output(tests.env("PYTHONPATH", &folder).env("NNMETER_BRIDGE", bridge()))?;
    eprintln!("ok: tests of the Python package");
    Ok(())
}

fn bridge() -> PathBuf {
    shell::target().join("debug/nnmeter-bridge")
}

fn install(version: Version) -> Result<Installed> {
    let folder = shell::target().join("nni").join(version.folder());
    let python = folder.join("bin/python");
    let stamp = folder.join("installed");
    let (listed, alone) = (version.packages(), version.alone());
    let packages = [&listed[..], alone].concat().join("\n");
    if !fs::read_to_string(&stamp).is_ok_and(|installed| installed == packages) {
        eprintln!("installing {} and more into {}", listed[0], folder.display());
        output(Command::new("python3").args(["-m", "venv"]).arg(&folder))?;
        let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"];
        output(Command::new(&python).args(pip).args(&listed))?;
        output(Command::new(&python).args(pip).arg("--no-deps").args(alone))
            .context("hint: the first time, PyPI has to be reachable")?;
        fs::write(&stamp, packages)?;
    }
    let mut variables = torch::variables(&python)?;
    let ours = shell::root().join("nnmeter-nni-bridge/python");
    let theirs = variables.iter().position(|(name, _)| *name == "PYTHONPATH");
    let theirs = theirs.map(|at| PathBuf::from(variables.remove(at).1));
    let path = std::env::join_paths([ours].into_iter().chain(theirs))?;
    variables.push(("PYTHONPATH", path));
    variables.push(("NNMETER_BRIDGE", bridge().into()));
    // NNI 2.10 starts trials by the `python` of the PATH.
    let inherited = std::env::var_os("PATH").unwrap_or_default();
    let path = [folder.join("bin")].into_iter().chain(std::env::split_paths(&inherited));
    variables.push(("PATH", std::env::join_paths(path)?));
    Ok(Installed { python, variables, folder })
}

/// What a program prints; if it fails, what it says.
fn output(command: &mut Command) -> Result<String> {
    let output = command.output().with_context(|| format!("{:?}", command.get_program()))?;
    if !output.status.success() {
        let errors = String::from_utf8_lossy(&output.stderr);
        bail!("{:?}: {}\n{errors}", command.get_program(), output.status);
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
