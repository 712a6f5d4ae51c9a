//! nn-Meter's own total: its kernel detection, its features, its sum, quirk by quirk.
//!
//! For those who compare with figures that nn-Meter gave. Everything else in this project says more
//! of a network than this does: what has no price is not in the total here, and nothing has an
//! interval.

use nnmeter_core::kind::Kind;
use nnmeter_core::model::KernelModel;
use nnmeter_core::nn_meter::{NnMeterForest, Row};
use nnmeter_core::predict::Predictor;
use nnmeter_core::units::Millis;

use super::ir::IrGraph;
use super::kernels::{IrKernel, kernels};
use super::quirks::Quirk;
use super::rows::features;
use super::split::{Rules, split};
use super::{blocks, kind_of};
use crate::error::{Error, ErrorKind, Result};
use crate::open::OpenDevice;

/// What nn-Meter makes of a network.
#[derive(Clone, Debug)]
pub struct CompatPrediction {
    /// nn-Meter's total, to the last bit.
    pub total: Millis,
    /// Its kernels, in its order.
    pub kernels: Vec<CompatKernel>,
}

/// One of nn-Meter's kernels.
#[derive(Clone, Debug)]
pub struct CompatKernel {
    /// Its name: the types of its nodes, joined.
    pub op: String,
    /// The names of its nodes.
    pub nodes: Vec<String>,
    /// What it adds to the total; nothing if no regressor was asked.
    pub cost: Option<Millis>,
    /// The quirks that changed its cost.
    pub quirks: Vec<Quirk>,
}

/// Predicts `graph` as nn-Meter would with the rules and forests of `device`.
///
/// # Errors
/// If the device does not have nn-Meter's forests, where nn-Meter itself fails, or if the graph is
/// made to have no end of places of a pattern.
pub fn predict(mut graph: IrGraph, device: &OpenDevice) -> Result<CompatPrediction> {
    let predictor = device.latency()?;
    if !Kind::ALL.iter().any(|&kind| forest(predictor, kind).is_some()) {
        let subject = format!("device {:?}", device.device().name);
        return Err(Error::new(ErrorKind::BadData, subject, "has none of nn-Meter's forests")
            .hint("`nnmeter devices import-nn-meter` makes a device of nn-Meter's predictors"));
    }
    let rules = Rules::from_json(device.rules_json())?;
    blocks::fuse(&mut graph, &rules)?;
    let split = split(&graph, &rules)?;
    let kernels = kernels(&graph, &split)?;
    price(kernels, predictor)
}

fn forest(predictor: &Predictor<Millis>, kind: Kind) -> Option<&NnMeterForest> {
    match &predictor.model(kind)?.model {
        KernelModel::NnMeter(forest) => Some(forest),
        _ => None,
    }
}

/// Prices kernels and sums them as nn-Meter does: first those of each name, then the sums, in the
/// order in which the names first come. Every sum starts at zero.
fn price(kernels: Vec<IrKernel>, predictor: &Predictor<Millis>) -> Result<CompatPrediction> {
    let mut priced = Vec::with_capacity(kernels.len());
    let mut sums: Vec<(String, f64)> = Vec::new();
    for kernel in kernels {
        let (row, mut quirks) = features(&kernel)?;
        let regressor = regressor(&kernel.op);
        let forest = kind_of(regressor).and_then(|kind| forest(predictor, kind));
        let cost = match (row, forest) {
            (Some(row), Some(forest)) => Some(cost(&kernel, forest, &row)?),
            (row, _) => {
                quirks = vec![if row.is_none() { Quirk::NoFeatures } else { Quirk::NoRegressor }];
                None
            }
        };
        if let Some(cost) = cost {
            let group = merged(&kernel.op);
            match sums.iter_mut().find(|(name, _)| name == group) {
                Some((_, sum)) => *sum += cost,
                None => sums.push((group.to_owned(), 0.0 + cost)),
            }
        }
        let IrKernel { op, nodes, .. } = kernel;
        priced.push(CompatKernel { op, nodes, cost: cost.map(Millis), quirks });
    }
    let total = sums.iter().fold(0.0, |total, (_, sum)| total + sum);
    Ok(CompatPrediction { total: Millis(total), kernels: priced })
}

fn cost(kernel: &IrKernel, forest: &NnMeterForest, row: &Row) -> Result<f64> {
    if row.len() != forest.forest().n_features() {
        return Err(kernel.fails("has another number of features than its regressor"));
    }
    if row.iter().any(|value| !(*value as f32).is_finite()) {
        return Err(kernel.fails("has a feature that is not finite"));
    }
    Ok(forest.predict(row))
}

/// The name by which kernels are predicted together.
fn merged(op: &str) -> &str {
    match (op.contains("dwconv"), op.contains("conv")) {
        (true, _) => "dwconv-bn-relu",
        (false, true) => "conv-bn-relu",
        _ => op,
    }
}

/// The name of the regressor for a kernel.
fn regressor(op: &str) -> &str {
    match merged(op) {
        "fc-relu" => "fc",
        "max-pool" => "maxpool",
        "avg-pool" => "avgpool",
        "global-pool" | "gap" => "global-avgpool",
        "channel_shuffle" => "channelshuffle",
        "bn-relu" => "bnrelu",
        "add-relu" => "addrelu",
        "SE" | "SE-relu" | "se-relu" => "se",
        other => other,
    }
}
