//! The timed models as each base sees them: their kernels by its fusion rules, if it prices all.

use std::path::Path;
use std::result::Result as Outcome;
use std::sync::Arc;

use anyhow::bail;
use nnmeter_core::kind::Kind;
use nnmeter_core::predict::Predictor;
use nnmeter_core::typed::TypedGraph;
use nnmeter_core::units::Unit;
use nnmeter_core::workload::Workload;
use nnmeter_hardware::error::{Error, ErrorKind, Result};
use nnmeter_hardware::fit::calibrate::check_base;
use nnmeter_hardware::fit::samples::{Samples, lineage_of};
use nnmeter_hardware::package::MetricModels;
use nnmeter_hardware::registry::OpenDevice;
use nnmeter_hardware::timings::{Timing, Timings};

use super::Args;
use crate::failure::hint;
use crate::models;

/// A device that may be the base.
pub(super) struct Base<'d, U: Unit> {
    pub(super) device: &'d OpenDevice,
    pub(super) models: MetricModels,
    predictor: &'d Predictor<U>,
}

/// A base that prices all timings that are used, and these as it sees them.
pub(super) struct Seen<'b, U: Unit> {
    pub(super) base: &'b Base<'b, U>,
    pub(super) samples: Samples,
}

/// The timings that can be used.
pub(super) struct Timed<'b, U: Unit> {
    /// The bases that price all of them; one at least.
    pub(super) rivals: Vec<Seen<'b, U>>,
    /// Which others there are, with the reason.
    pub(super) passed_over: Vec<String>,
}

/// A timing, and the work of its kernels for each base, or why the base does not price it.
struct Row<'t> {
    timing: &'t Timing,
    works: Vec<Outcome<Vec<Workload>, String>>,
}

impl<'d, U: Unit> Base<'d, U> {
    /// A device with the models that `models` finds.
    pub(super) fn new(
        device: &'d OpenDevice,
        models: fn(&OpenDevice) -> Result<&Predictor<U>>,
    ) -> Result<Self> {
        let predictor = models(device)?;
        Ok(Self { device, models: models_of(predictor), predictor })
    }

    pub(super) fn name(&self) -> &str {
        &self.device.device().name
    }

    /// Those of several devices that can be the base, one at least, and why the others cannot.
    pub(super) fn of_all(
        devices: &'d [Arc<OpenDevice>],
        models: fn(&OpenDevice) -> Result<&Predictor<U>>,
    ) -> anyhow::Result<(Vec<Self>, Vec<String>)> {
        let (mut bases, mut passed_over) = (Vec::new(), Vec::new());
        for device in devices {
            let base = Self::new(device, models);
            match base.and_then(|base| check_base(&base.models).map(|()| base)) {
                Ok(base) => bases.push(base),
                Err(error) => passed_over.push(format!("{}: {error}", device.device().name)),
            }
        }
        if bases.is_empty() {
            bail!("base \"auto\": no device can be the base: {}", passed_over.join("; "));
        }
        Ok((bases, passed_over))
    }
}

impl<'b, U: Unit> Timed<'b, U> {
    /// Reads the models of `timings`. Of several bases, those are kept that price all that the base
    /// prices that prices most; `passed_over` are lines about devices that are no bases.
    pub(super) fn read(
        args: &Args,
        timings: &Timings,
        bases: &'b [Base<'b, U>],
        mut passed_over: Vec<String>,
    ) -> anyhow::Result<Self> {
        let mut rows = Vec::with_capacity(timings.rows.len());
        for timing in &timings.rows {
            rows.extend(usable(args, timing, Row::read(args, timing, bases))?);
        }
        let priced = |base: usize| rows.iter().filter(|row| row.works[base].is_ok()).count();
        // Of equal ones the last is the maximum, which is to be the first.
        let most = (0..bases.len()).rev().max_by_key(|&base| priced(base)).unwrap_or_default();
        let mut kept = Vec::with_capacity(rows.len());
        for row in rows {
            let timing = row.timing;
            kept.extend(usable(args, timing, row.priced_by(most))?);
        }
        if kept.is_empty() {
            bail!("{}: none of its models can be used", args.measured.display());
        }
        let mut rivals = Vec::with_capacity(bases.len());
        for (at, base) in bases.iter().enumerate() {
            match samples(&kept, at) {
                Ok(samples) => rivals.push(Seen { base, samples }),
                Err(reason) => passed_over.push(format!("{}: {reason}", base.name())),
            }
        }
        Ok(Self { rivals, passed_over })
    }
}

