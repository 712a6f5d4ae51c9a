//! A survey: what every operator of a pool costs in every layer of a skeleton, in context.
//!
//! The context is a network of the skeleton: the *reference*, in which every layer is the first operator
//! of the pool that has a price. An operator's figures in a layer are what this network costs with it in
//! that layer, less what the other layers of the reference cost; kernels belong to the layer in which
//! they begin. So two operators differ by exactly what the networks differ by, whatever fuses across
//! layers, and what layers, stem and head of the reference cost adds up to what it costs.

use nnmeter_core::kind::Kind;
use nnmeter_core::predict::Predictor;
use nnmeter_core::units::Millis;

use super::network::Network;
use super::skeleton::extents;
use super::{Operator, Pool, Skeleton, Slot};
use crate::error::{Error, ErrorKind, Result};
use crate::space::{Block, SearchSpace};

/// The option of leaving a layer out.
pub(super) const IDENTITY: &str = "identity";

/// A device that a space is for.
#[derive(Clone, Copy, Debug)]
pub struct Target<'a> {
    /// Its name.
    pub name: &'a str,
    /// What latencies are predicted by.
    pub predictor: &'a Predictor<Millis>,
}

/// What operators cost in the layers of a skeleton.
#[derive(Clone, Debug)]
pub struct Survey<'a> {
    pub(super) skeleton: &'a Skeleton,
    pub(super) pool: &'a Pool,
    pub(super) devices: Vec<String>,
    layers: Vec<Vec<Candidate>>,
    /// What stem and head cost: as [`Figures::all`].
    fixed: Vec<f64>,
    is_additive: bool,
}

/// A space of operators of a survey.
#[derive(Clone, Debug)]
pub struct Subspace {
    /// The space.
    pub space: SearchSpace,
    /// By layer: its operators' indices in the pool. Where a layer may be left out, that is one option
    /// more.
    pub kept: Vec<Vec<usize>>,
}

/// An operator in a layer.
#[derive(Clone, Debug)]
pub struct Candidate {
    pub(super) block: Option<Block>,
    finding: Finding,
}

/// What was found of an operator in a layer.
#[derive(Clone, Debug, PartialEq)]
pub enum Finding {
    /// It has no form for such a layer.
    DoesNotFit,
    /// Devices have no price for some of its kernels: by device (its index among the targets), the
    /// kinds, which are in order; `None` stands for kernels of unknown shape.
    NoPrice(Vec<(usize, Option<Kind>)>),
    /// What it costs.
    Priced(Figures),
}

/// What an operator costs in a layer.
#[derive(Clone, Debug, PartialEq)]
pub struct Figures {
    /// Multiply-accumulates.
    pub macs: f64,
    /// Trained parameters.
    pub parameters: f64,
    /// Milliseconds, by device.
    pub costs_ms: Vec<f64>,
    /// By device: whether some kernel of it lies outside of what its model was fitted on.
    pub outside: Vec<bool>,
}

impl Figures {
    /// All costs: multiply-accumulates, parameters, then milliseconds by device.
    pub(super) fn all(&self) -> impl Iterator<Item = f64> {
        [self.macs, self.parameters].into_iter().chain(self.costs_ms.iter().copied())
    }
}

impl Candidate {
    /// What was found of it.
    pub fn finding(&self) -> &Finding {
        &self.finding
    }

    /// What it costs, if that is known.
    pub fn figures(&self) -> Option<&Figures> {
        match &self.finding {
            Finding::Priced(figures) => Some(figures),
            Finding::DoesNotFit | Finding::NoPrice(_) => None,
        }
    }
}

