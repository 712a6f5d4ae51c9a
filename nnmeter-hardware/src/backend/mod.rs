//! Backends: runtimes that execute a model on a device that is at hand, and measure it.
//!
//! What there is to implement, for a runtime in this process, behind a cable or on a board farm:
//!
//! - [`Backend`]: what is being measured ([`Identity`]), which metrics it has figures of, and
//!   sessions for models;
//! - [`Session`]: a model that is loaded and ready. A round of measuring gives raw samples; a
//!   runtime that can tell what it fused, and how long each kernel took, says so.
//!
//! A crate that has a backend registers it by name ([`Backends`]); those of this crate are there from
//! the start. Rounds are taken by [`measure`](crate::measure), and measured networks become a device by
//! [`fit`](crate::fit), as `nnmeter-hardware/examples/toy-device` shows from end to end.

#[cfg(any(feature = "onnxruntime", feature = "openvino", feature = "tract", test))]
mod attribution;
mod command;
mod identity;
mod machine;
mod measurement;
mod model;
#[cfg(feature = "onnxruntime")]
mod onnxruntime;
#[cfg(feature = "openvino")]
mod openvino;
mod options;
mod registry;
mod stopwatch;
#[cfg(test)]
mod tests;
#[cfg(feature = "tract")]
mod tract;

use std::fmt;

use crate::error::Result;
use crate::package::Metric;

pub use command::Command;
pub(crate) use identity::{Difference, difference};
pub use identity::{Identity, Timer};
pub use machine::{chip, clock};
pub use measurement::{Measurement, Sample};
pub use model::Model;
pub use options::Options;
pub use registry::Backends;
pub use stopwatch::Stopwatch;

