//! What each kernel of a measured network cost *in it*: the network's own cost, shared out as the
//! runtime's profile says.
//!
//! A profiler slows kernels down and reads a coarser clock than the measuring of whole networks, but
//! its shares are sound. What the runtime put in between (a change of layout) counts with the kernel
//! after it, which is the one that asked for it; the last of a network with the one before.

use nnmeter_core::detect::detect;
use nnmeter_core::predict::workloads;
use nnmeter_core::rules::FusionRules;
use nnmeter_core::typed::TypedGraph;
use nnmeter_core::workload::Workload;

use super::told::places;
use crate::backend::ProfiledKernel;

/// A kernel in a network.
#[derive(Clone, Debug, PartialEq)]
pub struct Label {
    /// The kernel.
    pub work: Workload,
    /// What it cost, in milliseconds.
    pub ms: f64,
    /// Its share of the network's cost.
    pub share: f64,
}

/// The kernels of a network by `rules`, where the network cost `total` and the runtime's own `kernels`
/// took `least` each, in milliseconds. Kernels that the runtime does not know as such (it made one of
/// two, say) are left out.
pub fn labels(
    graph: &TypedGraph,
    rules: &FusionRules,
    total: f64,
    kernels: &[ProfiledKernel],
    least: &[f64],
) -> Vec<Label> {
    let costs = with_what_they_asked_for(kernels, least);
    let all: f64 = costs.iter().sum();
    let places = places(graph, kernels);
    let detection = detect(graph, rules);
    let mut owner = vec![None; kernels.len()];
    let mut shares = vec![0.0; detection.kernels().len()];
    for (at, kernel) in detection.kernels().enumerate() {
        for id in kernel.nodes() {
            if let Some(&place) = places.get(id).filter(|&&place| owner[place].is_none()) {
                owner[place] = Some(at);
                shares[at] += costs[place] / all;
            }
        }
    }
    let priced = detection.kernels().zip(shares).filter(|(_, share)| *share > 0.0);
    let label = |(kernel, share): (_, f64)| match workloads(graph, kernel).ok()?.as_slice() {
        [work] => Some(Label { work: *work, ms: share * total, share }),
        _ => None,
    };
    priced.filter_map(label).collect()
}

/// Costs of the kernels that execute operators, with those of the others added to them.
fn with_what_they_asked_for(kernels: &[ProfiledKernel], least: &[f64]) -> Vec<f64> {
    let mut costs = vec![0.0; kernels.len()];
    let (mut waiting, mut last) = (0.0, None);
    for (at, (kernel, cost)) in kernels.iter().zip(least).enumerate() {
        if kernel.kernel.nodes.is_empty() {
            waiting += cost;
        } else {
            costs[at] = cost + std::mem::take(&mut waiting);
            last = Some(at);
        }
    }
    if let Some(last) = last {
        costs[last] += waiting;
    }
    costs
}
