//! OpenVINO's counters of time: how long each node of a compiled network took, by the C library.
//!
//! The safe crate leaves this one call out. A counter is the mean over all runs so far in whole
//! microseconds, each run cut to whole microseconds itself. The first run of a network makes machine code and
//! touches memory, so it counts for nothing; sums of what comes after it are known to within a microsecond a
//! run, as long as the number of runs is doubled from one reading to the next.

use std::ffi::{CStr, c_char};

use openvino::{InferRequest, InferenceError};
use openvino_sys::{
    ov_get_last_err_msg, ov_infer_request_get_profiling_info, ov_infer_request_t,
    ov_profiling_info_list_free, ov_profiling_info_list_t,
};

/// A node of the compiled network, or an operator that was fused into the node before it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Counter {
    /// What the runtime calls it.
    pub(super) name: String,
    /// Its operator, as the runtime has it: `Convolution`, `Subgraph`, `Reorder`.
    pub(super) kind: String,
    /// How it is executed: `brgconv_avx512_f32`; `undef` for what was fused.
    pub(super) primitive: String,
    /// Mean of all runs so far, in whole microseconds.
    pub(super) mean_us: u32,
}

// The crate keeps the pointer that the call takes to itself. A struct of one field lies where the field
// lies; that it has no other is checked here, and the version of the crate is fixed in Cargo.toml.
const _: () = assert!(size_of::<InferRequest>() == size_of::<*mut ov_infer_request_t>());
const _: () = assert!(align_of::<InferRequest>() == align_of::<*mut ov_infer_request_t>());

/// The counters of a request, in order of execution.
///
/// # Errors
/// If its network was compiled without them.
#[expect(unsafe_code, reason = "a call that the safe crate lacks")]
pub(super) fn read(request: &mut InferRequest) -> Result<Vec<Counter>, InferenceError> {
    let mut list = ov_profiling_info_list_t { profiling_infos: std::ptr::null_mut(), size: 0 };
    // SAFETY: the pointer is that of a live request (above), which nobody else uses meanwhile; the list
    // is written by the call and freed once.
    unsafe {
        let pointer = *std::ptr::from_mut(request).cast::<*mut ov_infer_request_t>();
        let status = ov_infer_request_get_profiling_info(pointer, &raw mut list);
        InferenceError::convert(status, text(ov_get_last_err_msg()))?;
        let infos: &[_] = match list.profiling_infos.is_null() {
            true => &[],
            false => std::slice::from_raw_parts(list.profiling_infos, list.size),
        };
        let counter = |info: &openvino_sys::ov_profiling_info_t| Counter {
            name: text(info.node_name).unwrap_or_default(),
            kind: text(info.node_type).unwrap_or_default(),
            primitive: text(info.exec_type).unwrap_or_default(),
            mean_us: u32::try_from(info.real_time).unwrap_or(0),
        };
        let counters = infos.iter().map(counter).collect();
        ov_profiling_info_list_free(&raw mut list);
        Ok(counters)
    }
}

/// A string of the library's, if there is one.
///
/// # Safety
/// `pointer` is null, or points to a string that ends in a zero byte.
#[expect(unsafe_code, reason = "strings of a C library")]
unsafe fn text(pointer: *const c_char) -> Option<String> {
    // SAFETY: as the caller promises.
    let text = (!pointer.is_null()).then(|| unsafe { CStr::from_ptr(pointer) });
    text.map(|text| text.to_string_lossy().into_owned())
}

/// How long one run took in the mean between two readings of a counter, each with the number of runs it is the
/// mean of, in microseconds.
pub(super) fn between((mean_before, before): (u32, u32), (mean_after, after): (u32, u32)) -> f64 {
    // A mean stands for a sum that is up to `runs - 1` larger, and each run for up to one more.
    let sum = |mean, runs| f64::from(mean) * f64::from(runs) + f64::from(runs - 1) / 2.0;
    let sum = sum(mean_after, after) - sum(mean_before, before);
    sum.max(0.0) / f64::from(after - before) + 0.5
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a counter reads after runs of these microseconds.
    fn mean(runs: &[f64]) -> (u32, u32) {
        let whole: u32 = runs.iter().map(|&run| run as u32).sum();
        (whole / runs.len() as u32, runs.len() as u32)
    }

    #[test]
    fn what_came_between_is_known_to_a_microsecond_or_two() {
        for length in [0.0, 0.4, 3.9, 17.2, 1234.5] {
            let runs = [&[80_000.7][..], &[length; 31]].concat();
            for (before, after) in [(1, 2), (2, 4), (4, 8), (8, 16), (16, 32)] {
                let found = between(mean(&runs[..before]), mean(&runs[..after]));
                assert!(
                    (found - length).abs() <= 2.0,
                    "{length}: {found} between {before}, {after}"
                );
            }
        }
    }
}
