//! From measured networks to models: totals and the costs of kernels in their networks, side by side.
//!
//! A network's total weighs 1, and so do its kernels together, each by its share: what is a percent
//! of a network need not be known as well as what is half of it.

use nnmeter_core::rules::FusionRules;

use super::told::Told;
use super::{Measured, Plan, figure, labels};
use crate::accuracy::Table;
use crate::error::{Error, ErrorKind, Result};
use crate::fit::intervals::{LEVEL, Residuals};
use crate::fit::problem::{Fit, Problem};
use crate::fit::protocol::{HeldOut, Training};
use crate::fit::recipe::Recipe;
use crate::fit::samples::{Samples, work_of};
use crate::fit::terms::HOST;
use crate::fit::{self, kernel_models};
use crate::open::OpenDevice;
use crate::package::{Metric, MetricModels, Package, RuleFile};
use crate::registry::Origin;

/// Models for each metric that was measured, by the rules that the kernels are found by.
#[derive(Clone, Debug)]
pub(super) struct Models {
    pub(super) rules: RuleFile,
    pub(super) metrics: Vec<(Metric, MetricModels)>,
}

impl Models {
    /// A device of these models, to predict with.
    pub(super) fn open(&self, plan: &Plan) -> Result<OpenDevice> {
        let provenance = super::package::provenance(plan, 0, 0);
        let mut package = Package::new(plan.device.clone(), provenance, self.rules.clone());
        self.clone().put_into(&mut package);
        Ok(OpenDevice::new(package, Origin::BuiltIn))
    }

    pub(super) fn put_into(self, package: &mut Package) {
        for (metric, models) in self.metrics {
            match metric {
                Metric::Latency => package.latency = Some(models),
                Metric::Energy => package.energy = Some(models),
            }
        }
    }
}

/// The recipe that this program can follow.
fn recipe() -> Recipe {
    let trees = if cfg!(feature = "fit") { Recipe::HOST.correction } else { None };
    Recipe { correction: trees, ..Recipe::HOST }
}

/// The rules of the plan, or what the runtime told.
pub(super) fn rules(plan: &Plan, measured: &[Measured]) -> Result<RuleFile> {
    if let Some(rules) = &plan.rules {
        return Ok(rules.clone());
    }
    let mut told = Told::default();
    for Measured { drawn, profiles, .. } in measured {
        profiles.first().map_or(Ok(()), |profile| told.add(&drawn.graph, profile))?;
    }
    if told.is_empty() {
        return Err(Error::new(ErrorKind::Backend, "runtime", "does not tell what it fuses")
            .expected("fusion rules")
            .hint(
                "find them by measuring: nnmeter build rules; or take those of a runtime like it",
            ));
    }
    RuleFile::from_json(format!("{:#}\n", told.rules_json()).as_bytes())
}

/// Models fitted to all that was measured.
pub(super) fn fit(plan: &Plan, measured: &[Measured]) -> Result<Models> {
    let rules = rules(plan, measured)?;
    let metrics = metrics(measured).map(|metric| {
        let samples = samples(rules.rules(), measured, metric)?;
        Ok((metric, models(&samples, |_| true)?))
    });
    let metrics = metrics.collect::<Result<Vec<_>>>()?;
    Ok(Models { rules, metrics })
}

/// The metrics that any network has figures of.
pub(super) fn metrics(measured: &[Measured]) -> impl Iterator<Item = Metric> + '_ {
    let has = |metric: &Metric| {
        measured.iter().any(|network| figure(&network.measurement, *metric).is_some())
    };
    Metric::ALL.iter().copied().filter(has)
}

/// Kernel models fitted to the samples that `chosen` names.
pub(super) fn models(samples: &Samples, chosen: impl Fn(usize) -> bool) -> Result<MetricModels> {
    fit::check_priced(samples, HOST)?;
    let fit = Problem::new(samples, HOST).fit(&recipe(), chosen)?;
    Ok(MetricModels { uncertainty: None, kernels: kernel_models(samples, HOST, &fit)? })
}

