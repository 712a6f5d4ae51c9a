//! What a CPU's packed, blocked matrix product executes: extents padded to its blocks (8 x 8 for
//! the product, 4 channels for packing and depthwise vectors, as in ruy and TFLite's NEON kernels).

use super::{Count, padded, product};
use crate::workload::Workload;

/// Floats that fit the second-level cache of a Cortex-A76 (512 KiB).
const L2_ELEMENTS: u64 = 131_072;

/// Multiply-accumulates of a convolution: result channels (of each group) padded to 8, and output
/// points padded to 8 unless there is but one.
pub(super) fn macs(work: &Workload) -> Count {
    let groups = work.groups.max(1);
    let points = work.output_points();
    let rows = if points > 1 { padded(points, 8) } else { points };
    let columns = product([padded(work.cout / groups, 8), u64::from(groups)]);
    product([work.window_area(), u64::from(work.cin / groups), columns, rows])
}

/// Elements of the patch matrix: window x input channels padded to 4 x output points.
pub(super) fn patches(work: &Workload) -> Count {
    product([work.window_area(), padded(work.cin, 4), work.output_points()])
}

/// Of [`patches`], what exceeds the cache.
pub(super) fn patches_spilled(work: &Workload) -> Count {
    patches(work).saturating_sub(L2_ELEMENTS)
}

/// Multiply-accumulates of a depthwise convolution in vectors of 4 channels.
pub(super) fn vector_macs(work: &Workload) -> Count {
    product([work.window_area(), work.output_points(), padded(work.cout, 4)])
}