impl<'t> Row<'t> {
    fn read<U: Unit>(
        args: &Args,
        timing: &'t Timing,
        bases: &[Base<'_, U>],
    ) -> anyhow::Result<Self> {
        let folder = args.measured.parent().unwrap_or(Path::new(""));
        let shape = timing.input_shape.as_deref().unwrap_or_default();
        let graph = models::load_shaped(&folder.join(&timing.model), shape)?;
        let works = bases.iter().map(|base| work_of(&graph, base.predictor)).collect();
        Ok(Self { timing, works })
    }

    /// The row, if the base with this number prices it.
    fn priced_by(self, base: usize) -> anyhow::Result<Self> {
        match self.works.get(base) {
            Some(Err(reason)) => bail!("{reason}"),
            _ => Ok(self),
        }
    }
}

/// What was read of a timing; `None` if it cannot be used and is to be passed over.
fn usable<T>(args: &Args, timing: &Timing, read: anyhow::Result<T>) -> anyhow::Result<Option<T>> {
    let place = format!("{}:{}: {}", args.measured.display(), timing.line, timing.model);
    match read {
        Ok(read) => Ok(Some(read)),
        Err(error) if args.keep_going => {
            eprintln!("warning: {place}: {error:#}");
            Ok(None)
        }
        Err(error) => {
            let advice = hint(&error).unwrap_or("--keep-going passes over it".to_owned());
            let error = Error::new(ErrorKind::BadData, place, format!("{error:#}"));
            Err(error.hint(advice).into())
        }
    }
}

/// The timings as the base with this number sees them, all of which it must price.
fn samples(rows: &[Row<'_>], base: usize) -> Outcome<Samples, String> {
    let mut samples = Samples::new();
    for Row { timing, works } in rows {
        let work = works[base].as_ref().map_err(|reason| format!("{} {reason}", timing.model))?;
        let family = timing.family.clone().unwrap_or_else(|| guessed_family(timing));
        samples.push(timing.model.clone(), &family, timing.measured, work);
    }
    Ok(samples)
}

/// The work of every kernel of a model, all of which the base must price; or why it does not.
fn work_of<U: Unit>(
    graph: &TypedGraph,
    predictor: &Predictor<U>,
) -> Outcome<Vec<Workload>, String> {
    let prediction = predictor.predict(graph);
    if let Some(first) = prediction.uncovered.first() {
        let count = prediction.uncovered.len();
        let label = graph.graph().label(first.node);
        return Err(format!("holds {count} operators that the base has no price for ({label})"));
    }
    let work: Vec<Workload> =
        prediction.kernels.iter().flat_map(|kernel| kernel.work.iter().copied()).collect();
    if work.is_empty() { Err("holds nothing that costs anything".to_owned()) } else { Ok(work) }
}

fn models_of<U: Unit>(predictor: &Predictor<U>) -> MetricModels {
    let kinds = Kind::ALL.iter().copied();
    let kernels = kinds.filter_map(|kind| Some((kind, predictor.model(kind)?.clone())));
    MetricModels { uncertainty: predictor.uncertainty().cloned(), kernels: kernels.collect() }
}

/// The family that the name of a model file tells, as far as it does.
fn guessed_family(timing: &Timing) -> String {
    let stem = Path::new(&timing.model).file_stem().unwrap_or_default();
    lineage_of(&stem.to_string_lossy())
}
