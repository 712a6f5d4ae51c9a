//! The kernels of a compiled network, as the plugin counts their time: what each executes, how long it took.
//!
//! Counters come in order of execution; an operator that was fused into a node's code follows it. What was fused
//! before, while the network was made simpler, has no counter: the node then goes by the name of the last of
//! its operators, but for biases. So that batch normalisations keep their names in convolutions that they are
//! folded into, what is profiled is the graph as nnmeter writes it, where they are a product and a sum.

use std::time::Instant;

use nnmeter_core::export;
use openvino::{Core, InferRequest};

use super::counters::{self, Counter};
use super::{failed, load};
use crate::backend::attribution::{self, Named};
use crate::backend::{ExecutedKernel, Model, ProfiledKernel, Sample, Stopwatch};
use crate::error::Result;
use crate::package::Metric;

/// The plugin's word for how an operator is executed that was fused into the node before it.
const FUSED: &str = "undef";
/// How the plugin's words begin for how a node is executed that does nothing.
const NOTHING: &str = "unknown";
/// The plugin's own changes of layout, which it names after both ends.
const REORDER: &str = "Reorder";

/// The kernels of a model.
pub(super) fn kernels(core: &mut Core, model: &Model) -> Result<Vec<ExecutedKernel>> {
    let mut request = counting(core, model)?;
    request.infer().map_err(failed)?;
    let nodes = nodes(counters::read(&mut request).map_err(failed)?);
    Ok(executed(model, &nodes))
}

/// Profiles one round of a model, three runs at least. Figures are means of 1, 2, 4, 8... runs.
pub(super) fn profile(
    core: &mut Core,
    model: &Model,
    watch: Stopwatch,
) -> Result<Vec<ProfiledKernel>> {
    let mut request = counting(core, model)?;
    request.infer().map_err(failed)?;
    let mut before = nodes(counters::read(&mut request).map_err(failed)?);
    let kernels = executed(model, &before).into_iter();
    let mut profiled: Vec<ProfiledKernel> =
        kernels.map(|kernel| ProfiledKernel { kernel, samples: Vec::new() }).collect();
    let (mut runs, begin) = (1, Instant::now());
    while runs < 4 || begin.elapsed() < watch.length() {
        for _ in 0..runs {
            request.infer().map_err(failed)?;
        }
        let after = nodes(counters::read(&mut request).map_err(failed)?);
        for (kernel, (before, after)) in profiled.iter_mut().zip(before.iter().zip(&after)) {
            kernel.samples.push(before.sample(after, runs));
        }
        (before, runs) = (after, 2 * runs);
    }
    Ok(profiled)
}

fn counting(core: &mut Core, model: &Model) -> Result<InferRequest> {
    let bytes = export::onnx::write_unfolded(model.graph()).or_else(|_| model.onnx())?;
    load(core, model, &bytes, true)
}

/// A node that is executed, with the operators that the plugin fused into its code.
struct Node {
    counter: Counter,
    fused: Vec<String>,
}

impl Node {
    /// What one run took in the mean from this reading on, `runs` having been done, to the later one after
    /// as many again.
    fn sample(&self, later: &Self, runs: u32) -> Sample {
        let us = match self.counter.primitive.starts_with(NOTHING) {
            true => 0.0,
            false => {
                let (before, after) = (self.counter.mean_us, later.counter.mean_us);
                counters::between((before, runs), (after, 2 * runs))
            }
        };
        Sample { metric: Metric::Latency, value: us / 1e3 }
    }

    /// The names of operators that it may be called after.
    fn names(&self) -> Vec<String> {
        let own = (self.counter.kind != REORDER).then(|| self.counter.name.clone());
        own.into_iter().chain(self.fused.iter().cloned()).collect()
    }
}

/// What is executed, of all that is counted: not the network's own inputs, outputs and constants.
fn nodes(counters: Vec<Counter>) -> Vec<Node> {
    let mut nodes: Vec<Node> = Vec::new();
    for counter in counters {
        match (counter.kind.as_str(), nodes.last_mut()) {
            ("Parameter" | "Result" | "Constant", _) => {}
            (_, Some(node)) if counter.primitive == FUSED => node.fused.push(counter.name),
            _ => nodes.push(Node { counter, fused: Vec::new() }),
        }
    }
    nodes
}

fn executed(model: &Model, nodes: &[Node]) -> Vec<ExecutedKernel> {
    let names: Vec<Vec<String>> = nodes.iter().map(Node::names).collect();
    let operators = attribution::operators(model.graph(), &names, Named::AfterLast);
    let kernel = |(node, nodes): (&Node, Vec<String>)| {
        let name = format!("{} {}", node.counter.kind, node.counter.name);
        ExecutedKernel { name, nodes }
    };
    nodes.iter().zip(operators).map(kernel).collect()
}
