//! The network that a survey prices operators in: all that fits into the layers of a skeleton, as one
//! space. What is done with the figures is not its business.

use nnmeter_core::graph::NodeId;
use nnmeter_core::kind::Kind;
use nnmeter_core::predict::NoPrice;

use super::survey::{Figures, IDENTITY, Target};
use super::{Operator, Pool, Skeleton};
use crate::error::{Error, ErrorKind, Result};
use crate::metric::{Macs, Metric, OutsideRange, Parameters};
use crate::random::Random;
use crate::space::{Block, Instance, Sample, SearchSpace};

/// Random networks whose costs are compared with sums.
const CHECKS: usize = 64;

/// All that fits in all layers, as one space, and the devices of a survey.
pub(super) struct Network<'a> {
    space: SearchSpace,
    skeleton: &'a Skeleton,
    targets: &'a [Target<'a>],
}

/// The sample in which operators are priced, and by metric and layer what its other layers cost.
pub(super) struct Reference {
    sample: Sample,
    others: Vec<Vec<f64>>,
    /// By metric: what stem and head cost.
    pub(super) fixed: Vec<f64>,
}

/// Costs of a sample: of all of it, and by layer of the kernels that begin there.
struct Costs {
    total: f64,
    by_layer: Vec<f64>,
}

/// By layer and option: the kinds without a price.
pub(super) type Missing = Vec<Vec<Vec<(usize, Option<Kind>)>>>;

