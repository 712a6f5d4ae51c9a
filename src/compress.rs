//! What `nnmeter prune` and `nnmeter student` share: the network, the budget and the widths as arguments
//! give them, groups in JSON, networks as files.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use nnmeter_core::export;
use nnmeter_core::graph::{Graph, NodeId};
use nnmeter_core::typed::TypedGraph;
use nnmeter_filters::budget::{Bounds, Cost};
use nnmeter_filters::compress::{Group, Widths, alignment};
use nnmeter_filters::metric::Metric;
use nnmeter_hardware::package;
use nnmeter_hardware::registry::OpenDevice;
use serde_json::{Value, json};

use crate::budget::parse_bounds;
use crate::device;
use crate::failure::Usage;
use crate::models::ReadArgs;

/// Options about the network that is made smaller, and what it may cost then.
#[derive(clap::Args)]
pub(crate) struct NetworkArgs {
    /// The model file, or - for standard input.
    file: PathBuf,

    /// The device, as NAME or NAME@VERSION, or a package file; `nnmeter devices` lists them.
    #[arg(long, short, value_name = "NAME|FILE")]
    device: String,

    /// What the smaller network may cost, with its unit (20ms, 12mJ).
    #[arg(long, value_name = "BUDGET", value_parser = parse_bounds)]
    budget: Bounds,

    /// What the budget is of: latency_ms or energy_mj.
    #[arg(long, value_name = "METRIC", default_value = "latency_ms",
          value_parser = device::parse_metric)]
    metric: package::Metric,

    #[command(flatten)]
    widths: WidthArgs,

    /// Leave operators without a price out of the totals.
    #[arg(long)]
    pub(crate) allow_uncovered: bool,

    /// Write the smaller network, without weights, as nn-Meter IR.
    #[arg(long, value_name = "FILE")]
    pub(crate) graph: Option<PathBuf>,

    #[command(flatten)]
    read: ReadArgs,
}

/// A network, a device, and what the network may cost there.
pub(crate) struct Network {
    pub(crate) device: Arc<OpenDevice>,
    pub(crate) cost: Cost,
    pub(crate) budget: f64,
    pub(crate) widths: Widths,
    pub(crate) graph: TypedGraph,
}

impl NetworkArgs {
    /// The file, as messages name it.
    pub(crate) fn file(&self) -> String {
        self.file.display().to_string()
    }

    /// Opens the device and reads the network.
    pub(crate) fn open(&self) -> anyhow::Result<Network> {
        let device = device::open(&self.device)?;
        let cost = Cost::from(self.metric);
        let budget = self.budget.only_upper(cost)?;
        let widths = self.widths.of(cost.metric(Some(&device))?)?;
        let graph = self.read.load(&self.file).with_context(|| self.file())?;
        Ok(Network { device, cost, budget, widths, graph })
    }
}

impl Network {
    /// What the device charges by.
    pub(crate) fn metric(&self) -> anyhow::Result<&dyn Metric> {
        Ok(self.cost.metric(Some(&self.device))?)
    }
}

/// Options about the widths that layers may have.
#[derive(clap::Args)]
struct WidthArgs {
    /// Widths are multiples of it; read off the steps of the device's prices if left out.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    align: Option<u16>,

    /// Least share of the channels of a group that is kept.
    #[arg(long, value_name = "SHARE", default_value_t = 0.25)]
    min_keep: f64,

    /// How many widths of each group are considered at most.
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=256))]
    widths: u16,
}

impl WidthArgs {
    /// The widths, for a device that costs by `metric`.
    fn of(&self, metric: &dyn Metric) -> anyhow::Result<Widths> {
        let align = match self.align {
            Some(align) => usize::from(align),
            None => alignment(metric)?,
        };
        let widths = Widths { align, least: self.min_keep, most: usize::from(self.widths) };
        widths.check().map_err(|error| Usage(error.to_string()))?;
        Ok(widths)
    }
}

/// Writes a network as nn-Meter IR.
pub(crate) fn write_graph(path: &Path, graph: &TypedGraph) -> anyhow::Result<()> {
    let text = format!("{:#}\n", export::nnmeter_ir::write(graph)?);
    std::fs::write(path, text).with_context(|| format!("{} cannot be written", path.display()))
}

/// Layers of a group, with the widths of their results.
pub(crate) fn layers(graph: &Graph, group: &Group, width: usize) -> Value {
    let names = |nodes: &[NodeId]| -> Vec<&str> {
        nodes.iter().map(|&node| &*graph.node(node).name).collect()
    };
    let makes: Vec<NodeId> = group.layers.iter().map(|&(node, _)| node).collect();
    json!({
        "name": group.name,
        "channels_before": group.channels,
        "channels_after": width,
        "layers": names(&makes),
        "followers": names(&group.followers),
        "readers": names(&group.readers),
    })
}
