//! Devices and metrics as arguments name them.

use std::sync::Arc;

use nnmeter_hardware::package::Metric;
use nnmeter_hardware::registry::{OpenDevice, Registry};

/// Opens the device called `name`, or that of the package file at that path.
pub(crate) fn open(name: &str) -> anyhow::Result<Arc<OpenDevice>> {
    Ok(Registry::standard()?.open(name)?)
}

/// Reads the name of a metric.
pub(crate) fn parse_metric(name: &str) -> Result<Metric, String> {
    let names: Vec<&str> = Metric::ALL.iter().map(|metric| metric.name()).collect();
    Metric::from_name(name).ok_or_else(|| format!("expected {}", names.join(" or ")))
}
