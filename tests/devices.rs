//! `nnmeter devices add`, `remove` and `verify` as a user calls them, and the folders that packages
//! are looked for in.

mod support;

use std::path::{Path, PathBuf};

use expect_test::expect;
use nnmeter_core::feature::Feature;
use nnmeter_core::kind::Kind;
use nnmeter_core::model::{FittedRange, KernelModel, Parametric, Term, WindowClass};
use nnmeter_core::predict::FittedModel;
use nnmeter_hardware::package::{MetricModels, Package};
use nnmeter_hardware::registry::Registry;
use support::{DEVICE, Run, json_lines, nnmeter_with};
use tempfile::TempDir;

const MODEL: &str = "tests/models/alexnet.onnx";

/// A user with a home of their own.
struct User {
    home: TempDir,
}

impl User {
    fn new() -> Self {
        Self { home: tempfile::tempdir().expect("a folder") }
    }

    fn home(&self) -> &str {
        self.home.path().to_str().expect("UTF-8")
    }

    /// Where the packages of this user belong.
    fn predictors(&self) -> PathBuf {
        let data = match cfg!(target_os = "macos") {
            true => "Library/Application Support",
            false => ".local/share",
        };
        self.home.path().join(data).join("nnmeter").join("predictors")
    }

    fn run(&self, arguments: &[&str]) -> Run {
        self.run_with(arguments, &[], &[])
    }

    fn run_with(&self, arguments: &[&str], input: &[u8], variables: &[(&str, &str)]) -> Run {
        let home = [("HOME", self.home())];
        let variables: Vec<(&str, &str)> = home.into_iter().chain(variables.iter().copied()).collect();
        nnmeter_with(arguments, input, &variables)
    }

    /// What `arguments` print and end with; the home is `~`.
    fn told(&self, arguments: &[&str]) -> String {
        let Run { code, out, err } = self.run(arguments);
        format!("{out}{err}-> {code}\n").replace(self.home(), "~")
    }

    /// A package file of `name` at `version`, at which a network costs that many ms.
    fn package(&self, name: &str, version: &str) -> String {
        let path = self.home.path().join(format!("{name} {version}.nnmeter"));
        package(name, version).write(&path).expect("writes");
        path.to_str().expect("UTF-8").to_owned()
    }

    /// The total that `device` predicts.
    fn total(&self, device: &str, variables: &[(&str, &str)]) -> f64 {
        let arguments = ["predict", MODEL, "--allow-uncovered", "--json", "-d", device];
        let run = self.run_with(&arguments, &[], variables);
        assert_eq!(run.code, 0, "{run:?}");
        json_lines(&run.out)[0]["total_ms"].as_f64().expect("a total")
    }
}

/// A package whose predictions are ten times its version, for any network with a fully connected
/// layer or more.
fn package(name: &str, version: &str) -> Package {
    let built_in = Registry::built_in().find(DEVICE).expect("is there").package().expect("opens");
    let rate = version.parse::<f64>().expect("a number") * 10.0;
    let term = Term { feature: Feature::One, window: WindowClass::Any, rate };
    let parametric = Parametric::new(vec![term]).expect("a term");
    let model = FittedModel {
        model: KernelModel::Parametric(parametric),
        range: FittedRange::default(),
    };
    let mut package = Package { version: version.parse().expect("a version"), ..built_in };
    package.device.name = name.to_owned();
    let latency = package.latency.take().expect("has latency");
    package.latency = Some(MetricModels { kernels: vec![(Kind::MaxPool, model)], ..latency });
    package
}
