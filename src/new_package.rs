//! What the verbs that make a device ask about its package.

use std::path::PathBuf;

use nnmeter_hardware::date::today;
use nnmeter_hardware::device::{Device, Provenance};
use nnmeter_hardware::package::EXTENSION;

use crate::failure::Usage;

/// The package of a new device.
#[derive(clap::Args)]
pub(crate) struct NewPackage {
    /// The package to write, NAME.nnmeter.
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: PathBuf,

    /// Name of the device; that of the package's file if left out.
    #[arg(long)]
    name: Option<String>,

    /// What people call the device.
    #[arg(long)]
    pub(crate) title: Option<String>,

    /// Day of the making; today if left out.
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = parse_date)]
    date: Option<String>,

    /// Replace a package that is there.
    #[arg(long)]
    force: bool,
}

fn parse_date(text: &str) -> Result<String, String> {
    let date = Provenance::is_date(text).then(|| text.to_owned());
    date.ok_or_else(|| "expected a day as in 2026-01-31".to_owned())
}

impl NewPackage {
    /// The name of the device, if its package may be written.
    pub(crate) fn name(&self) -> anyhow::Result<String> {
        let path = &self.output;
        if path.extension().is_none_or(|extension| extension != EXTENSION) {
            let shown = path.display();
            return Err(
                Usage(format!("{shown}: is no name of a package; expected *.{EXTENSION}")).into()
            );
        }
        let stem = || path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let name = self.name.clone().unwrap_or_else(stem);
        if !Device::is_name(&name) {
            return Err(Usage(format!(
                "device name {name:?}: expected letters, digits, _, - and . (see --name)"
            ))
            .into());
        }
        if path.exists() && !self.force {
            let shown = path.display();
            anyhow::bail!("{shown}: exists; expected a new file, or --force to replace it");
        }
        Ok(name)
    }

    /// The day of the making.
    pub(crate) fn date(&self) -> String {
        self.date.clone().unwrap_or_else(today)
    }
}
