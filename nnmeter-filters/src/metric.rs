//! Metrics: costs of a graph that are sums over its kernels.
//!
//! A device's predictor is one (latency or energy); multiply-accumulates, FLOPs and parameters need no
//! device. Whatever is such a sum can be compiled into a [`CostTable`](crate::table::CostTable).

use nnmeter_core::detect::detect;
use nnmeter_core::graph::NodeId;
use nnmeter_core::op::{Norm, Op};
use nnmeter_core::predict::{NoPrice, Predictor, workloads};
use nnmeter_core::rules::FusionRules;
use nnmeter_core::tensor::DType;
use nnmeter_core::typed::TypedGraph;
use nnmeter_core::units::Unit;
use nnmeter_core::workload::Workload;

/// What a number counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quantity {
    /// The metric's name: `latency_ms`.
    pub metric: &'static str,
    /// The suffix of keys of JSON objects, as in `total_ms`.
    pub suffix: &'static str,
}

/// The costs of a graph, part by part.
#[derive(Clone, Debug, Default)]
pub struct Bill {
    /// Costs of kernels (or operators), each with its first operator.
    pub costs: Vec<(NodeId, f64)>,
    /// Operators without a price.
    pub uncovered: Vec<(NodeId, NoPrice)>,
}

impl Bill {
    /// The sum over all parts that have a price.
    pub fn total(&self) -> f64 {
        self.costs.iter().fold(0.0, |sum, (_, cost)| sum + cost)
    }
}

/// A cost that is a sum over the kernels or operators of a graph.
pub trait Metric {
    /// What it counts.
    fn quantity(&self) -> Quantity;

    /// What the parts of `graph` cost.
    fn bill(&self, graph: &TypedGraph) -> Bill;
}

impl<U: Unit> Metric for Predictor<U> {
    fn quantity(&self) -> Quantity {
        Quantity { metric: U::METRIC, suffix: U::SUFFIX }
    }

    fn bill(&self, graph: &TypedGraph) -> Bill {
        let prediction = self.predict(graph);
        let costs = prediction.kernels.iter();
        Bill {
            costs: costs.map(|p| (prediction.kernel(p).nodes()[0], p.cost.value())).collect(),
            uncovered: prediction.uncovered.iter().map(|u| (u.node, u.reason)).collect(),
        }
    }
}

/// How many kernels lie outside the region that their models were fitted on: if any does, the
/// prediction's interval is the wide one.
#[derive(Clone, Copy, Debug)]
pub struct OutsideRange<'a, U>(pub &'a Predictor<U>);

impl<U: Unit> Metric for OutsideRange<'_, U> {
    fn quantity(&self) -> Quantity {
        Quantity { metric: "kernels_outside_range", suffix: "kernels" }
    }

    fn bill(&self, graph: &TypedGraph) -> Bill {
        let prediction = self.0.predict(graph);
        let outside = prediction.kernels.iter().filter(|kernel| !kernel.outside.is_empty());
        let costs = outside.map(|p| (prediction.kernel(p).nodes()[0], 1.0)).collect();
        Bill { costs, uncovered: Vec::new() }
    }
}

/// Multiply-accumulates of convolutions and products: what papers on mobile networks call FLOPs.
#[derive(Clone, Copy, Debug, Default)]
pub struct Macs;

impl Metric for Macs {
    fn quantity(&self) -> Quantity {
        Quantity { metric: "macs", suffix: "macs" }
    }

    fn bill(&self, graph: &TypedGraph) -> Bill {
        by_operator(graph, |work| work.macs as f64)
    }
}

/// Floating-point operations as [`Workload::flops`] counts them: two a multiply-accumulate, and those
/// of pooling and elementwise operators.
#[derive(Clone, Copy, Debug, Default)]
pub struct FlopCount;

impl Metric for FlopCount {
    fn quantity(&self) -> Quantity {
        Quantity { metric: "flops", suffix: "flops" }
    }

    fn bill(&self, graph: &TypedGraph) -> Bill {
        by_operator(graph, |work| work.flops().0 as f64)
    }
}

fn by_operator(graph: &TypedGraph, count: impl Fn(&Workload) -> f64) -> Bill {
    let detection = detect(graph, &FusionRules::default());
    let mut bill = Bill::default();
    for kernel in detection.kernels() {
        let node = kernel.nodes()[0];
        match workloads(graph, kernel) {
            Ok(work) => bill.costs.push((node, work.iter().map(&count).sum())),
            Err(reason) => bill.uncovered.push((node, reason)),
        }
    }
    bill
}

/// Trained parameters: weights, biases, and scale and shift of normalisations (not their statistics).
#[derive(Clone, Copy, Debug, Default)]
pub struct Parameters;

impl Metric for Parameters {
    fn quantity(&self) -> Quantity {
        Quantity { metric: "parameters", suffix: "parameters" }
    }

    fn bill(&self, graph: &TypedGraph) -> Bill {
        let nodes = graph.order().iter().filter(|&&id| graph.is_op(id));
        let costs = nodes.map(|&id| (id, trained(graph, id) as f64));
        Bill { costs: costs.collect(), uncovered: Vec::new() }
    }
}

/// Elements of an operator's constant operands that training changes.
fn trained(graph: &TypedGraph, id: NodeId) -> usize {
    let operands = graph.graph().operands(id);
    let count = match graph.graph().node(id).op {
        Op::Norm(Norm::Batch(_)) => 3,
        _ => operands.len(),
    };
    let constants = operands.iter().take(count).flatten().filter(|&&v| graph.fact(v).constant);
    let types = constants.filter_map(|&value| graph.ty(value));
    types.filter(|ty| ty.dtype == DType::F32).map(|ty| ty.elements()).sum()
}
