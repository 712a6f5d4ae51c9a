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
use nnmeter_hardware::device::{AccuracyRow, AccuracyTable, Provenance};
use nnmeter_hardware::fit::kernel_models;
use nnmeter_hardware::fit::linear::Problem;
use nnmeter_hardware::package::{Metric, MetricModels, Package};
use nnmeter_hardware::version::Version;

use crate::fitting::{Judged, Measured, PREDICTORS, Source, package_file};
use crate::{markdown, report};

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
        let measured = self.source.read()?;
        let judged = measured.judge(&self.source)?;
        let date = self.date.clone().unwrap_or_else(date::today);
        let package = package(&measured, &judged, date, self.source.seed)?;
        check(&package, &measured, &judged)?;
        let path = package_file(&self.out, &self.source.device);
        if !self.force {
            refuse_to_worsen(&path, &judged.left_out.overall)?;
        }
        fs::create_dir_all(&self.out).with_context(|| self.out.display().to_string())?;
        package.write(&path)?;
        self.write_page(&report::page(&package, &measured, &judged))?;
        std::io::stdout().lock().write_all(markdown::accuracies(&judged).as_bytes())?;
        eprintln!("wrote {}", path.display());
        Ok(())
    }

    fn write_page(&self, page: &str) -> Result<()> {
        let path = self.pages.join(format!("{}.md", self.source.device));
        fs::create_dir_all(&self.pages).with_context(|| self.pages.display().to_string())?;
        fs::write(&path, page).with_context(|| path.display().to_string())?;
        eprintln!("wrote {}", path.display());
        Ok(())
    }
}

fn package(measured: &Measured, judged: &Judged, date: String, seed: u64) -> Result<Package> {
    let Measured { target, samples, .. } = measured;
    let kernels = kernel_models(samples, target.terms, &judged.fit)?;
    let notes: Vec<String> = target.notes.iter().map(|&note| note.to_owned()).collect();
    let mut accuracy = vec![
        card("random 85/15 by groups of equal networks", &judged.random, &notes),
        card(LEFT_OUT, &judged.left_out, &notes),
    ];
    if let Some(nested) = &judged.nested {
        accuracy.push(card("leave one family out, constants chosen without it", nested, &notes));
    }
    Ok(Package {
        device: target.device.clone(),
        version: Version::FIRST,
        provenance: provenance(measured, date, seed),
        accuracy,
        rules: measured.rules.clone(),
        latency: Some(MetricModels { interval: judged.interval, kernels }),
        energy: None,
    })
}

fn provenance(measured: &Measured, date: String, seed: u64) -> Provenance {
    Provenance {
        data_set: "nn-Meter benchmark data set".to_owned(),
        licence: "MIT".to_owned(),
        source: "Latencies, generators of the networks and fusion rules: nn-Meter, Microsoft, \
                 https://github.com/microsoft/nn-Meter (MIT). Graphs rebuilt from the generators."
            .to_owned(),
        models: measured.samples.samples().len() as u64,
        kernels: measured.samples.workloads().len() as u64,
        date,
        seed,
        tool: concat!("nnmeter xtask ", env!("CARGO_PKG_VERSION")).to_owned(),
        method: "Rates of a linear model of each kind of kernel from totals of whole networks: \
                 non-negative coarse rates, then a ridge towards them, with effects of families \
                 while fitting."
            .to_owned(),
    }
}

fn card(protocol: &str, table: &Table, notes: &[String]) -> AccuracyTable {
    AccuracyTable {
        metric: Metric::Latency.name().to_owned(),
        protocol: protocol.to_owned(),
        rows: table
            .families
            .iter()
            .map(|(family, accuracy)| AccuracyRow::of(family, accuracy))
            .collect(),
        overall: AccuracyRow::of("all", &table.overall),
        notes: notes.to_vec(),
    }
}

/// Reads the package back and prices every network of the data set with it.
fn check(package: &Package, measured: &Measured, judged: &Judged) -> Result<()> {
    let predictor = Package::from_bytes(&package.to_bytes()?)?.predictor::<Millis>()?;
    let samples = &measured.samples;
    let mut costs = Vec::with_capacity(samples.workloads().len());
    for work in samples.workloads() {
        let kind = work.kind;
        let fitted = predictor.model(kind).with_context(|| format!("no model of {kind}"))?;
        ensure!(fitted.range.outside(work).is_empty(), "{kind} is outside of its own range");
        costs.push(fitted.model.cost(work));
    }
    let problem = Problem::new(samples, measured.target.terms);
    for (index, sample) in samples.samples().iter().enumerate() {
        let kernels = sample.kernels.iter();
        let total: f64 = kernels.map(|&(work, n)| f64::from(n) * costs[work as usize]).sum();
        let fitted = problem.pair(&judged.fit, index).predicted;
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
