//! `cargo xtask generated-spaces`: which search spaces are generated for a CPU, a GPU and a VPU, why
//! they differ, and what architectures of each reach within budgets on each device.
//!
//! Writes a page and a plot. Nothing is trained and nothing measured on a device: latencies are those
//! that the built-in devices predict.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, Result};
use nnmeter_filters::error::ErrorKind;
use nnmeter_filters::generate::{
    Capacity, Figures, Finding, Pool, Reach, ReachOptions, Selection, Settings, Skeleton, Subspace,
    Survey, Target, Yardstick,
};
use nnmeter_hardware::registry::{OpenDevice, Registry};

use crate::plots::{self, ReachPanel};

/// The devices that spaces are compared on.
const DEVICES: [(&str, &str); 3] = [
    ("CPU", "cortexA76cpu_tflite21"),
    ("GPU", "adreno640gpu_tflite21"),
    ("VPU", "myriadvpu_openvino2019r2"),
];
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

struct Device<'a> {
    label: &'static str,
    target: Target<'a>,
    survey: Survey<'a>,
    selection: Selection,
}

/// A space, and what its architectures reach, by budget; `None` where none is within it.
struct Curve {
    name: String,
    reaches: Vec<(f64, Option<Reach>)>,
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
        spaces.push(("every operator".to_owned(), self.survey.space("every", false, |_| true)?));
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
    fn figures(&self, layer: &str, operator: &str) -> Option<&Figures> {
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

fn page(devices: &[Device<'_>], curves: &[Vec<Curve>], plot: &str) -> String {
    let mut text = format!("{HEAD}{}", chosen(devices));
    let _ = write!(text, "{WHY}{}", prices(devices));
    let _ = write!(text, "{REACH}![What the typical architecture reaches]({plot})\n");
    for (device, curves) in devices.iter().zip(curves) {
        let _ =
            write!(text, "\n### {} ({})\n\n{}", device.label, device.target.name, reached(curves));
    }
    let _ = write!(text, "{LIMITS}{}", limits(devices));
    text
}

/// The operators of each layer, a device a column.
fn chosen(devices: &[Device<'_>]) -> String {
    let mut text = String::from("| layer | |");
    devices.iter().for_each(|device| text.push_str(&format!(" {} |", device.label)));
    text.push_str(&format!("\n|---|---|{}\n", "---|".repeat(devices.len())));
    let slots = devices.first().map_or(&[][..], |device| device.survey.skeleton().slots());
    for (layer, slot) in slots.iter().enumerate() {
        let ([channels, height, width], [out, ..]) = (slot.input, slot.output());
        let _ = write!(
            text,
            "| {} | {height}x{width}x{channels} to {out}, stride {} |",
            slot.name, slot.stride
        );
        for device in devices {
            let options = &device.selection.generated.space.choices()[layer].options;
            let _ = write!(text, " {} |", options.join("<br>"));
        }
        text.push('\n');
    }
    text
}

/// Operators whose prices say why, with what they are there for.
const SHOWN: [&str; 9] = [
    "separable k3",
    "mobilenetv2 k3 e6",
    "mobilenetv2 k5 e6",
    "mobilenetv2 k7 e6",
    "mobilenetv2 k3 e6 se",
    "shufflenetv2 k3 e1",
    "bottleneck k3",
    "bottleneck k5",
    "bottleneck k7",
];
/// Layers that keep extents: one of high, one of middle and one of low resolution.
const LAYERS: [&str; 3] = ["1.2", "3.2", "5.2"];

/// What operators cost in some layers, and how much they compute in that time.
fn prices(devices: &[Device<'_>]) -> String {
    let mut text = String::new();
    for layer in LAYERS {
        let _ = write!(text, "\nLayer {layer}:\n\n| operator | M MACs | parameters |");
        for device in devices {
            let _ = write!(text, " {0}: ms | {0}: G MACs a second |", device.label);
        }
        let _ = writeln!(text, "\n|---|--:|--:|{}", "--:|--:|".repeat(devices.len()));
        for operator in SHOWN {
            let known = devices.iter().find_map(|device| device.figures(layer, operator));
            let Some(known) = known else { continue };
            let (macs, parameters) = (known.macs / 1e6, known.parameters);
            let _ = write!(text, "| {operator} | {macs:.2} | {parameters:.0} |");
            for device in devices {
                text.push_str(&price(device.figures(layer, operator)));
            }
            text.push('\n');
        }
    }
    text
}

fn price(figures: Option<&Figures>) -> String {
    let Some(figures) = figures else { return " no price | - |".to_owned() };
    let (cost, mark) = (figures.costs_ms[0], if figures.outside[0] { "*" } else { "" });
    format!(" {cost:.3}{mark} | {:.1} |", figures.macs / cost / 1e6)
}

/// What architectures reach, a space a row: median, and best.
fn reached(curves: &[Curve]) -> String {
    let budgets = curves.first().map_or(&[][..], |curve| &curve.reaches);
    let mut text = String::from("| space |");
    budgets.iter().for_each(|(budget, _)| {
        let _ = write!(text, " {} ms |", brief(*budget));
    });
    let _ = writeln!(text, "\n|---|{}", "--:|".repeat(budgets.len()));
    for curve in curves {
        let _ = write!(text, "| {} |", curve.name);
        for (_, reach) in &curve.reaches {
            match reach {
                None => text.push_str(" - |"),
                Some(reach) => {
                    let best = reach.best.as_ref();
                    let best =
                        best.map_or("?".to_owned(), |best| format!("{:.0}", best.value / 1e6));
                    let _ = write!(text, " {:.1} ({best}) |", reach.median / 1e6);
                }
            }
        }
        text.push('\n');
    }
    text
}

/// A number with the digits that budgets have.
fn brief(value: f64) -> String {
    let digits = (2.0 - value.log10().floor()).max(0.0) as usize;
    format!("{value:.digits$}")
}

/// What has no price, and what was chosen outside of what was fitted.
fn limits(devices: &[Device<'_>]) -> String {
    let mut text = String::new();
    for device in devices {
        let found = device.survey.layers().iter().flatten();
        let unpriced = found.filter(|of| matches!(of.finding(), Finding::NoPrice(_))).count();
        let standings = device.selection.standings.iter().flatten();
        let chosen = device.survey.layers().iter().flatten().zip(standings);
        let chosen = chosen.filter(|(_, standing)| standing.is_some_and(|s| s.chosen));
        let outside = |figures: &Figures| figures.outside.contains(&true);
        let (all, far) = chosen.fold((0, 0), |(all, far), (candidate, _)| {
            (all + 1, far + usize::from(candidate.figures().is_some_and(outside)))
        });
        let _ = writeln!(
            text,
            "- {}: {unpriced} operators in layers have no price; {far} of the {all} chosen ones have a \
             kernel outside of what its model was fitted on.",
            device.label
        );
    }
    text
}

const HEAD: &str = "\
# Search spaces for a CPU, a GPU and a VPU

`nnmeter space generate` chooses, for every layer of a skeleton, the operators of a pool that have most
capacity for their latency on a device. Here: MobileNetV2's stages at 224x224; 42 operators of four
families (separable convolution, MobileNetV2's inverted bottleneck, ShuffleNetV2's unit, residual
bottleneck) with windows of 3, 5 and 7, several expansions, with and without squeeze-and-excite; four a
layer, of two families or more. Score: `MACs^0.5 parameters^0.5 / latency`. The idea is that of Zhang et
al., \"Fast Hardware-Aware Neural Architecture Search\" (CVPR Workshops 2020); their formula was not at
hand, and the score and its exponents are ours.

All latencies are predictions of the built-in devices, in the context of the network. Written by
`cargo xtask generated-spaces`.

## The spaces

Operators of each layer, the best first.

";

const WHY: &str = "
## Why they differ

Milliseconds of operators in three layers that keep extents, and the rate at which they compute:
billions of multiply-accumulates a second. `*` marks prices that lie outside of what the device's models
were fitted on.
";

const REACH: &str = "
## What their architectures reach

Millions of multiply-accumulates within a latency budget: the median of 2,000 draws that are exactly
uniform over all architectures of a space within the budget, and in brackets the best, which is exact
(`?` where the exact search would take too long). `-`: no architecture of the space is within the budget,
or the device has no price for some layer. Budgets are shares of the range of the device's own space.
More multiply-accumulates are not more accuracy: nothing was trained.

";

const LIMITS: &str = "
## What to hold against it

Multiply-accumulates and parameters stand for what a network can learn, which they are not. Parameters of
squeeze-and-excite count as any others, so a device on which it costs little gets many. Where a device
was never measured with a kind of kernel, operators with it are left out, however fast they may be: the
networks measured on the GPU had no channel shuffle and no split.

";
