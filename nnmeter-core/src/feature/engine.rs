//! What a Myriad X vision processor moves and executes. Tensors lie in memory row by row, rows padded
//! to 8 elements; how convolutions are cut into tiles is the business of [`myriad`](crate::myriad).

use super::{Count, Examined, padded, product};
use crate::workload::{Extents, Workload};

/// Elements that rows are padded to.
const LINE: u64 = 8;
/// Bytes of an element.
const BYTES: u64 = 2;
/// Bytes of fast memory for results.
const RESULT_MEMORY: u64 = 576 * 1024;
/// `log2` of the most input channels that the engine takes at a time.
const BY_16: u64 = 4;

/// Elements of the first operand, rows padded.
pub(super) fn read(work: &Workload) -> Count {
    lines(work, work.input, work.cin)
}

/// Elements of the result, rows padded.
pub(super) fn written(work: &Workload) -> Count {
    lines(work, work.output, work.cout)
}

fn lines(work: &Workload, [depth, height, width]: Extents, channels: u32) -> Count {
    let rows = product([work.batch, depth, height, channels]);
    product([rows, padded(width, LINE)])
}

/// Window elements x elements of the result, rows padded.
pub(super) fn window_elements(work: &Workload) -> Count {
    product([work.window_area(), written(work)])
}

/// Elements of the first operand or of the result.
pub(super) fn larger(work: &Workload) -> Count {
    let elements = |[depth, height, width]: Extents, channels| {
        product([work.batch, depth, height, width, channels])
    };
    elements(work.input, work.cin).max(elements(work.output, work.cout))
}

/// Whether rows are padded by an odd number: the engine pads both sides alike.
pub(super) fn lopsided_padding(work: &Workload) -> Count {
    let ([_, input, _], [_, output, _]) = (work.input, work.output);
    let swept = product([output.saturating_sub(1), work.stride[1]]);
    swept.saturating_add(u64::from(work.window[1])).saturating_sub(u64::from(input)) % 2
}

pub(super) fn lopsided_parts(work: &Examined<'_>) -> Count {
    product([lopsided_padding(work.workload()), work.tiling().parts])
}

pub(super) fn cycles_by_16(work: &Examined<'_>) -> Count {
    let tiling = work.tiling();
    if tiling.mode == BY_16 { tiling.cycles } else { 0 }
}

pub(super) fn descriptor_rows(work: &Examined<'_>) -> Count {
    let [depth, rows, _] = work.workload().output;
    product([work.tiling().descriptors, product([depth, rows])])
}

pub(super) fn reloads(work: &Examined<'_>) -> Count {
    let tiling = work.tiling();
    if tiling.plane_tiles > 1 { tiling.coefficients } else { 0 }
}

pub(super) fn partial_sums_spilled(work: &Examined<'_>) -> Count {
    let spills = product([BYTES, written(work.workload())]) > RESULT_MEMORY / 2;
    if spills { work.tiling().partial_sums } else { 0 }
}

pub(super) fn software_macs(work: &Examined<'_>) -> Count {
    if work.tiling().in_software { work.workload().macs } else { 0 }
}

pub(super) fn part_points(work: &Examined<'_>) -> Count {
    product([work.tiling().parts, work.workload().output_points()])
}
