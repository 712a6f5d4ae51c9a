//! The backend `onnxruntime`: ONNX Runtime's CPU provider in this process.
//!
//! The library is loaded when the backend is opened, from the option `library` or the variable
//! `ORT_DYLIB_PATH`; `cargo xtask runtimes onnxruntime` fetches one. With one thread the runtime
//! computes on the thread that calls it, so that its processor time is what the model costs; with
//! several, time that passes is all there is.

mod inputs;
mod optimised;
mod profile;

use std::fmt;
use std::path::{Path, PathBuf};

use ort::environment::Environment;
use ort::session::builder::{GraphOptimizationLevel, SessionBuilder};
use ort::session::{IoBinding, Session as OrtSession};

use super::{
    Backend, ExecutedKernel, Identity, Model, Options, ProfiledKernel, Sample, Session, Stopwatch,
    machine,
};
use crate::device::{Precision, Runtime};
use crate::error::{Error, ErrorKind, Result};
use crate::package::Metric;

/// The variable that names the library.
const LIBRARY_VARIABLE: &str = "ORT_DYLIB_PATH";

/// ONNX Runtime on this machine.
pub(super) struct OnnxRuntime {
    environment: Environment,
    identity: Identity,
    set_up: SetUp,
}

/// How sessions are made.
#[derive(Clone, Copy)]
struct SetUp {
    threads: u32,
    level: Level,
    watch: Stopwatch,
}

/// How much of its graph the runtime optimises.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Level {
    All,
    Extended,
    Basic,
    None,
}

impl OnnxRuntime {
    /// Loads the library. A process has one: a second call with another one keeps the first.
    ///
    /// # Errors
    /// [`ErrorKind::Backend`] if there is no library that fits;
    /// [`ErrorKind::UnknownBackend`] or [`ErrorKind::BadData`] if the options are wrong.
    pub(super) fn open(options: &Options) -> Result<Self> {
        options.check_names(&["threads", "optimisation", "library", Stopwatch::OPTION])?;
        let threads: u32 = options.parse("threads", 1)?;
        let watch = Stopwatch::new(threads, options)?;
        let set_up = SetUp { threads, level: level(options)?, watch };
        let library = library(options)?;
        let environment = load(&library)?;
        environment.set_log_level(ort::logging::LogLevel::Error);
        let identity = Identity {
            chip: machine::chip(),
            clock: machine::clock(),
            threads,
            runtime: runtime(&library, ort::info()),
            precision: Precision::Fp32,
            timer: watch.timer(),
            options: options
                .iter()
                .filter(|(name, _)| !["threads", "library"].contains(name))
                .collect(),
        };
        Ok(Self { environment, identity, set_up })
    }

    fn builder(&self) -> Result<SessionBuilder> {
        let SetUp { threads, level, .. } = self.set_up;
        let level = match level {
            Level::All => GraphOptimizationLevel::All,
            Level::Extended => GraphOptimizationLevel::Level2,
            Level::Basic => GraphOptimizationLevel::Level1,
            Level::None => GraphOptimizationLevel::Disable,
        };
        let builder = OrtSession::builder(&self.environment).map_err(failed)?;
        let builder = builder.with_intra_threads(threads as usize).map_err(failed)?;
        let builder = builder.with_inter_threads(1).map_err(failed)?;
        builder.with_optimization_level(level).map_err(failed)
    }
}

impl fmt::Debug for OnnxRuntime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OnnxRuntime").field("identity", &self.identity).finish_non_exhaustive()
    }
}

fn level(options: &Options) -> Result<Level> {
    Ok(match options.get("optimisation").unwrap_or("all") {
        "all" => Level::All,
        "extended" => Level::Extended,
        "basic" => Level::Basic,
        "none" => Level::None,
        other => {
            let error =
                Error::new(ErrorKind::BadData, "option \"optimisation\"", format!("is {other:?}"));
            return Err(error.expected("all, extended, basic or none"));
        }
    })
}

fn library(options: &Options) -> Result<PathBuf> {
    let given = options.get("library").map(PathBuf::from);
    let path = given.or_else(|| std::env::var_os(LIBRARY_VARIABLE).map(PathBuf::from));
    path.ok_or_else(|| {
        Error::new(ErrorKind::Backend, "ONNX Runtime", "is not found")
            .expected(format!("its library in the option library or in ${LIBRARY_VARIABLE}"))
            .hint(FETCH)
    })
}

const FETCH: &str = "export ORT_DYLIB_PATH=\"$(cargo xtask runtimes onnxruntime)\"";

