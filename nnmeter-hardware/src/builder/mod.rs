//! The builder: a device out of a runtime that is at hand.
//!
//! Networks that judge the device in the end are measured first, published ones ([`zoo`]) or one's own;
//! nothing is fitted to them. Then networks drawn at random ([`draw`]) are measured batch by batch, whole and by
//! the runtime's own profile, until there are enough: half of each batch as they come, half those of
//! a pool about which models fitted so far disagree most (query by committee: Seung, Opper and
//! Sompolinsky 1992). Which operators are one kernel is read off what the runtime tells ([`told`]), or
//! given. The totals of networks and what their kernels cost in them ([`labels`]) become the device
//! by [`fit`](crate::fit).
//!
//! Everything measured goes to a log, also how long each batch took, and every choice follows from
//! the log and the seed: a run that was killed goes on where it was and ends with the same device.

mod choice;
mod fitting;
mod judge;
mod labels;
mod package;
mod prior;
mod sampler;
mod style;
pub mod told;
pub mod zoo;

use std::time::Duration;

use nnmeter_core::typed::TypedGraph;

use crate::backend::{Backend, Measurement, Model};
use crate::device::Device;
use crate::error::{Error, ErrorKind, Result};
use crate::measure::{Log, Plan as Rounds, Profiles, Progress, measure, profile};
use crate::package::{Metric, Package, RuleFile};

pub use judge::{Judged, Report};
pub use labels::{Label, labels};
pub use sampler::{Drawn, draw};
pub use style::Style;

/// Networks of a batch.
const BATCH: u64 = 48;
/// Profiles of each network.
const PROFILES: usize = 4;

/// How a device is built.
#[derive(Clone, Debug)]
pub struct Plan {
    /// What is known of the device.
    pub device: Device,
    /// The day, `YYYY-MM-DD`.
    pub date: String,
    /// Seed of every random choice.
    pub seed: u64,
    /// Rounds of measuring each network.
    pub rounds: usize,
    /// Networks that judge the device in the end: published ones ([`zoo::all`]), or one's own.
    pub judges: Vec<zoo::Known>,
    /// When there are enough networks.
    pub enough: Enough,
    /// Fusion rules; read off what the runtime tells, if there are none.
    pub rules: Option<RuleFile>,
}

/// When there are enough networks: as soon as any of these holds.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Enough {
    /// So many networks were measured.
    pub networks: Option<u64>,
    /// Measuring them took so long.
    pub time: Option<Duration>,
    /// Of the last batch that was drawn as it came, this share (0 to 1) was predicted within 10 % by
    /// the models that did not know it yet.
    pub within_10: Option<f64>,
}

/// What a build is at.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Event {
    /// It measures the networks that judge.
    Judging(Progress),
    /// It measures networks of a batch to fit to.
    Batch {
        /// The batch, from 0 on.
        batch: usize,
        /// Networks of earlier batches.
        networks: usize,
        /// How far it is with this one.
        progress: Progress,
    },
    /// It has fitted models to so many networks; the share (0 to 1) of the last batch's that were
    /// drawn as they came and that earlier models predicted within 10 %, if there were any.
    Fitted {
        /// Networks fitted to.
        networks: usize,
        /// The share.
        within_10: Option<f64>,
    },
}

/// A device that was built, and how it does.
#[derive(Clone, Debug)]
pub struct Built {
    /// The device.
    pub package: Package,
    /// How the networks that judge were measured and predicted.
    pub report: Report,
    /// Networks that could not be measured, and why.
    pub failed: Vec<(String, Error)>,
}

/// A network with what was measured of it.
#[derive(Clone, Debug)]
struct Measured {
    drawn: Drawn,
    measurement: Measurement,
    profiles: Profiles,
}

/// Builds a device for what `backend` measures. What `log` has is not measured again.
///
/// # Errors
/// [`ErrorKind::Io`] if the log cannot be written; [`ErrorKind::Backend`] if hardly anything can be
/// measured, or if there are no rules and the runtime does not tell any; those of fitting.
pub fn build(
    backend: &dyn Backend,
    plan: &Plan,
    log: &mut Log,
    on_event: &mut dyn FnMut(Event),
) -> Result<Built> {
    let mut run = Run { backend, plan, log, on_event, measured: vec![], failed: vec![], drawn: 0 };
    let judges = run.judges()?;
    let mut fitted = None;
    for batch in 0.. {
        let numbers = run.numbers(fitted.as_ref())?;
        let known = run.measured.len();
        let took = run.batch(batch, &numbers)?;
        let within_10 =
            fitted.as_ref().and_then(|models| choice::within_10(models, &run.measured[known..]));
        let models = fitting::fit(plan, &run.measured)?;
        let networks = run.measured.len();
        (run.on_event)(Event::Fitted { networks, within_10 });
        fitted = Some(models);
        if plan.enough.is_enough(run.drawn_in_all(batch), took, within_10) {
            break;
        }
    }
    let models = fitted.ok_or_else(|| run.nothing())?;
    let Run { measured, failed, .. } = run;
    let report = Report::of(judges, &models.open(plan)?);
    let package = package::package(plan, backend, models, &measured, &report)?;
    Ok(Built { package, report, failed })
}

