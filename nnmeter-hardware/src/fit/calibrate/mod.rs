//! A device from a few timings of whole networks and the predictor of another device, the *base*.
//!
//! Totals of a few networks cannot tell what each kind of kernel costs; how the base's rates stand
//! to each other mostly can, for a device of its make. So the base's rates are multiplied by what
//! the timings call for, held to the base as strongly as cross-validation on the timings says
//! ([`Strengths`]). Where networks left out are predicted better by terms that every device has
//! ([`Start::Generic`]), the base's rates are not used at all, only its fusion rules, its kinds of
//! kernels and the region that it was fitted on. Of several bases, cross-validation chooses one ([`calibrate_among`]).
//! Reading timings and writing packages is not done here.

mod among;
mod choice;
mod class;
mod design;
mod generic;
mod package;
mod strengths;
mod view;

use std::collections::BTreeSet;

use nnmeter_core::kind::Kind;
use nnmeter_core::model::KernelModel;
use nnmeter_core::predict::FittedModel;
use nnmeter_core::uncertainty::{Quantiles, Uncertainty};

use crate::accuracy::{Pair, Table};
use crate::error::{Error, ErrorKind, Result};
use crate::fit::intervals::{Coverage, LEVEL, Residual, Residuals};
use crate::fit::samples::{Sample, Samples};
use crate::package::MetricModels;
use choice::{Choice, Timings};
use design::Design;
use view::Seen;

pub use among::{Compared, Rival, calibrate_among};
pub use package::About;
pub use strengths::{Start, Strengths};

/// Fewer timings than this leave an interval at 90 % to assumptions; with fewer families, its ends
/// rest on how far the base is off.
pub const FEW: usize = 9;
/// Scale of the tail beyond all errors seen where timings are few, as a log. An assumption: a device
/// and its calibration may then be off by tens of percent.
const TAIL: f64 = 0.25;

/// How families of timings are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Families {
    /// Somebody said so.
    Stated,
    /// They are told by names, which may be wrong: networks of equal names are held out together,
    /// but intervals do not rest on it.
    Guessed,
}

/// What came of a calibration.
#[derive(Clone, Debug)]
pub struct Calibrated {
    /// The models of the device.
    pub models: MetricModels,
    /// What cross-validation chose.
    pub strengths: Strengths,
    /// The bases that it chose from, the chosen one first; none where there was but one.
    pub compared: Vec<Compared>,
    /// How far networks left out were predicted off, by family, the choice made anew without them;
    /// `None` where there are too few timings to leave any out.
    pub held_out: Option<Table>,
    /// Kinds of kernels that the base prices and no timed network has.
    pub unseen: Vec<Kind>,
}

/// Calibrates the models of a base to the timings in `samples`, whose kernels are by the base's
/// fusion rules. The same samples give the same bits.
///
/// # Errors
/// If there are no samples, the base has no model of a kind of their kernels, or prices nothing.
pub fn calibrate(base: &MetricModels, samples: &Samples, families: Families) -> Result<Calibrated> {
    calibrate_from(base, samples, families, &Start::ALL)
}

/// As [`calibrate`], choosing among `starts` alone, the first of which is the default.
///
/// # Errors
/// As [`calibrate`], and if there are no starts that the base has.
pub fn calibrate_from(
    base: &MetricModels,
    samples: &Samples,
    families: Families,
    starts: &[Start],
) -> Result<Calibrated> {
    check(base, samples)?;
    let generic = generic::kernels(&base.kernels)?;
    let seen = seen_from(0, base, &generic, samples, starts);
    if seen.is_empty() {
        return Err(Error::new(ErrorKind::BadData, "base", "has none of the rates to start from"));
    }
    let timings = Timings::new(&seen);
    finish(base, &seen, &timings, timings.choose(), families)
}

/// How the rates of `base`, which is number `number`, see timings from each of `starts` that it has.
fn seen_from<'a>(
    number: usize,
    base: &'a MetricModels,
    generic: &'a [(Kind, FittedModel)],
    samples: &'a Samples,
    starts: &[Start],
) -> Vec<Seen<'a>> {
    let seen = |&start: &Start| {
        let design = design(start, &base.kernels, generic)?;
        Some(Seen { base: number, start, design, samples })
    };
    starts.iter().filter_map(seen).collect()
}

/// The device that `choice` makes of `base`.
fn finish(
    base: &MetricModels,
    seen: &[Seen<'_>],
    timings: &Timings,
    choice: Choice,
    families: Families,
) -> Result<Calibrated> {
    let multiples = timings.fit_all(choice).ok_or_else(|| {
        Error::new(ErrorKind::BadData, "timings", "hold nothing that costs anything on the base")
    })?;
    let Seen { design, samples, .. } = &seen[timings.seen(choice)];
    let kernels = design.models(&multiples)?;
    let one_scale = Choice { strengths: Strengths::ONE_SCALE, ..choice };
    let scale = timings.fit_all(one_scale).map_or(1.0, |multiples| multiples[0]);
    let held_out = HeldOut {
        samples,
        unit: &timings.unit,
        are_families: timings.by_family && families == Families::Stated,
        ratios: timings.held_out(),
    };
    let residuals = held_out.residuals(base, scale);
    let models = MetricModels { uncertainty: Some(residuals.uncertainty()?), kernels };
    let held_out = held_out.table(&residuals)?;
    let (strengths, unseen) = (choice.strengths, unseen(base, samples));
    Ok(Calibrated { models, strengths, compared: Vec::new(), held_out, unseen })
}

/// How `start` sees timings; `None` if it is what another start is, too.
fn design<'a>(
    start: Start,
    base: &'a [(Kind, FittedModel)],
    generic: &'a [(Kind, FittedModel)],
) -> Option<Design<'a>> {
    let is_corrected =
        |(_, of): &(Kind, FittedModel)| matches!(of.model, KernelModel::Corrected(..));
    match start {
        Start::Base => Some(Design::of_base(base, true)),
        Start::Rates => base.iter().any(is_corrected).then(|| Design::of_base(base, false)),
        Start::Generic => Some(Design::generic(generic)),
    }
}