/// What lists say of a backend, and how it is opened.
type Offer = (&'static str, fn(&Options) -> Result<Box<dyn Backend>>);

const ONNXRUNTIME_ABOUT: &str = "ONNX Runtime on this processor; threads=1, optimisation=all (or \
    extended, basic, none), round_ms=8, library=PATH (else $ORT_DYLIB_PATH)";
#[cfg(feature = "onnxruntime")]
const ONNXRUNTIME: Offer =
    (ONNXRUNTIME_ABOUT, |options| Ok(Box::new(onnxruntime::OnnxRuntime::open(options)?)));
#[cfg(not(feature = "onnxruntime"))]
const ONNXRUNTIME: Offer = (ONNXRUNTIME_ABOUT, |_| Err(not_built("onnxruntime")));

const OPENVINO_ABOUT: &str = "OpenVINO on this processor, with 32-bit floats; threads=1, \
    round_ms=8, library=PATH (else $OPENVINO_LIB_PATH, or where it is installed)";
#[cfg(feature = "openvino")]
const OPENVINO: Offer =
    (OPENVINO_ABOUT, |options| Ok(Box::new(openvino::OpenVino::open(options)?)));
#[cfg(not(feature = "openvino"))]
const OPENVINO: Offer = (OPENVINO_ABOUT, |_| Err(not_built("openvino")));

const TRACT_ABOUT: &str = "tract, a runtime in Rust, on one thread of this processor; round_ms=8";
#[cfg(feature = "tract")]
const TRACT: Offer = (TRACT_ABOUT, |options| Ok(Box::new(tract::Tract::open(options)?)));
#[cfg(not(feature = "tract"))]
const TRACT: Offer = (TRACT_ABOUT, |_| Err(not_built("tract")));

#[cfg(not(all(feature = "onnxruntime", feature = "openvino", feature = "tract")))]
fn not_built(name: &str) -> crate::error::Error {
    let subject = format!("backend {name:?}");
    crate::error::Error::new(crate::error::ErrorKind::Backend, subject, "is not in this build")
        .hint(format!(
            "build with the feature: cargo install --path . --features {name}; or name another \
             (--backend): `nnmeter backends` lists all"
        ))
}

/// A runtime on a device.
pub trait Backend: fmt::Debug {
    /// What figures of this backend are figures of.
    fn identity(&self) -> &Identity;

    /// The metrics that each round of a session samples.
    fn metrics(&self) -> &[Metric];

    /// Loads a model.
    ///
    /// # Errors
    /// [`ErrorKind::UnsupportedModel`](crate::error::ErrorKind::UnsupportedModel) if the runtime
    /// cannot run it, [`ErrorKind::Backend`](crate::error::ErrorKind::Backend) if the runtime fails.
    fn prepare(&self, model: &Model) -> Result<Box<dyn Session>>;

    /// Measures several models side by side, each as many rounds as its [`Job`] says, and hands over
    /// what each round gave with the job's index; after an error, a job has no further rounds.
    ///
    /// All sessions stay loaded and take turns round by round, so that a slow minute of the machine
    /// falls on all of them. A backend with several devices behind it does better by its own means.
    ///
    /// # Errors
    /// Only those of `sink`; they end the measuring.
    fn measure_rounds(&self, jobs: &[Job<'_>], sink: &mut Sink<'_>) -> Result<()> {
        let mut sessions: Vec<Option<Box<dyn Session>>> = Vec::with_capacity(jobs.len());
        for (index, job) in jobs.iter().enumerate() {
            match self.prepare(job.model) {
                Ok(session) => sessions.push(Some(session)),
                Err(error) => {
                    sink(index, Err(error))?;
                    sessions.push(None);
                }
            }
        }
        let most = jobs.iter().map(|job| job.rounds).max().unwrap_or(0);
        for round in 0..most {
            for (index, (job, slot)) in jobs.iter().zip(&mut sessions).enumerate() {
                let Some(session) = slot.as_mut().filter(|_| round < job.rounds) else { continue };
                let samples = session.measure();
                if samples.is_err() {
                    *slot = None;
                }
                sink(index, samples)?;
            }
        }
        Ok(())
    }
}

/// A model to be measured.
#[derive(Clone, Copy, Debug)]
pub struct Job<'a> {
    /// The model.
    pub model: &'a Model,
    /// How many rounds.
    pub rounds: usize,
}

/// What takes the samples of each round as they come, with the index of the job they are of.
pub type Sink<'a> = dyn FnMut(usize, Result<Vec<Sample>>) -> Result<()> + 'a;

/// A model that a runtime has loaded.
pub trait Session {
    /// Measures one round: runs the model as often as makes a figure (some milliseconds in all),
    /// and returns every figure, each the cost of one run.
    ///
    /// # Errors
    /// [`ErrorKind::Backend`](crate::error::ErrorKind::Backend) if the runtime fails.
    fn measure(&mut self) -> Result<Vec<Sample>>;

    /// The kernels that the runtime made of the model, in order of execution; `None` where it does
    /// not tell.
    ///
    /// # Errors
    /// As for [`Session::measure`].
    fn kernels(&mut self) -> Result<Option<Vec<ExecutedKernel>>> {
        Ok(None)
    }

    /// A round with a figure for each kernel of one run or more, as the runtime's own profiler has
    /// it; `None` where there is none. Profiling may slow the model down as a whole.
    ///
    /// # Errors
    /// As for [`Session::measure`].
    fn profile(&mut self) -> Result<Option<Vec<ProfiledKernel>>> {
        Ok(None)
    }
}

/// A kernel that a runtime executes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExecutedKernel {
    /// What the runtime calls it.
    pub name: String,
    /// The operators of the model that it executes, by name; none for what the runtime put in
    /// itself, such as a change of layout.
    pub nodes: Vec<String>,
}

/// A kernel with its cost.
#[derive(Clone, Debug, PartialEq)]
pub struct ProfiledKernel {
    /// The kernel.
    pub kernel: ExecutedKernel,
    /// Its figures, each of one run.
    pub samples: Vec<Sample>,
}
