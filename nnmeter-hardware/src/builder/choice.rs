//! Which networks are measured next: those about whose cost models disagree that know different
//! parts of what was measured.

use std::ops::Range;

use nnmeter_core::predict::Predictor;
use nnmeter_core::units::Millis;

use super::fitting::{self, Models};
use super::{Measured, Plan, draw, figure};
use crate::error::Result;
use crate::package::{Metric, MetricModels, RuleFile};

/// Networks that each choice is made from.
pub(super) const POOL: u64 = 192;
/// Models that vote.
const COMMITTEE: usize = 4;

/// The numbers in `pool` of the `count` networks whose predictions differ most.
pub(super) fn disputed(
    models: &Models,
    plan: &Plan,
    measured: &[Measured],
    pool: Range<u64>,
    count: u64,
) -> Result<Vec<u64>> {
    let committee = fitting::committee(models.rules.rules(), measured, COMMITTEE)?;
    let committee: Vec<_> =
        committee.into_iter().map(|member| predictor(&models.rules, member)).collect();
    let mut spreads = Vec::new();
    for number in pool {
        spreads.push((spread(&committee, &draw(plan.seed, number)?.graph), number));
    }
    spreads.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    let mut numbers: Vec<u64> =
        spreads.into_iter().take(count as usize).map(|(_, number)| number).collect();
    numbers.sort_unstable();
    Ok(numbers)
}

fn predictor(rules: &RuleFile, models: MetricModels) -> Predictor<Millis> {
    Predictor::new(rules.rules().clone(), models.kernels, models.uncertainty)
}

/// Greatest over least prediction, as a log; infinite where a kernel has no price yet.
fn spread(committee: &[Predictor<Millis>], graph: &nnmeter_core::typed::TypedGraph) -> f64 {
    let mut logs = (f64::INFINITY, f64::NEG_INFINITY);
    for member in committee {
        let prediction = member.predict(graph);
        if !prediction.uncovered.is_empty() {
            return f64::INFINITY;
        }
        let log = prediction.total.0.ln();
        logs = (logs.0.min(log), logs.1.max(log));
    }
    logs.1 - logs.0
}

/// The share of a batch, of those that were drawn as they came, that models which do not know it
/// predict within 10 %.
pub(super) fn within_10(models: &Models, batch: &[Measured]) -> Option<f64> {
    let (_, latency) = models.metrics.iter().find(|(metric, _)| *metric == Metric::Latency)?;
    let predictor = predictor(&models.rules, latency.clone());
    let as_they_came: Vec<&Measured> = batch.iter().filter(|network| !network.chosen).collect();
    let is_close = |network: &&&Measured| {
        let predicted = predictor.predict(&network.drawn.graph).total.0;
        let measured = figure(&network.measurement, Metric::Latency).unwrap_or(f64::NAN);
        (predicted / measured - 1.0).abs() <= 0.1
    };
    let close = as_they_came.iter().filter(is_close).count();
    (!as_they_came.is_empty()).then(|| close as f64 / as_they_came.len() as f64)
}
