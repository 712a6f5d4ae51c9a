//! How a device does on networks that nothing was fitted to.

use crate::accuracy::{Accuracy, Pair, Table, quantile};
use crate::backend::Measurement;
use crate::error::{Error, Result};
use crate::measure::Quality;
use crate::open::OpenDevice;
use crate::package::Metric;

use super::figure;
use super::zoo::Known;

/// A network, measured and predicted.
#[derive(Clone, Debug)]
pub struct Judged {
    /// Its family.
    pub family: String,
    /// Its name.
    pub name: String,
    /// What it took and what was predicted, in milliseconds.
    pub pair: Pair,
    /// The interval that was predicted, in milliseconds, if there was one.
    pub interval: Option<(f64, f64)>,
    /// By how much even rounds differ from odd ones.
    pub repeatability: Option<f64>,
    /// Share of its operators that have a price, 0 to 1.
    pub coverage: f64,
}

/// All networks that a device is judged by.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// Those that could be measured.
    pub judged: Vec<Judged>,
    /// Those that could not, and why.
    pub failed: Vec<(String, Error)>,
}

impl Report {
    /// Predicts what was measured with `device`.
    pub(super) fn of(known: Vec<(Known, Result<Measurement>)>, device: &OpenDevice) -> Self {
        let mut report = Self::default();
        for (known, measurement) in known {
            let judged = measurement.and_then(|measurement| judge(&known, &measurement, device));
            match judged {
                Ok(judged) => report.judged.extend(judged),
                Err(error) => report.failed.push((known.name, error)),
            }
        }
        report
    }

    /// Accuracies by family, with what intervals held.
    pub fn table(&self) -> Option<Table> {
        let pairs = self.judged.iter().map(|judged| (judged.family.as_str(), judged.pair));
        Table::of(pairs)
    }

    /// Accuracy over all networks.
    pub fn accuracy(&self) -> Option<Accuracy> {
        Accuracy::of(&self.judged.iter().map(|judged| judged.pair).collect::<Vec<Pair>>())
    }

    /// The middle of what even and odd rounds differ by.
    pub fn repeatability(&self) -> Option<f64> {
        quantile(self.judged.iter().filter_map(|judged| judged.repeatability).collect(), 0.5)
    }
}

fn judge(known: &Known, measurement: &Measurement, device: &OpenDevice) -> Result<Option<Judged>> {
    let prediction = device.latency()?.predict(&known.graph);
    let Some(measured) = figure(measurement, Metric::Latency) else { return Ok(None) };
    let quality = Quality::of(measurement, Metric::Latency);
    Ok(Some(Judged {
        family: known.family.clone(),
        name: known.name.clone(),
        pair: Pair { measured, predicted: prediction.total.0 },
        interval: prediction.interval.map(|interval| (interval.low.0, interval.high.0)),
        repeatability: quality.and_then(|quality| quality.repeatability),
        coverage: prediction.coverage,
    }))
}
