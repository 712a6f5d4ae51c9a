//! Cost tables of a network over the settings of knobs.
//!
//! What a kernel costs follows from the extents that its operators read and write, and so from the
//! knobs that set these. Networks are rebuilt and predicted that between them show every kernel at all
//! settings of its knobs; in the end random settings are predicted and must agree with the tables.

use std::collections::BTreeMap;

use nnmeter_core::graph::Value;
use nnmeter_core::typed::TypedGraph;

use super::groups::Groups;
use super::knobs::{self, Knob};
use crate::error::{Error, ErrorKind, Result};
use crate::metric::{Bill, Metric, Part};
use crate::random::Random;
use crate::table::CostTable;

/// How many entries one table may have, each of which takes a prediction or a part of one.
const MOST_ENTRIES: usize = 1 << 14;
/// Random settings that are predicted.
const CHECKS: usize = 16;
/// Largest relative difference between a table's sum and a prediction: that of the order of sums.
pub(super) const TOLERANCE: f64 = 1e-9;

/// A network whose widths knobs set.
pub(super) struct Network<'a> {
    pub(super) graph: &'a TypedGraph,
    pub(super) groups: &'a Groups,
    pub(super) knobs: &'a [Knob],
    /// Leave kernels without a price out instead of refusing.
    pub(super) allow_uncovered: bool,
}

/// Costs at all settings of some knobs, summed over the kernels that depend on just these.
struct Cell {
    knobs: Vec<usize>,
    /// By settings, the last knob's adjacent; by metric.
    seen: Vec<Option<Vec<f64>>>,
    left: usize,
    /// All before it were seen.
    next: usize,
}

impl Network<'_> {
    /// A table for each metric.
    ///
    /// # Errors
    /// [`ErrorKind::Uncovered`] if a kernel has no price; [`ErrorKind::Indecomposable`] if a kernel's
    /// cost depends on too many knobs, which are named, or is no matter of its own extents.
    pub(super) fn tables(&self, metrics: &[&dyn Metric]) -> Result<Vec<CostTable>> {
        let bills: Vec<Bill> = metrics.iter().map(|metric| metric.bill(self.graph)).collect();
        bills.iter().try_for_each(|bill| self.refuse_uncovered(bill))?;
        let mut places: Vec<Vec<usize>> = Vec::new();
        let mut cells: Vec<Cell> = Vec::new();
        let mut known: BTreeMap<Vec<usize>, usize> = BTreeMap::new();
        for bill in &bills {
            let mut of_bill = Vec::new();
            for part in &bill.parts {
                let knobs = self.knobs_of(part);
                let cell = match known.get(&knobs) {
                    Some(&cell) => cell,
                    None => {
                        cells.push(self.cell(knobs.clone(), part)?);
                        known.insert(knobs, cells.len() - 1);
                        cells.len() - 1
                    }
                };
                of_bill.push(cell);
            }
            places.push(of_bill);
        }
        let observer = Observer { network: self, metrics, bills: &bills, places: &places };
        observer.fill(&mut cells)?;
        let tables = self.as_tables(metrics, &cells);
        observer.check(&tables)?;
        Ok(tables)
    }

    /// The knobs that extents of a kernel depend on.
    fn knobs_of(&self, part: &Part) -> Vec<usize> {
        let mut groups = Vec::new();
        for &node in &part.nodes {
            let operands = self.graph.graph().operands(node).into_iter().flatten();
            let outputs =
                (0..self.graph.graph().node(node).outputs).map(|port| Value { node, port });
            for value in operands.chain(outputs) {
                let extent = self.groups.values.get(&value).map(|(_, extent)| extent);
                groups.extend(extent.iter().flat_map(|e| e.parts.iter().map(|&(group, _)| group)));
                let constant = (value.node, 0)..=(value.node, usize::MAX);
                let axes = self.groups.axes.range(constant);
                groups.extend(axes.flat_map(|(_, e)| e.parts.iter().map(|&(group, _)| group)));
            }
        }
        let knobs = self.knobs.iter().enumerate();
        let touched = |(_, knob): &(usize, &Knob)| knob.groups.iter().any(|g| groups.contains(g));
        knobs.filter(touched).map(|(index, _)| index).collect()
    }

    fn cell(&self, knobs: Vec<usize>, part: &Part) -> Result<Cell> {
        let sizes = knobs.iter().map(|&knob| self.knobs[knob].widths.len());
        let size = sizes.fold(1usize, usize::saturating_mul);
        if size <= MOST_ENTRIES {
            return Ok(Cell { knobs, seen: vec![None; size], left: size, next: 0 });
        }
        let names: Vec<&str> = knobs.iter().map(|&k| self.knobs[k].name.as_str()).collect();
        let found = format!("a cost that depends on {} widths: {}", names.len(), names.join(", "));
        let label = self.graph.graph().label(part.nodes[0]);
        Err(Error::new(ErrorKind::Indecomposable, label, format!("has {found}"))
            .expected(format!("at most {MOST_ENTRIES} combinations of them"))
            .hint("allow fewer widths"))
    }

    fn as_tables(&self, metrics: &[&dyn Metric], cells: &[Cell]) -> Vec<CostTable> {
        let cardinalities: Vec<usize> = self.knobs.iter().map(|knob| knob.widths.len()).collect();
        let table = |(index, metric): (usize, &&dyn Metric)| {
            let cost = |seen: &Option<Vec<f64>>| seen.as_ref().map_or(0.0, |costs| costs[index]);
            let factors = cells
                .iter()
                .map(|cell| (cell.knobs.clone(), cell.seen.iter().map(cost).collect::<Vec<f64>>()));
            CostTable::summed(metric.quantity(), cardinalities.clone(), factors)
        };
        metrics.iter().enumerate().map(table).collect()
    }

    fn refuse_uncovered(&self, bill: &Bill) -> Result<()> {
        match bill.uncovered.first() {
            Some((node, _)) if !self.allow_uncovered => {
                let more = match bill.uncovered.len() - 1 {
                    0 => String::new(),
                    more => format!(", like {more} more operators"),
                };
                let label = self.graph.graph().label(*node);
                Err(Error::new(ErrorKind::Uncovered, label, format!("has no price{more}"))
                    .hint("allow uncovered operators, and totals will be without them"))
            }
            _ => Ok(()),
        }
    }
}

