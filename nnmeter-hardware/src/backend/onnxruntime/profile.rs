//! The runtime's own profile: a session that writes down how long each kernel took.
//!
//! The profile is a file of trace events, `[{"cat": "Node", "name": "conv1_kernel_time", "dur": 12, "args":
//! {"op_name": "Conv", "node_index": "3", ...}}, ...]`, with whole microseconds. What is profiled is the graph
//! as nnmeter writes it, if it can: there values are named as the nodes they come from, and the runtime
//! names kernels after either.

use std::collections::HashMap;

use bytes::Bytes;
use nnmeter_core::export;
use ort::session::builder::SessionBuilder;
use serde::Deserialize;

use super::{Loaded, failed, optimised};
use crate::backend::attribution::{self, Named};
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
    watch: Stopwatch,
) -> Result<Vec<ProfiledKernel>> {
    let io = |error: std::io::Error| Error::io("a temporary folder", &error);
    let folder = tempfile::tempdir().map_err(io)?;
    let builder = builder.clone().with_profiling(folder.path().join("profile")).map_err(failed)?;
    let graph = folder.path().join("optimised.onnx");
    let builder = builder.with_optimized_model_path(&graph).map_err(failed)?;
    let mut loaded = Loaded::new(builder, model, &named(model)?)?;
    watch.round(|| loaded.run())?;
    let file = loaded.session.end_profiling().map_err(failed)?;
    let text = std::fs::read(&file).map_err(|error| Error::io(&file, &error))?;
    let (names, mut kernels) = kernels(&text)?;
    let mut aliases = optimised::aliases(&graph)?;
    let all = |name: String| aliases.remove(&name).unwrap_or_else(|| vec![name]);
    let names: Vec<_> = names.into_iter().map(all).collect();
    let operators = attribution::operators(model.graph(), &names, Named::AfterFirst);
    for (kernel, nodes) in kernels.iter_mut().zip(operators) {
        kernel.kernel.nodes = nodes;
    }
    Ok(kernels)
}

/// The model such that values are named as the nodes they come from, if that can be.
pub(super) fn named(model: &Model) -> Result<Bytes> {
    export::onnx::write(model.graph()).or_else(|_| model.onnx())
}

/// The kernels of a profile, in order of execution, by name and with their figures.
fn kernels(text: &[u8]) -> Result<(Vec<String>, Vec<ProfiledKernel>)> {
    let events: Vec<Event> = serde_json::from_slice(text).map_err(|error| {
        Error::new(ErrorKind::Backend, "ONNX Runtime's profile", error.to_string())
            .expected("a list of trace events")
    })?;
    let mut places: HashMap<(String, String), usize> = HashMap::new();
    let (mut names, mut kernels) = (Vec::new(), Vec::<ProfiledKernel>::new());
    for event in events.into_iter().filter(|event| event.cat == "Node") {
        let Some(name) = event.name.strip_suffix(SUFFIX) else { continue };
        let place = *places.entry((event.args.node_index, name.to_owned())).or_insert_with(|| {
            names.push(name.to_owned());
            let name = format!("{} {name}", event.args.op_name);
            let kernel = ExecutedKernel { name, nodes: Vec::new() };
            kernels.push(ProfiledKernel { kernel, samples: Vec::new() });
            kernels.len() - 1
        });
        let sample = Sample { metric: Metric::Latency, value: event.dur / 1e3 };
        kernels[place].samples.push(sample);
    }
    Ok((names, kernels))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_is_read_kernel_by_kernel() {
        let text = br#"[{"cat": "Session", "name": "model_run", "dur": 9},
            {"cat": "Node", "name": "a_kernel_time", "dur": 4, "args": {"op_name": "Conv", "node_index": "1"}},
            {"cat": "Node", "name": "b_kernel_time", "dur": 2, "args": {"op_name": "Add", "node_index": "2"}},
            {"cat": "Node", "name": "a_kernel_time", "dur": 3, "args": {"op_name": "Conv", "node_index": "1"}}]"#;
        let (names, kernels) = kernels(text).expect("a profile");
        assert_eq!(names, ["a", "b"]);
        assert_eq!(kernels[0].kernel.name, "Conv a");
        let values: Vec<f64> = kernels[0].samples.iter().map(|sample| sample.value).collect();
        assert_eq!(values, [0.004, 0.003]);
        assert!(super::kernels(b"[{]").is_err());
    }
}
