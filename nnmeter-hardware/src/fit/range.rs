//! The region that a kernel model was fitted on: bounds of the features that describe a kernel's
//! configuration.
//!
//! Bounds are of single features, not of their combinations: a wide convolution on a large map may
//! lie inside although the data had only narrow ones there. Features of size (elements, MACs) are
//! left out, for they follow from these.

use nnmeter_core::feature::Feature;
use nnmeter_core::kind::Kind;
use nnmeter_core::model::FittedRange;
use nnmeter_core::workload::Workload;

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
