//! `nnmeter prune`: the widths of a network's layers at which it keeps most within a budget.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use nnmeter_core::graph::{Graph, NodeId};
use nnmeter_core::op::Op;
use nnmeter_core::typed::TypedGraph;
use nnmeter_filters::compress::{
    Group, Groups, Importance, Keep, PruneOptions, Pruned, Pruning, Widths,
};
use serde_json::{Value, json};

use crate::compress::{NetworkArgs, layers, write_graph};
use crate::report::plain_table;

/// Prune the channels of a network to a latency (or energy) budget.
///
/// Finds groups of layers whose channels can only be pruned together, and the widths of all groups that
/// keep most within the budget. What cannot be pruned soundly stays, with the reason. The pruned network
/// is rebuilt and predicted again before anything is printed. Which channels are kept is left to the
/// training script: the plan (--json) has the width of every layer and the shape of every weight. Ends
/// with 1 if no widths are within the budget.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  nnmeter prune resnet18.onnx --device cortexA76cpu_tflite21 --budget 150ms
  nnmeter prune resnet18.onnx --device cortexA76cpu_tflite21 --budget 150ms --json > plan.json
  nnmeter prune resnet18.onnx --device adreno640gpu_tflite21 --budget 25ms --graph pruned.json
  nnmeter prune resnet18.onnx --device adreno640gpu_tflite21 --budget 25ms --importance l1.json")]
pub(crate) struct Args {
    #[command(flatten)]
    network: NetworkArgs,

    /// What to keep as much of as possible. channels: the geometric mean over layers of the share of
    /// their channels that is kept.
    #[arg(long, value_enum, default_value_t = Measure::Macs)]
    keep: Measure,

    /// Keep what is important instead: a JSON object that has for every group's name a score for each of
    /// its channels, or an object of a score for each width.
    #[arg(long, value_name = "FILE", conflicts_with = "keep")]
    importance: Option<PathBuf>,

    /// Print the plan as a JSON object.
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Measure {
    Macs,
    Parameters,
    Channels,
}

/// A pruned network with all that is said of it.
struct Plan<'a> {
    args: &'a Args,
    device: &'a str,
    budget: f64,
    unit: &'static str,
    keep: &'a Keep,
    widths: Widths,
    graph: &'a TypedGraph,
    groups: &'a Groups,
    pruned: Pruned,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let network = args.network.open()?;
    let (metric, graph, widths) = (network.metric()?, &network.graph, network.widths);
    let device = &network.device.device().name;
    let named = || args.network.file();
    let groups = Groups::find(graph).with_context(named)?;
    let keep = args.keep()?;
    let options = PruneOptions {
        widths,
        keep: keep.clone(),
        device: Some(device.clone()),
        allow_uncovered: args.network.allow_uncovered,
    };
    let pruning = Pruning::new(graph, &groups, metric, &options).with_context(named)?;
    let pruned = pruning.best(network.budget).with_context(named)?;
    if let Some(path) = &args.network.graph {
        write_graph(path, &pruned.graph)?;
    }
    let unit = metric.quantity().suffix;
    let (keep, groups, budget) = (&keep, &groups, network.budget);
    let plan = Plan { args, device, budget, unit, keep, widths, graph, groups, pruned };
    let text = if args.json { format!("{:#}\n", plan.json()) } else { plan.text() };
    std::io::stdout().lock().write_all(text.as_bytes())?;
    Ok(ExitCode::SUCCESS)
}

/// Every constant whose shape differs, by name, with its shape before and after; of graphs whose nodes
/// are the same.
fn constants(before: &Graph, after: &Graph) -> Vec<Value> {
    let changed = |id: NodeId| match (&before.node(id).op, &after.node(id).op) {
        (Op::Const(old), Op::Const(new)) if old.ty != new.ty => Some(json!({
            "name": before.node(id).name,
            "shape_before": old.ty.dims.as_slice(),
            "shape_after": new.ty.dims.as_slice(),
        })),
        _ => None,
    };
    before.dag().node_indices().filter_map(changed).collect()
}

