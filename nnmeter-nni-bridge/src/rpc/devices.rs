//! The devices that a server serves: those it was started with, or all that the registry has.

use std::sync::Arc;

use nnmeter_hardware::json;
use nnmeter_hardware::registry::{OpenDevice, Registry};
use serde_json::Value;

use crate::error::{Error, ErrorKind, Result};

/// The devices of a server. Packages added later are seen when it is started anew.
#[derive(Debug)]
pub(super) enum Devices {
    /// All of the registry, opened when they are asked for.
    All(Registry),
    /// These only.
    Only(Vec<Arc<OpenDevice>>),
}

impl Devices {
    /// The devices that `names` name, package files among them; all if there are no names.
    ///
    /// # Errors
    /// If the registry's folders cannot be read, or one of the devices is not known or broken.
    pub(super) fn new(names: &[String]) -> Result<Self> {
        let registry = Registry::standard()?;
        if names.is_empty() {
            return Ok(Self::All(registry));
        }
        let open = |name: &String| Ok(registry.open(name)?);
        Ok(Self::Only(names.iter().map(open).collect::<Result<_>>()?))
    }

    /// The device called `name`, or `name@1.0`.
    ///
    /// # Errors
    /// [`ErrorKind::UnknownDevice`], or what is wrong with its package. A client's word never opens
    /// a file.
    pub(super) fn open(&self, name: &str) -> Result<Arc<OpenDevice>> {
        let devices = match self {
            Self::All(registry) => return Ok(registry.find(name)?.open()?),
            Self::Only(devices) => devices,
        };
        let is_meant = |device: &&Arc<OpenDevice>| {
            let own = &device.device().name;
            name.eq_ignore_ascii_case(own) || name.eq_ignore_ascii_case(&spec(device))
        };
        devices.iter().find(is_meant).cloned().ok_or_else(|| {
            let found = "is not served";
            Error::new(ErrorKind::UnknownDevice, format!("device {name:?}"), found)
                .expected(format!("one of {}", self.names().join(", ")))
        })
    }

    /// What devices are called.
    pub(super) fn names(&self) -> Vec<String> {
        match self {
            Self::All(registry) => registry.names().into_iter().map(str::to_owned).collect(),
            Self::Only(devices) => devices.iter().map(|d| d.device().name.clone()).collect(),
        }
    }

    /// The card of every device; of a broken package an object with its `error`.
    pub(super) fn cards(&self) -> Vec<Value> {
        match self {
            Self::Only(devices) => devices.iter().map(|device| json::card(device, None)).collect(),
            Self::All(registry) => {
                let entries = registry.entries().into_iter();
                let card = |entry: nnmeter_hardware::registry::Entry<'_>| match entry.open() {
                    Ok(device) => json::card(&device, Some(&entry)),
                    Err(error) => serde_json::json!({
                        "name": entry.name(),
                        "version": entry.version().to_string(),
                        "error": Error::from(error).data(),
                    }),
                };
                entries.map(card).collect()
            }
        }
    }
}

/// `name@1.0`.
pub(super) fn spec(device: &OpenDevice) -> String {
    format!("{}@{}", device.device().name, device.version())
}
