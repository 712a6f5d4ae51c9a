//! The builder: a device out of a runtime that is at hand.
//!
//! Published networks ([`zoo`]), or one's own, are measured to judge the device in the end; nothing is
//! fitted to them. Then networks drawn at random ([`draw()`]) are measured batch by batch, whole and by
//! the runtime's own profile, until there are enough: half of each batch as they come, half those of
//! a pool about which models fitted so far disagree most (query by committee: Seung, Opper and
//! Sompolinsky 1992). Which operators are one kernel is read off what the runtime tells ([`told`]), or
//! given. The totals of networks and what their kernels cost in them ([`labels()`]) become the device
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
/// In how many batches the networks that judge are measured, a part of their rounds in each.
const PASSES: usize = 4;

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
    /// A batch is measured, and models are fitted to so many networks; the share (0 to 1) of the batch's
    /// that were drawn as they came and that earlier models predicted within 10 %, if there were any.
    Fitted {
        /// Networks measured by now.
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
    /// It was not drawn as it came, but chosen because little was known of its cost.
    chosen: bool,
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
    let mut run =
        Run { backend, plan, log, on_event, drawn: 0, measured: vec![], twice: 0, failed: vec![] };
    let mut models = None;
    for batch in 0.. {
        let (numbers, disputed) = run.numbers(models.as_ref())?;
        let known = run.measured.len();
        let took = run.batch(batch, &numbers, &disputed)?;
        let within_10 =
            models.as_ref().and_then(|models| choice::within_10(models, &run.measured[known..]));
        let networks = run.measured.len();
        (run.on_event)(Event::Fitted { networks, within_10 });
        if plan.enough.is_enough(BATCH * (batch as u64 + 1), took, within_10) {
            break;
        }
        models = Some(fitting::fit(plan, &run.measured)?);
    }
    run.again()?;
    let models = fitting::fit(plan, &run.measured)?;
    let judges = run.judges(plan.rounds)?;
    let report = Report::of(judges, &models.open(plan)?);
    let package = package::package(plan, backend, models, &run.measured, &report)?;
    Ok(Built { package, report, failed: run.failed })
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
    /// Numbers of networks that were looked at, measured or not.
    drawn: u64,
    measured: Vec<Measured>,
    /// How many of them were measured for the second time.
    twice: usize,
    failed: Vec<(String, Error)>,
}

impl Run<'_> {
    /// The networks that judge, with so many rounds. Those of a family take turns: all at once, their
    /// weights would fill the memory.
    fn judges(&mut self, rounds: usize) -> Result<Vec<(zoo::Known, Result<Measurement>)>> {
        let mut judges = Vec::new();
        for family in self.plan.judges.chunk_by(|a, b| a.family == b.family) {
            let models = family.iter().map(|known| model(&known.name, &known.graph));
            let models = models.collect::<Result<Vec<Model>>>()?;
            let (plan, on_event) = (Rounds { rounds, ..Rounds::default() }, &mut *self.on_event);
            let results = measure(self.backend, &models, &plan, self.log, &mut |progress| {
                on_event(Event::Judging(*progress));
            })?;
            judges.extend(family.iter().cloned().zip(results));
        }
        Ok(judges)
    }

    /// Numbers of the networks of the next batch: those that are drawn as they come, and those that
    /// are chosen.
    fn numbers(&mut self, fitted: Option<&fitting::Models>) -> Result<(Vec<u64>, Vec<u64>)> {
        let most = self.plan.enough.networks.unwrap_or(u64::MAX);
        let left = most.saturating_sub(self.measured.len() as u64 + self.failed.len() as u64);
        let size = BATCH.min(left.max(1));
        let Some(models) = fitted else {
            self.drawn = size;
            return Ok(((0..size).collect(), Vec::new()));
        };
        let begin = self.drawn;
        let pool = begin + size.div_ceil(2)..begin + size.div_ceil(2) + choice::POOL;
        let numbers = (begin..pool.start).collect();
        self.drawn = pool.end;
        let disputed = choice::disputed(models, self.plan, &self.measured, pool, size / 2)?;
        Ok((numbers, disputed))
    }

    /// Measures a batch for the first time, the one before for the second, and a part of the networks
    /// that judge; says how long all batches so far took. A machine that others use is slow for
    /// minutes at a time, and whatever is measured at several times meets a better one.
    fn batch(&mut self, batch: usize, numbers: &[u64], disputed: &[u64]) -> Result<Duration> {
        let begin = std::time::Instant::now();
        if batch < PASSES {
            self.judges((self.plan.rounds * (batch + 1)).div_ceil(PASSES))?;
        }
        let drawn = numbers.iter().chain(disputed).map(|&number| draw(self.plan.seed, number));
        let drawn = drawn.collect::<Result<Vec<Drawn>>>()?;
        let visits = self.visit(&drawn, self.plan.rounds.div_ceil(2), PROFILES / 2)?;
        self.again()?;
        for (at, (drawn, visit)) in drawn.into_iter().zip(visits).enumerate() {
            match visit {
                Ok((measurement, profiles)) => {
                    let chosen = at >= numbers.len();
                    self.measured.push(Measured { drawn, chosen, measurement, profiles });
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

    /// Measures the networks for the second time that were measured once.
    fn again(&mut self) -> Result<()> {
        let first = self.twice;
        let drawn: Vec<Drawn> =
            self.measured[first..].iter().map(|network| network.drawn.clone()).collect();
        let visits = self.visit(&drawn, self.plan.rounds, PROFILES)?;
        for (network, visit) in self.measured[first..].iter_mut().zip(visits) {
            // One that fails now keeps what it had.
            if let Ok((measurement, profiles)) = visit {
                (network.measurement, network.profiles) = (measurement, profiles);
            }
        }
        self.twice = self.measured.len();
        Ok(())
    }

    /// Measures networks until each has so many rounds and profiles. What the log has beyond that is
    /// left for later, as it was when it was written.
    fn visit(
        &mut self,
        drawn: &[Drawn],
        rounds: usize,
        profiles: usize,
    ) -> Result<Vec<Result<(Measurement, Profiles)>>> {
        let models = drawn.iter().map(|drawn| model(&drawn.name, &drawn.graph));
        let models = models.collect::<Result<Vec<Model>>>()?;
        let (batch, networks) = (self.log.batches().len(), self.measured.len());
        let on_event = &mut *self.on_event;
        let mut tick = |progress: &Progress| {
            on_event(Event::Batch { batch, networks, progress: *progress });
        };
        let plan = Rounds { rounds, ..Rounds::default() };
        let measured = measure(self.backend, &models, &plan, self.log, &mut tick)?;
        let profiled = profile(self.backend, &models, profiles, self.log, &mut tick)?;
        let both = measured.into_iter().zip(profiled).map(|(measurement, profiled)| {
            let (mut measurement, mut profiled) = (measurement?, profiled?);
            measurement.rounds.truncate(rounds);
            profiled.truncate(profiles);
            Ok((measurement, profiled))
        });
        Ok(both.collect())
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
