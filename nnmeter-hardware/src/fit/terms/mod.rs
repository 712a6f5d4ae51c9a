//! The terms that a linear kernel model may be made of, and what is known of their rates before any
//! measurement.
//!
//! A term counts one thing about kernels of some kinds. Terms of the same [`Group`] share one
//! coarse rate, which is what a term falls back to where the data say little; a term's `weight`
//! says how many such units one of it is thought to cost (TensorFlow Lite's mean is a scalar loop,
//! so each element counts ten; a channel shuffle passes three times over its data, reading and
//! writing). Which terms there are is a claim about the runtime and has to be made anew for
//! another kind of device.

mod adreno;
mod cpu;
mod host;
mod myriad;

pub use adreno::{ADRENO, ADRENO_PRIOR};
pub use cpu::{CPU, CPU_KINDS, CPU_PRIOR};
pub use host::{HOST, HOST_PRIOR};
pub use myriad::{MYRIAD, MYRIAD_PRIOR};

use nnmeter_core::feature::Feature;
use nnmeter_core::kind::Kind;
use nnmeter_core::model::WindowClass;
use nnmeter_core::workload::Workload;

/// Counts are in millions, so that rates in ms are nanoseconds each.
const MILLION: f64 = 1e6;

/// Terms that share a coarse rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Group {
    /// Multiply-accumulates of pointwise convolutions.
    Pointwise,
    /// Multiply-accumulates of convolutions with small windows.
    SmallWindow,
    /// Multiply-accumulates of convolutions with large windows.
    LargeWindow,
    /// Elements of activations read or written.
    Activations,
    /// Weights of convolutions.
    Weights,
    /// Multiply-accumulates of depthwise convolutions.
    Depthwise,
    /// Operations of pooling.
    Pooling,
    /// Weights of fully connected layers.
    FullyConnected,
    /// What a few threads do while the others wait.
    Serial,
    /// Cycles of an engine for convolutions.
    EngineCycles,
    /// Descriptors that such an engine works through.
    Descriptors,
    /// Starts of such an engine.
    EngineStages,
    /// Starts of stages in software beside such an engine.
    SoftwareStages,
    /// Starts of kernels, where each kernel was measured in its network and tells what it takes.
    FoundStart,
    /// Starts of kernels. Its rate is given, not fitted: totals hardly tell it.
    Start,
}

impl Group {
    /// All groups.
    pub const ALL: [Group; 15] = [
        Group::Pointwise,
        Group::SmallWindow,
        Group::LargeWindow,
        Group::Activations,
        Group::Weights,
        Group::Depthwise,
        Group::Pooling,
        Group::FullyConnected,
        Group::Serial,
        Group::EngineCycles,
        Group::Descriptors,
        Group::EngineStages,
        Group::SoftwareStages,
        Group::FoundStart,
        Group::Start,
    ];
}

/// Rates of the groups relative to each other; only their ratios count.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Prior(&'static [(Group, f64)]);

impl Prior {
    /// The rate of `group`; 1 where it is not named.
    pub fn of(&self, group: Group) -> f64 {
        self.0.iter().find(|(named, _)| *named == group).map_or(1.0, |(_, rate)| *rate)
    }
}

/// A term of the linear model.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TermSpec {
    /// A short name for tables.
    pub name: &'static str,
    /// The kinds of kernels that have it; they share its rate.
    pub kinds: &'static [Kind],
    /// What it counts.
    pub feature: Feature,
    /// For which windows.
    pub window: WindowClass,
    /// Whose coarse rate it starts from.
    pub group: Group,
    /// Units of the group's rate that one unit of the feature is thought to cost.
    pub weight: f64,
}

impl TermSpec {
    /// What the term counts in `work`, in weighted millions (in weighted units for starts); zero if
    /// it does not apply.
    pub fn count(&self, work: &Workload) -> f64 {
        if self.kinds.contains(&work.kind) && self.window.contains(work.window_area()) {
            self.unit() * self.feature.of(work)
        } else {
            0.0
        }
    }

    /// By what a unit of the feature enters the count.
    pub fn unit(&self) -> f64 {
        match self.group {
            Group::Start => self.weight,
            _ => self.weight / MILLION,
        }
    }
}

/// Kinds that have terms of their own.
const CONV: &[Kind] = &[Kind::Conv];
const DWCONV: &[Kind] = &[Kind::DwConv];
const MAXPOOL: &[Kind] = &[Kind::MaxPool];
const AVGPOOL: &[Kind] = &[Kind::AvgPool];

const fn term(
    name: &'static str,
    kinds: &'static [Kind],
    window: WindowClass,
    feature: Feature,
    group: Group,
) -> TermSpec {
    TermSpec { name, kinds, feature, window, group, weight: 1.0 }
}

const fn weighted(term: TermSpec, weight: f64) -> TermSpec {
    TermSpec { weight, ..term }
}

#[cfg(test)]
mod tests {
    use nnmeter_core::kind::Kind;
    use nnmeter_core::workload::Workload;

    use super::*;

    /// A square kernel of batch 1: window, stride, then side and channels before and after.
    pub(super) fn square(kind: Kind, k: u32, s: u32, from: [u32; 2], to: [u32; 2]) -> Workload {
        let fan_in = if kind == Kind::DwConv { 1 } else { from[1] };
        Workload {
            kind,
            batch: 1,
            input: [1, from[0], from[0]],
            output: [1, to[0], to[0]],
            cin: from[1],
            cout: to[1],
            window: [1, k, k],
            stride: [1, s, s],
            dilation: [1; 3],
            groups: if kind == Kind::DwConv { from[1] } else { 1 },
            operands: 1,
            channels: [0; 4],
            bits: 32,
            macs: 0,
            weights: u64::from(k * k * fan_in * to[1]),
            read: u64::from(from[0] * from[0] * from[1]),
            written: u64::from(to[0] * to[0] * to[1]),
            pooled: None,
        }
    }

    /// The terms that count something, as `name count`.
    pub(super) fn counts(terms: &[TermSpec], work: &Workload) -> String {
        let counts = terms.iter().map(|term| (term.name, term.count(work)));
        let counted = counts.filter(|(_, count)| *count != 0.0);
        counted.map(|(name, count)| format!("{name} {count:.6}\n")).collect()
    }
}
