//! The trees of a fit: what the linear models of kernels lack, by boosting.
//!
//! A kernel's cost is `f = linear x exp(t)`, where `t` is the sum of leaves of its kind's trees.
//! Totals are all that is measured, so the loss is that of models: Huber's function of the residual
//! `r = log(S) - log(y) + alpha`, with `S` the sum over the model's kernels and `alpha` the effect
//! of its family. All kinds get their next tree from the same residuals. Millions of kernels are
//! few distinct workloads: gradients are sums over models by the matrix of counts, which is sparse.
//!
//! The curvature is a majoriser's. The gradient of a residual is the kernel's share of its model,
//! `p = f / S`; its square, the usual diagonal, lets kernels of the same model overshoot together,
//! which diverges. The share itself bounds them (`p p' <= diag(p)`, for shares sum to one).

use nnmeter_core::feature::Feature;
use nnmeter_core::kind::Kind;
use nnmeter_core::model::Learned;

use crate::error::Result;
use crate::fit::boost::Booster;
use crate::fit::linear::{family_effects, set_effects};
use crate::fit::problem::{Fit, Moments, Problem};
use crate::fit::recipe::Correction;

/// Adds trees to the linear `fit` that was made on the chosen samples of `families`.
pub(super) fn correct(
    problem: &Problem<'_>,
    correction: &Correction,
    families: &[&Moments],
    fit: &mut Fit,
) -> Result<()> {
    let mut boosting = Boosting::new(problem, correction, families, fit)?;
    for round in 0..correction.rounds {
        if round % correction.refresh.max(1) == 0 {
            boosting.refresh_effects();
        }
        boosting.round()?;
    }
    set_effects(fit, families, &boosting.effects);
    for forest in boosting.forests {
        fit.corrections.push(forest.finish(problem)?);
    }
    Ok(())
}

/// The state between rounds.
struct Boosting<'a> {
    problem: &'a Problem<'a>,
    correction: &'a Correction,
    families: &'a [&'a Moments],
    effects: Vec<f64>,
    /// What each workload of the chosen samples costs by now; zero for others.
    costs: Vec<f64>,
    forests: Vec<Forest>,
}

/// The trees of one kind so far.
struct Forest {
    kind: Kind,
    features: Vec<Feature>,
    /// The workloads of the kind, and their costs without trees.
    works: Vec<u32>,
    linear: Vec<f64>,
    booster: Booster,
}

impl<'a> Boosting<'a> {
    fn new(
        problem: &'a Problem<'a>,
        correction: &'a Correction,
        families: &'a [&'a Moments],
        fit: &Fit,
    ) -> Result<Self> {
        let chosen: Vec<usize> =
            families.iter().flat_map(|family| &family.samples).copied().collect();
        let costs = problem.linear_costs(fit, &chosen);
        let mut forests = Vec::new();
        for kind in problem.samples().kinds() {
            forests.extend(Forest::new(problem, correction, kind, &costs)?);
        }
        let effects = vec![0.0; families.len()];
        Ok(Self { problem, correction, families, effects, costs, forests })
    }

    fn refresh_effects(&mut self) {
        let residuals = self.families.iter().map(|family| {
            let log = |&sample: &usize| (self.problem.measured(sample) / self.total(sample)).ln();
            family.samples.iter().map(log).collect()
        });
        self.effects = family_effects(self.correction.family_effect, residuals);
    }

    fn total(&self, sample: usize) -> f64 {
        self.problem.total(sample, &self.costs).max(f64::MIN_POSITIVE)
    }

    /// Adds one tree to each kind.
    fn round(&mut self) -> Result<()> {
        let slopes = self.slopes();
        for forest in &mut self.forests {
            forest.add_tree(&slopes, &mut self.costs, self.correction.relax)?;
        }
        Ok(())
    }

    /// For each workload, the derivative of the loss by its `t` and the majoriser's curvature, both
    /// for a cost of 1.
    fn slopes(&self) -> Vec<(f64, f64)> {
        let mut slopes = vec![(0.0, 0.0); self.costs.len()];
        for (family, effect) in self.families.iter().zip(&self.effects) {
            for &sample in &family.samples {
                let total = self.total(sample);
                let residual = (total / self.problem.measured(sample)).ln() + effect;
                let sample = &self.problem.samples().samples()[sample];
                let linear = (self.correction.huber / residual.abs()).min(1.0);
                let curvature = sample.weight * linear / total;
                for &(work, times) in &sample.kernels {
                    let slope = &mut slopes[work as usize];
                    slope.0 += curvature * residual * f64::from(times);
                    slope.1 += curvature * f64::from(times);
                }
            }
        }
        slopes
    }
}

impl Forest {
    /// Without trees yet; `None` where `kind` is not corrected or no chosen sample has it.
    fn new(
        problem: &Problem<'_>,
        correction: &Correction,
        kind: Kind,
        costs: &[f64],
    ) -> Result<Option<Self>> {
        let works = problem.workloads_of(kind, costs);
        let Some(columns) = correction.features(kind).filter(|_| !works.is_empty()) else {
            return Ok(None);
        };
        let features: Vec<Feature> = columns.iter().map(|(feature, _)| *feature).collect();
        let trends: Vec<_> = columns.iter().map(|(_, trend)| *trend).collect();
        let booster = Booster::new(correction, &problem.feature_rows(&features, &works), &trends)?;
        let linear = works.iter().map(|&work| costs[work as usize]).collect();
        Ok(Some(Self { kind, features, works, linear, booster }))
    }

    fn add_tree(&mut self, slopes: &[(f64, f64)], costs: &mut [f64], relax: f64) -> Result<()> {
        let scaled = |scale: f64, slope: fn(&(f64, f64)) -> f64| -> Vec<f32> {
            let of = |&work: &u32| scale * costs[work as usize] * slope(&slopes[work as usize]);
            self.works.iter().map(|work| of(work) as f32).collect()
        };
        let (gradients, curvatures) =
            (scaled(1.0, |slope| slope.0), scaled(1.0 / relax, |slope| slope.1));
        self.booster.step(&gradients, &curvatures)?;
        for ((&work, linear), log) in
            self.works.iter().zip(&self.linear).zip(self.booster.predict()?)
        {
            costs[work as usize] = linear * f64::from(log).exp();
        }
        Ok(())
    }

    fn finish(self, problem: &Problem<'_>) -> Result<(Kind, Learned)> {
        let rows = problem.feature_rows(&self.features, &self.works);
        let ensemble = self.booster.ensemble(&rows)?;
        Ok((self.kind, Learned::new(self.features, ensemble)?))
    }
}
