//! The package of a device that was built here, with how accurate it is.

use super::fitting::{LeftOut, Models};
use super::{Measured, Plan, Report};
use crate::backend::{Backend, Identity};
use crate::device::{AccuracyTable, Provenance};
use crate::error::Result;
use crate::package::{Metric, Package};

/// What the networks that judge are.
const JUDGES: &str = "whole networks, nothing fitted to them";
/// What is left out in turn.
const STYLES: &str = "generated networks, leave one style out";

/// The package of `models`, with intervals by styles left out.
pub(super) fn package(
    plan: &Plan,
    backend: &dyn Backend,
    mut models: Models,
    measured: &[Measured],
    report: &Report,
) -> Result<Package> {
    let mut tables = Vec::new();
    if let Some(table) = report.table() {
        let notes = notes(backend.identity(), report);
        tables.push(AccuracyTable::of(Metric::Latency.name(), JUDGES, &table, notes));
    }
    for (metric, of_metric) in &mut models.metrics {
        let left_out = LeftOut::of(models.rules.rules(), measured, *metric)?;
        of_metric.uncertainty = Some(left_out.residuals.uncertainty()?);
        let table = left_out.table.iter();
        tables
            .extend(table.map(|table| AccuracyTable::of(metric.name(), STYLES, table, Vec::new())));
    }
    let kernels = measured.iter().filter_map(|network| network.profiles.first());
    let kernels = kernels.map(|profile| profile.len() as u64).sum();
    let provenance = provenance(plan, measured.len() as u64, kernels);
    let mut package = Package::new(plan.device.clone(), provenance, models.rules.clone());
    package.accuracy = tables;
    models.put_into(&mut package);
    Ok(package)
}

fn notes(identity: &Identity, report: &Report) -> Vec<String> {
    let mut notes = vec![format!("measured by {}", identity.timer.name())];
    if let Some(repeatability) = report.repeatability() {
        let percent = 100.0 * repeatability;
        notes.push(format!(
            "even and odd rounds of the same network differ by {percent:.1} % in the middle"
        ));
    }
    let partly = report.judged.iter().filter(|judged| judged.coverage < 1.0);
    let partly: Vec<&str> = partly.map(|judged| judged.name.as_str()).collect();
    if !partly.is_empty() {
        notes.push(format!("operators without a price in {}", partly.join(", ")));
    }
    notes
}

pub(super) fn provenance(plan: &Plan, networks: u64, kernels: u64) -> Provenance {
    let trees = if cfg!(feature = "fit") { ", corrected by trees" } else { "" };
    Provenance {
        data_set: "networks drawn at random in twelve styles, measured on the device".to_owned(),
        licence: "MIT".to_owned(),
        source: "whoever built this package, with nnmeter build".to_owned(),
        models: networks,
        kernels,
        date: plan.date.clone(),
        seed: plan.seed,
        tool: concat!("nnmeter build ", env!("CARGO_PKG_VERSION")).to_owned(),
        method: format!(
            "Rates of kernels{trees}, from totals of networks and from what the runtime says that \
             each kernel took in them."
        ),
    }
}
