//! The backend `openvino`: OpenVINO's CPU plugin in this process.
//!
//! With one thread and one stream it computes on the thread that calls it (there are other threads, but
//! they sleep), so that this thread's processor time is what the model costs; with several threads, time
//! that passes is all there is. Kernels compute with 32-bit floats: left to itself, the plugin rounds to 16
//! bits where the processor is fast at that. Threads are not bound to processors.

mod counters;
mod inputs;
mod library;
mod profile;

use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;

use openvino::{CompiledModel, Core, DeviceType, InferRequest, PropertyKey, RwPropertyKey};

use super::{
    Backend, ExecutedKernel, Identity, Model, Options, ProfiledKernel, Sample, Session, Stopwatch,
    machine,
};
use crate::device::Precision;
use crate::error::{Error, ErrorKind, Result};
use crate::package::Metric;

/// OpenVINO on this machine.
pub(super) struct OpenVino {
    core: Rc<RefCell<Core>>,
    identity: Identity,
    watch: Stopwatch,
}

impl OpenVino {
    /// Loads the library.
    ///
    /// # Errors
    /// [`ErrorKind::Backend`] if there is no library that fits;
    /// [`ErrorKind::UnknownBackend`] or [`ErrorKind::BadData`] if the options are wrong.
    pub(super) fn open(options: &Options) -> Result<Self> {
        options.check_names(&["threads", "library", Stopwatch::OPTION])?;
        let threads: u32 = options.parse("threads", 1)?;
        let watch = Stopwatch::new(threads, options)?;
        let mut core = library::load(options)?;
        for (key, value) in settings(threads) {
            core.set_property(&DeviceType::CPU, &key, &value).map_err(failed)?;
        }
        let identity = Identity {
            chip: machine::chip(),
            clock: machine::clock(),
            threads,
            runtime: library::runtime(&openvino::version().build_number),
            precision: Precision::Fp32,
            timer: watch.timer(),
            options: options
                .iter()
                .filter(|(name, _)| !["threads", "library"].contains(name))
                .collect(),
        };
        Ok(Self { core: Rc::new(RefCell::new(core)), identity, watch })
    }
}

/// How the plugin is set up for each model.
fn settings(threads: u32) -> [(RwPropertyKey, String); 4] {
    [
        (RwPropertyKey::InferenceNumThreads, threads.to_string()),
        (RwPropertyKey::NumStreams, "1".to_owned()),
        (RwPropertyKey::HintInferencePrecision, PRECISION.to_owned()),
        (RwPropertyKey::HintEnableCpuPinning, "NO".to_owned()),
    ]
}

/// The format of numbers, as the plugin calls it.
const PRECISION: &str = "f32";

impl fmt::Debug for OpenVino {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenVino").field("identity", &self.identity).finish_non_exhaustive()
    }
}

fn failed(error: impl fmt::Display) -> Error {
    let told = error.to_string();
    let lines = told.lines().map(str::trim).filter(|line| !line.is_empty());
    Error::new(ErrorKind::Backend, "OpenVINO", lines.collect::<Vec<_>>().join("; "))
}

impl Backend for OpenVino {
    fn identity(&self) -> &Identity {
        &self.identity
    }

    fn metrics(&self) -> &[Metric] {
        &[Metric::Latency]
    }

    fn prepare(&self, model: &Model) -> Result<Box<dyn Session>> {
        let bytes = model.onnx().map_err(|error| error.with_kind(ErrorKind::UnsupportedModel))?;
        let request = load(&mut self.core.borrow_mut(), model, &bytes, false)?;
        let (core, model, watch) = (Rc::clone(&self.core), model.clone(), self.watch);
        Ok(Box::new(Ready { request, core, model, watch }))
    }
}

/// A request to run a model, with data for all that it reads; `counting` how long each node takes, or not.
fn load(core: &mut Core, model: &Model, bytes: &[u8], counting: bool) -> Result<InferRequest> {
    let within = |error: Error| error.within(format!("model {:?}", model.name()));
    let compiled = compile(core, model, bytes, counting);
    let mut compiled =
        compiled.map_err(|error| within(error.with_kind(ErrorKind::UnsupportedModel)))?;
    check_precision(&compiled).map_err(within)?;
    inputs::request(&mut compiled).map_err(within)
}

fn compile(core: &mut Core, model: &Model, bytes: &[u8], counting: bool) -> Result<CompiledModel> {
    let counting = if counting { "YES" } else { "NO" };
    let counters = core.set_property(&DeviceType::CPU, &RwPropertyKey::EnableProfiling, counting);
    counters.map_err(failed)?;
    let mut network = core.read_model_from_buffer(bytes, None).map_err(failed)?;
    if network.is_dynamic() {
        inputs::fix_extents(&mut network, model)?;
    }
    core.compile_model(&network, DeviceType::CPU).map_err(failed)
}

/// Refuses a model that would be computed with other numbers than the identity says.
fn check_precision(compiled: &CompiledModel) -> Result<()> {
    let key = PropertyKey::Rw(RwPropertyKey::HintInferencePrecision);
    let precision = compiled.get_property(&key).map_err(failed)?;
    if precision == PRECISION {
        return Ok(());
    }
    let found = format!("computes with {precision}");
    Err(Error::new(ErrorKind::Backend, "OpenVINO", found).expected(PRECISION))
}

/// A model that is loaded.
struct Ready {
    request: InferRequest,
    core: Rc<RefCell<Core>>,
    model: Model,
    watch: Stopwatch,
}

impl Session for Ready {
    fn measure(&mut self) -> Result<Vec<Sample>> {
        let request = &mut self.request;
        self.watch.round(|| request.infer().map_err(failed))
    }

    fn kernels(&mut self) -> Result<Option<Vec<ExecutedKernel>>> {
        profile::kernels(&mut self.core.borrow_mut(), &self.model).map(Some)
    }

    fn profile(&mut self) -> Result<Option<Vec<ProfiledKernel>>> {
        profile::profile(&mut self.core.borrow_mut(), &self.model, self.watch).map(Some)
    }
}
