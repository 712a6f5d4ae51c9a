//! A made-up device whose kernels cost what they compute, read, write and load, and a start each:
//! what a calibration falls back on where the device is not like the base at all.
//!
//! Its rates are round numbers for one unit of work of each [`Resource`], relative to a
//! multiply-accumulate of a pointwise convolution; only their ratios count, and the timings decide
//! how far to follow them. No term is the way in which some runtime computes: work is counted as it
//! is, in blocks of 8 x 8 and in slices of 4 channels, and the rates tell which.

use nnmeter_core::feature::Feature as F;
use nnmeter_core::kind::Kind;
use nnmeter_core::model::{KernelModel, Parametric, Term, WindowClass as W};
use nnmeter_core::predict::FittedModel;

use super::class::Class;
use crate::error::Result;

/// What a term uses up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Resource {
    /// Multiply-accumulates of pointwise convolutions, and of products.
    Pointwise,
    /// Multiply-accumulates of convolutions with small windows.
    SmallWindow,
    /// Multiply-accumulates of convolutions with large windows.
    LargeWindow,
    /// Multiply-accumulates of depthwise convolutions.
    Depthwise,
    /// Operations of pooling.
    Pooling,
    /// Elements of activations read or written.
    Activations,
    /// Weights of convolutions.
    Weights,
    /// Weights of fully connected layers.
    FullyConnected,
    /// Starts of kernels.
    Start,
}

/// The rate of one unit, over that of a multiply-accumulate of a pointwise convolution.
const fn rate(resource: Resource) -> f64 {
    match resource {
        Resource::Pointwise | Resource::SmallWindow | Resource::LargeWindow => 1.0,
        Resource::Depthwise | Resource::Pooling => 8.0,
        Resource::Activations => 10.0,
        Resource::Weights | Resource::FullyConnected => 4.0,
        Resource::Start => 5e4,
    }
}

/// A feature, the windows for which it counts, what it uses up, and how many units of it.
type Use = (F, W, Resource, f64);

use Resource as R;

const CONV: &[Use] = &[
    (F::Macs, W::Pointwise, R::Pointwise, 0.3),
    (F::GemmMacs, W::Pointwise, R::Pointwise, 0.3),
    (F::SliceMacsFrom128, W::Pointwise, R::Pointwise, 0.3),
    (F::Macs, W::Small, R::SmallWindow, 0.3),
    (F::GemmMacs, W::Small, R::SmallWindow, 0.3),
    (F::SliceMacsFrom128, W::Small, R::SmallWindow, 0.3),
    (F::Macs, W::Large, R::LargeWindow, 0.3),
    (F::GemmMacs, W::Large, R::LargeWindow, 0.3),
    (F::SliceMacsFrom128, W::Large, R::LargeWindow, 0.3),
    (F::Read, W::Pointwise, R::Activations, 1.0),
    (F::Read, W::Spatial, R::Activations, 1.0),
    (F::Patches, W::Spatial, R::Activations, 0.3),
    (F::Written, W::Pointwise, R::Activations, 1.0),
    (F::Written, W::Spatial, R::Activations, 1.0),
    (F::Weights, W::Any, R::Weights, 1.0),
    (F::One, W::Any, R::Start, 1.0),
];

const DEPTHWISE: &[Use] = &[
    (F::VectorMacs, W::Small, R::Depthwise, 1.0),
    (F::VectorMacs, W::Large, R::Depthwise, 1.0),
    (F::Read, W::Any, R::Activations, 1.0),
    (F::Written, W::Any, R::Activations, 1.0),
    (F::One, W::Any, R::Start, 1.0),
];

const PRODUCT: &[Use] = &[
    (F::Macs, W::Any, R::Pointwise, 1.0),
    (F::Weights, W::Any, R::FullyConnected, 1.0),
    (F::Moved, W::Any, R::Activations, 1.0),
    (F::One, W::Any, R::Start, 1.0),
];

const POOLING: &[Use] = &[
    (F::WindowElements, W::Any, R::Pooling, 1.0),
    (F::Moved, W::Any, R::Activations, 1.0),
    (F::One, W::Any, R::Start, 1.0),
];

const ELEMENTS: &[Use] =
    &[(F::Moved, W::Any, R::Activations, 1.0), (F::One, W::Any, R::Start, 1.0)];

const SQUEEZE_EXCITE: &[Use] = &[
    (F::Moved, W::Any, R::Activations, 1.0),
    (F::Weights, W::Any, R::Weights, 1.0),
    (F::One, W::Any, R::Start, 1.0),
];

/// What kernels of `kind` use up.
fn uses(kind: Kind) -> &'static [Use] {
    match Class::of(kind, W::Any) {
        Class::Pointwise | Class::SmallWindow | Class::LargeWindow => CONV,
        Class::Depthwise => DEPTHWISE,
        Class::Product => PRODUCT,
        Class::Pooling => POOLING,
        Class::Elementwise | Class::Movement => ELEMENTS,
        Class::SqueezeExcite => SQUEEZE_EXCITE,
    }
}

/// The resource of each term of the model of `kind`.
pub(super) fn resources(kind: Kind) -> impl Iterator<Item = Resource> {
    uses(kind).iter().map(|(_, _, resource, _)| *resource)
}

/// Models of the kinds that `base` prices, for the same regions.
pub(super) fn kernels(base: &[(Kind, FittedModel)]) -> Result<Vec<(Kind, FittedModel)>> {
    let term = |&(feature, window, resource, units): &Use| Term {
        feature,
        window,
        rate: units * rate(resource),
    };
    let model = |(kind, fitted): &(Kind, FittedModel)| {
        let rates = Parametric::new(uses(*kind).iter().map(term).collect())?;
        let model = KernelModel::Parametric(rates);
        Ok((*kind, FittedModel { model, range: fitted.range.clone() }))
    };
    base.iter().map(model).collect()
}
