//! Prediction: a typed graph in; a total, its interval, the cost of each kernel, and what has no
//! price out.
//!
//! Nothing is silently zero: an operator whose kernel no model prices is listed as uncovered, and a
//! kernel outside the region its model was fitted on is marked. Only changes of shape that move no
//! bytes are free.

use std::sync::Arc;

use smallvec::SmallVec;

use crate::detect::{Detection, Kernel, detect};
use crate::feature::Feature;
use crate::graph::NodeId;
use crate::kind::Kind;
use crate::model::{FittedRange, KernelModel};
use crate::rules::FusionRules;
use crate::typed::TypedGraph;
use crate::uncertainty::{OutsideFit, Quantiles, Uncertainty};
use crate::units::{Millis, Unit as MetricUnit};
use crate::workload::Workload;

/// Everything that is known of a device for one metric, in the unit `U`.
#[derive(Clone, Debug)]
pub struct Predictor<U = Millis> {
    rules: FusionRules,
    models: [Option<Box<FittedModel>>; Kind::COUNT],
    uncertainty: Option<Arc<Uncertainty>>,
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

/// A predicted cost, in the unit `U`.
#[derive(Clone, Debug)]
pub struct Prediction<U = Millis> {
    /// Sum over the kernels that have a price.
    pub total: U,
    /// Where the measured value is expected; `None` if nobody measured how far totals are off.
    pub interval: Option<Interval<U>>,
    /// Why the network lies outside of what the models were fitted on; empty where it does not.
    /// Where it does, intervals are those of networks that did so, and wider.
    pub outside_fit: SmallVec<[OutsideFit; 2]>,
    /// Share of operators that compute something whose cost is in the total, 0 to 1.
    pub coverage: f64,
    /// Every kernel with its price, in order of execution; views are left out.
    pub kernels: Vec<PricedKernel<U>>,
    /// Operators whose cost is not in the total.
    pub uncovered: Vec<Uncovered>,
    uncertainty: Option<Arc<Uncertainty>>,
    detection: Detection,
}

/// Where the measured value of a network is expected.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval<U = Millis> {
    /// The lower end.
    pub low: U,
    /// The upper end.
    pub high: U,
    /// Share of networks whose measured value lies inside such an interval, 0 to 1.
    pub level: f64,
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
    /// Whether its price is one for all sizes: the measurements did not tell what such kernels
    /// cost.
    pub fixed_price: bool,
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

impl<U: MetricUnit> Predictor<U> {
    /// A predictor from the device's fusion rules and one model for each kind of kernel. Without
    /// an `uncertainty`, predictions have no interval.
    pub fn new(
        rules: FusionRules,
        models: impl IntoIterator<Item = (Kind, FittedModel)>,
        uncertainty: impl Into<Option<Uncertainty>>,
    ) -> Self {
        let mut table = [const { None }; Kind::COUNT];
        for (kind, model) in models {
            table[kind as usize] = Some(Box::new(model));
        }
        let uncertainty = uncertainty.into().map(Arc::new);
        Self { rules, models: table, uncertainty, unit: std::marker::PhantomData }
    }

    /// The device's fusion rules.
    pub fn rules(&self) -> &FusionRules {
        &self.rules
    }

    /// The model for a kind of kernel.
    pub fn model(&self, kind: Kind) -> Option<&FittedModel> {
        self.models[kind as usize].as_deref()
    }

    /// How far totals are off, if anybody measured that.
    pub fn uncertainty(&self) -> Option<&Uncertainty> {
        self.uncertainty.as_deref()
    }

    /// What a kernel with that work costs; `None` if the device has no model for its kind.
    pub fn cost_of(&self, work: &Workload) -> Option<U> {
        self.model(work.kind).map(|fitted| U::from_value(fitted.model.cost(work)))
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
        tally.finish(self.uncertainty.clone(), detection)
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
        let (mut cost, mut fixed_price) = (0.0, false);
        for work in &work {
            let fitted = self.model(work.kind).ok_or(NoPrice::NoModel(work.kind))?;
            cost += fitted.model.cost(work);
            fixed_price |= fitted.model.is_constant();
            outside.append(&mut fitted.range.outside(work));
        }
        Ok(PricedKernel { cost: U::from_value(cost), work, outside, fixed_price, index })
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

    fn finish(self, uncertainty: Option<Arc<Uncertainty>>, detection: Detection) -> Prediction<U> {
        let costs = self.kernels.iter().map(|kernel| kernel.cost.value());
        let total = costs.fold(0.0, |sum, cost| sum + cost); // `sum` of nothing is -0.0
        let far = self.kernels.iter().any(|kernel| !kernel.outside.is_empty());
        let outside_fit = far.then_some(OutsideFit::Kernels).into_iter();
        let beyond = uncertainty.as_deref().and_then(|of| of.outside_totals(total));
        let coverage = match self.operators {
            0 => 1.0,
            operators => self.covered as f64 / operators as f64,
        };
        let mut prediction = Prediction {
            total: U::from_value(total),
            interval: None,
            outside_fit: outside_fit.chain(beyond).collect(),
            coverage,
            kernels: self.kernels,
            uncovered: self.uncovered,
            uncertainty,
            detection,
        };
        let level = prediction.uncertainty.as_ref().map(|of| of.level());
        prediction.interval = level.and_then(|level| prediction.interval_at(level));
        prediction
    }
}

impl<U: MetricUnit> Prediction<U> {
    /// The interval that holds the measured value of the share `level` of networks, 0 to 1; as
    /// many of the others lie below as above. Its ends are 0 and infinite where `level` is higher
    /// than anything that is known. `None` if nobody measured how far totals are off.
    pub fn interval_at(&self, level: f64) -> Option<Interval<U>> {
        let (low, high) = self.errors()?.ends(level);
        let total = self.total.value();
        let end = |error: f64| U::from_value(if total > 0.0 { total * error.exp() } else { 0.0 });
        Some(Interval { low: end(low), high: end(high), level })
    }

    /// Probability that the measured value is at most `budget`, 0 to 1: the share of networks that
    /// would be within theirs if each had one as many times its prediction. It never falls as the
    /// budget grows, and is `(1 + level) / 2` at the upper end of the interval at `level`.
    ///
    /// It is about what has a price: operators in `uncovered` come on top. `None` if nobody measured
    /// how far totals are off.
    pub fn probability_within(&self, budget: U) -> Option<f64> {
        let errors = self.errors()?;
        let (budget, total) = (budget.value(), self.total.value());
        Some(match () {
            () if budget.is_nan() || budget <= 0.0 => 0.0,
            () if total > 0.0 => errors.probability_of_at_most((budget / total).ln()),
            () => 1.0,
        })
    }

    /// The errors of networks such as this one.
    fn errors(&self) -> Option<&Quantiles> {
        Some(self.uncertainty.as_deref()?.errors(!self.outside_fit.is_empty()))
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
