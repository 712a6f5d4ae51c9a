//! `cargo xtask package-predictors`: from a data set of measured networks to a device's package and
//! its page of accuracy.
//!
//! Nothing is written before the package has been read back and found to price every network of
//! the data set as the fit does, nor over a package that did better on families left out.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use nnmeter_core::units::Millis;
use nnmeter_hardware::accuracy::{Accuracy, Table};
use nnmeter_hardware::date;
use nnmeter_hardware::device::{AccuracyTable, Provenance};
use nnmeter_hardware::fit::kernel_models;
use nnmeter_hardware::fit::problem::Problem;
use nnmeter_hardware::package::{Metric, MetricModels, Package};
use nnmeter_hardware::sweep;
use nnmeter_hardware::version::Version;

use crate::fitting::{Judged, Measured, PREDICTORS, Source, package_file};
use crate::report::Plot;
use crate::target::Target;
use crate::{markdown, plots, report};

/// Where the pages of accuracy lie, from the root of the repository.
const PAGES: &str = "docs/accuracy";
/// How the table of families left out is called in packages.
const LEFT_OUT: &str = "leave one family out";

/// Arguments of `cargo xtask package-predictors`.
#[derive(clap::Args)]
pub(crate) struct PackagePredictors {
    #[command(flatten)]
    source: Source,
    /// Folder of the package.
    #[arg(long, value_name = "DIR", default_value = PREDICTORS)]
    out: PathBuf,
    /// Folder of the page of accuracy.
    #[arg(long, value_name = "DIR", default_value = PAGES)]
    pages: PathBuf,
    /// Day of the fit; today if not given.
    #[arg(long, value_name = "YYYY-MM-DD")]
    date: Option<String>,
    /// Replace a package that did better.
    #[arg(long)]
    force: bool,
}

impl PackagePredictors {
    pub(crate) fn run(self) -> Result<()> {
        self.source.targets()?.into_iter().try_for_each(|target| self.package(target))
    }

    fn package(&self, target: Target) -> Result<()> {
        let measured = self.source.read(target)?;
        let judged = measured.judge(&self.source)?;
        let date = self.date.clone().unwrap_or_else(date::today);
        let package = package(&measured, &judged, date, self.source.seed)?;
        check(&package, &measured, &judged)?;
        let path = package_file(&self.out, &package.device.name);
        if !self.force {
            refuse_to_worsen(&path, &judged.left_out.overall)?;
        }
        fs::create_dir_all(&self.out).with_context(|| self.out.display().to_string())?;
        package.write(&path)?;
        self.write_page(&package, &measured, &judged)?;
        std::io::stdout().lock().write_all(markdown::accuracies(&judged).as_bytes())?;
        eprintln!("wrote {}", path.display());
        Ok(())
    }

    /// Writes the page of accuracy and its plots.
    fn write_page(&self, package: &Package, measured: &Measured, judged: &Judged) -> Result<()> {
        let (device, names) = (&package.device.name, measured.samples.families());
        let files = [
            (format!("{device}.md"), report::page(package, measured, judged)?),
            (report::plot_name(device, Plot::Scatter), plots::scatter(&judged.held_out, names)?),
            (report::plot_name(device, Plot::Errors), plots::errors(&judged.held_out, names)?),
            (report::plot_name(device, Plot::Sweeps), plots::sweeps(package)?),
        ];
        fs::create_dir_all(&self.pages).with_context(|| self.pages.display().to_string())?;
        for (name, text) in files {
            let path = self.pages.join(name);
            fs::write(&path, text).with_context(|| path.display().to_string())?;
            eprintln!("wrote {}", path.display());
        }
        Ok(())
    }
}

fn package(measured: &Measured, judged: &Judged, date: String, seed: u64) -> Result<Package> {
    let Measured { target, samples, .. } = measured;
    let kernels = kernel_models(samples, target.terms, &judged.fit)?;
    let notes: Vec<String> = target.notes.iter().map(|&note| note.to_owned()).collect();
    let accuracy = vec![
        card("random 85/15 by groups of equal networks", &judged.random, &notes),
        card(LEFT_OUT, &judged.left_out, &notes),
    ];
    Ok(Package {
        device: target.device.clone(),
        version: Version::FIRST,
        provenance: provenance(measured, date, seed),
        accuracy,
        rules: measured.rules.clone(),
        latency: Some(MetricModels { uncertainty: Some(judged.uncertainty.clone()), kernels }),
        energy: None,
    })
}

fn provenance(measured: &Measured, date: String, seed: u64) -> Provenance {
    let samples = &measured.samples;
    let models = samples.samples().iter().filter(|sample| !samples.is_of_kernels(sample.family));
    Provenance {
        data_set: "nn-Meter benchmark data set".to_owned(),
        licence: "MIT".to_owned(),
        source: "Latencies, generators of the networks and fusion rules: nn-Meter, Microsoft, \
                 https://github.com/microsoft/nn-Meter (MIT). Graphs rebuilt from the generators."
            .to_owned(),
        models: models.count() as u64,
        kernels: measured.samples.workloads().len() as u64,
        date,
        seed,
        tool: concat!("nnmeter xtask ", env!("CARGO_PKG_VERSION")).to_owned(),
        method: measured.target.method(),
    }
}

fn card(protocol: &str, table: &Table, notes: &[String]) -> AccuracyTable {
    AccuracyTable::of(Metric::Latency.name(), protocol, table, notes.to_vec())
}

