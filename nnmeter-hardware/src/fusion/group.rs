//! The networks of all pairs that begin with the same operator, at one shape: they take turns.

use std::collections::BTreeSet;

use nnmeter_core::typed::TypedGraph;

use crate::backend::{Backend, Measurement, Model};
use crate::error::{Error, ErrorKind, Result};
use crate::measure::{self, Log, measure};
use crate::package::Metric;

use super::finding::{Alone, Finding, InContext, Times, Verdict};
use super::network::{alone, between};
use super::{Operator, Plan, Shape};

/// Networks, and which of them each pair takes.
pub(super) struct Group {
    shape: Shape,
    models: Vec<Model>,
    /// Of the first operator alone, by their places in `models`.
    first: usize,
    first_kept: usize,
    first_alone: usize,
    /// Of each pair, in the order of [`Operator::SECOND`].
    pairs: Vec<Networks>,
    /// Which pair ends in the operator that tells what a pass costs.
    relu: usize,
}

/// Places in `models` of a pair's networks.
struct Networks {
    both: usize,
    both_kept: usize,
    second_alone: usize,
    both_alone: usize,
}

/// What became of each model, none for those that were not measured.
type Results = Vec<Option<Result<Measurement>>>;

impl Group {
    pub(super) fn new(first: Operator, shape: Shape) -> Result<Self> {
        let mut models = Vec::new();
        let label = format!("{} {}x{}", first.kind().name(), shape.channels, shape.side);
        let mut add = |graph: TypedGraph, what: &str| -> Result<usize> {
            models.push(Model::of_graph(format!("{label}: {what}"), graph)?);
            Ok(models.len() - 1)
        };
        let first_only = add(between(&label, shape, &[first], false)?, "first")?;
        let first_kept = add(between(&label, shape, &[first], true)?, "first, kept")?;
        let first_alone = add(alone(&label, shape, &[first])?, "first, alone")?;
        let mut pairs = Vec::new();
        for &second in Operator::SECOND {
            let (pair, name) = ([first, second], second.kind().name());
            pairs.push(Networks {
                both: add(between(&label, shape, &pair, false)?, name)?,
                both_kept: add(between(&label, shape, &pair, true)?, &format!("{name}, kept"))?,
                second_alone: add(alone(&label, shape, &[second])?, &format!("only {name}"))?,
                both_alone: add(alone(&label, shape, &pair)?, &format!("{name}, alone"))?,
            });
        }
        let relu = Operator::SECOND.iter().position(|&second| second == Operator::Relu);
        let relu = relu.unwrap_or_default();
        Ok(Self { shape, models, first: first_only, first_kept, first_alone, pairs, relu })
    }

    /// Measures until all pairs are decided, or have had all rounds of the plan; `tick` is told how
    /// many rounds there were.
    pub(super) fn run(
        &self,
        backend: &dyn Backend,
        plan: &Plan,
        log: &mut Log,
        tick: &mut dyn FnMut(usize),
    ) -> Result<Vec<Finding>> {
        let mut findings: Vec<Option<Finding>> = vec![None; self.pairs.len()];
        let mut rounds = 0;
        while rounds < plan.rounds && findings.iter().any(is_open) {
            rounds = plan.rounds.min(rounds + plan.step.max(1));
            let open = findings.iter().enumerate().filter(|(_, finding)| is_open(finding));
            let open: Vec<usize> = open.map(|(pair, _)| pair).collect();
            let results = self.measure(backend, &open, rounds, log)?;
            for pair in open {
                findings[pair] = Some(self.finding(pair, &results, rounds, plan.bound()));
            }
            tick(rounds);
        }
        tick(plan.rounds);
        let mut findings: Vec<Finding> = findings.into_iter().flatten().collect();
        let of_first = self.kernels(backend, self.first);
        for (finding, pair) in findings.iter_mut().zip(&self.pairs) {
            let of_both = of_first.and_then(|_| self.kernels(backend, pair.both));
            finding.told = of_first.zip(of_both).map(|(first, both)| both <= first);
        }
        Ok(findings)
    }

    /// Measures what the open pairs take, up to so many rounds.
    fn measure(
        &self,
        backend: &dyn Backend,
        open: &[usize],
        rounds: usize,
        log: &mut Log,
    ) -> Result<Results> {
        let shared = [self.first, self.first_kept, self.first_alone];
        let mut wanted = BTreeSet::from_iter(shared);
        wanted.insert(self.pairs[self.relu].both_kept);
        for &pair in open {
            let Networks { both, both_kept, second_alone, both_alone, .. } = &self.pairs[pair];
            wanted.extend([both, both_kept, second_alone, both_alone]);
        }
        let models: Vec<Model> = wanted.iter().map(|&model| self.models[model].clone()).collect();
        let plan =
            measure::Plan { rounds, models_at_a_time: models.len(), ..measure::Plan::default() };
        let mut results = vec![None; self.models.len()];
        let measured = measure(backend, &models, &plan, log, &mut |_| ())?;
        for (&model, result) in wanted.iter().zip(measured) {
            results[model] = Some(result);
        }
        Ok(results)
    }

    fn finding(&self, place: usize, results: &Results, rounds: usize, bound: f64) -> Finding {
        let series = |model: usize| -> Result<Vec<f64>> {
            let mut series = series(&results[model])?;
            series.truncate(rounds);
            Ok(series)
        };
        let in_context = || -> Result<InContext> {
            let pair = &self.pairs[place];
            let times = Times {
                first: &series(self.first)?,
                both: &series(pair.both)?,
                first_kept: &series(self.first_kept)?,
                both_kept: &series(pair.both_kept)?,
                relu_kept: &series(self.pairs[self.relu].both_kept)?,
            };
            Ok(InContext::new(&times, Operator::SECOND[place].hides_pass(), bound))
        };
        let least = |model| -> Result<f64> {
            let least = series(model)?.into_iter().min_by(f64::total_cmp);
            least.ok_or_else(|| Error::new(ErrorKind::BadData, "a network", "has no latencies"))
        };
        let alone = || -> Result<Alone> {
            let (second, both) = (self.pairs[place].second_alone, self.pairs[place].both_alone);
            Ok(Alone {
                first: least(self.first_alone)?,
                second: least(second)?,
                both: least(both)?,
            })
        };
        Finding { shape: self.shape, in_context: in_context(), alone: alone(), told: None }
    }

    /// How many kernels the runtime says that it makes of a network.
    fn kernels(&self, backend: &dyn Backend, model: usize) -> Option<usize> {
        let mut session = backend.prepare(&self.models[model]).ok()?;
        Some(session.kernels().ok()??.len())
    }
}

/// Whether a pair is to be measured on: neither decided nor failed.
fn is_open(finding: &Option<Finding>) -> bool {
    finding.as_ref().is_none_or(|finding| {
        finding.in_context.as_ref().is_ok_and(|figures| figures.verdict == Verdict::Undecided)
    })
}

/// The least latency of each round.
fn series(result: &Option<Result<Measurement>>) -> Result<Vec<f64>> {
    match result {
        Some(Ok(measurement)) => Ok(measurement.round_minima(Metric::Latency)),
        Some(Err(error)) => Err(error.clone()),
        None => Err(Error::new(ErrorKind::BadData, "a network", "was not measured")),
    }
}
