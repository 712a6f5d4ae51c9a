//! `cargo xtask test`: everything that must hold, in one command.

use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::tools::{self, Variables};
use crate::{nas, nni, runtimes, shell, tidy};

/// A crate outside of the workspace that the tests build and run.
const EXAMPLE: &str = "nnmeter-hardware/examples/toy-device/Cargo.toml";

/// Format, lints, house rules, documentation, and all tests of the workspace.
///
/// The bridge's nng takes cmake, which comes from PyPI where it lacks.
///
/// With --data also the tests on nn-Meter's benchmark set, which the repository does not hold.
#[derive(clap::Args)]
pub(crate) struct Test {
    /// Folder with nn-Meter's benchmark set (FAMILY.jsonl or FAMILY.jsonl.zst).
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Leave out fitting of trees, for which XGBoost is built.
    #[arg(long)]
    without_trees: bool,
    /// Leave out experiments with the real NNI, which is installed from PyPI.
    #[arg(long)]
    without_nni: bool,
    /// Leave out ONNX Runtime and OpenVINO, which are fetched from PyPI to run models.
    #[arg(long)]
    without_runtimes: bool,
    /// Run models with tract, too, which takes minutes to build.
    #[arg(long, conflicts_with = "without_runtimes")]
    all_runtimes: bool,
}

/// The crates that have backends.
const WITH_RUNTIMES: [&str; 5] =
    ["--package", "nnmeter-hardware", "--package", "nnmeter", "--features"];

/// The crates that feature `fit` is about, with it.
const WITH_TREES: [&str; 6] =
    ["--package", "nnmeter-hardware", "--package", "xtask", "--features", "xtask/fit"];

impl Test {
    pub(crate) fn run(&self) -> Result<()> {
        shell::cargo(["fmt", "--all", "--check"])?;
        shell::cargo(["fmt", "--check", "--manifest-path", EXAMPLE])?;
        tidy::run()?;
        let variables = tools::variables_for_bridge()?;
        let clippy = ["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"];
        shell::cargo_with(clippy, &variables)?;
        let no_warnings = [&variables[..], &[("RUSTDOCFLAGS", "-D warnings".into())]].concat();
        shell::cargo_with(["doc", "--workspace", "--no-deps", "--quiet"], &no_warnings)?;
        self.tests(variables)?;
        if !self.without_nni {
            nni::run_core()?;
            nas::run_core()?;
        }
        if !self.without_runtimes {
            self.with_runtimes()?;
        }
        if self.without_trees { Ok(()) } else { with_trees() }
    }

    fn tests(&self, mut variables: Variables) -> Result<()> {
        let workspace = ["test", "--workspace", "--no-fail-fast"];
        let Some(data) = &self.data else {
            eprintln!("note: without --data the tests on nn-Meter's benchmark set are not run");
            return shell::cargo_with(workspace, &variables);
        };
        let data = data.canonicalize().with_context(|| {
            format!("data set \"{}\" cannot be found; expected a folder", data.display())
        })?;
        let arguments = workspace.into_iter().chain(["--features", "nnmeter/benchmark-data"]);
        variables.push(("NNMETER_BENCHMARK_DATA", data.into_os_string()));
        shell::cargo_with(arguments, &variables)
    }

    /// Lints of what is built with runtimes only, and tests that run models.
    fn with_runtimes(&self) -> Result<()> {
        let features = if self.all_runtimes {
            "nnmeter/onnxruntime,nnmeter/openvino,nnmeter/tract"
        } else {
            "nnmeter/onnxruntime,nnmeter/openvino"
        };
        let built = || WITH_RUNTIMES.into_iter().chain([features]);
        let variables = runtimes::variables()?;
        let clippy = ["clippy"].into_iter().chain(built());
        shell::cargo(clippy.chain(["--all-targets", "--", "-D", "warnings"]))?;
        let tests =
            ["test"].into_iter().chain(built()).chain(["--test", "runtimes", "--test", "build"]);
        shell::cargo_with(tests, &variables)
    }
}

/// Lints and tests of what is built with XGBoost only.
fn with_trees() -> Result<()> {
    let variables = tools::variables()?;
    let clippy = ["clippy"].into_iter().chain(WITH_TREES);
    let clippy = clippy.chain(["--all-targets", "--", "-D", "warnings"]);
    shell::cargo_with(clippy, &variables)?;
    shell::cargo_with(["test"].into_iter().chain(WITH_TREES), &variables)
}