/// Predicts rebuilt networks.
struct Observer<'a> {
    network: &'a Network<'a>,
    metrics: &'a [&'a dyn Metric],
    /// Of the network as it is.
    bills: &'a [Bill],
    /// By metric and part: its cell.
    places: &'a [Vec<usize>],
}

impl Observer<'_> {
    /// Predicts until every cell has all its costs.
    fn fill(&self, cells: &mut [Cell]) -> Result<()> {
        while cells.iter().any(|cell| cell.left > 0) {
            let settings = self.next(cells);
            let mut sums = vec![vec![0.0; self.metrics.len()]; cells.len()];
            for (metric, bill) in self.bills(&settings)?.iter().enumerate() {
                for (part, &cell) in bill.parts.iter().zip(&self.places[metric]) {
                    sums[cell][metric] += part.cost;
                }
            }
            for (cell, sums) in cells.iter_mut().zip(sums) {
                cell.note(self.network.knobs, &settings, sums);
            }
        }
        Ok(())
    }

    /// Settings at which as many cells as possible, those with most left first, are not yet known.
    fn next(&self, cells: &mut [Cell]) -> Vec<u8> {
        let knobs = self.network.knobs;
        let mut taken: Vec<Option<u8>> = vec![None; knobs.len()];
        let mut order: Vec<usize> = (0..cells.len()).filter(|&cell| cells[cell].left > 0).collect();
        order.sort_by_key(|&cell| std::cmp::Reverse(cells[cell].left));
        for cell in order {
            if let Some(index) = cells[cell].open(knobs, &taken) {
                let settings = cells[cell].settings(knobs, index);
                settings.for_each(|(knob, setting)| taken[knob] = Some(setting));
            }
        }
        taken.into_iter().map(|setting| setting.unwrap_or(0)).collect()
    }

    /// What the rebuilt network costs, in the same parts as the network as it is.
    fn bills(&self, settings: &[u8]) -> Result<Vec<Bill>> {
        let Network { graph, groups, knobs, .. } = self.network;
        let widths = knobs::widths(knobs, &groups.full_widths(), settings);
        let rebuilt = groups.rebuild(graph, &widths)?;
        let bills: Vec<Bill> = self.metrics.iter().map(|metric| metric.bill(&rebuilt)).collect();
        for (bill, whole) in bills.iter().zip(self.bills) {
            let pairs = || bill.parts.iter().zip(&whole.parts);
            let other = pairs().find(|(part, whole)| part.nodes != whole.nodes);
            if bill.parts.len() != whole.parts.len() || other.is_some() {
                let node = other.map_or(graph.order()[0], |(_, whole)| whole.nodes[0]);
                let found = "is in another kernel where widths differ";
                let label = graph.graph().label(node);
                return Err(Error::new(ErrorKind::Indecomposable, label, found));
            }
        }
        Ok(bills)
    }

    fn check(&self, tables: &[CostTable]) -> Result<()> {
        let mut random = Random::new(0);
        for _ in 0..CHECKS {
            let knobs = self.network.knobs.iter();
            let settings: Vec<u8> =
                knobs.map(|knob| random.below(knob.widths.len() as u64) as u8).collect();
            let sample = crate::space::Sample::of(settings);
            for (bill, table) in self.bills(&sample)?.iter().zip(tables) {
                agree(table.cost(&sample), bill.total())?;
            }
        }
        Ok(())
    }
}

/// Refuses a table's cost that is not the predicted one.
pub(super) fn agree(cost: f64, total: f64) -> Result<()> {
    if (cost - total).abs() <= TOLERANCE * total.abs() {
        return Ok(());
    }
    let found = format!("is {total} by prediction, but {cost} by the tables");
    Err(Error::new(ErrorKind::Indecomposable, "cost of the rebuilt network", found)
        .expected("a sum over kernels that depend on their own extents only"))
}

impl Cell {
    /// The settings at an index, with their knobs.
    fn settings(&self, knobs: &[Knob], mut index: usize) -> impl Iterator<Item = (usize, u8)> {
        let mut settings = Vec::with_capacity(self.knobs.len());
        for &knob in self.knobs.iter().rev() {
            let count = knobs[knob].widths.len();
            settings.push((knob, (index % count) as u8));
            index /= count;
        }
        settings.into_iter()
    }

    /// The first index without costs whose settings agree with those taken.
    fn open(&mut self, knobs: &[Knob], taken: &[Option<u8>]) -> Option<usize> {
        while self.seen.get(self.next).is_some_and(Option::is_some) {
            self.next += 1;
        }
        (self.next..self.seen.len()).filter(|&index| self.seen[index].is_none()).find(|&index| {
            let mut settings = self.settings(knobs, index);
            settings.all(|(knob, setting)| taken[knob].is_none_or(|taken| taken == setting))
        })
    }

    fn note(&mut self, knobs: &[Knob], settings: &[u8], costs: Vec<f64>) {
        let add = |index: usize, &knob: &usize| {
            index * knobs[knob].widths.len() + usize::from(settings[knob])
        };
        let index = self.knobs.iter().fold(0, add);
        if self.seen[index].is_none() {
            self.seen[index] = Some(costs);
            self.left -= 1;
        }
    }
}