/// Reads the package back, sweeps its models, and prices every network of the data set with it.
fn check(package: &Package, measured: &Measured, judged: &Judged) -> Result<()> {
    let Measured { target, samples, .. } = measured;
    let predictor = Package::from_bytes(&package.to_bytes()?)?.predictor::<Millis>()?;
    for (kind, fitted) in &package.latency.as_ref().context("no latency models")?.kernels {
        sweep::check(*kind, &fitted.model, target.tolerance)?;
    }
    let mut costs = Vec::with_capacity(samples.workloads().len());
    for work in samples.workloads() {
        let kind = work.kind;
        let fitted = predictor.model(kind).with_context(|| format!("no model of {kind}"))?;
        ensure!(fitted.range.outside(work).is_empty(), "{kind} is outside of its own range");
        costs.push(fitted.model.cost(work));
    }
    let problem = Problem::new(samples, target.terms);
    let all: Vec<usize> = (0..problem.len()).collect();
    let pairs = problem.pairs(&judged.fit, &all);
    for (sample, pair) in samples.samples().iter().zip(pairs) {
        let kernels = sample.kernels.iter();
        let total: f64 = kernels.map(|&(work, n)| f64::from(n) * costs[work as usize]).sum();
        let fitted = pair.predicted;
        let agrees = (total / fitted - 1.0).abs() < 1e-9;
        ensure!(agrees, "{}: the package says {total} ms, the fit {fitted} ms", sample.id);
    }
    Ok(())
}

/// Compares with the package that is there, by RMSPE on families left out.
fn refuse_to_worsen(path: &Path, new: &Accuracy) -> Result<()> {
    if !path.exists() {
        return Ok(());
    }
    let package = Package::read(path).context("the package that is there (--force replaces it)")?;
    let Some(old) = package.accuracy.iter().find(|table| table.protocol == LEFT_OUT) else {
        return Ok(());
    };
    let (old, new) = (100.0 * old.overall.rmspe, new.rmspe);
    if old < new * (1.0 - 1e-9) {
        bail!(
            "{}: did better on families left out (RMSPE {old:.2} % against {new:.2} %); \
             --force replaces it",
            path.display()
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Cli {
        #[command(flatten)]
        command: PackagePredictors,
    }

    /// Networks of ReLUs on a made-up device, each `slow` times as slow as the last but one.
    fn family(name: &str, slow: f64) -> String {
        let network = |index: usize| {
            let side = 4 + index;
            let shape = format!("[[1, {side}, {side}, 3]]");
            let node = |name: &str, op: &str, from: &str, to: &str| {
                format!(
                    r#""{name}": {{"inbounds": [{from}], "outbounds": [{to}], "attr": {{"name":
                    "{name}", "type": "{op}", "output_shape": {shape}, "input_shape": [], "attr":
                    {{}}}}}}"#
                )
            };
            let x = node("x", "Placeholder", "", "\"r\"");
            let r = node("r", "Relu", "\"x\"", "");
            let ms = slow.powi(index as i32 % 2) * (0.01 + 1e-5 * (side * side) as f64);
            let line = format!(
                r#"{{"id": "{name}_{index}", "cortexA76cpu_tflite21": {ms}, "graph": {{{x}, {r}}}}}"#
            );
            line.replace('\n', " ") + "\n"
        };
        (0..20).map(network).collect()
    }

    /// Packages the device of such networks into `folder`.
    fn package(folder: &Path, slow: f64, more: &[&str]) -> Result<()> {
        let data = folder.join("data");
        fs::create_dir_all(&data)?;
        for name in ["as", "bs"] {
            fs::write(data.join(format!("{name}.jsonl")), family(name, slow))?;
        }
        fs::write(folder.join("cortexA76cpu_tflite21.json"), "{}")?;
        let path = |name: &str| folder.join(name).display().to_string();
        let (data, out, rules) = (path("data"), path("out"), path(""));
        let arguments =
            ["test", "--data", &data, "--rules", &rules, "--out", &out, "--pages", &out];
        let fixed = ["--device", "cortexA76cpu_tflite21", "--date", "2026-01-02"];
        let arguments = arguments.iter().chain(&fixed).chain(more);
        Cli::try_parse_from(arguments)?.command.run()
    }

    #[test]
    fn packages_and_does_not_replace_a_better_package() {
        let folder = tempfile::tempdir().expect("a folder");
        package(folder.path(), 1.0, &[]).expect("packages");
        let file = folder.path().join("out/cortexA76cpu_tflite21.nnmeter");
        let first = fs::read(&file).expect("a package");
        for name in [".md", "-predicted.svg", "-errors.svg", "-sweeps.svg"] {
            let path = folder.path().join(format!("out/cortexA76cpu_tflite21{name}"));
            assert!(!fs::read_to_string(path).expect(name).is_empty());
        }
        package(folder.path(), 1.0, &[]).expect("packages again");
        assert_eq!(fs::read(&file).expect("a package"), first, "the same data, the same bytes");
        let error = package(folder.path(), 1.3, &[]).expect_err("worse");
        assert!(error.to_string().contains("did better on families left out"), "{error}");
        assert_eq!(fs::read(&file).expect("a package"), first);
        package(folder.path(), 1.3, &["--force"]).expect("packages");
        assert_ne!(fs::read(&file).expect("a package"), first);
    }
}
