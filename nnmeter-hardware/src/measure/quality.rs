//! How far to trust a figure: what a second run would say, and what happened during this one.

use std::fmt;

use crate::accuracy::quantile;
use crate::backend::Measurement;
use crate::package::Metric;

/// From where on a difference is worth telling people.
const NOTABLE: f64 = 0.05;
/// A round this far above the minimum was disturbed.
const DISTURBED: f64 = 1.10;
/// From which share of disturbed rounds on people should know.
const MANY_DISTURBED: f64 = 0.5;

/// Statistics of a model's figures of one metric.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Quality {
    /// The least figure, which stands for the model.
    pub minimum: f64,
    /// The middle one.
    pub median: f64,
    /// By how much the minimum of every other round differs from that of the rounds between
    /// (split halves), as a share; `None` for a single round.
    pub repeatability: Option<f64>,
    /// Share of rounds whose own minimum is more than a tenth above that of all.
    pub disturbed: f64,
    /// The minimum of the later half of the rounds over that of the earlier, less 1: positive where
    /// the device got slower.
    pub drift: Option<f64>,
    /// Number of rounds.
    pub rounds: usize,
}

impl Quality {
    /// The quality of a measurement; `None` if it has no figure of that metric.
    pub fn of(measurement: &Measurement, metric: Metric) -> Option<Self> {
        let minimum = measurement.minimum(metric)?;
        let minima = measurement.round_minima(metric);
        let disturbed = minima.iter().filter(|&&value| value > DISTURBED * minimum).count();
        let (early, late) = minima.split_at(minima.len() / 2);
        let least = |half: &[f64]| half.iter().copied().min_by(f64::total_cmp);
        Some(Self {
            minimum,
            median: measurement.median(metric)?,
            repeatability: measurement.repeatability(metric),
            disturbed: disturbed as f64 / minima.len() as f64,
            drift: least(early).zip(least(late)).map(|(early, late)| late / early - 1.0),
            rounds: minima.len(),
        })
    }

    /// What people should know, in words; empty if nothing is wrong.
    pub fn remarks(&self) -> Vec<Remark> {
        let notable = |value: Option<f64>| value.filter(|value| value.abs() > NOTABLE);
        let unsettled = notable(self.repeatability).map(Remark::Unsettled);
        let disturbed =
            (self.disturbed > MANY_DISTURBED).then_some(Remark::Disturbed(self.disturbed));
        let drift = notable(self.drift).map(Remark::Drift);
        [unsettled, disturbed, drift].into_iter().flatten().collect()
    }
}

/// Something that makes a figure doubtful.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Remark {
    /// The two halves of the rounds differ by this share.
    Unsettled(f64),
    /// This share of the rounds was disturbed.
    Disturbed(f64),
    /// The later rounds took this share more than the earlier ones.
    Drift(f64),
}

impl fmt::Display for Remark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Remark::Unsettled(share) => {
                write!(f, "halves of the rounds differ by {:.1} %", 100.0 * share)
            }
            Remark::Disturbed(share) => write!(f, "{:.0} % of the rounds disturbed", 100.0 * share),
            Remark::Drift(share) => write!(f, "drift of {:+.1} %", 100.0 * share),
        }
    }
}

/// The drift that models have in common, which is the device's: the median of theirs. `None` if
/// there is none to speak of.
pub fn common_drift(qualities: &[Quality]) -> Option<f64> {
    let drifts = qualities.iter().filter_map(|quality| quality.drift).collect();
    quantile(drifts, 0.5).filter(|drift| drift.abs() > NOTABLE)
}
