//! What measuring gives: every raw figure, by rounds, and the statistics that are made of them.
//!
//! Nothing is thrown away here: which figure stands for a model is for the caller to choose.

use std::collections::BTreeMap;

use crate::accuracy::quantile;
use crate::error::{Error, ErrorKind, Result};
use crate::package::Metric;

/// A figure of one run of a model, or of one kernel in it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sample {
    /// The metric.
    pub metric: Metric,
    /// The figure, in the metric's unit.
    pub value: f64,
}

impl Sample {
    /// The figures of samples, by the names of their metrics.
    pub fn by_metric(samples: &[Self]) -> BTreeMap<String, Vec<f64>> {
        let mut figures: BTreeMap<String, Vec<f64>> = BTreeMap::new();
        for sample in samples {
            figures.entry(sample.metric.name().to_owned()).or_default().push(sample.value);
        }
        figures
    }

    /// The samples of figures by metric.
    ///
    /// # Errors
    /// [`ErrorKind::BadData`] if there is no metric of a name.
    pub fn of_metrics(figures: &BTreeMap<String, Vec<f64>>) -> Result<Vec<Self>> {
        let mut samples = Vec::new();
        for (name, values) in figures {
            let unknown =
                || Error::new(ErrorKind::BadData, format!("metric {name:?}"), "is not known");
            let metric = Metric::from_name(name).ok_or_else(unknown)?;
            samples.extend(values.iter().map(|&value| Self { metric, value }));
        }
        Ok(samples)
    }
}

/// All figures of a model.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Measurement {
    /// The samples of each round, in the order they were taken.
    pub rounds: Vec<Vec<Sample>>,
}

impl Measurement {
    /// The figures of a metric.
    pub fn values(&self, metric: Metric) -> impl Iterator<Item = f64> + '_ {
        self.rounds.iter().flat_map(move |round| values(round, metric))
    }

    /// The least figure: what the model costs where nothing else disturbs it.
    pub fn minimum(&self, metric: Metric) -> Option<f64> {
        self.values(metric).min_by(f64::total_cmp)
    }

    /// The least figure of each round that has one.
    pub fn round_minima(&self, metric: Metric) -> Vec<f64> {
        let least = |round: &Vec<Sample>| values(round, metric).min_by(f64::total_cmp);
        self.rounds.iter().filter_map(least).collect()
    }

    /// The middle figure.
    pub fn median(&self, metric: Metric) -> Option<f64> {
        quantile(self.values(metric).collect(), 0.5)
    }

    /// By how much the minimum would be another if it were measured again: that of every other
    /// round over that of the rounds between, less 1, without its sign. `None` for one round.
    pub fn repeatability(&self, metric: Metric) -> Option<f64> {
        let half = |first: usize| {
            let rounds = self.rounds.iter().skip(first).step_by(2);
            rounds.flat_map(|round| values(round, metric)).min_by(f64::total_cmp)
        };
        Some((half(0)? / half(1)? - 1.0).abs())
    }
}

fn values(round: &[Sample], metric: Metric) -> impl Iterator<Item = f64> + '_ {
    round.iter().filter(move |sample| sample.metric == metric).map(|sample| sample.value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statistics_of_each_metric() {
        let sample = |value| Sample { metric: Metric::Latency, value };
        let energy = Sample { metric: Metric::Energy, value: 7.0 };
        let rounds = vec![vec![sample(2.0), energy], vec![sample(5.0), sample(1.6)], vec![]];
        let measurement = Measurement { rounds };
        assert_eq!(measurement.minimum(Metric::Latency), Some(1.6));
        assert_eq!(measurement.round_minima(Metric::Latency), [2.0, 1.6]);
        assert_eq!(measurement.median(Metric::Latency), Some(2.0));
        assert_eq!(measurement.repeatability(Metric::Latency), Some(0.25));
        assert_eq!(measurement.minimum(Metric::Energy), Some(7.0));
        assert_eq!(measurement.repeatability(Metric::Energy), None);
        assert_eq!(Measurement::default().median(Metric::Latency), None);
    }
}
