//! Fuzzes the reader of nn-Meter's graphs; the body is in `tests/corpus/targets.rs`.
#![no_main]

#[path = "../../tests/corpus/targets.rs"]
mod targets;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| targets::run("nn_meter_ir", bytes));
