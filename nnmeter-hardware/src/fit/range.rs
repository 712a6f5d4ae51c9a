//! The region that a kernel model was fitted on: bounds of the features that describe a kernel's
//! configuration.
//!
//! Bounds are of single features, not of their combinations: a wide convolution on a large map may
//! lie inside although the data had only narrow ones there. Features of size (elements, MACs) are
//! left out, for they follow from these.

use std::collections::BTreeMap;

use nnmeter_core::feature::Feature;
use nnmeter_core::kind::Kind;
use nnmeter_core::model::FittedRange;
use nnmeter_core::workload::Workload;

use crate::fit::samples::Samples;

/// Features with bounds for every kind.
const COMMON: &[Feature] = &[
    Feature::Batch,
    Feature::Depth,
    Feature::Height,
    Feature::Width,
    Feature::Aspect,
    Feature::Cin,
    Feature::Cout,
    Feature::KernelHeight,
    Feature::KernelWidth,
    Feature::Stride,
    Feature::StrideAspect,
    Feature::Dilation,
    Feature::Operands,
    Feature::ElementBits,
];

/// Features that are bounded for kernels of `kind`.
pub fn bounded(kind: Kind) -> Vec<Feature> {
    let own = match kind {
        Kind::Conv | Kind::ConvTrans => Some(Feature::Groups),
        Kind::DwConv => Some(Feature::ChannelRatio),
        _ => None,
    };
    COMMON.iter().copied().chain(own).collect()
}

/// The smallest region that holds every one of `works` of `kind`; `None` if there is none.
pub fn fitted_range(kind: Kind, works: &[Workload]) -> Option<FittedRange> {
    let of_kind: Vec<&Workload> = works.iter().filter(|work| work.kind == kind).collect();
    if of_kind.is_empty() {
        return None;
    }
    let bounds = bounded(kind).into_iter().map(|feature| {
        let values = || of_kind.iter().map(|work| feature.of(work));
        let low = values().fold(f64::INFINITY, f64::min);
        let high = values().fold(f64::NEG_INFINITY, f64::max);
        (feature, low..=high)
    });
    Some(FittedRange::new(bounds.collect()))
}

/// Which samples lie outside of what the samples of all *other* families span: some kernel outside
/// of the region of its kind, or of a kind that no other family has. This is how a predictor fitted
/// without a family sees it.
pub fn outside_of_other_families(samples: &Samples) -> Vec<bool> {
    let all = samples.samples();
    let mut outside = vec![false; all.len()];
    for family in 0..samples.families().len() {
        let far = far_from_others(samples, family);
        for (sample, flag) in all.iter().zip(&mut outside).filter(|(s, _)| s.family == family) {
            *flag = sample.kernels.iter().any(|(work, _)| far[*work as usize]);
        }
    }
    outside
}

/// Which workloads lie outside of what the families other than `family` span.
fn far_from_others(samples: &Samples, family: usize) -> Vec<bool> {
    let mut held = vec![false; samples.workloads().len()];
    for sample in samples.samples().iter().filter(|sample| sample.family != family) {
        sample.kernels.iter().for_each(|(work, _)| held[*work as usize] = true);
    }
    let works = samples.workloads().iter().zip(&held);
    let held: Vec<Workload> = works.filter(|(_, held)| **held).map(|(work, _)| *work).collect();
    let ranges: BTreeMap<Kind, Option<FittedRange>> =
        samples.kinds().into_iter().map(|kind| (kind, fitted_range(kind, &held))).collect();
    let is_far = |work: &Workload| match &ranges[&work.kind] {
        Some(range) => !range.outside(work).is_empty(),
        None => true,
    };
    samples.workloads().iter().map(is_far).collect()
}
