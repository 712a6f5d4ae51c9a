//! `nnmeter explain`: which rule fused which operators, and why a neighbour did not fuse.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use nnmeter_core::detect::Kernel;
use nnmeter_core::detect::explain::{Decision, explain};
use nnmeter_core::graph::NodeId;
use nnmeter_core::rules::FusionRules;
use nnmeter_core::typed::TypedGraph;
use serde_json::{Value, json};

use crate::failure::Usage;
use crate::models::ReadArgs;

/// Show how a model's operators fuse into kernels, and why.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  nnmeter explain model.onnx --device cortexA76cpu_tflite21
  nnmeter explain model.onnx --device cortexA76cpu_tflite21 --node /layer1/conv1/Conv
  nnmeter explain model.onnx --rules my_rules.json --node '#12'")]
pub(crate) struct Args {
    /// The model file, or - for standard input.
    file: PathBuf,

    /// The device whose fusion rules apply.
    #[arg(long, short, value_name = "NAME", required_unless_present = "rules")]
    device: Option<String>,

    /// A rule file in nn-Meter's format instead of a device's.
    #[arg(long, value_name = "FILE", conflicts_with = "device")]
    rules: Option<PathBuf>,

    /// Only the kernels of this node and its neighbours: its name, or #INDEX.
    #[arg(long, value_name = "N")]
    node: Option<String>,

    /// Print one JSON object a kernel.
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    read: ReadArgs,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let rules = rules(args)?;
    let graph = args.read.load(&args.file).with_context(|| args.file.display().to_string())?;
    let wanted = args.node.as_deref().map(|node| find(&graph, node)).transpose()?;
    let (detection, decisions) = explain(&graph, &rules);
    let view = View { graph: &graph, decisions: &decisions };
    let mut out = std::io::stdout().lock();
    for kernel in detection.kernels() {
        if wanted.as_ref().is_none_or(|ids| ids.iter().any(|id| kernel.nodes().contains(id))) {
            if args.json {
                writeln!(out, "{}", view.json(kernel))?;
            } else {
                write!(out, "{}", view.text(kernel))?;
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn rules(args: &Args) -> anyhow::Result<FusionRules> {
    if let Some(path) = &args.rules {
        let named = || path.display().to_string();
        let bytes = std::fs::read(path).with_context(named)?;
        return FusionRules::from_json(&bytes).with_context(named);
    }
    let device = crate::device::open(args.device.as_deref().unwrap_or_default())?;
    Ok(device.rules().clone())
}

/// The nodes called `wanted`, or the one with that index.
fn find(graph: &TypedGraph, wanted: &str) -> anyhow::Result<Vec<NodeId>> {
    let nodes = graph.order().iter().copied().filter(|&id| graph.is_op(id));
    let by_index = wanted.strip_prefix('#').and_then(|index| index.parse::<usize>().ok());
    let found: Vec<NodeId> = nodes
        .filter(|&id| match by_index {
            Some(index) => id.index() == index,
            None => &*graph.graph().node(id).name == wanted,
        })
        .collect();
    if found.is_empty() {
        let text = format!(
            "node \"{wanted}\": is not an operator of the model; expected a name or #INDEX as \
             `nnmeter explain` without --node lists them"
        );
        return Err(Usage(text).into());
    }
    Ok(found)
}

struct View<'a> {
    graph: &'a TypedGraph,
    decisions: &'a [Decision],
}

impl View<'_> {
    fn text(&self, kernel: Kernel<'_>) -> String {
        let mut text = format!("{}\n", kernel.name());
        for unit in kernel.units() {
            let block = match kernel.nodes_of(unit).len() {
                1 => String::new(),
                _ => format!(" of a block: {}", unit.kind),
            };
            for &id in kernel.nodes_of(unit) {
                let op = self.graph.graph().node(id).op.name();
                text.push_str(&format!("  {} ({op}){block}\n", self.graph.graph().label(id)));
            }
            for decision in self.entering(unit.tail) {
                let producer = self.graph.graph().label(decision.producer);
                text.push_str(&format!("    <- {producer}: {}\n", decision.text));
            }
            for decision in self.leaving(unit.tail).filter(|decision| !decision.reason.fuses()) {
                let consumer = self.graph.graph().label(decision.consumer);
                text.push_str(&format!("    -> {consumer}: {}\n", decision.text));
            }
        }
        text
    }

    fn json(&self, kernel: Kernel<'_>) -> Value {
        let name = |id: NodeId| self.graph.graph().node(id).name.to_string();
        let units: Vec<Value> = kernel
            .units()
            .iter()
            .map(|unit| {
                let nodes: Vec<String> = kernel.nodes_of(unit).iter().map(|&id| name(id)).collect();
                let wires: Vec<Value> = self
                    .entering(unit.tail)
                    .map(|decision| {
                        let from = name(decision.producer);
                        let fused = decision.reason.fuses();
                        json!({"from": from, "fused": fused, "reason": decision.text})
                    })
                    .collect();
                json!({"kind": unit.kind.name(), "nodes": nodes, "wires": wires})
            })
            .collect();
        json!({"kind": kernel.name(), "units": units})
    }

    fn entering(&self, tail: NodeId) -> impl Iterator<Item = &Decision> {
        self.decisions.iter().filter(move |decision| decision.consumer == tail)
    }

    fn leaving(&self, tail: NodeId) -> impl Iterator<Item = &Decision> {
        self.decisions.iter().filter(move |decision| decision.producer == tail)
    }
}
