//! What commands that fit have in common: their arguments, reading a data set under a progress bar,
//! and the fit with its tables.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use indicatif::{ProgressBar, ProgressStyle};
use nnmeter_core::uncertainty::Uncertainty;
use nnmeter_hardware::accuracy::Table;
use nnmeter_hardware::dataset::Dataset;
use nnmeter_hardware::fit::check_priced;
use nnmeter_hardware::fit::intervals::{LEVEL, Residuals};
use nnmeter_hardware::fit::problem::{Fit, Problem};
use nnmeter_hardware::fit::protocol::{HeldOut, Training, left_out};
use nnmeter_hardware::fit::samples::{Reading, Samples};
use nnmeter_hardware::package::{EXTENSION, Package, RuleFile};

use crate::fits::{Fits, samples_digest};
use crate::target::{self, Target};
use crate::{nested, tools};

/// Where the packages that are built in lie, from the root of the repository.
pub(crate) const PREDICTORS: &str = "nnmeter-hardware/predictors";

/// Messages about bad lines that are shown in full.
const SHOWN: usize = 10;

/// Which measurements to fit, and for which device.
#[derive(clap::Args)]
pub(crate) struct Source {
    /// The data set: a .jsonl, .jsonl.zst or .zip file of nn-Meter's schema, or a folder of them.
    #[arg(long, value_name = "DIR|FILE")]
    data: PathBuf,
    /// The device's fusion rules, in nn-Meter's JSON, or a folder with DEVICE.json; those of its
    /// present package if not given.
    #[arg(long, value_name = "FILE|DIR")]
    rules: Option<PathBuf>,
    /// The device, as its column in the data set is called; all devices if not given.
    #[arg(long, value_name = "NAME")]
    device: Option<String>,
    /// Seed of the random split.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) seed: u64,
    /// How much each kernel that was measured alone counts, where a whole model counts 1.
    #[arg(long, value_name = "W", default_value_t = 1.0, value_parser = weight)]
    kernel_weight: f64,
    /// Also choose the constants of the fit anew without each family left out (takes minutes). The
    /// figures go on the page; a package is the same with and without them.
    #[arg(long)]
    nested: bool,
}

/// Measurements that were read.
pub(crate) struct Measured {
    pub(crate) target: Target,
    pub(crate) rules: RuleFile,
    pub(crate) samples: Samples,
    /// Lines that could not be used.
    pub(crate) bad: usize,
}

/// A fit and how it did on models held out.
pub(crate) struct Judged {
    pub(crate) fit: Fit,
    pub(crate) shares: Vec<f64>,
    pub(crate) random: Table,
    pub(crate) left_out: Table,
    /// What [`Judged::left_out`] is the table of.
    pub(crate) held_out: HeldOut,
    /// What was chosen, and the table.
    pub(crate) nested: Option<(&'static str, Table)>,
    pub(crate) residuals: Residuals,
    pub(crate) uncertainty: Uncertainty,
}

/// The file of a device's package in `folder`.
pub(crate) fn package_file(folder: &Path, device: &str) -> PathBuf {
    folder.join(format!("{device}.{EXTENSION}"))
}

impl Source {
    /// A data set for all devices, or one, with what holds where nothing else is said.
    pub(crate) fn new(data: PathBuf, device: Option<String>) -> Self {
        Self { data, rules: None, device, seed: 1, kernel_weight: 1.0, nested: false }
    }

    /// The devices that are asked for. Where one of them has trees and this build cannot fit them,
    /// runs the command line again in one that can, and does not return.
    pub(crate) fn targets(&self) -> Result<Vec<Target>> {
        let targets = match &self.device {
            Some(name) => vec![target::find(name)?],
            None => target::all(),
        };
        let has_trees = targets.iter().any(|target| target.recipe.correction.is_some());
        if has_trees && !tools::CAN_FIT_TREES {
            tools::run_again_with_trees()?;
        }
        Ok(targets)
    }

    /// Reads the rules of a device and the data set.
    pub(crate) fn read(&self, target: Target) -> Result<Measured> {
        let device = &target.device.name;
        let rules = self.read_rules(device)?;
        let (mut samples, reading) = read_samples(&self.data, device, &rules)?;
        for family in 0..samples.families().len() {
            if samples.is_of_kernels(family) {
                samples.weigh_family(family, self.kernel_weight);
            }
        }
        check_priced(&samples, target.terms)?;
        Ok(Measured { target, rules, samples, bad: reading.bad })
    }

