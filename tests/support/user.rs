//! A user of the command line with a home of their own, and packages to put there.

use std::path::{Path, PathBuf};

use nnmeter_core::feature::Feature;
use nnmeter_core::kind::Kind;
use nnmeter_core::model::{FittedRange, KernelModel, Parametric, Term, WindowClass};
use nnmeter_core::predict::FittedModel;
use nnmeter_hardware::package::Package;
use tempfile::TempDir;

use super::{DEVICE, Run, json_lines, nnmeter_with};

/// A user with a home of their own.
pub(crate) struct User {
    home: TempDir,
}

impl User {
    /// Someone who has no packages yet.
    pub(crate) fn new() -> Self {
        Self { home: tempfile::tempdir().expect("a folder") }
    }

    /// The home, as variables of the environment state it.
    pub(crate) fn home(&self) -> &str {
        self.home.path().to_str().expect("UTF-8")
    }

    /// The home.
    pub(crate) fn home_folder(&self) -> &Path {
        self.home.path()
    }

    /// Where the packages of this user belong.
    pub(crate) fn predictors(&self) -> PathBuf {
        let data = match cfg!(target_os = "macos") {
            true => "Library/Application Support",
            false => ".local/share",
        };
        self.home.path().join(data).join("nnmeter").join("predictors")
    }

    /// Runs `nnmeter` as this user.
    pub(crate) fn run(&self, arguments: &[&str]) -> Run {
        self.run_with(arguments, &[], &[])
    }

    /// As [`User::run`], with bytes on standard input and variables in the environment.
    pub(crate) fn run_with(
        &self,
        arguments: &[&str],
        input: &[u8],
        variables: &[(&str, &str)],
    ) -> Run {
        let home = [("HOME", self.home())];
        let variables: Vec<(&str, &str)> =
            home.into_iter().chain(variables.iter().copied()).collect();
        nnmeter_with(arguments, input, &variables)
    }

    /// What `arguments` print and end with; the home is `~`, the folder of packages
    /// `USER`.
    pub(crate) fn told(&self, arguments: &[&str]) -> String {
        let Run { code, out, err } = self.run(arguments);
        let predictors = self.predictors().display().to_string();
        format!("{out}{err}-> {code}\n").replace(&predictors, "USER").replace(self.home(), "~")
    }

    /// A package file of `name` at `version`.
    pub(crate) fn package(&self, name: &str, version: &str) -> String {
        let path = self.home.path().join(format!("{name} {version}.nnmeter"));
        package(name, version).write(&path).expect("writes");
        path.to_str().expect("UTF-8").to_owned()
    }

    /// The total that `device` predicts for a model.
    pub(crate) fn total_of(&self, model: &str, device: &str, variables: &[(&str, &str)]) -> f64 {
        let arguments = ["predict", model, "--allow-uncovered", "--json", "-d", device];
        let run = self.run_with(&arguments, &[], variables);
        assert_eq!(run.code, 0, "{run:?}");
        json_lines(&run.out)[0]["total_ms"].as_f64().expect("a total")
    }
}

/// A package of a device at which a max pooling takes as many ms as its version is.
pub(crate) fn package(name: &str, version: &str) -> Package {
    let built_in = format!("nnmeter-hardware/predictors/{DEVICE}.nnmeter");
    let mut package = Package::read(Path::new(&built_in)).expect("reads");
    package.device.name = name.to_owned();
    package.version = version.parse().expect("a version");
    let rate = version.parse().expect("a number");
    let term = Term { feature: Feature::One, window: WindowClass::Any, rate };
    let parametric = Parametric::new(vec![term]).expect("a term");
    let (model, range) = (KernelModel::Parametric(parametric), FittedRange::default());
    let latency = package.latency.as_mut().expect("has latency");
    latency.kernels = vec![(Kind::MaxPool, FittedModel { model, range })];
    package
}
