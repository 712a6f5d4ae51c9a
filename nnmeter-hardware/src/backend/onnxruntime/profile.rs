//! The runtime's own profile: a session that writes down how long each kernel took.
//!
//! The profile is a file of trace events, `[{"cat": "Node", "name": "conv1_kernel_time", "dur": 12, "args":
//! {"op_name": "Conv", "node_index": "3", ...}}, ...]`, with whole microseconds. A kernel's name is that of the
//! node of the optimised graph, which is the name of the first operator in it with what the optimiser appends.

use std::collections::HashMap;

use ort::session::builder::SessionBuilder;
use serde::Deserialize;

use super::{Loaded, failed};
use crate::backend::{ExecutedKernel, Model, ProfiledKernel, Sample, Stopwatch};
use crate::error::{Error, ErrorKind, Result};
use crate::package::Metric;

/// How a name of an event ends that is about a kernel's execution.
const SUFFIX: &str = "_kernel_time";

#[derive(Deserialize)]
struct Event {
    #[serde(default)]
    cat: String,
    name: String,
    #[serde(default)]
    dur: f64,
    #[serde(default)]
    args: Arguments,
}

#[derive(Default, Deserialize)]
struct Arguments {
    #[serde(default)]
    op_name: String,
    #[serde(default)]
    node_index: String,
}

/// Profiles one round of a model.
pub(super) fn profile(
    builder: &SessionBuilder,
    model: &Model,
    bytes: &[u8],
    watch: Stopwatch,
) -> Result<Vec<ProfiledKernel>> {
    let io = |error: std::io::Error| Error::io("a temporary folder", &error);
    let folder = tempfile::tempdir().map_err(io)?;
    let builder = builder.clone().with_profiling(folder.path().join("profile")).map_err(failed)?;
    let mut loaded = Loaded::new(builder, model, bytes)?;
    watch.round(|| loaded.run())?;
    let file = loaded.session.end_profiling().map_err(failed)?;
    let text = std::fs::read(&file).map_err(|error| Error::io(&file, &error))?;
    kernels(&text)
}

/// The kernels of a profile, in order of execution, each with its figures.
fn kernels(text: &[u8]) -> Result<Vec<ProfiledKernel>> {
    let events: Vec<Event> = serde_json::from_slice(text).map_err(|error| {
        Error::new(ErrorKind::Backend, "ONNX Runtime's profile", error.to_string())
            .expected("a list of trace events")
    })?;
    let mut places: HashMap<(String, String), usize> = HashMap::new();
    let mut kernels: Vec<ProfiledKernel> = Vec::new();
    for event in events.into_iter().filter(|event| event.cat == "Node") {
        let Some(name) = event.name.strip_suffix(SUFFIX) else { continue };
        let place = *places.entry((event.args.node_index, name.to_owned())).or_insert_with(|| {
            let name = format!("{} {name}", event.args.op_name);
            let kernel = ExecutedKernel { name, nodes: Vec::new() };
            kernels.push(ProfiledKernel { kernel, samples: Vec::new() });
            kernels.len() - 1
        });
        let sample = Sample { metric: Metric::Latency, value: event.dur / 1e3 };
        kernels[place].samples.push(sample);
    }
    Ok(kernels)
}