impl<'a> Survey<'a> {
    /// Prices every operator of `pool` in every layer of `skeleton` on all `targets`.
    ///
    /// # Errors
    /// [`ErrorKind::Uncovered`] if a target has no price for the stem or the head, or for any operator
    /// in some layer; [`ErrorKind::BadSpace`] if an operator does not give the result that a layer
    /// asks for, or costs nothing on a target.
    pub fn new(skeleton: &'a Skeleton, pool: &'a Pool, targets: &[Target<'_>]) -> Result<Self> {
        let blocks = blocks(skeleton, pool)?;
        let network = Network::new(skeleton, pool, targets, &blocks)?;
        let missing = network.missing()?;
        let reference = network.reference(&missing)?;
        let mut layers = Vec::new();
        for (layer, (blocks, missing)) in blocks.into_iter().zip(missing).enumerate() {
            let mut missing = missing.into_iter().zip(0..);
            let mut candidates = Vec::new();
            for block in blocks {
                let finding = match block.as_ref().and_then(|_| missing.next()) {
                    None => Finding::DoesNotFit,
                    Some((kinds, option)) if kinds.is_empty() => {
                        Finding::Priced(network.figures(&reference, layer, option)?)
                    }
                    Some((kinds, _)) => Finding::NoPrice(kinds),
                };
                candidates.push(Candidate { block, finding });
            }
            layers.push(candidates);
        }
        let devices = targets.iter().map(|target| target.name.to_owned()).collect();
        let is_additive = network.is_additive(&reference.fixed, &priced(&layers))?;
        Ok(Self { skeleton, pool, devices, layers, fixed: reference.fixed, is_additive })
    }

    /// The skeleton.
    pub fn skeleton(&self) -> &Skeleton {
        self.skeleton
    }

    /// The pool.
    pub fn pool(&self) -> &Pool {
        self.pool
    }

    /// Names of the targets.
    pub fn devices(&self) -> &[String] {
        &self.devices
    }

    /// Whether costs of networks are sums over their layers: nothing fuses across layers, as random
    /// networks show.
    pub fn is_additive(&self) -> bool {
        self.is_additive
    }

    /// By layer and option of a subspace, the figures at `metric` in [`Figures::all`]; and what stem and
    /// head have of it.
    pub(super) fn costs(&self, subspace: &Subspace, metric: usize) -> (f64, Vec<Vec<f64>>) {
        let cost = |candidate: &Candidate| candidate.figures().and_then(|f| f.all().nth(metric));
        let mut layers = Vec::new();
        let choices = subspace.space.choices().iter();
        for ((candidates, kept), choice) in self.layers.iter().zip(&subspace.kept).zip(choices) {
            let mut costs: Vec<f64> =
                kept.iter().filter_map(|&index| cost(&candidates[index])).collect();
            costs.resize(choice.options.len(), 0.0);
            layers.push(costs);
        }
        (self.fixed[metric], layers)
    }

    /// By layer and operator of the pool: what was found.
    pub fn layers(&self) -> &[Vec<Candidate>] {
        &self.layers
    }

    /// The space of all operators that have a price and that `keep` holds for, and (if `identity`) of
    /// leaving a layer out where it keeps extents; `None` if some layer would be without an operator.
    ///
    /// # Errors
    /// As [`SearchSpace::new`].
    pub fn space(
        &self,
        name: &str,
        identity: bool,
        keep: impl Fn(&Operator) -> bool,
    ) -> Result<Option<Subspace>> {
        let kept = |(operator, candidate): &(&Operator, &Candidate)| {
            candidate.figures().is_some() && keep(operator)
        };
        let index = |candidates: &Vec<Candidate>| {
            let all = self.pool.operators().iter().zip(candidates).enumerate();
            all.filter(|(_, pair)| kept(pair)).map(|(index, _)| index).collect()
        };
        let kept: Vec<Vec<usize>> = self.layers.iter().map(index).collect();
        match kept.iter().any(Vec::is_empty) {
            true => Ok(None),
            false => self.subspace(name, identity, kept).map(Some),
        }
    }

    /// The space of operators that are given by index, layer by layer.
    pub(super) fn subspace(
        &self,
        name: &str,
        identity: bool,
        kept: Vec<Vec<usize>>,
    ) -> Result<Subspace> {
        let operators = self.pool.operators();
        let mut layers = Vec::new();
        for ((slot, candidates), kept) in self.skeleton.slots().iter().zip(&self.layers).zip(&kept)
        {
            let option =
                |&index: &usize| Some((operators[index].name(), candidates[index].block.clone()?));
            let mut options: Vec<(&str, Block)> = kept.iter().filter_map(option).collect();
            if identity && slot.keeps() {
                options.push((IDENTITY, Block::new()));
            }
            layers.push(options);
        }
        Ok(Subspace { space: self.skeleton.space(name, layers)?, kept })
    }
}

/// By layer: the options of the network that have a price.
fn priced(layers: &[Vec<Candidate>]) -> Vec<Vec<(u8, &Figures)>> {
    layers.iter().map(|candidates| priced_of(candidates)).collect()
}

fn priced_of(candidates: &[Candidate]) -> Vec<(u8, &Figures)> {
    let fit = (0..).zip(candidates.iter().filter(|candidate| candidate.block.is_some()));
    fit.filter_map(|(option, candidate)| Some((option, candidate.figures()?))).collect()
}

/// By layer and operator: its block there.
fn blocks(skeleton: &Skeleton, pool: &Pool) -> Result<Vec<Vec<Option<Block>>>> {
    skeleton.slots().iter().map(|slot| blocks_of(slot, pool, skeleton.input()[0])).collect()
}

fn blocks_of(slot: &Slot, pool: &Pool, batch: usize) -> Result<Vec<Option<Block>>> {
    let block = |operator: &Operator| {
        let place = || format!("operator {:?}, layer {}", operator.name(), slot.name);
        checked(operator, slot, batch).map_err(|error| error.within(place()))
    };
    pool.operators().iter().map(block).collect()
}

fn checked(operator: &Operator, slot: &Slot, batch: usize) -> Result<Option<Block>> {
    let Some(block) = operator.block(slot)? else { return Ok(None) };
    let [channels, height, width] = slot.input.map(|extent| extent as usize);
    let found = extents([batch, channels, height, width], &block)?;
    if found != slot.output() {
        let expected = format!("{:?}, as the layer has them", slot.output());
        return Err(Error::new(
            ErrorKind::BadSpace,
            "result",
            format!("has the extents {found:?}"),
        )
        .expected(expected));
    }
    Ok(Some(block))
}
