//! What is told of an architecture beside its options: what it costs.

use std::sync::Arc;

use nnmeter_filters::space::{Sample, SearchSpace};
use nnmeter_filters::table::CostTable;

/// The columns of a list of architectures.
pub(super) struct Columns<'a> {
    pub(super) space: &'a SearchSpace,
    tables: Vec<Arc<CostTable>>,
}

impl<'a> Columns<'a> {
    /// Choices, and costs by tables, of which those come once that are the same.
    pub(super) fn new(space: &'a SearchSpace, tables: &[Arc<CostTable>]) -> Self {
        let mut own: Vec<Arc<CostTable>> = Vec::new();
        for table in tables {
            if own.iter().all(|other| label(other) != label(table)) {
                own.push(Arc::clone(table));
            }
        }
        Self { space, tables: own }
    }

    /// Names of the costs: `latency_ms@DEVICE`, `macs`.
    pub(super) fn costs(&self) -> Vec<String> {
        self.tables.iter().map(|table| label(table)).collect()
    }

    /// The costs of an architecture.
    pub(super) fn costs_of(&self, sample: &Sample) -> Vec<f64> {
        self.tables.iter().map(|table| table.cost(sample)).collect()
    }
}

/// What a table's costs are called: the metric with its unit, and the device.
pub(super) fn label(table: &CostTable) -> String {
    let metric = table.quantity().metric;
    table.device().map_or(metric.to_owned(), |device| format!("{metric}@{device}"))
}