impl Args {
    fn keep(&self) -> anyhow::Result<Keep> {
        if let Some(path) = &self.importance {
            let bytes = std::fs::read(path).with_context(|| path.display().to_string())?;
            let scores =
                Importance::from_json(&bytes).with_context(|| path.display().to_string())?;
            return Ok(Keep::Importance(scores));
        }
        Ok(match self.keep {
            Measure::Macs => Keep::Macs,
            Measure::Parameters => Keep::Parameters,
            Measure::Channels => Keep::Channels,
        })
    }
}

impl Plan<'_> {
    fn is_exact(&self) -> bool {
        self.pruned.share_at_most <= self.pruned.share
    }

    fn json(&self) -> Value {
        let (pruned, unit, graph) = (&self.pruned, self.unit, self.graph.graph());
        let group = |(index, group): (usize, &Group)| {
            let mut json = layers(graph, group, pruned.widths[index]);
            let [before, after] = pruned.group_costs[index];
            json[format!("before_{unit}")] = before.into();
            json[format!("after_{unit}")] = after.into();
            json
        };
        let fixed = self.groups.fixed().iter().map(|fixed| {
            let why = fixed.obstacle.describe(graph).to_string();
            let name = &graph.node(fixed.node).name;
            json!({"layer": name, "channels": fixed.channels, "reason": why})
        });
        json!({
            "file": self.args.network.file(),
            "device": self.device,
            format!("budget_{unit}"): self.budget,
            format!("before_{unit}"): pruned.cost[0],
            format!("after_{unit}"): pruned.cost[1],
            "kept": {
                "measure": self.keep.name(),
                "before": pruned.kept[0],
                "after": pruned.kept[1],
                "share": pruned.share,
                "share_at_most": pruned.share_at_most,
            },
            "exact": self.is_exact(),
            "align": self.widths.align,
            "min_keep": self.widths.least,
            "groups": self.groups.groups().iter().enumerate().map(group).collect::<Vec<_>>(),
            "constants": constants(graph, pruned.graph.graph()),
            "fixed": fixed.collect::<Vec<_>>(),
        })
    }

    fn text(&self) -> String {
        let (pruned, unit) = (&self.pruned, self.unit);
        let mut table = plain_table(&["group", "layers", "channels", unit]);
        for (index, group) in self.groups.groups().iter().enumerate() {
            let [before, after] = pruned.group_costs[index];
            let width = pruned.widths[index];
            let channels = match width == group.channels {
                true => width.to_string(),
                false => format!("{} -> {width}", group.channels),
            };
            let costs = format!("{before:.3} -> {after:.3}");
            table.add_row([group.name.clone(), group.layers.len().to_string(), channels, costs]);
        }
        let optimum = match self.is_exact() {
            true => "the most there is".to_owned(),
            false => format!("at most {:.1} % are possible", 100.0 * pruned.share_at_most),
        };
        format!(
            "{} on {}: {:.2} -> {:.2} {unit} (budget {} {unit}), {:.1} % of {} kept ({optimum})\n\
             widths are multiples of {}, at least {} % of each group\n\n{}\n{}",
            self.args.network.file(),
            self.device,
            pruned.cost[0],
            pruned.cost[1],
            self.budget,
            100.0 * pruned.share,
            self.keep.name(),
            self.widths.align,
            100.0 * self.widths.least,
            table.trim_fmt(),
            self.fixed()
        )
    }

    /// What stays, and why.
    fn fixed(&self) -> String {
        let graph = self.graph.graph();
        let line = |fixed: &nnmeter_filters::compress::FixedLayer| {
            format!("{} stays: {}\n", graph.node(fixed.node).name, fixed.obstacle.describe(graph))
        };
        self.groups.fixed().iter().map(line).collect()
    }
}