/// Networks first, by styles; then their kernels, where the runtime told of them.
pub(super) fn samples(
    rules: &FusionRules,
    measured: &[Measured],
    metric: Metric,
) -> Result<Samples> {
    let mut samples = Samples::new();
    for Measured { drawn, measurement, .. } in measured {
        if let Some(total) = figure(measurement, metric) {
            let work = work_of(&drawn.graph, rules)?;
            samples.push(drawn.name.clone(), drawn.style.name(), total, &work);
        }
    }
    for Measured { drawn, measurement, profiles, .. } in measured {
        let Some(total) = figure(measurement, metric) else { continue };
        for label in labels(&drawn.graph, rules, total, profiles, metric) {
            let (style, figures) = (drawn.style.name(), (label.cost, label.share));
            samples.push_weighed_kernel(drawn.name.clone(), style, figures, &label.work);
        }
    }
    Ok(samples)
}

/// How far networks of styles that a fit does not know are off, and intervals that follow. Of networks
/// that were chosen this says nothing: they were, because they are hard to predict.
pub(super) struct LeftOut {
    pub(super) table: Option<Table>,
    pub(super) residuals: Residuals,
}

impl LeftOut {
    /// Leaves each style out in turn, with its kernels.
    pub(super) fn of(rules: &FusionRules, measured: &[Measured], metric: Metric) -> Result<Self> {
        let samples = samples(rules, measured, metric)?;
        let problem = Problem::new(&samples, HOST);
        let mut held_out = HeldOut::leave_one_family_out(&problem, |training| {
            without_kernels(&problem, training)
        })?;
        for (pairs, name) in held_out.families.iter_mut().zip(samples.families()) {
            let of_style = measured.iter().filter(|network| network.drawn.style.name() == name);
            let measured = of_style.filter(|of| figure(&of.measurement, metric).is_some());
            let mut chosen = measured.map(|network| network.chosen);
            pairs.retain(|_| !chosen.next().unwrap_or(false));
        }
        let networks = as_they_came(rules, measured, metric)?;
        let residuals = Residuals::of_families_left_out(&held_out, &networks);
        let mut table = held_out.table(samples.families());
        if let Some(table) = &mut table {
            table.cover(&residuals.coverage(LEVEL)?);
        }
        Ok(Self { table, residuals })
    }
}

/// The fit on `training`, whose families are left out with the kernels of their networks.
fn without_kernels(problem: &Problem<'_>, training: &Training) -> Result<Fit> {
    let names = problem.samples().families();
    let Training::Without(left_out) = training else {
        return problem.fit_on(&recipe(), training);
    };
    let is_left_out = |family: usize| left_out.iter().any(|&out| names[out] == names[family]);
    problem.fit_families(&recipe(), |family| !is_left_out(family))
}

/// The samples of networks that were drawn as they came, without their kernels; families are those of
/// all samples.
fn as_they_came(rules: &FusionRules, measured: &[Measured], metric: Metric) -> Result<Samples> {
    let came = measured.iter().filter(|network| !network.chosen);
    let bare = came.map(|network| Measured { profiles: vec![], ..network.clone() });
    samples(rules, &bare.collect::<Vec<_>>(), metric)
}

/// The committee's fits: each knows all networks but every fourth, with their kernels.
pub(super) fn committee(
    rules: &FusionRules,
    measured: &[Measured],
    members: usize,
) -> Result<Vec<MetricModels>> {
    let samples = samples(rules, measured, Metric::Latency)?;
    let place = |name: &str| measured.iter().position(|network| network.drawn.name == name);
    let places: Vec<Option<usize>> =
        samples.samples().iter().map(|sample| place(&sample.id)).collect();
    let member =
        |member| models(&samples, |sample| places[sample].is_none_or(|at| at % members != member));
    (0..members).map(member).collect()
}
