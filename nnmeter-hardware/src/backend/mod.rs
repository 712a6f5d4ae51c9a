//! Backends: runtimes that execute a model on a device that is at hand, and measure it.
//!
//! What there is to implement, for a runtime in this process, behind a cable or on a board farm:
//!
//! - [`Backend`]: what is being measured ([`Identity`]), which metrics it has figures of, and
//!   sessions for models;
//! - [`Session`]: a model that is loaded and ready. A round of measuring gives raw samples; a
//!   runtime that can tell what it fused, and how long each kernel took, says so.
//!
//! A crate that has a backend registers it by name ([`Backends`]). Nothing here runs a model, picks
//! models to measure or fits anything: measured networks become a device by
//! [`fit`](crate::fit), as `nnmeter-hardware/examples/toy-device` shows from end to end.

mod identity;
mod measurement;
mod model;
mod options;
mod registry;
#[cfg(test)]
mod tests;

use std::fmt;

use crate::error::Result;
use crate::package::Metric;

pub use identity::{Identity, Timer};
pub use measurement::{Measurement, Sample};
pub use model::Model;
pub use options::Options;
pub use registry::Backends;

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

    /// Measures several models side by side, and gives a measurement, or what went wrong, for each.
    ///
    /// All sessions stay loaded and take turns round by round, so that a slow minute of the machine
    /// falls on all of them. A backend with several devices behind it does better by its own means.
    fn measure_all(&self, models: &[Model], rounds: usize) -> Vec<Result<Measurement>> {
        let prepare = |model| Ok((self.prepare(model)?, Measurement::default()));
        let mut sessions: Vec<Result<_>> = models.iter().map(prepare).collect();
        for _ in 0..rounds {
            for state in &mut sessions {
                if let Ok((session, measurement)) = state {
                    match Session::measure(&mut **session) {
                        Ok(round) => measurement.rounds.push(round),
                        Err(error) => *state = Err(error),
                    }
                }
            }
        }
        sessions.into_iter().map(|state| state.map(|(_, measurement)| measurement)).collect()
    }
}

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
