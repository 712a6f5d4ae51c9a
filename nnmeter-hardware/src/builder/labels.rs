//! What each kernel of a measured network cost *in it*: the network's own cost, shared out as the
//! runtime's profiles say.
//!
//! A profiler slows kernels down and reads a coarser clock than the measuring of whole networks, but
//! its shares are sound. What the runtime put in between (a change of layout) counts with the kernel
//! after it, which is the one that asked for it; the last of a network with the one before. Runtimes
//! may order and name things otherwise each time: kernels are known by the operators in them.

use std::collections::{BTreeMap, HashMap};

use nnmeter_core::detect::detect;
use nnmeter_core::kind::Kind;
use nnmeter_core::predict::workloads;
use nnmeter_core::rules::FusionRules;
use nnmeter_core::typed::TypedGraph;
use nnmeter_core::workload::Workload;

use super::told::nodes_by_name;
use crate::backend::ProfiledKernel;
use crate::measure::Profiles;
use crate::package::Metric;

/// A kernel in a network.
#[derive(Clone, Debug, PartialEq)]
pub struct Label {
    /// The kernel.
    pub work: Workload,
    /// What it cost, in the metric's unit.
    pub cost: f64,
    /// Its share of the network's cost.
    pub share: f64,
}

/// The kernels by `rules` of a network that cost `total`. Those that the runtime does not know as such
/// (it made one of two, say) are left out, and so are views.
pub fn labels(
    graph: &TypedGraph,
    rules: &FusionRules,
    total: f64,
    profiles: &Profiles,
    metric: Metric,
) -> Vec<Label> {
    let costs = least(profiles, metric);
    let all: f64 = costs.values().sum();
    let detection = detect(graph, rules);
    let ids = nodes_by_name(graph);
    let mut kernel_of = HashMap::new();
    for (at, kernel) in detection.kernels().enumerate() {
        kernel_of.extend(kernel.nodes().iter().map(|&id| (id, at)));
    }
    let mut shares = vec![0.0; detection.kernels().len()];
    for (nodes, cost) in costs {
        let places = nodes.iter().filter_map(|node| kernel_of.get(ids.get(node.as_str())?));
        if let Some(&first) = places.min() {
            shares[first] += cost / all;
        }
    }
    let label = |(kernel, share): (_, f64)| match workloads(graph, kernel).ok()?.as_slice() {
        [work] if share > 0.0 && work.kind != Kind::Reshape => {
            Some(Label { work: *work, cost: share * total, share })
        }
        _ => None,
    };
    detection.kernels().zip(shares).filter_map(label).collect()
}

/// The least that each kernel took in any profile, by the operators in it.
fn least(profiles: &Profiles, metric: Metric) -> BTreeMap<Vec<String>, f64> {
    let mut least: BTreeMap<Vec<String>, f64> = BTreeMap::new();
    for profile in profiles {
        for (nodes, cost) in with_what_they_asked_for(profile, metric) {
            let known = least.entry(nodes).or_insert(f64::INFINITY);
            *known = known.min(cost);
        }
    }
    least
}

/// Costs of the kernels that execute operators, with those of the others added to them.
fn with_what_they_asked_for(
    profile: &[ProfiledKernel],
    metric: Metric,
) -> HashMap<Vec<String>, f64> {
    let mut costs: HashMap<Vec<String>, f64> = HashMap::new();
    let (mut waiting, mut last) = (0.0, None);
    for ProfiledKernel { kernel, samples } in profile {
        let values = samples.iter().filter(|sample| sample.metric == metric);
        let cost = values.map(|sample| sample.value).min_by(f64::total_cmp).unwrap_or(0.0);
        if kernel.nodes.is_empty() {
            waiting += cost;
        } else {
            *costs.entry(kernel.nodes.clone()).or_default() += cost + std::mem::take(&mut waiting);
            last = Some(&kernel.nodes);
        }
    }
    if let Some(cost) = last.and_then(|last| costs.get_mut(last)) {
        *cost += waiting;
    }
    costs
}

#[cfg(test)]
mod tests {
    use nnmeter_core::op::Unary;

    use super::*;
    use crate::backend::{ExecutedKernel, Sample};
    use crate::draw::{Drawing, Window};

    fn profiled(nodes: &[&str], ms: f64) -> ProfiledKernel {
        let nodes = nodes.iter().map(|&node| node.to_owned()).collect();
        let kernel = ExecutedKernel { name: "kernel".to_owned(), nodes };
        ProfiledKernel { kernel, samples: vec![Sample { metric: Metric::Latency, value: ms }] }
    }

    #[test]
    fn a_networks_cost_is_shared_out() {
        let (mut drawing, image) = Drawing::of_image(3, 8);
        let conv = drawing.conv(image, Window::ONE, 4);
        let active = drawing.unary(Unary::Relu, conv);
        let mean = drawing.global_mean(active);
        let graph = drawing.finish(mean).expect("a sound network");
        let names: Vec<String> = nnmeter_core::export::nnmeter_ir::names(&graph);
        let op = |word: &str| {
            names.iter().find(|name| name.starts_with(word)).expect("is there").as_str()
        };
        let (conv, relu, mean) = (op("conv"), op("relu"), op("global"));
        let first = vec![
            profiled(&[conv, relu], 3.0),
            profiled(&[], 1.0),
            profiled(&[mean], 0.5),
            profiled(&[], 0.5),
        ];
        let second = vec![profiled(&[conv, relu], 2.0), profiled(&[mean], 4.0)];
        let rules = FusionRules::from_json(br#"{"BF_conv_relu": {"obey": true}}"#).expect("rules");
        let profiles = vec![first, second];
        let labels = labels(&graph, &rules, 8.0, &profiles, Metric::Latency);
        let found: Vec<(Kind, f64)> =
            labels.iter().map(|label| (label.work.kind, label.cost)).collect();
        assert_eq!(found, [(Kind::Conv, 4.0), (Kind::GlobalAvgPool, 4.0)]);
    }
}
