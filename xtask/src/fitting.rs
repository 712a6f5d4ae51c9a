//! What commands that fit have in common: their arguments, reading a data set under a progress bar,
//! and the fit with its two tables.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result};
use indicatif::{ProgressBar, ProgressStyle};
use nnmeter_core::rules::FusionRules;
use nnmeter_hardware::accuracy::Table;
use nnmeter_hardware::dataset::Dataset;
use nnmeter_hardware::fit::linear::{Fit, Problem, Recipe};
use nnmeter_hardware::fit::protocol::HeldOut;
use nnmeter_hardware::fit::samples::{Reading, Samples};
use nnmeter_hardware::fit::{check_priced, terms};

/// Messages about bad lines that are shown in full.
const SHOWN: usize = 10;

/// Which measurements to fit, and for which device.
#[derive(clap::Args)]
pub(crate) struct Source {
    /// The data set: a .jsonl, .jsonl.zst or .zip file of nn-Meter's schema, or a folder of them.
    #[arg(long, value_name = "DIR|FILE")]
    pub(crate) data: PathBuf,
    /// The device's fusion rules, in nn-Meter's JSON.
    #[arg(long, value_name = "FILE")]
    pub(crate) rules: PathBuf,
    /// The device, as its column in the data set is called.
    #[arg(long, value_name = "NAME", default_value = "cortexA76cpu_tflite21")]
    pub(crate) device: String,
    /// Seed of the random split.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) seed: u64,
}

/// Measurements that were read.
pub(crate) struct Measured {
    pub(crate) samples: Samples,
    pub(crate) reading: Reading,
    pub(crate) rules: FusionRules,
}

/// A fit and how it did on models held out.
pub(crate) struct Judged {
    pub(crate) fit: Fit,
    pub(crate) shares: Vec<f64>,
    pub(crate) random: Table,
    pub(crate) left_out: Table,
    pub(crate) interval: nnmeter_core::predict::Interval,
}

impl Source {
    /// Reads the rules and the data set.
    pub(crate) fn read(&self) -> Result<Measured> {
        let json = std::fs::read(&self.rules)
            .with_context(|| format!("rules \"{}\"", self.rules.display()))?;
        let rules = FusionRules::from_json(&json)
            .with_context(|| format!("rules \"{}\"", self.rules.display()))?;
        let dataset = Dataset::open(&self.data)?;
        let (bar, progress) = (bar(dataset.bytes(), "reading"), dataset.progress());
        let mut complaints: Vec<String> = Vec::new();
        let read = Samples::read(
            &dataset,
            &self.device,
            &rules,
            |error| complaints.push(error.to_string()),
            || bar.set_position(progress.bytes()),
        );
        bar.finish_and_clear();
        show_complaints(&complaints);
        let (samples, reading) = read?;
        Ok(Measured { samples, reading, rules })
    }
}

fn show_complaints(complaints: &[String]) {
    for complaint in complaints.iter().take(SHOWN) {
        eprintln!("warning: {complaint}");
    }
    if complaints.len() > SHOWN {
        eprintln!("warning: {} more lines are bad", complaints.len() - SHOWN);
    }
}

impl Measured {
    /// Fits all of it, and fits again without what is held out for each of the two tables.
    pub(crate) fn judge(&self, seed: u64) -> Result<Judged> {
        let (samples, families) = (&self.samples, self.samples.families());
        check_priced(samples, terms::CPU)?;
        let steps = bar(4, "fitting");
        let problem = Problem::new(samples, terms::CPU);
        steps.inc(1);
        let random = HeldOut::random_split(&problem, &Recipe::CPU, samples, seed);
        steps.inc(1);
        let left_out = HeldOut::leave_one_family_out(&problem, &Recipe::CPU, families.len());
        steps.inc(1);
        let fit = problem.fit(&Recipe::CPU, |_| true);
        steps.finish_and_clear();
        let few = "the data set is too small to hold models out";
        Ok(Judged {
            shares: problem.shares(&fit),
            random: random.table(families).context(few)?,
            left_out: left_out.table(families).context(few)?,
            interval: left_out.interval().context(few)?,
            fit,
        })
    }

    /// Names of the families with the number of their models, in the order of the files.
    pub(crate) fn families(&self) -> BTreeMap<&str, usize> {
        let mut counts = BTreeMap::new();
        for sample in self.samples.samples() {
            *counts.entry(self.samples.families()[sample.family].as_str()).or_default() += 1;
        }
        counts
    }
}

/// A bar on standard error, hidden where that is no terminal.
fn bar(length: u64, what: &'static str) -> ProgressBar {
    let bar = ProgressBar::new(length).with_message(what);
    let template = "{msg} [{wide_bar}] {percent} % {eta}";
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style.progress_chars("=> "));
    }
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}