    fn read_rules(&self, device: &str) -> Result<RuleFile> {
        let Some(path) = &self.rules else {
            let path = package_file(Path::new(PREDICTORS), device);
            let package = Package::read(&path).context("no --rules, and no package has them")?;
            return Ok(package.rules);
        };
        let in_folder = path.join(format!("{device}.json"));
        let path = if path.is_dir() { &in_folder } else { path };
        let shown = || format!("rules \"{}\"", path.display());
        let json = std::fs::read(path).with_context(shown)?;
        RuleFile::from_json(&json).with_context(shown)
    }
}

fn weight(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(weight) if (0.0..=1e6).contains(&weight) => Ok(weight),
        _ => Err("expected a number from 0 to 1000000".to_owned()),
    }
}

/// Reads what was measured on `device`, with a bar, and complains of bad lines.
pub(crate) fn read_samples(
    data: &Path,
    device: &str,
    rules: &RuleFile,
) -> Result<(Samples, Reading)> {
    let dataset = Dataset::open(data)?;
    let (bar, progress) = (bar(dataset.bytes(), "reading", "{percent} %"), dataset.progress());
    let mut complaints: Vec<String> = Vec::new();
    let read = Samples::read(
        &dataset,
        device,
        rules.rules(),
        |error| complaints.push(error.to_string()),
        || bar.set_position(progress.bytes()),
    );
    bar.finish_and_clear();
    show_complaints(&complaints);
    Ok(read?)
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
    /// Fits all of it, and fits again without what is held out for each of the tables.
    pub(crate) fn judge(&self, source: &Source) -> Result<Judged> {
        let families = self.samples.families();
        let problem = Problem::new(&self.samples, self.target.terms);
        let fits = Fits::new(&problem, self.target.recipe, &samples_digest(&problem)?)?;
        fits.make(&self.trainings(source.seed))?;
        let random = HeldOut::random_split(&problem, source.seed, |on| fits.of(on))?;
        let left_out = HeldOut::leave_one_family_out(&problem, |on| fits.of(on))?;
        let fit = fits.of(&Training::All)?;
        let nested = source.nested.then(|| nested::table(&self.samples, &self.target));
        let residuals = Residuals::of_families_left_out(&left_out, &self.samples);
        let few = "the data set has too few models, or one family only: none can be held out";
        let mut covered = left_out.table(families).context(few)?;
        covered.cover(&residuals.coverage(LEVEL)?);
        Ok(Judged {
            shares: problem.shares(&fit),
            random: random.table(families).context(few)?,
            left_out: covered,
            nested: nested.transpose()?,
            uncertainty: residuals.uncertainty()?,
            residuals,
            held_out: left_out,
            fit,
        })
    }

    /// Predictions of each family by a fit on the others.
    pub(crate) fn families_left_out(&self) -> Result<HeldOut> {
        let problem = Problem::new(&self.samples, self.target.terms);
        let fits = Fits::new(&problem, self.target.recipe, &samples_digest(&problem)?)?;
        fits.make(&self.without_each_family().collect::<Vec<_>>())?;
        HeldOut::leave_one_family_out(&problem, |on| fits.of(on))
    }

    /// All fits that the tables take.
    fn trainings(&self, seed: u64) -> Vec<Training> {
        let first = [Training::All, Training::RandomSplit { seed }];
        first.into_iter().chain(self.without_each_family()).collect()
    }

    fn without_each_family(&self) -> impl Iterator<Item = Training> {
        left_out(&self.samples).into_iter().map(|family| Training::Without(vec![family]))
    }
}

/// A bar on standard error, hidden where that is no terminal. `shown` is how far it has come, in
/// the form of `indicatif`.
pub(crate) fn bar(length: u64, what: &'static str, shown: &str) -> ProgressBar {
    let bar = ProgressBar::new(length).with_message(what);
    if let Ok(style) =
        ProgressStyle::with_template(&format!("{{msg}} [{{wide_bar}}] {shown} {{eta}}"))
    {
        bar.set_style(style.progress_chars("=> "));
    }
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}
