//! `cargo xtask calibration`: how accurate a device is that was calibrated from another one with a
//! few timings, on nn-Meter's devices.
//!
//! Twice for each number of timings: drawn at random and judged on all other networks; and drawn
//! from all families but one, judged on that one. The calibration is the library's, choices and
//! intervals included; only the timings are drawn here. Changes no predictor.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use nnmeter_core::random::Random;
use nnmeter_hardware::accuracy::{Accuracy, Pair};
use nnmeter_hardware::dataset::parallel;
use nnmeter_hardware::fit::calibrate::{
    Calibrated, Families, Rival, Start, calibrate, calibrate_among,
};
use nnmeter_hardware::fit::intervals::LEVEL;
use nnmeter_hardware::fit::samples::{Sample, Samples};
use nnmeter_hardware::package::{MetricModels, Package};

use crate::fitting::{PREDICTORS, bar, package_file, read_samples};

const A76: &str = "cortexA76cpu_tflite21";
const ADRENO_640: &str = "adreno640gpu_tflite21";
const ADRENO_630: &str = "adreno630gpu_tflite21";
const MYRIAD: &str = "myriadvpu_openvino2019r2";

/// Bases and the devices calibrated from them; of several bases, cross-validation chooses.
const SECTIONS: [(&[&str], &str); 8] = [
    (&[ADRENO_640], ADRENO_630),
    (&[ADRENO_640], A76),
    (&[A76], ADRENO_640),
    (&[A76], MYRIAD),
    (&[A76, ADRENO_640, MYRIAD], ADRENO_630),
    (&[A76, ADRENO_630, MYRIAD], ADRENO_640),
    (&[ADRENO_640, ADRENO_630, MYRIAD], A76),
    (&[A76, ADRENO_640, ADRENO_630], MYRIAD),
];

/// Measure how accurate calibrated devices are.
#[derive(clap::Args)]
pub(crate) struct Calibration {
    /// The data set: a .jsonl, .jsonl.zst or .zip file of nn-Meter's schema, or a folder of them.
    #[arg(long, value_name = "DIR|FILE")]
    data: PathBuf,
    /// Draws of timings for each number, protocol and family.
    #[arg(long, value_name = "N", default_value_t = 3)]
    draws: u64,
    /// Numbers of timings.
    #[arg(long, value_name = "N", value_delimiter = ',', default_values_t = [10, 30, 100, 300])]
    timings: Vec<usize>,
    /// Only devices made from this base; `auto` for those made from the best of several.
    #[arg(long, value_name = "NAME|auto")]
    base: Option<String>,
    /// Only this device made from others.
    #[arg(long, value_name = "NAME")]
    target: Option<String>,
    /// Where the page goes.
    #[arg(long, value_name = "FILE", default_value = "docs/accuracy/calibration.md")]
    out: PathBuf,
}

impl Calibration {
    pub(crate) fn run(self) -> Result<()> {
        let mut page = String::from(HEAD);
        let asked =
            |asked: &Option<String>, name| asked.as_deref().is_none_or(|asked| asked == name);
        for (bases, target) in SECTIONS {
            if asked(&self.base, called(bases)) && asked(&self.target, target) {
                self.section(&mut page, bases, target)?;
            }
        }
        std::fs::write(&self.out, &page).with_context(|| self.out.display().to_string())?;
        eprintln!("wrote {}", self.out.display());
        Ok(())
    }

    /// The section of a device made from one of `bases`.
    fn section(&self, page: &mut String, bases: &[&str], target: &str) -> Result<()> {
        let read = |&base: &&str| Base::read(&self.data, base, target);
        let bases_read = priced(bases.iter().map(read).collect::<Result<_>>()?);
        let date = |base: &Base| format!("{} (of {})", base.name, base.date);
        let dates: Vec<String> = bases_read.iter().map(date).collect();
        let (base, from) = (called(bases), dates.join(", "));
        let _ = writeln!(page, "\n## {target} from {base}\n\nFrom {from}.\n\n{TABLE}");
        for &count in &self.timings {
            let row = self.row(&bases_read, count)?;
            eprintln!("{target} from {base} {row}");
            page.push_str(&(row + "\n"));
        }
        Ok(())
    }

