//! Measuring models with a backend: rounds in turns, every figure written down at once, nothing
//! measured twice.
//!
//! All models of a group stay loaded and take turns, a few milliseconds each, so that a slow minute
//! of a shared machine falls on all of them; a model's figure is its minimum over all rounds. What
//! was measured goes to a [`Log`], from which a run that was stopped goes on. How far to trust a
//! figure, [`Quality`] says. Which models are worth measuring is for others to choose.

mod line;
mod log;
mod profile;
mod quality;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::time::{Duration, Instant};

use nnmeter_core::op::Op;
use sha2::{Digest, Sha256};

use crate::backend::{Backend, Job, Measurement, Model};
use crate::error::{Error, Result};

pub use log::Log;
pub use profile::{Profiles, profile};
pub use quality::{Quality, Remark, common_drift};

/// How models are measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Rounds of each model; odd and even ones are compared, so there should be several.
    pub rounds: usize,
    /// How many models are loaded at a time, at most.
    pub models_at_a_time: usize,
    /// How many bytes of weights are loaded at a time, at most; a single model may have more.
    pub bytes_at_a_time: usize,
}

impl Default for Plan {
    /// Twenty rounds, which is where the minimum settles on a shared machine; 64 models or 1 GiB of
    /// weights at a time.
    fn default() -> Self {
        Self { rounds: 20, models_at_a_time: 64, bytes_at_a_time: 1 << 30 }
    }
}

/// How far a run has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Rounds that are done, those that the log had included.
    pub done: usize,
    /// Rounds in all.
    pub rounds: usize,
    /// How long the rest will take at the present pace; `None` until there is one.
    pub left: Option<Duration>,
}

/// Measures `models` as `plan` says, but for the rounds that `log` has already, and gives each
/// model's measurement or what went wrong with it. Models of the same bytes are measured once.
///
/// # Errors
/// [`ErrorKind::Io`](crate::error::ErrorKind::Io) if the log cannot be written. What goes wrong with
/// a model is in its place of the result, and stops no other.
pub fn measure(
    backend: &dyn Backend,
    models: &[Model],
    plan: &Plan,
    log: &mut Log,
    on_progress: &mut dyn FnMut(&Progress),
) -> Result<Vec<Result<Measurement>>> {
    let keys: Vec<String> = models.iter().map(key).collect();
    let mut run = Run::new(&keys, plan, log);
    on_progress(&run.progress());
    for group in groups(models, &run.todo(), plan) {
        run.group(backend, models, &group, on_progress)?;
    }
    run.log.sync()?;
    let Run { failed, log, .. } = run;
    let result = |key: &String| match failed.get(key) {
        Some(error) => Err(error.clone()),
        None => Ok(Measurement { rounds: log.rounds(key).to_vec() }),
    };
    Ok(keys.iter().map(result).collect())
}

/// What tells models apart: SHA-256 of their bytes.
fn key(model: &Model) -> String {
    Sha256::digest(model.bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A run under way.
struct Run<'a> {
    keys: &'a [String],
    plan: &'a Plan,
    log: &'a mut Log,
    failed: HashMap<String, Error>,
    done: usize,
    rounds: usize,
    measured: usize,
    begin: Instant,
}

impl<'a> Run<'a> {
    fn new(keys: &'a [String], plan: &'a Plan, log: &'a mut Log) -> Self {
        let had = |key: &String| log.rounds(key).len().min(plan.rounds);
        let firsts = firsts(keys);
        let done = firsts.iter().map(|&index| had(&keys[index])).sum();
        let rounds = plan.rounds * firsts.len();
        let (failed, begin) = (HashMap::new(), Instant::now());
        Self { keys, plan, log, failed, done, rounds, measured: 0, begin }
    }

    /// The models that have rounds left, each once.
    fn todo(&self) -> Vec<usize> {
        let left = |&index: &usize| self.left(index) > 0;
        firsts(self.keys).into_iter().filter(left).collect()
    }

    fn left(&self, index: usize) -> usize {
        self.plan.rounds.saturating_sub(self.log.rounds(&self.keys[index]).len())
    }

    fn group(
        &mut self,
        backend: &dyn Backend,
        models: &[Model],
        group: &[usize],
        on_progress: &mut dyn FnMut(&Progress),
    ) -> Result<()> {
        let job = |&index: &usize| Job { model: &models[index], rounds: self.left(index) };
        let jobs: Vec<Job<'_>> = group.iter().map(job).collect();
        backend.measure_rounds(&jobs, &mut |job, samples| {
            let key = &self.keys[group[job]];
            match samples {
                Ok(samples) => {
                    self.log.push(key, jobs[job].model.name(), samples)?;
                    (self.done, self.measured) = (self.done + 1, self.measured + 1);
                }
                Err(error) => {
                    self.rounds -= self.left(group[job]);
                    self.failed.insert(key.clone(), error);
                }
            }
            on_progress(&self.progress());
            Ok(())
        })
    }

    fn progress(&self) -> Progress {
        let pace = self.begin.elapsed().checked_div(self.measured as u32);
        let left = pace.map(|pace| pace.saturating_mul((self.rounds - self.done) as u32));
        Progress { done: self.done, rounds: self.rounds, left }
    }
}

/// The first model of each key.
fn firsts(keys: &[String]) -> Vec<usize> {
    let mut seen = std::collections::HashSet::new();
    (0..keys.len()).filter(|&index| seen.insert(&keys[index])).collect()
}

/// `todo` in groups that are loaded together.
fn groups(models: &[Model], todo: &[usize], plan: &Plan) -> Vec<Vec<usize>> {
    let mut groups: Vec<Vec<usize>> = Vec::new();
    let mut room = 0usize;
    for &index in todo {
        let bytes = weight_bytes(&models[index]);
        match groups.last_mut() {
            Some(group) if group.len() < plan.models_at_a_time && bytes <= room => {
                group.push(index);
                room -= bytes;
            }
            _ => {
                groups.push(vec![index]);
                room = plan.bytes_at_a_time.saturating_sub(bytes);
            }
        }
    }
    groups
}

/// What the weights of a model take, be they in its file or made up.
fn weight_bytes(model: &Model) -> usize {
    let nodes = model.graph().graph().dag().node_weights();
    let bytes = nodes.map(|node| match &node.op {
        Op::Const(constant) => constant.ty.bytes(),
        _ => 0,
    });
    bytes.fold(0, usize::saturating_add)
}
