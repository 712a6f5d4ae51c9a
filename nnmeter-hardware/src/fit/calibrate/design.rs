//! A device's prices taken apart: what each of its rates contributes to each timed network, and
//! models with other multiples of these rates.
//!
//! Rows are over what was measured: where the right multiples are, each row sums to one. Which
//! multiples to take is the business of [`strengths`](super::strengths).

use nnmeter_core::ensemble::{Ensemble, Link, Node};
use nnmeter_core::kind::Kind;
use nnmeter_core::model::{KernelModel, Learned, Parametric, Term, WindowClass};
use nnmeter_core::predict::FittedModel;
use nnmeter_core::workload::Workload;

use super::class::Class;
use super::generic;
use crate::error::{Error, ErrorKind, Result};
use crate::fit::samples::Samples;

/// The models of a device, with one column for each of their rates.
pub(super) struct Design<'a> {
    kernels: &'a [(Kind, FittedModel)],
    /// Whether tree ensembles that correct rates are kept.
    corrected: bool,
    /// The first column of each kernel model.
    first: Vec<usize>,
    groups: Vec<usize>,
}

impl<'a> Design<'a> {
    /// Of a base, whose rates go by [`Class`].
    pub(super) fn of_base(kernels: &'a [(Kind, FittedModel)], corrected: bool) -> Self {
        let group = |kind: Kind, window: WindowClass| Class::of(kind, window) as usize;
        let of_model = |kind: Kind, model: &KernelModel| match terms(model) {
            Some(terms) => terms.iter().map(|term| group(kind, term.window)).collect(),
            None => vec![group(kind, WindowClass::Any)],
        };
        Self::grouped(kernels, corrected, of_model)
    }

    /// Of the made-up device of [`generic`], whose rates go by what they use up.
    pub(super) fn generic(kernels: &'a [(Kind, FittedModel)]) -> Self {
        let of_model =
            |kind: Kind, _: &KernelModel| generic::resources(kind).map(|of| of as usize).collect();
        Self::grouped(kernels, false, of_model)
    }

    fn grouped(
        kernels: &'a [(Kind, FittedModel)],
        corrected: bool,
        of_model: impl Fn(Kind, &KernelModel) -> Vec<usize>,
    ) -> Self {
        let (mut first, mut groups) = (Vec::new(), Vec::new());
        for (kind, fitted) in kernels {
            first.push(groups.len());
            groups.extend(of_model(*kind, &fitted.model));
        }
        Self { kernels, corrected, first, groups }
    }

    /// Which columns belong together: those of equal number.
    pub(super) fn groups(&self) -> &[usize] {
        &self.groups
    }

    /// A row for each sample.
    pub(super) fn rows(&self, samples: &Samples) -> Vec<Vec<f64>> {
        let costs: Vec<Vec<(usize, f64)>> =
            samples.workloads().iter().map(|work| self.costs(work)).collect();
        let row = |measured: f64, kernels: &[(u32, u32)]| {
            let mut row = vec![0.0; self.groups.len()];
            for &(work, times) in kernels {
                for &(column, cost) in &costs[work as usize] {
                    row[column] += f64::from(times) * cost / measured;
                }
            }
            row
        };
        samples.samples().iter().map(|sample| row(sample.measured, &sample.kernels)).collect()
    }

    /// The columns that price `work`, with what each contributes; none if the device has no model.
    fn costs(&self, work: &Workload) -> Vec<(usize, f64)> {
        let Some(index) = self.kernels.iter().position(|(kind, _)| *kind == work.kind) else {
            return Vec::new();
        };
        let (model, first) = (&self.kernels[index].1.model, self.first[index]);
        let Some(terms) = terms(model) else { return vec![(first, model.cost(work))] };
        let part = |term: &Term| match term.window.contains(work.window_area()) {
            true => term.rate * term.feature.of(work),
            false => 0.0,
        };
        let parts: Vec<f64> = terms.iter().map(part).collect();
        let sum: f64 = parts.iter().sum();
        let factor = if self.corrected && sum > 0.0 { model.cost(work) / sum } else { 1.0 };
        parts.iter().enumerate().map(|(at, part)| (first + at, part * factor)).collect()
    }

    /// The device's models with each rate times its multiple.
    ///
    /// # Errors
    /// If a product is not finite, or a model is a forest of nn-Meter's.
    pub(super) fn models(&self, multiples: &[f64]) -> Result<Vec<(Kind, FittedModel)>> {
        let scaled = |((kind, fitted), &first): (&(Kind, FittedModel), &usize)| {
            let model = self.scaled(&fitted.model, &multiples[first..])?;
            Ok((*kind, FittedModel { model, range: fitted.range.clone() }))
        };
        self.kernels.iter().zip(&self.first).map(scaled).collect()
    }

    fn scaled(&self, model: &KernelModel, multiples: &[f64]) -> Result<KernelModel> {
        Ok(match model {
            KernelModel::Parametric(base) => KernelModel::Parametric(times(base, multiples)?),
            KernelModel::Corrected(base, trees) if self.corrected => {
                KernelModel::Corrected(times(base, multiples)?, trees.clone())
            }
            KernelModel::Corrected(base, _) => KernelModel::Parametric(times(base, multiples)?),
            KernelModel::Learned(trees) => KernelModel::Learned(trees_times(trees, multiples[0])?),
            KernelModel::NnMeter(_) => return Err(without_rates()),
        })
    }
}

/// What is wrong with a base that has forests of nn-Meter's.
pub(super) fn without_rates() -> Error {
    let found = "has nn-Meter's forests, which are not calibrated";
    Error::new(ErrorKind::BadData, "base device", found)
        .expected("a device with models of nnmeter's own")
}

/// The rates that a model sums; `None` for trees alone.
fn terms(model: &KernelModel) -> Option<&[Term]> {
    match model {
        KernelModel::Parametric(base) | KernelModel::Corrected(base, _) => Some(base.terms()),
        KernelModel::Learned(_) | KernelModel::NnMeter(_) => None,
    }
}

fn times(base: &Parametric, multiples: &[f64]) -> Result<Parametric> {
    let terms = base.terms().iter().zip(multiples);
    let scaled = terms.map(|(term, multiple)| Term { rate: term.rate * multiple, ..*term });
    Ok(Parametric::new(scaled.collect())?)
}

fn trees_times(trees: &Learned, multiple: f64) -> Result<Learned> {
    let mut plain = trees.ensemble().to_plain();
    match plain.link {
        Link::Exp => plain.base_score += multiple.ln() as f32,
        Link::Identity => {
            plain.base_score *= multiple as f32;
            for node in plain.trees.iter_mut().flat_map(|tree| &mut tree.nodes) {
                if let Node::Leaf { value } = node {
                    *value *= multiple as f32;
                }
            }
        }
    }
    Ok(Learned::new(trees.features().to_vec(), Ensemble::new(&plain)?)?)
}
