//! `cargo xtask generated-spaces`: which search spaces are generated for a CPU, a GPU and a VPU, why
//! they differ, and what architectures of each reach within budgets on each device.
//!
//! Writes a page and a plot. Nothing is trained and nothing measured on a device: latencies are those
//! that the built-in devices predict.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, Result};
use nnmeter_filters::error::ErrorKind;
use nnmeter_filters::generate::{
    Capacity, Figures, Pool, Reach, ReachOptions, Selection, Settings, Skeleton, Subspace, Survey,
    Target, Yardstick,
};
use nnmeter_hardware::registry::{OpenDevice, Registry};

use crate::generated_page::page;
use crate::plots::{self, ReachPanel};

/// The devices that spaces are compared on.
const DEVICES: [(&str, &str); 3] = [
    ("CPU", "cortexA76cpu_tflite21"),
    ("GPU", "adreno640gpu_tflite21"),
    ("VPU", "myriadvpu_openvino2019r2"),
];
/// The name of the space of all operators.
pub(crate) const EVERY: &str = "every operator";
const SKELETON: &str = "mobilenetv2";
/// Budgets, as shares of the way from the cheapest architecture of the device's own space to the
/// dearest.
const BUDGETS: [f64; 5] = [0.1, 0.2, 0.3, 0.45, 0.6];

/// Generate spaces for a CPU, a GPU and a VPU, and compare what their architectures reach.
#[derive(clap::Args)]
pub(crate) struct GeneratedSpaces {
    /// Where the page goes; the plot lies beside it.
    #[arg(long, value_name = "FILE.md", default_value = "docs/hardware-aware-spaces.md")]
    out: PathBuf,
}

impl GeneratedSpaces {
    pub(crate) fn run(self) -> Result<()> {
        let opened = open()?;
        let (skeleton, pool) = (Skeleton::built_in(SKELETON)?, Pool::built_in());
        let devices = opened.iter().zip(DEVICES).map(|(opened, (label, name))| {
            let target = Target { name, predictor: opened.latency()? };
            let survey = Survey::new(&skeleton, &pool, &[target])?;
            let selection = survey.select(&Settings::default())?;
            Ok(Device { label, target, survey, selection })
        });
        let devices = devices.collect::<Result<Vec<_>>>()?;
        let mut curves = Vec::new();
        for device in &devices {
            curves.push(device.curves(&devices)?);
        }
        let plot = self.out.with_extension("svg");
        let panels: Vec<ReachPanel<'_>> =
            devices.iter().zip(&curves).map(|(device, curves)| panel(device, curves)).collect();
        std::fs::write(&plot, plots::reaches(&panels)?)?;
        let name = plot.file_name().and_then(|name| name.to_str()).context("--out is no file")?;
        std::fs::write(&self.out, page(&devices, &curves, name))?;
        eprintln!("wrote {} and {}", self.out.display(), plot.display());
        Ok(())
    }
}

fn open() -> Result<Vec<Arc<OpenDevice>>> {
    let registry = Registry::built_in();
    DEVICES.iter().map(|(_, name)| Ok(registry.open(name)?)).collect()
}

pub(crate) struct Device<'a> {
    pub(crate) label: &'static str,
    pub(crate) target: Target<'a>,
    pub(crate) survey: Survey<'a>,
    pub(crate) selection: Selection,
}

/// A space, and what its architectures reach, by budget; `None` where none is within it.
pub(crate) struct Curve {
    pub(crate) name: String,
    pub(crate) reaches: Vec<(f64, Option<Reach>)>,
}

impl Device<'_> {
    /// What architectures reach on this device: of its own space, those of other devices, of every
    /// operator, and of single families.
    fn curves(&self, devices: &[Device<'_>]) -> Result<Vec<Curve>> {
        let mut spaces = Vec::new();
        let own = std::iter::once(self);
        let others = devices.iter().filter(|other| other.label != self.label);
        for other in own.chain(others) {
            let space = self.priced_here(&other.selection.generated)?;
            spaces.push((format!("for the {}", other.label), space));
        }
        spaces.push((EVERY.to_owned(), self.survey.space("every", false, |_| true)?));
        for family in self.survey.pool().families() {
            let space = self.survey.space(family, false, |operator| operator.family() == family)?;
            spaces.push((format!("{family} alone"), space));
        }
        let budgets = self.budgets()?;
        let measured = spaces.into_iter().map(|(name, space)| {
            let reaches = match &space {
                Some(space) => self.reaches(space, &budgets).context(name.clone())?,
                None => budgets.iter().map(|&budget| (budget, None)).collect(),
            };
            Ok(Curve { name, reaches })
        });
        measured.collect()
    }

    /// A space for another device, if this one has a price for all of it.
    fn priced_here(&self, space: &Subspace) -> Result<Option<Subspace>> {
        let layers = self.survey.layers().iter().zip(&space.kept);
        let is_priced = layers
            .flat_map(|(candidates, kept)| kept.iter().map(|&index| &candidates[index]))
            .all(|candidate| candidate.figures().is_some());
        Ok(is_priced.then(|| space.clone()))
    }

    /// Budgets in milliseconds, rounded to three digits.
    fn budgets(&self) -> Result<Vec<f64>> {
        let yardstick = self.yardstick(&self.selection.generated)?;
        let [least, most] = yardstick.range(0)?;
        let budget = |share: &f64| {
            let exact = least + share * (most - least);
            let unit = 10f64.powf(exact.log10().floor() - 2.0);
            (exact / unit).round() * unit
        };
        Ok(BUDGETS.iter().map(budget).collect())
    }

    fn yardstick<'a>(&self, space: &'a Subspace) -> Result<Yardstick<'a>> {
        Ok(Yardstick::new(&self.survey, space, Capacity::Macs, &[self.target])?)
    }

    fn reaches(&self, space: &Subspace, budgets: &[f64]) -> Result<Vec<(f64, Option<Reach>)>> {
        let yardstick = self.yardstick(space)?;
        let reach = |&budget: &f64| match yardstick.reach(&[budget], &ReachOptions::default()) {
            Ok(reach) => Ok((budget, Some(reach))),
            Err(error) if error.kind() == ErrorKind::Infeasible => Ok((budget, None)),
            Err(error) => Err(error.into()),
        };
        budgets.iter().map(reach).collect()
    }

    /// The figures of an operator in a layer, both by name.
    pub(crate) fn figures(&self, layer: &str, operator: &str) -> Option<&Figures> {
        let slots = self.survey.skeleton().slots();
        let layer = slots.iter().position(|slot| slot.name == layer)?;
        let operators = self.survey.pool().operators();
        let index = operators.iter().position(|other| other.name() == operator)?;
        self.survey.layers()[layer][index].figures()
    }
}

fn panel<'a>(device: &'a Device<'_>, curves: &'a [Curve]) -> ReachPanel<'a> {
    let median =
        |(budget, reach): &(f64, Option<Reach>)| Some((*budget, reach.as_ref()?.median / 1e6));
    let line =
        |curve: &'a Curve| (curve.name.as_str(), curve.reaches.iter().filter_map(median).collect());
    let title = format!("{} ({})", device.label, device.target.name);
    ReachPanel { title, lines: curves.iter().map(line).collect() }
}
