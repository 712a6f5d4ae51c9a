//! Devices and metrics as arguments name them.

use std::sync::Arc;

use nnmeter_hardware::package::Metric;
use nnmeter_hardware::registry::{OpenDevice, Registry};

/// Opens the device called `name`, or that of the package file at that path.
pub(crate) fn open(name: &str) -> anyhow::Result<Arc<OpenDevice>> {
    Ok(Registry::standard()?.open(name)?)
}

/// Opens all devices that there are, by name; each as its name alone would.
pub(crate) fn all() -> anyhow::Result<Vec<Arc<OpenDevice>>> {
    let registry = Registry::standard()?;
    let devices: Result<_, _> =
        registry.names().into_iter().map(|name| registry.open(name)).collect();
    Ok(devices?)
}

/// Reads the name of a metric.
pub(crate) fn parse_metric(name: &str) -> Result<Metric, String> {
    let names: Vec<&str> = Metric::ALL.iter().map(|metric| metric.name()).collect();
    Metric::from_name(name).ok_or_else(|| format!("expected {}", names.join(" or ")))
}