    /// The row of a table for `count` timings.
    fn row(&self, bases: &[Base], count: usize) -> Result<String> {
        let samples = &bases[0].samples;
        let families = samples.families().len();
        let left_out =
            (0..families).flat_map(|family| (0..self.draws).map(move |d| (Some(family), d)));
        let tasks: Vec<(Option<usize>, u64)> =
            (0..self.draws).map(|draw| (None, draw)).chain(left_out).collect();
        let bar = bar(tasks.len() as u64, "calibrating", "{pos} of {len}");
        let mut results = Vec::with_capacity(tasks.len());
        let work = |&(family, draw): &(Option<usize>, u64)| {
            trial(bases, Draw { count, family, seed: draw + 1 })
        };
        parallel::ordered(tasks.iter(), None, work, |result| {
            bar.inc(1);
            results.push(result);
        });
        bar.finish_and_clear();
        let results: Vec<Judged> = results.into_iter().collect::<Result<_>>()?;
        let (random, left_out) = results.split_at(self.draws as usize);
        let generic = results.iter().filter(|judged| !judged.start.follows_base()).count();
        let generic = 100 * generic / results.len().max(1);
        let (random, left_out) = (figures(random), figures(left_out));
        Ok(format!("| {count} | {random} | {left_out} | {generic} | {} |", chosen(bases, &results)))
    }
}

/// What a section calls its bases.
fn called<'a>(bases: &[&'a str]) -> &'a str {
    match bases {
        [one] => one,
        _ => "auto",
    }
}

/// A device that may be the base, and what was measured on another one, by its fusion rules.
struct Base {
    name: String,
    date: String,
    models: MetricModels,
    samples: Samples,
}

impl Base {
    fn read(data: &Path, name: &str, target: &str) -> Result<Self> {
        let package = Package::read(&package_file(Path::new(PREDICTORS), name))?;
        let (samples, _) = read_samples(data, target, &package.rules)?;
        let models = package.latency.context("the base's package has no latency")?;
        Ok(Self { name: name.to_owned(), date: package.provenance.date, models, samples })
    }

    fn prices(&self, sample: &Sample) -> bool {
        sample.kernels.iter().all(|&(work, _)| {
            let kind = self.samples.workloads()[work as usize].kind;
            self.models.kernels.iter().any(|(other, _)| *other == kind)
        })
    }
}

/// How often each base was chosen, in percent.
fn chosen(bases: &[Base], results: &[Judged]) -> String {
    let share = |at: usize| {
        let count = results.iter().filter(|judged| judged.base == at).count();
        format!("{} {}", 100 * count / results.len().max(1), bases[at].name)
    };
    let shares: Vec<String> = (0..bases.len()).map(share).collect();
    shares.join(", ")
}

const HEAD: &str = "\
# Accuracy of calibrated devices

A device made from another one, the *base*, and a number of timings of whole networks, as `nnmeter
calibrate` does it. Written by `cargo xtask calibration --data DATASET`.

*Random*: timings drawn from all networks, judged on all others. *Family left out*: timings drawn
from all other families, judged on that family; means of families. Shares in percent; \"in interval\"
counts networks within the 90 % interval that the calibration gives, whose median width follows, as
upper end over lower end. Networks with kernels that a base cannot price are left out: ShuffleNetV2
where one of the bases is an Adreno. *Bases* are the shares of calibrations in which each was chosen;
*auto* chooses among several (`--base auto`).

*Generic* is the share of calibrations in which cross-validation dropped the base's rates for terms
that every device has (multiply-accumulates, elements, weights, starts of kernels): for a sister
device never, for another make nearly always, so that the base then hardly matters. The default
strengths, the generic terms and their prior, and when to leave the base were settled while looking
at these devices, so the figures are somewhat optimistic for others.
";

const TABLE: &str = "\
| timings | random: within 10 % | within 5 % | in interval | width | family left out: within 10 % | within 5 % | in interval | width | generic | bases |
|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|:--|";

/// The bases with the samples that all of them price.
fn priced(mut bases: Vec<Base>) -> Vec<Base> {
    let count = bases.iter().map(|base| base.samples.samples().len()).min().unwrap_or(0);
    let by_all = |&at: &usize| bases.iter().all(|base| base.prices(&base.samples.samples()[at]));
    let kept: Vec<usize> = (0..count).filter(by_all).collect();
    for base in &mut bases {
        base.samples = subset(&base.samples, kept.iter().map(|&at| &base.samples.samples()[at]));
    }
    bases
}

