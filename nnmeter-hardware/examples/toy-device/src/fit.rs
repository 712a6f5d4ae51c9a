//! From measured networks to a device: the linear fit of nnmeter-hardware with terms for this
//! runtime.

use nnmeter_core::feature::Feature;
use nnmeter_core::kind::Kind;
use nnmeter_core::model::WindowClass;
use nnmeter_hardware::backend::{Identity, Measurement, Model};
use nnmeter_hardware::date;
use nnmeter_hardware::device::{AccuracyTable, Provenance};
use nnmeter_hardware::error::{Error, ErrorKind, Result};
use nnmeter_hardware::fit::intervals::Residuals;
use nnmeter_hardware::fit::kernel_models;
use nnmeter_hardware::fit::problem::Problem;
use nnmeter_hardware::fit::protocol::HeldOut;
use nnmeter_hardware::fit::recipe::Recipe;
use nnmeter_hardware::fit::samples::{Samples, work_of};
use nnmeter_hardware::fit::terms::{Group, TermSpec};
use nnmeter_hardware::package::{Metric, MetricModels, Package, RuleFile};

use crate::runtime::RULES;

/// A measured network.
pub struct Measured<'a> {
    /// Its family.
    pub family: &'a str,
    /// The network.
    pub model: &'a Model,
    /// What was measured.
    pub measurement: &'a Measurement,
}

/// What takes time: multiply-accumulates, starts of the inner loop (one for each element of a patch),
/// and reading or writing.
const TERMS: &[TermSpec] = &[
    term("conv.mac", &[Kind::Conv], Feature::Macs, Group::SmallWindow),
    term("conv.rows", &[Kind::Conv], Feature::Patches, Group::Activations),
    term("conv.out", &[Kind::Conv], Feature::Written, Group::Activations),
    term("maxpool.windows", &[Kind::MaxPool], Feature::WindowElements, Group::Pooling),
    term("gap.in", &[Kind::GlobalAvgPool], Feature::Read, Group::Activations),
    term("fc.w", &[Kind::Fc], Feature::Weights, Group::FullyConnected),
];

const fn term(
    name: &'static str,
    kinds: &'static [Kind],
    feature: Feature,
    group: Group,
) -> TermSpec {
    TermSpec { name, kinds, feature, window: WindowClass::Any, group, weight: 1.0 }
}

/// A package of the device called `name`, fitted to the least latency of each network, with its
/// accuracy on families that were left out.
///
/// # Errors
/// If there is too little to fit.
pub fn package(name: &str, identity: &Identity, measured: &[Measured<'_>]) -> Result<Package> {
    let rules = RuleFile::from_json(RULES.as_bytes())?;
    let samples = samples(measured, &rules)?;
    let problem = Problem::new(&samples, TERMS);
    let recipe = Recipe { family_effect: 0.0, ..Recipe::CPU };
    let held_out =
        HeldOut::leave_one_family_out(&problem, |training| problem.fit_on(&recipe, training))?;
    let few = || Error::new(ErrorKind::BadData, "measurements", "are of fewer than two families");
    let uncertainty = Residuals::of_families_left_out(&held_out, &samples).uncertainty()?;
    let table = held_out.table(samples.families()).ok_or_else(few)?;
    let fit = problem.fit(&recipe, |_| true)?;
    let kernels = kernel_models(&samples, TERMS, &fit)?;
    let busy = "Measured within seconds: the machine may be another when it is busy.";
    let metric = Metric::Latency.name();
    let accuracy = AccuracyTable::of(metric, "leave one family out", &table, vec![busy.to_owned()]);
    Ok(Package {
        accuracy: vec![accuracy],
        latency: Some(MetricModels { uncertainty: Some(uncertainty), kernels }),
        ..Package::new(identity.device(name, "The toy runtime, here"), provenance(&samples), rules)
    })
}

fn samples(measured: &[Measured<'_>], rules: &RuleFile) -> Result<Samples> {
    let mut samples = Samples::new();
    for Measured { family, model, measurement } in measured {
        let work = work_of(model.graph(), rules.rules())?;
        let ms = measurement.minimum(Metric::Latency).ok_or_else(|| {
            Error::new(ErrorKind::BadData, format!("model {:?}", model.name()), "has no figure")
        })?;
        samples.push(model.name().to_owned(), family, ms, &work);
    }
    Ok(samples)
}

fn provenance(samples: &Samples) -> Provenance {
    Provenance {
        data_set: "networks of the toy runtime's own".to_owned(),
        licence: "MIT".to_owned(),
        source: "measured on this machine".to_owned(),
        models: samples.samples().len() as u64,
        kernels: samples.workloads().len() as u64,
        date: date::today(),
        seed: 0,
        tool: concat!("toy-device ", env!("CARGO_PKG_VERSION")).to_owned(),
        method: "Non-negative rates of a linear model, from totals of whole networks.".to_owned(),
    }
}
