//! Features about the configuration of a kernel, all found at once: every kernel is held against
//! the bounds that its model has for them.

use super::Feature;
use crate::workload::Workload;

impl Feature {
    /// Place of a feature about the configuration in [`configuration`].
    pub(crate) fn place(self) -> Option<usize> {
        (self as usize).checked_sub(Feature::Batch as usize)
    }
}

/// Number of features about the configuration of a kernel, the last in [`Feature::ALL`].
pub(crate) const CONFIGURATION: usize = Feature::ALL.len() - Feature::Batch as usize;

/// All features about the configuration of a kernel at once, in their order.
pub(crate) fn configuration(work: &Workload) -> [f64; CONFIGURATION] {
    let [depth, height, width] = work.input;
    let [_, stride_y, stride_x] = work.stride;
    let [dilation_z, dilation_y, dilation_x] = work.dilation;
    [
        f64::from(work.batch),
        f64::from(depth),
        f64::from(height),
        f64::from(width),
        aspect(height, width),
        f64::from(work.cin),
        f64::from(work.cout),
        f64::from(work.cin % 8),
        f64::from(work.cout % 8),
        f64::from(work.cout) / f64::from(work.cin.max(1)),
        f64::from(work.window[1]),
        f64::from(work.window[2]),
        f64::from(stride_y.max(stride_x)),
        aspect(stride_y, stride_x),
        f64::from(dilation_z.max(dilation_y).max(dilation_x)),
        f64::from(work.groups),
        f64::from(work.operands),
        f64::from(work.bits),
    ]
}

fn aspect(a: u32, b: u32) -> f64 {
    f64::from(a.max(b)) / f64::from(a.min(b).max(1))
}