/// Checks that there is something to calibrate to, and that the base prices all of it.
fn check(base: &MetricModels, samples: &Samples) -> Result<()> {
    if samples.samples().is_empty() {
        return Err(Error::new(ErrorKind::BadData, "timings", "hold no network"));
    }
    let priced = |kind: &Kind| base.kernels.iter().any(|(other, _)| other == kind);
    match samples.kinds().iter().find(|kind| !priced(kind)) {
        Some(kind) => {
            let found = format!("has no model of kernels of kind \"{kind}\", which were timed");
            Err(Error::new(ErrorKind::BadData, "base", found))
        }
        None => Ok(()),
    }
}

/// Checks that the rates of a base can be calibrated.
///
/// # Errors
/// If it has forests of nn-Meter's, which have none.
pub fn check_base(base: &MetricModels) -> Result<()> {
    let is_forest = |(_, of): &(Kind, FittedModel)| matches!(of.model, KernelModel::NnMeter(_));
    if base.kernels.iter().any(is_forest) { Err(design::without_rates()) } else { Ok(()) }
}

/// Kinds that the base prices and no sample has, in their order.
fn unseen(base: &MetricModels, samples: &Samples) -> Vec<Kind> {
    let seen = samples.kinds();
    let priced: BTreeSet<Kind> = base.kernels.iter().map(|(kind, _)| *kind).collect();
    priced.difference(&seen).copied().collect()
}

/// Predictions for timings that had no part in them.
struct HeldOut<'a> {
    samples: &'a Samples,
    /// The unit of exchange of each timing.
    unit: &'a [usize],
    /// Whether the units are known to be families.
    are_families: bool,
    /// Predicted over measured for each timing, if any could be left out.
    ratios: Option<Vec<f64>>,
}

impl HeldOut<'_> {
    /// Errors by unit. Where these are not known to be families, intervals are never narrower than
    /// the base's: other families are off at least as far as on the base.
    fn residuals(&self, base: &MetricModels, scale: f64) -> Residuals {
        let measured = self.samples.samples().iter().map(|sample| sample.measured);
        let of_base = base.uncertainty.as_ref().map(Uncertainty::totals);
        let none = (f64::INFINITY, f64::NEG_INFINITY);
        let of_base = of_base.map_or(none, |of| (scale * of.start(), scale * of.end()));
        let totals = measured.fold(of_base, |(a, b), ms| (a.min(ms), b.max(ms)));
        let units = self.unit.iter().max().map_or(0, |last| last + 1);
        let mut residuals = vec![Vec::new(); units];
        let ratios = self.ratios.iter().flatten();
        for ((sample, ratio), unit) in self.samples.samples().iter().zip(ratios).zip(self.unit) {
            let total = ratio * sample.measured;
            let outside = is_far(base, self.samples, sample);
            let outside = outside || !(totals.0..=totals.1).contains(&total);
            residuals[*unit].push(Residual { error: -ratio.ln(), outside });
        }
        let floor = base.uncertainty.as_ref().filter(|_| !self.are_families);
        let few = self.samples.samples().len() < FEW;
        let of_base = base.uncertainty.as_ref().map(Uncertainty::inside);
        let tail = of_base.filter(|_| !few).map_or(TAIL, half_width);
        Residuals::new(residuals, totals).no_narrower_than(floor, tail)
    }

    /// Accuracies and coverage by family.
    fn table(&self, residuals: &Residuals) -> Result<Option<Table>> {
        let Some(ratios) = &self.ratios else { return Ok(None) };
        let named = self.samples.samples().iter().zip(ratios).map(|(sample, ratio)| {
            let pair = Pair { measured: sample.measured, predicted: ratio * sample.measured };
            (self.samples.families()[sample.family].as_str(), pair)
        });
        let Some(mut table) = Table::of(named) else { return Ok(None) };
        let mut of_families = vec![Coverage::default(); self.samples.families().len()];
        let mut family_of = vec![0; residuals.families().len()];
        for (sample, unit) in self.samples.samples().iter().zip(self.unit) {
            family_of[*unit] = sample.family;
        }
        for (coverage, family) in residuals.coverage(LEVEL)?.into_iter().zip(family_of) {
            of_families[family] = of_families[family].and(coverage);
        }
        table.cover(&of_families);
        Ok(Some(table))
    }
}

/// Half of the width of an interval at [`LEVEL`], as a log.
fn half_width(errors: &Quantiles) -> f64 {
    let (low, high) = errors.ends(LEVEL);
    let width = high - low;
    if width.is_finite() { width / 2.0 } else { TAIL }
}

/// Whether a kernel of `sample` lies outside of what the base was fitted on.
fn is_far(base: &MetricModels, samples: &Samples, sample: &Sample) -> bool {
    sample.kernels.iter().any(|(work, _)| {
        let work = &samples.workloads()[*work as usize];
        let of_kind = base.kernels.iter().find(|(kind, _)| *kind == work.kind);
        of_kind.is_none_or(|(_, fitted)| !fitted.range.outside(work).is_empty())
    })
}

#[cfg(test)]
mod tests;
