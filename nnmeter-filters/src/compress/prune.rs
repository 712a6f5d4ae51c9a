//! Channel pruning under a budget: the widths of all groups at which the network keeps most.

use std::sync::Arc;

use nnmeter_core::graph::NodeId;
use nnmeter_core::typed::TypedGraph;

use super::costs::{Network, agree};
use super::groups::Groups;
use super::keep::Keep;
use super::knobs::{self, Knob, Widths};
use super::optimum;
use crate::error::{Error, ErrorKind, Result};
use crate::metric::{Bill, Macs, Metric, Parameters};
use crate::space::SearchSpace;
use crate::table::CostTable;

/// How to prune.
#[derive(Clone, Debug)]
pub struct PruneOptions {
    /// The widths that groups may have.
    pub widths: Widths,
    /// What is to be kept.
    pub keep: Keep,
    /// The device's name, for errors.
    pub device: Option<String>,
    /// Leave kernels without a price out of the costs instead of refusing.
    pub allow_uncovered: bool,
}

/// A network whose groups are to be pruned: the costs of all widths, as tables.
pub struct Pruning<'a> {
    graph: &'a TypedGraph,
    groups: &'a Groups,
    metric: &'a dyn Metric,
    keep: Keep,
    knobs: Vec<Knob>,
    cost: Arc<CostTable>,
    kept: CostTable,
}

/// A pruned network.
#[derive(Clone, Debug)]
pub struct Pruned {
    /// By group: its width.
    pub widths: Vec<usize>,
    /// The network with these widths, without weights.
    pub graph: TypedGraph,
    /// What the network costs as it is, and pruned; in the metric's unit.
    pub cost: [f64; 2],
    /// By group: what the kernels that make its channels cost, before and after.
    pub group_costs: Vec<[f64; 2]>,
    /// What is kept by the measure, before and after.
    pub kept: [f64; 2],
    /// Share of the measure that is kept.
    pub share: f64,
    /// No widths within the budget keep a greater share; `share` itself if the search was exact.
    pub share_at_most: f64,
}

impl<'a> Pruning<'a> {
    /// Finds out what all widths cost by `metric`.
    ///
    /// # Errors
    /// [`ErrorKind::Uncovered`] if a kernel has no price; [`ErrorKind::Indecomposable`] if a kernel's
    /// cost depends on too many groups, which are named; [`ErrorKind::BadConstraint`] if the options
    /// mean nothing or importance lacks groups.
    pub fn new(
        graph: &'a TypedGraph,
        groups: &'a Groups,
        metric: &'a dyn Metric,
        options: &PruneOptions,
    ) -> Result<Self> {
        options.widths.check()?;
        let knobs = knobs::each(groups, &options.widths);
        let network =
            Network { graph, groups, knobs: &knobs, allow_uncovered: options.allow_uncovered };
        let keep = options.keep.clone();
        let mut tables = match (keep.table(groups, &knobs)?, &keep) {
            (Some(kept), _) => {
                let mut tables = network.tables(&[metric])?;
                tables.push(kept);
                tables
            }
            (None, Keep::Parameters) => network.tables(&[metric, &Parameters])?,
            (None, _) => network.tables(&[metric, &Macs])?,
        }
        .into_iter();
        let (Some(cost), Some(kept)) = (tables.next(), tables.next()) else {
            return Err(Error::new(ErrorKind::Indecomposable, "tables", "are missing"));
        };
        let cost = Arc::new(cost.on(options.device.as_deref()));
        Ok(Self { graph, groups, metric, keep, knobs, cost, kept })
    }

    /// The knobs: one a group, with its widths.
    pub fn knobs(&self) -> &[Knob] {
        &self.knobs
    }

    /// The table of costs by settings of [`Pruning::knobs`].
    pub fn cost(&self) -> &CostTable {
        &self.cost
    }

    /// The table of what is kept.
    pub fn kept(&self) -> &CostTable {
        &self.kept
    }

    /// The network that keeps most at a cost of at most `budget`. It is rebuilt and predicted; its cost
    /// is what the tables said, to 1e-9, and within the budget.
    ///
    /// # Errors
    /// [`ErrorKind::Infeasible`] with the least cost there is; [`ErrorKind::TooLarge`] if costs tie too
    /// many groups to each other.
    pub fn best(&self, budget: f64) -> Result<Pruned> {
        let space = SearchSpace::of_choices("widths", knobs::choices(&self.knobs))?;
        let found = optimum::most(&space, &self.cost, &self.kept, budget)?;
        let full = self.groups.full_widths();
        let widths = knobs::widths(&self.knobs, &full, &found.settings);
        let graph = self.groups.rebuild(self.graph, &widths)?;
        let (before, after) = (self.metric.bill(self.graph), self.metric.bill(&graph));
        agree(found.cost, after.total())?;
        let full = space.sample(&vec![0; self.knobs.len()])?;
        let kept = [self.kept.cost(&full), found.kept];
        Ok(Pruned {
            widths,
            graph,
            cost: [before.total(), found.cost],
            group_costs: self.group_costs(&before, &after),
            kept,
            share: self.keep.share(self.groups, kept[0], kept[1]),
            share_at_most: self.keep.share(self.groups, kept[0], found.at_most),
        })
    }

    fn group_costs(&self, before: &Bill, after: &Bill) -> Vec<[f64; 2]> {
        let of = |bill: &Bill, layers: &[(NodeId, usize)]| {
            let makes = |node: &NodeId| layers.iter().any(|(layer, _)| layer == node);
            let parts = bill.parts.iter().filter(|part| part.nodes.iter().any(makes));
            parts.map(|part| part.cost).sum()
        };
        let groups = self.groups.groups().iter();
        groups.map(|group| [of(before, &group.layers), of(after, &group.layers)]).collect()
    }
}
