//! The package of a calibrated device: identity, where it comes from, and how far it is off.

use crate::device::{AccuracyTable, Device, Provenance};
use crate::error::Result;
use crate::fit::calibrate::{Calibrated, FEW};
use crate::fit::samples::Samples;
use crate::open::OpenDevice;
use crate::package::{Metric, Package, RuleFile};
use crate::timings::Timings;

/// How accuracy on networks left out was found.
const PROTOCOL: &str = "cross-validation on the timings, choices made anew without each part";

/// What a calibrated device is called, and what it was calibrated to.
#[derive(Clone, Copy, Debug)]
pub struct About<'a> {
    /// The device's name.
    pub name: &'a str,
    /// What people call it, if anything was said.
    pub title: Option<&'a str>,
    /// The metric that was measured.
    pub metric: Metric,
    /// Name of the file of timings.
    pub file: &'a str,
    /// The timings.
    pub timings: &'a Timings,
    /// Those of the timings that could be used.
    pub samples: &'a Samples,
    /// The day, `YYYY-MM-DD`.
    pub date: &'a str,
}

impl Calibrated {
    /// What a user must know of the calibration, beside its accuracy.
    pub fn notes(&self, about: &About<'_>) -> Vec<String> {
        let used = about.samples.samples().len();
        let mut notes = Vec::new();
        if used < FEW {
            notes.push(format!(
                "fewer than {FEW} networks: the interval rests on assumptions more than on timings"
            ));
        }
        if !self.unseen.is_empty() {
            let kinds: Vec<&str> = self.unseen.iter().map(|kind| kind.name()).collect();
            let kinds = kinds.join(", ");
            let price = match self.strengths.start.follows_base() {
                true => "as the base says, times what the other kernels call for",
                false => "by what they compute and move, as the other kernels call for",
            };
            notes.push(format!("no timed network has kernels of kind {kinds}: priced {price}"));
        }
        if !self.strengths.start.follows_base() {
            notes.push(
                "the base's rates do not fit these timings and were not used; a base of the same \
                 make takes fewer timings"
                    .to_owned(),
            );
        }
        let skipped = about.timings.rows.len() - used;
        if skipped > 0 {
            notes.push(format!(
                "{skipped} of {} timings could not be used",
                about.timings.rows.len()
            ));
        }
        notes
    }

    /// The package of the device. It has the metric that was measured and no other.
    ///
    /// # Errors
    /// If the rules of the base cannot be read again.
    pub fn package(self, base: &OpenDevice, about: &About<'_>) -> Result<Package> {
        let notes = self.notes(about);
        let accuracy = self
            .held_out
            .as_ref()
            .map(|table| AccuracyTable::of(about.metric.name(), PROTOCOL, table, notes));
        let provenance = provenance(&self, base, about);
        let rules = RuleFile::from_json(base.rules_json().as_bytes())?;
        let mut package = Package::new(device(base.device(), about), provenance, rules);
        package.accuracy = accuracy.into_iter().collect();
        match about.metric {
            Metric::Latency => package.latency = Some(self.models),
            Metric::Energy => package.energy = Some(self.models),
        }
        Ok(package)
    }
}

fn device(base: &Device, about: &About<'_>) -> Device {
    let title = || format!("calibrated from {}", base.name);
    Device {
        name: about.name.to_owned(),
        title: about.title.map_or_else(title, str::to_owned),
        source: Some(format!(
            "Calibrated from {}, which chip, clock, runtime, threads and precision are stated of; \
             what was timed may differ.",
            base.name
        )),
        ..base.clone()
    }
}

fn provenance(calibrated: &Calibrated, base: &OpenDevice, about: &About<'_>) -> Provenance {
    let (of_base, name) = (base.provenance(), &base.device().name);
    let digest = &about.timings.sha256;
    Provenance {
        data_set: format!(
            "timings in {} (SHA-256 {digest}), on top of {name} of {}: {}",
            about.file, of_base.date, of_base.data_set
        ),
        licence: format!("of the timings not stated; of the base {}", of_base.licence),
        source: format!("Timings: the maker of this package. Base {name}: {}", of_base.source),
        models: about.samples.samples().len() as u64,
        kernels: about.samples.workloads().len() as u64,
        date: about.date.to_owned(),
        seed: 0,
        tool: concat!("nnmeter calibrate ", env!("CARGO_PKG_VERSION")).to_owned(),
        method: method(calibrated, name),
    }
}

/// How the models were made of the base called `name`.
fn method(calibrated: &Calibrated, name: &str) -> String {
    let mut method = match calibrated.strengths.start.follows_base() {
        true => format!(
            "Rates of {name} calibrated to totals of whole networks: {}.",
            calibrated.strengths
        ),
        false => format!(
            "Rates fitted to totals of whole networks, whose kernels are by the fusion rules of \
             {name}: {}.",
            calibrated.strengths
        ),
    };
    let others: Vec<&str> = calibrated.compared.iter().skip(1).map(|of| &*of.name).collect();
    if !others.is_empty() {
        let others = others.join(", ");
        method += &format!(" {name} was closer to networks left out than {others}.");
    }
    method
}
