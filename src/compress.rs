//! What `nnmeter prune` and `nnmeter student` share: widths as arguments give them, groups in JSON,
//! networks as files.

use std::path::Path;

use anyhow::Context;
use nnmeter_core::export;
use nnmeter_core::graph::{Graph, NodeId};
use nnmeter_core::typed::TypedGraph;
use nnmeter_filters::compress::{Group, Widths, alignment};
use nnmeter_filters::metric::Metric;
use serde_json::{Value, json};

use crate::failure::Usage;

/// Options about the widths that layers may have.
#[derive(clap::Args)]
pub(crate) struct WidthArgs {
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
    pub(crate) fn of(&self, metric: &dyn Metric) -> anyhow::Result<Widths> {
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