fn load(path: &Path) -> Result<Environment> {
    let cannot = |error: String| {
        Error::new(ErrorKind::Backend, "ONNX Runtime", format!("cannot be loaded ({error})"))
            .expected(format!("a library of ONNX Runtime at {}", path.display()))
            .hint(FETCH)
    };
    let builder = ort::init_from(path).map_err(|error| cannot(error.to_string()))?;
    builder.with_telemetry(false).build().map_err(|error| cannot(error.message().to_owned()))
}

/// The version by the name of the library's file (`libonnxruntime.so.1.32.0`), else by the branch
/// that it was built from; the build as it tells itself: `ORT Build Info: git-branch=rel-1.32.0,
/// git-commit-id=26250ae, build type=Release, ...`.
fn runtime(library: &Path, info: &str) -> Runtime {
    let fact = |name: &str| {
        let (_, rest) = info.split_once(name)?;
        rest.split([',', ' ']).next().filter(|value| !value.is_empty()).map(str::to_owned)
    };
    let branch = || fact("git-branch=")?.strip_prefix("rel-").map(str::to_owned);
    let version = file_version(library).or_else(branch).unwrap_or_else(|| "unknown".to_owned());
    let build = fact("git-commit-id=").map(|commit| format!("commit {commit}"));
    Runtime { build, ..Runtime::new("ONNX Runtime", &version) }
}

/// The numbers in the name of the file that `library` is, or is a link to.
fn file_version(library: &Path) -> Option<String> {
    let file = library.canonicalize().unwrap_or_else(|_| library.to_owned());
    let parts = file.file_name()?.to_str()?.split('.');
    let numbers: Vec<&str> = parts.filter(|part| part.parse::<u32>().is_ok()).collect();
    (numbers.len() > 1).then(|| numbers.join("."))
}

fn failed<R>(error: ort::Error<R>) -> Error {
    Error::new(ErrorKind::Backend, "ONNX Runtime", error.message().to_owned())
}

impl Backend for OnnxRuntime {
    fn identity(&self) -> &Identity {
        &self.identity
    }

    fn metrics(&self) -> &[Metric] {
        &[Metric::Latency]
    }

    fn prepare(&self, model: &Model) -> Result<Box<dyn Session>> {
        let bytes = model.onnx().map_err(|error| error.with_kind(ErrorKind::UnsupportedModel))?;
        let loaded = Loaded::new(self.builder()?, model, &bytes)?;
        let again = Again { builder: self.builder()?, model: model.clone() };
        Ok(Box::new(Ready { loaded, watch: self.set_up.watch, again }))
    }
}

/// A session with all that it reads and writes.
struct Loaded {
    session: OrtSession,
    binding: IoBinding,
}

impl Loaded {
    fn new(mut builder: SessionBuilder, model: &Model, bytes: &[u8]) -> Result<Self> {
        let within = |error: Error| error.within(format!("model {:?}", model.name()));
        let session = builder.commit_from_memory(bytes).map_err(failed);
        let session =
            session.map_err(|error| within(error.with_kind(ErrorKind::UnsupportedModel)))?;
        let binding = inputs::bind(&session, model).map_err(within)?;
        Ok(Self { session, binding })
    }

    fn run(&mut self) -> Result<()> {
        self.session.run_binding(&self.binding).map(drop).map_err(failed)
    }
}

/// What it takes to load the model once more, for the profiler.
struct Again {
    builder: SessionBuilder,
    model: Model,
}

/// A model that is loaded.
struct Ready {
    loaded: Loaded,
    watch: Stopwatch,
    again: Again,
}

impl Session for Ready {
    fn measure(&mut self) -> Result<Vec<Sample>> {
        let loaded = &mut self.loaded;
        self.watch.round(|| loaded.run())
    }

    fn kernels(&mut self) -> Result<Option<Vec<ExecutedKernel>>> {
        let Again { builder, model } = &self.again;
        optimised::kernels(builder, model, &profile::named(model)?).map(Some)
    }

    fn profile(&mut self) -> Result<Option<Vec<ProfiledKernel>>> {
        let Again { builder, model } = &self.again;
        profile::profile(builder, model, self.watch).map(Some)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_that_of_the_file() {
        let info = "ORT Build Info: git-branch=HEAD, git-commit-id=26250ae, build type=Release";
        let of = |library: &str| runtime(Path::new(library), info).to_string();
        assert_eq!(of("x/libonnxruntime.so.1.32.0"), "ONNX Runtime 1.32.0 (commit 26250ae)");
        assert_eq!(of("libonnxruntime.1.32.0.dylib"), "ONNX Runtime 1.32.0 (commit 26250ae)");
        assert_eq!(of("onnxruntime.dll"), "ONNX Runtime unknown (commit 26250ae)");
        let info = info.replace("HEAD", "rel-1.30.1");
        assert_eq!(runtime(Path::new("onnxruntime.dll"), &info).version, "1.30.1");
    }
}
