//! Prediction: a typed graph in; a total, its interval, the cost of each kernel, and what has no
//! price out.
//!
//! Nothing is silently zero: an operator whose kernel no model prices is listed as uncovered, and a
//! kernel outside the region its model was fitted on is marked. Only changes of shape that move no
//! bytes are free.

use smallvec::SmallVec;

use crate::detect::{Detection, Kernel, detect};
use crate::feature::Feature;
use crate::graph::NodeId;
use crate::kind::Kind;
use crate::model::{FittedRange, KernelModel};
use crate::rules::FusionRules;
use crate::typed::TypedGraph;
use crate::units::{Millis, Unit as MetricUnit};
use crate::workload::Workload;

/// Everything that is known of a device for one metric, in the unit `U`.
#[derive(Clone, Debug)]
pub struct Predictor<U = Millis> {
    rules: FusionRules,
    models: [Option<Box<FittedModel>>; Kind::COUNT],
    interval: Interval,
    unit: std::marker::PhantomData<U>,
}

/// A kernel model with the region it was fitted on.
#[derive(Clone, Debug)]
pub struct FittedModel {
    /// The model.
    pub model: KernelModel,
    /// Where it was fitted.
    pub range: FittedRange,
}

/// How far totals are off: half-widths of an interval of the log of measured over predicted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// Share of networks whose measured value lies inside, between 0 and 1; 0 if it is not known
    /// ([`Interval::UNKNOWN`]).
    pub level: f64,
    /// Half-width where every kernel lies in the fitted region.
    pub inside: f64,
    /// Half-width where some kernel does not.
    pub outside: f64,
}

/// A predicted cost, in the unit `U`.
#[derive(Clone, Debug)]
pub struct Prediction<U = Millis> {
    /// Sum over the kernels that have a price.
    pub total: U,
    /// Lower and upper end of the interval around `total`.
    pub interval: (U, U),
    /// Share of networks whose measured value lies inside such an interval, 0 to 1.
    pub level: f64,
    /// Share of operators that compute something whose cost is in the total, 0 to 1.
    pub coverage: f64,
    /// Every kernel with its price, in order of execution; views are left out.
    pub kernels: Vec<PricedKernel<U>>,
    /// Operators whose cost is not in the total.
    pub uncovered: Vec<Uncovered>,
    detection: Detection,
}

/// A kernel with a price.
#[derive(Clone, Debug)]
pub struct PricedKernel<U = Millis> {
    /// Its cost.
    pub cost: U,
    /// What it has to do: one entry, or one for each of several heavy operators that rules fused.
    pub work: SmallVec<[Workload; 1]>,
    /// Features in which it lies outside the region that its model was fitted on.
    pub outside: SmallVec<[Feature; 2]>,
    index: u32,
}

/// An operator without a price.
#[derive(Clone, Debug, PartialEq)]
pub struct Uncovered {
    /// The operator.
    pub node: NodeId,
    /// Why it has none.
    pub reason: NoPrice,
}

/// Why a kernel has no price.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoPrice {
    /// The device has no model for this kind of kernel.
    NoModel(Kind),
    /// A shape is not known, because this operator has no shape rule.
    UnknownShape(NodeId),
}

impl Interval {
    /// Nobody measured how far totals are off: an interval that no network is said to lie in.
    pub const UNKNOWN: Self = Self { level: 0.0, inside: 0.0, outside: 0.0 };
}

impl<U: MetricUnit> Predictor<U> {
    /// A predictor from the device's fusion rules and one model for each kind of kernel.
    pub fn new(
        rules: FusionRules,
        models: impl IntoIterator<Item = (Kind, FittedModel)>,
        interval: Interval,
    ) -> Self {
        let mut table = [const { None }; Kind::COUNT];
        for (kind, model) in models {
            table[kind as usize] = Some(Box::new(model));
        }
        Self { rules, models: table, interval, unit: std::marker::PhantomData }
    }

    /// The device's fusion rules.
    pub fn rules(&self) -> &FusionRules {
        &self.rules
    }

    /// The model for a kind of kernel.
    pub fn model(&self, kind: Kind) -> Option<&FittedModel> {
        self.models[kind as usize].as_deref()
    }

    /// How far totals are off.
    pub fn interval(&self) -> Interval {
        self.interval
    }

    /// Predicts the cost of `graph`.
    pub fn predict(&self, graph: &TypedGraph) -> Prediction<U> {
        let detection = detect(graph, &self.rules);
        let mut tally = Tally::with_capacity(detection.kernels().len());
        for (index, kernel) in detection.kernels().enumerate() {
            if kernel.units().iter().any(|unit| unit.kind != Kind::Reshape) {
                self.add(graph, kernel, index as u32, &mut tally);
            }
        }
        tally.finish(self.interval, detection)
    }

    fn add(&self, graph: &TypedGraph, kernel: Kernel<'_>, index: u32, tally: &mut Tally<U>) {
        let computing = kernel.nodes().iter().filter(|&&id| !graph.is_view(id));
        let count = computing.clone().count();
        tally.operators += count;
        match self.price(graph, kernel, index) {
            Ok(priced) => {
                tally.covered += count;
                tally.kernels.push(priced);
            }
            Err(reason) => {
                tally.uncovered.extend(computing.map(|&node| Uncovered { node, reason }));
            }
        }
    }