fn subset<'a>(samples: &Samples, chosen: impl Iterator<Item = &'a Sample>) -> Samples {
    let mut own = Samples::new();
    for sample in chosen {
        let works = sample.kernels.iter().flat_map(|&(work, times)| {
            std::iter::repeat_n(samples.workloads()[work as usize], times as usize)
        });
        let works: Vec<_> = works.collect();
        own.push(sample.id.clone(), &samples.families()[sample.family], sample.measured, &works);
    }
    own
}

/// Which timings to draw.
#[derive(Clone, Copy)]
struct Draw {
    count: usize,
    /// The family that is left out and judged on; none for a random draw.
    family: Option<usize>,
    seed: u64,
}

/// What came of judging a calibration.
struct Judged {
    base: usize,
    start: Start,
    accuracy: Accuracy,
    held: f64,
    width: f64,
}

fn trial(bases: &[Base], draw: Draw) -> Result<Judged> {
    let all = bases[0].samples.samples();
    let mut pool: Vec<usize> =
        (0..all.len()).filter(|&at| Some(all[at].family) != draw.family).collect();
    Random::new(draw.seed).shuffle(&mut pool);
    let (timed, rest) = pool.split_at(draw.count.min(pool.len()));
    let judged: Vec<usize> = match draw.family {
        Some(family) => (0..all.len()).filter(|&at| all[at].family == family).collect(),
        None => rest.to_vec(),
    };
    let timings: Vec<Samples> = bases
        .iter()
        .map(|base| subset(&base.samples, timed.iter().map(|&at| &base.samples.samples()[at])))
        .collect();
    let rivals = bases.iter().zip(&timings).map(|(base, samples)| Rival {
        name: &base.name,
        models: &base.models,
        samples,
    });
    let (base, calibrated) = match bases {
        [only] => (0, calibrate(&only.models, &timings[0], Families::Stated)?),
        _ => calibrate_among(&rivals.collect::<Vec<_>>(), Families::Stated)?,
    };
    judge(base, &calibrated, &bases[base].samples, &judged)
}

fn judge(
    base: usize,
    calibrated: &Calibrated,
    samples: &Samples,
    judged: &[usize],
) -> Result<Judged> {
    let models = &calibrated.models;
    let mut prices: Vec<Option<(f64, bool)>> = vec![None; samples.workloads().len()];
    let mut price = |work: u32| {
        *prices[work as usize].get_or_insert_with(|| {
            let work = &samples.workloads()[work as usize];
            let fitted = models.kernels.iter().find(|(kind, _)| *kind == work.kind);
            fitted.map_or((0.0, true), |(_, fitted)| {
                (fitted.model.cost(work), !fitted.range.outside(work).is_empty())
            })
        })
    };
    let (mut pairs, mut held, mut widths) = (Vec::new(), 0, Vec::new());
    for &at in judged {
        let sample = &samples.samples()[at];
        let (mut predicted, mut outside) = (0.0, false);
        for &(work, times) in &sample.kernels {
            let (cost, far) = price(work);
            predicted += f64::from(times) * cost;
            outside |= far;
        }
        let uncertainty = models.uncertainty.as_ref().context("calibrations have one")?;
        outside |= uncertainty.outside_totals(predicted).is_some();
        let (low, high) = uncertainty.errors(outside).ends(LEVEL);
        held += usize::from((low..=high).contains(&(sample.measured / predicted).ln()));
        widths.push((high - low).exp());
        pairs.push(Pair { measured: sample.measured, predicted });
    }
    widths.sort_by(f64::total_cmp);
    let accuracy = Accuracy::of(&pairs).context("no networks to judge on")?;
    Ok(Judged {
        base,
        start: calibrated.strengths.start,
        accuracy,
        held: 100.0 * held as f64 / pairs.len() as f64,
        width: widths[widths.len() / 2],
    })
}

/// Means over trials.
fn figures(judged: &[Judged]) -> String {
    let mean = |figure: fn(&Judged) -> f64| {
        judged.iter().map(figure).sum::<f64>() / judged.len().max(1) as f64
    };
    format!(
        "{:.1} | {:.1} | {:.1} | {:.2}",
        mean(|judged| judged.accuracy.within_10),
        mean(|judged| judged.accuracy.within_5),
        mean(|judged| judged.held),
        mean(|judged| judged.width)
    )
}
