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
use smallvec::SmallVec;

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
    /// The kernels (or operators) that have a price.
    pub parts: Vec<Part>,
    /// Operators without a price.
    pub uncovered: Vec<(NodeId, NoPrice)>,
}

/// A kernel (or an operator), and what it costs.
#[derive(Clone, Debug)]
pub struct Part {
    /// Its operators, in the order of execution.
    pub nodes: SmallVec<[NodeId; 4]>,
    /// Its cost.
    pub cost: f64,
}

impl Bill {
    /// The sum over all parts.
    pub fn total(&self) -> f64 {
        self.parts.iter().fold(0.0, |sum, part| sum + part.cost)
    }

    fn add(&mut self, nodes: &[NodeId], cost: f64) {
        self.parts.push(Part { nodes: nodes.into(), cost });
    }
}

/// A cost that is a sum over the kernels or operators of a graph.
pub trait Metric {
    /// What it counts.
    fn quantity(&self) -> Quantity;

    /// What the parts of `graph` cost.
    fn bill(&self, graph: &TypedGraph) -> Bill;
}

impl<M: Metric + ?Sized> Metric for &M {
    fn quantity(&self) -> Quantity {
        (**self).quantity()
    }

    fn bill(&self, graph: &TypedGraph) -> Bill {
        (**self).bill(graph)
    }
}

impl<U: Unit> Metric for Predictor<U> {
    fn quantity(&self) -> Quantity {
        Quantity { metric: U::METRIC, suffix: U::SUFFIX }
    }

    fn bill(&self, graph: &TypedGraph) -> Bill {
        let prediction = self.predict(graph);
        let mut bill = Bill::default();
        for kernel in &prediction.kernels {
            bill.add(prediction.kernel(kernel).nodes(), kernel.cost.value());
        }
        bill.uncovered = prediction.uncovered.iter().map(|u| (u.node, u.reason)).collect();
        bill
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
        let mut bill = Bill::default();
        for kernel in &prediction.kernels {
            let outside = if kernel.outside.is_empty() { 0.0 } else { 1.0 };
            bill.add(prediction.kernel(kernel).nodes(), outside);
        }
        bill
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
        match workloads(graph, kernel) {
            Ok(work) => bill.add(kernel.nodes(), work.iter().map(&count).sum()),
            Err(reason) => bill.uncovered.push((kernel.nodes()[0], reason)),
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
        let mut bill = Bill::default();
        for &id in graph.order().iter().filter(|&&id| graph.is_op(id)) {
            bill.add(&[id], trained(graph, id) as f64);
        }
        bill
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