    fn price(
        &self,
        graph: &TypedGraph,
        kernel: Kernel<'_>,
        index: u32,
    ) -> Result<PricedKernel<U>, NoPrice> {
        let work = workloads(graph, kernel)?;
        let mut outside: SmallVec<[Feature; 2]> = SmallVec::new();
        let mut cost = 0.0;
        for work in &work {
            let fitted = self.model(work.kind).ok_or(NoPrice::NoModel(work.kind))?;
            cost += fitted.model.cost(work);
            outside.append(&mut fitted.range.outside(work));
        }
        Ok(PricedKernel { cost: U::from_value(cost), work, outside, index })
    }
}

/// What a kernel has to do, by the units that price it: each heavy operator, or else the first unit
/// that is not a view, together with a ReLU after it.
///
/// # Errors
/// If a shape that it needs is not known.
pub fn workloads(
    graph: &TypedGraph,
    kernel: Kernel<'_>,
) -> Result<SmallVec<[Workload; 1]>, NoPrice> {
    let unknown = || NoPrice::UnknownShape(graph.origin_of_unknown(kernel.nodes()[0]));
    let units = kernel.units();
    let mut work = SmallVec::new();
    for unit in units.iter().filter(|unit| unit.kind.is_anchor()) {
        let own = Workload::of_unit(graph, kernel, unit).ok_or_else(unknown)?;
        work.push(Workload { kind: priced_as(&own), ..own });
    }
    if work.is_empty() {
        let first = units.iter().position(|unit| unit.kind != Kind::Reshape).unwrap_or(0);
        let alone = Workload::of_unit(graph, kernel, &units[first]).ok_or_else(unknown)?;
        let kind = with_follower(alone.kind, units.get(first + 1).map(|unit| unit.kind));
        work.push(Workload { kind, ..alone });
    }
    if let [only] = &mut work[..]
        && units.len() > 1
    {
        add_fused_traffic(graph, kernel, only).ok_or_else(unknown)?;
    }
    Ok(work)
}

/// A fully connected layer of several rows is the matrix product of a pointwise convolution, and
/// not the product with a vector that measurements of fully connected layers are of.
fn priced_as(work: &Workload) -> Kind {
    match work.kind {
        Kind::Fc if work.output_points() > 1 => Kind::Conv,
        kind => kind,
    }
}

fn with_follower(kind: Kind, follower: Option<Kind>) -> Kind {
    match (kind, follower) {
        (Kind::Bn, Some(Kind::Relu)) => Kind::BnRelu,
        (Kind::Add, Some(Kind::Relu)) => Kind::AddRelu,
        (kind, _) => kind,
    }
}

/// Counts the operands that fused followers read beside the kernel's own intermediate results.
fn add_fused_traffic(graph: &TypedGraph, kernel: Kernel<'_>, work: &mut Workload) -> Option<()> {
    for pair in kernel.units().windows(2).filter(|pair| pair[1].input.is_none()) {
        for value in graph.graph().operands(pair[1].tail).into_iter().flatten() {
            if value.node != pair[0].tail && !graph.fact(value).constant {
                work.read = work.read.saturating_add(graph.ty(value)?.elements() as u64);
            }
        }
    }
    Some(())
}

struct Tally<U> {
    kernels: Vec<PricedKernel<U>>,
    uncovered: Vec<Uncovered>,
    operators: usize,
    covered: usize,
}

impl<U: MetricUnit> Tally<U> {
    fn with_capacity(kernels: usize) -> Self {
        let kernels = Vec::with_capacity(kernels);
        Self { kernels, uncovered: Vec::new(), operators: 0, covered: 0 }
    }

    fn finish(self, interval: Interval, detection: Detection) -> Prediction<U> {
        let costs = self.kernels.iter().map(|kernel| kernel.cost.value());
        let total = costs.fold(0.0, |sum, cost| sum + cost); // `sum` of nothing is -0.0
        let inside = self.kernels.iter().all(|kernel| kernel.outside.is_empty());
        let width = if inside { interval.inside } else { interval.outside };
        let coverage = match self.operators {
            0 => 1.0,
            operators => self.covered as f64 / operators as f64,
        };
        Prediction {
            total: U::from_value(total),
            interval: (U::from_value(total * (-width).exp()), U::from_value(total * width.exp())),
            level: interval.level,
            coverage,
            kernels: self.kernels,
            uncovered: self.uncovered,
            detection,
        }
    }
}

impl<U> Prediction<U> {
    /// The units and operators of a priced kernel.
    pub fn kernel(&self, priced: &PricedKernel<U>) -> Kernel<'_> {
        self.detection.kernel(priced.index as usize)
    }

    /// All kernels that were detected, views and uncovered ones included.
    pub fn detection(&self) -> &Detection {
        &self.detection
    }
}