impl<'a> Network<'a> {
    pub(super) fn new(
        skeleton: &'a Skeleton,
        pool: &Pool,
        targets: &'a [Target<'a>],
        blocks: &[Vec<Option<Block>>],
    ) -> Result<Self> {
        let mut layers = Vec::new();
        for (slot, blocks) in skeleton.slots().iter().zip(blocks) {
            let named = pool.operators().iter().map(Operator::name).zip(blocks);
            let fit: Vec<(&str, Block)> =
                named.filter_map(|(name, block)| Some((name, block.clone()?))).collect();
            if fit.is_empty() {
                let place = format!("layer {}", slot.name);
                return Err(Error::new(ErrorKind::BadSpace, place, "fits no operator of the pool")
                    .expected(format!("one for {:?} to {:?}", slot.input, slot.output())));
            }
            let identity = slot.keeps().then(|| (IDENTITY, Block::new()));
            layers.push(fit.into_iter().chain(identity).collect());
        }
        let space = skeleton.space(skeleton.name(), layers)?;
        Ok(Self { space, skeleton, targets })
    }

    /// The layer that a node is of; `None` for stem and head.
    fn layer(&self, instance: &Instance, node: NodeId) -> Option<usize> {
        let site = instance.origin.sites[node.index()] as usize;
        self.space.sites().get(site).and_then(|site| site.guards.first().copied())
    }

    /// What has no price.
    pub(super) fn missing(&self) -> Result<Missing> {
        let first = self.space.sample(&vec![0; self.space.choices().len()])?;
        let of_layer = |layer: usize| {
            let identity = usize::from(self.skeleton.slots()[layer].keeps());
            let options = 0..self.space.choices()[layer].options.len() - identity;
            options.map(|option| self.missing_in(layer, &first.with(layer, option as u8))).collect()
        };
        (0..self.space.choices().len()).map(of_layer).collect()
    }

    /// Kinds without a price in a layer.
    fn missing_in(&self, layer: usize, sample: &Sample) -> Result<Vec<(usize, Option<Kind>)>> {
        let instance = self.space.instance(sample)?;
        let mut missing = Vec::new();
        for (device, target) in self.targets.iter().enumerate() {
            for (node, reason) in target.predictor.bill(&instance.graph).uncovered {
                let kind = match reason {
                    NoPrice::NoModel(kind) => Some(kind),
                    NoPrice::UnknownShape(_) => None,
                };
                match self.layer(&instance, node) {
                    Some(other) if other == layer => missing.push((device, kind)),
                    Some(_) => {}
                    None => {
                        let label = instance.graph.graph().label(node);
                        return Err(Error::new(ErrorKind::Uncovered, target.name, "has no price")
                            .expected(format!("one for {label}, in stem or head")));
                    }
                }
            }
        }
        missing.sort_unstable();
        missing.dedup();
        Ok(missing)
    }

    /// The network in which every layer is the first option that has a price.
    pub(super) fn reference(&self, missing: &Missing) -> Result<Reference> {
        let mut options = Vec::new();
        for (slot, missing) in self.skeleton.slots().iter().zip(missing) {
            let Some(first) = missing.iter().position(Vec::is_empty) else {
                let mut kinds: Vec<String> =
                    missing.iter().flatten().map(|m| self.named(m)).collect();
                kinds.sort_unstable();
                kinds.dedup();
                let found = format!("has no operator with a price; lacking {}", kinds.join(", "));
                let place = format!("layer {}", slot.name);
                return Err(Error::new(ErrorKind::Uncovered, place, found)
                    .hint("put operators into the pool that the device has prices for"));
            };
            options.push(first as u8);
        }
        let sample = self.space.sample(&options)?;
        let costs = self.costs(&self.space.instance(&sample)?);
        let others = |costs: &Costs| costs.by_layer.iter().map(|own| costs.total - own).collect();
        let fixed = |costs: &Costs| costs.total - costs.by_layer.iter().sum::<f64>();
        let (others, fixed) =
            (costs.iter().map(others).collect(), costs.iter().map(fixed).collect());
        Ok(Reference { sample, others, fixed })
    }

    fn named(&self, (device, kind): &(usize, Option<Kind>)) -> String {
        let kind = kind.map_or("unknown shape", Kind::name);
        format!("{kind} on {}", self.targets[*device].name)
    }

    /// Multiply-accumulates, parameters, then milliseconds by device.
    fn costs(&self, instance: &Instance) -> Vec<Costs> {
        let latencies = self.targets.iter().map(|target| self.by(instance, target.predictor));
        [self.by(instance, &Macs), self.by(instance, &Parameters)]
            .into_iter()
            .chain(latencies)
            .collect()
    }

    fn by(&self, instance: &Instance, metric: &impl Metric) -> Costs {
        let bill = metric.bill(&instance.graph);
        let mut by_layer = vec![0.0; self.space.choices().len()];
        for part in &bill.parts {
            if let Some(layer) = self.layer(instance, part.nodes[0]) {
                by_layer[layer] += part.cost;
            }
        }
        Costs { total: bill.total(), by_layer }
    }

    /// What an option costs in a layer of the reference.
    ///
    /// # Errors
    /// [`ErrorKind::BadSpace`] if it costs nothing on a device.
    pub(super) fn figures(
        &self,
        reference: &Reference,
        layer: usize,
        option: u8,
    ) -> Result<Figures> {
        let instance = self.space.instance(&reference.sample.with(layer, option))?;
        let costs = self.costs(&instance).into_iter().zip(&reference.others);
        let mut own = costs.map(|(costs, others)| costs.total - others[layer]);
        let mut next = || own.next().unwrap_or(0.0);
        let (macs, parameters) = (next(), next());
        let costs_ms: Vec<f64> = self.targets.iter().map(|_| next()).collect();
        if let Some((cost, target)) = costs_ms.iter().zip(self.targets).find(|(c, _)| **c <= 0.0) {
            let slot = &self.skeleton.slots()[layer].name;
            let name = &self.space.choices()[layer].options[usize::from(option)];
            let subject = format!("operator {name:?}, layer {slot}");
            let found = format!("costs {cost} ms on {}", target.name);
            return Err(Error::new(ErrorKind::BadSpace, subject, found)
                .expected("more than nothing: scores divide by it")
                .hint("leave it out; that a layer may be left out is said otherwise"));
        }
        let is_outside = |target: &Target<'_>| {
            self.by(&instance, &OutsideRange(target.predictor)).by_layer[layer] > 0.0
        };
        let outside = self.targets.iter().map(is_outside).collect();
        Ok(Figures { macs, parameters, costs_ms, outside })
    }
    /// Whether what random networks cost is the sum of what their operators and `fixed` do, to 1e-9;
    /// `priced` has the options of layers that have a price, with their figures.
    pub(super) fn is_additive(
        &self,
        fixed: &[f64],
        priced: &[Vec<(u8, &Figures)>],
    ) -> Result<bool> {
        let mut random = Random::new(0);
        for _ in 0..CHECKS {
            let mut sums = fixed.to_vec();
            let mut sample = Vec::new();
            for (layer, options) in priced.iter().enumerate() {
                let identity = usize::from(self.skeleton.slots()[layer].keeps());
                let drawn = random.below((options.len() + identity) as u64) as usize;
                match options.get(drawn) {
                    Some((option, figures)) => {
                        sums.iter_mut().zip(figures.all()).for_each(|(sum, cost)| *sum += cost);
                        sample.push(*option);
                    }
                    None => sample.push((self.space.choices()[layer].options.len() - 1) as u8),
                }
            }
            let instance = self.space.instance(&self.space.sample(&sample)?)?;
            let costs = self.costs(&instance);
            let agrees = |(costs, sum): (&Costs, &f64)| (costs.total - sum).abs() <= 1e-9 * sum;
            if !costs.iter().zip(&sums).all(agrees) {
                return Ok(false);
            }
        }
        Ok(true)
    }
}