impl Enough {
    fn is_enough(&self, networks: u64, took: Duration, within_10: Option<f64>) -> bool {
        self.networks.is_some_and(|most| networks >= most)
            || self.time.is_some_and(|most| took >= most)
            || self.within_10.zip(within_10).is_some_and(|(wanted, found)| found >= wanted)
    }
}

/// A build under way.
struct Run<'a> {
    backend: &'a dyn Backend,
    plan: &'a Plan,
    log: &'a mut Log,
    on_event: &'a mut dyn FnMut(Event),
    measured: Vec<Measured>,
    failed: Vec<(String, Error)>,
    /// Numbers of networks that were looked at, measured or not.
    drawn: u64,
}

impl Run<'_> {
    /// The networks that judge, measured. Those of a family take turns: all at once, their weights
    /// would fill the memory.
    fn judges(&mut self) -> Result<Vec<(zoo::Known, Result<Measurement>)>> {
        let mut judges = Vec::new();
        for family in self.plan.judges.chunk_by(|a, b| a.family == b.family) {
            let models = family.iter().map(|known| model(&known.name, &known.graph));
            let models = models.collect::<Result<Vec<Model>>>()?;
            let (rounds, on_event) = (self.rounds(), &mut *self.on_event);
            let results = measure(self.backend, &models, &rounds, self.log, &mut |progress| {
                on_event(Event::Judging(*progress));
            })?;
            judges.extend(family.iter().cloned().zip(results));
        }
        Ok(judges)
    }

    fn rounds(&self) -> Rounds {
        Rounds { rounds: self.plan.rounds, ..Rounds::default() }
    }

    fn drawn_in_all(&self, batch: usize) -> u64 {
        BATCH * (batch as u64 + 1)
    }

    /// Numbers of the networks of the next batch.
    fn numbers(&mut self, fitted: Option<&fitting::Models>) -> Result<Vec<u64>> {
        let most = self.plan.enough.networks.unwrap_or(u64::MAX);
        let left = most.saturating_sub(self.measured.len() as u64 + self.failed.len() as u64);
        let size = BATCH.min(left.max(1));
        let Some(models) = fitted else {
            self.drawn = size;
            return Ok((0..size).collect());
        };
        let as_they_come = size.div_ceil(2);
        let pool = self.drawn + as_they_come..self.drawn + as_they_come + choice::POOL;
        let mut numbers: Vec<u64> = (self.drawn..pool.start).collect();
        self.drawn = pool.end;
        numbers.extend(choice::disputed(models, self.plan, &self.measured, pool, size / 2)?);
        Ok(numbers)
    }

    /// Measures a batch; says how long all batches so far took.
    fn batch(&mut self, batch: usize, numbers: &[u64]) -> Result<Duration> {
        let begin = std::time::Instant::now();
        let drawn = numbers.iter().map(|&number| draw(self.plan.seed, number));
        let drawn = drawn.collect::<Result<Vec<Drawn>>>()?;
        let models = drawn.iter().map(|drawn| model(&drawn.name, &drawn.graph));
        let models = models.collect::<Result<Vec<Model>>>()?;
        let (networks, rounds) = (self.measured.len(), self.rounds());
        let on_event = &mut *self.on_event;
        let mut tick = |progress: &Progress| {
            on_event(Event::Batch { batch, networks, progress: *progress });
        };
        let measured = measure(self.backend, &models, &rounds, self.log, &mut tick)?;
        let profiles = profile(self.backend, &models, PROFILES, self.log, &mut tick)?;
        for ((drawn, measurement), profiles) in drawn.into_iter().zip(measured).zip(profiles) {
            match measurement.and_then(|measurement| Ok((measurement, profiles?))) {
                Ok((measurement, profiles)) => {
                    self.measured.push(Measured { drawn, measurement, profiles });
                }
                Err(error) => self.failed.push((drawn.name, error)),
            }
        }
        if self.log.batches().len() == batch {
            self.log.push_batch(begin.elapsed())?;
        }
        if self.measured.is_empty() {
            return Err(self.nothing());
        }
        Ok(self.log.batches()[..=batch].iter().sum())
    }

    fn nothing(&self) -> Error {
        let first = self.failed.first();
        let why = first.map_or(String::new(), |(name, error)| format!(": {name}: {error}"));
        Error::new(ErrorKind::Backend, "backend", format!("could measure no network{why}"))
    }
}

fn model(name: &str, graph: &TypedGraph) -> Result<Model> {
    Model::of_graph(name, graph.clone())
}

/// The figure that stands for a network.
fn figure(measurement: &Measurement, metric: Metric) -> Option<f64> {
    measurement.minimum(metric).filter(|figure| *figure > 0.0)
}

#[cfg(test)]
mod tests;
