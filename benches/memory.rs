//! Peak memory of the command line on one model.
//!
//! A program of its own because a child inherits the peak of its parent until it has started.

#![allow(clippy::print_stdout, reason = "a bench prints its figure")]

use std::process::{Command, Stdio};

fn main() {
    for model in ["mobilenet_v2", "efficientnet_b0", "vgg16"] {
        let file = format!("{}/tests/models/{model}.onnx", env!("CARGO_MANIFEST_DIR"));
        let mut command = Command::new(env!("CARGO_BIN_EXE_nnmeter"));
        command.args(["predict", &file, "-d", "cortexA76cpu_tflite21", "--allow-uncovered"]);
        println!("{model}: peak memory {:.1} MB", peak_memory(command.stdout(Stdio::null())) / 1e6);
    }
}

/// Peak resident memory of a run of `command`, in bytes.
#[allow(clippy::zombie_processes, reason = "`wait4` waits for it")]
fn peak_memory(command: &mut Command) -> f64 {
    let child = command.spawn().expect("a run");
    let (mut status, pid) = (0, child.id() as libc::pid_t);
    // SAFETY: all zeros is a valid `rusage`, and `wait4` writes to the two places it is given.
    #[allow(unsafe_code)]
    let usage = unsafe {
        let mut usage: libc::rusage = std::mem::zeroed();
        assert_eq!(libc::wait4(pid, &raw mut status, 0, &raw mut usage), pid);
        usage
    };
    assert_eq!(status, 0, "the run succeeds");
    usage.ru_maxrss as f64 * 1024.0
}
