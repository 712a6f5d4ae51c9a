//! Devices as arguments name them: a name that the registry knows, or the path of a package.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use nnmeter_hardware::package::{EXTENSION, Metric, Package};
use nnmeter_hardware::registry::{OpenDevice, Origin, Registry};

/// Opens the device called `name`, or the package at that path: whatever has a folder in it or ends
/// like a package file.
pub(crate) fn open(name: &str) -> anyhow::Result<Arc<OpenDevice>> {
    let path = Path::new(name);
    let is_package = path.extension().is_some_and(|extension| extension == EXTENSION);
    if is_package || name.contains(std::path::is_separator) {
        let origin = Origin::File(PathBuf::from(name));
        return Ok(Arc::new(OpenDevice::new(Package::read(path)?, origin)));
    }
    Ok(Registry::standard()?.open(name)?)
}

/// Reads the name of a metric.
pub(crate) fn parse_metric(name: &str) -> Result<Metric, String> {
    let names: Vec<&str> = Metric::ALL.iter().map(|metric| metric.name()).collect();
    Metric::from_name(name).ok_or_else(|| format!("expected {}", names.join(" or ")))
}
