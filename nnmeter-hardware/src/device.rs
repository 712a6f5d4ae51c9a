//! What a predictor speaks of, and what it rests on: the device, the measurements it was fitted to,
//! and how far it was off on networks it had not seen.
//!
//! Plain values with public fields, checked where they are read from a package. They hold no model,
//! compute no accuracy, and their form in a package's manifest is described in [`crate::package`].

use std::fmt;

use crate::accuracy::{Accuracy, Table};

/// A device as a predictor knows it: a chip at a clock, and a runtime of a version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device {
    /// The name that commands and files use: `cortexA76cpu_tflite21`.
    pub name: String,
    /// What people call it: `Pixel 4, Cortex-A76, TFLite 2.1`.
    pub title: String,
    /// The processor that runs the kernels: `Cortex-A76`.
    pub chip: String,
    /// Its clock, in words, where that is known.
    pub clock: Option<String>,
    /// Number of threads the runtime used.
    pub threads: u32,
    /// The runtime.
    pub runtime: Runtime,
    /// Format of the numbers that the kernels compute with.
    pub precision: Precision,
    /// Where the statements above come from, in words.
    pub source: Option<String>,
}

/// A runtime and its version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Runtime {
    /// `TFLite`.
    pub name: String,
    /// `2.1`.
    pub version: String,
    /// Delegate, compiler and flags, where they are known.
    pub build: Option<String>,
}

/// Format of the numbers that kernels compute with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Precision {
    /// IEEE single precision.
    Fp32,
    /// IEEE half precision.
    Fp16,
    /// Truncated single precision.
    Bf16,
    /// Integers of 8 bits.
    Int8,
}

/// What a predictor was fitted to, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Provenance {
    /// Name of the data set.
    pub data_set: String,
    /// Its licence, as an SPDX identifier where there is one.
    pub licence: String,
    /// Who measured it and where it was published, in words.
    pub source: String,
    /// Number of whole networks measured.
    pub models: u64,
    /// Number of kernels, or rows, that were fitted.
    pub kernels: u64,
    /// Day of the fit, `YYYY-MM-DD`.
    pub date: String,
    /// Seed of every random choice of the fit.
    pub seed: u64,
    /// The program that fitted it, with its version.
    pub tool: String,
    /// How it was fitted, in a sentence.
    pub method: String,
}

/// How far predictions were off on networks held out of the fit.
#[derive(Clone, Debug, PartialEq)]
pub struct AccuracyTable {
    /// The metric: `latency_ms`.
    pub metric: String,
    /// What was held out: `leave one family out`, `random 85/15 by graph group`.
    pub protocol: String,
    /// One row a family of networks.
    pub rows: Vec<AccuracyRow>,
    /// All families together.
    pub overall: AccuracyRow,
    /// What a reader must know: noise of the labels, families left out.
    pub notes: Vec<String>,
}

/// How far the predictions for some networks were off; the error of one is predicted over measured,
/// less 1.
#[derive(Clone, Debug, PartialEq)]
pub struct AccuracyRow {
    /// The family, or `all`.
    pub family: String,
    /// Number of networks.
    pub models: u64,
    /// Share of networks whose error is 5% at most, 0 to 1.
    pub within_5: f64,
    /// Share of networks whose error is 10% at most, 0 to 1.
    pub within_10: f64,
    /// Root of the mean squared error.
    pub rmspe: f64,
    /// Mean error; negative where predictions are too low.
    pub bias: f64,
    /// Spearman's rank correlation of predicted and measured, where it is defined.
    pub spearman: Option<f64>,
    /// Share of networks whose measured value lay in an interval found without them, 0 to 1, where
    /// there were intervals.
    pub coverage: Option<f64>,
}

impl AccuracyTable {
    /// The table of `metric` by `protocol`.
    pub fn of(metric: &str, protocol: &str, table: &Table, notes: Vec<String>) -> Self {
        let row = |(family, accuracy): &(String, Accuracy)| AccuracyRow::of(family, accuracy);
        Self {
            metric: metric.to_owned(),
            protocol: protocol.to_owned(),
            rows: table.families.iter().map(row).collect(),
            overall: AccuracyRow::of("all", &table.overall),
            notes,
        }
    }
}

impl AccuracyRow {
    /// The row of `family`: shares of what `accuracy` gives in percent.
    pub fn of(family: &str, accuracy: &Accuracy) -> Self {
        Self {
            family: family.to_owned(),
            models: accuracy.models as u64,
            within_5: accuracy.within_5 / 100.0,
            within_10: accuracy.within_10 / 100.0,
            rmspe: accuracy.rmspe / 100.0,
            bias: accuracy.bias / 100.0,
            spearman: accuracy.spearman,
            coverage: accuracy.coverage.map(|percent| percent / 100.0),
        }
    }

    /// The figures in percent.
    pub fn accuracy(&self) -> Accuracy {
        Accuracy {
            models: self.models as usize,
            within_5: 100.0 * self.within_5,
            within_10: 100.0 * self.within_10,
            rmspe: 100.0 * self.rmspe,
            bias: 100.0 * self.bias,
            spearman: self.spearman,
            coverage: self.coverage.map(|share| 100.0 * share),
        }
    }
}

impl Precision {
    /// All formats.
    pub const ALL: &'static [Precision] =
        &[Precision::Fp32, Precision::Fp16, Precision::Bf16, Precision::Int8];

    /// The name in packages: `fp32`.
    pub fn name(self) -> &'static str {
        match self {
            Precision::Fp32 => "fp32",
            Precision::Fp16 => "fp16",
            Precision::Bf16 => "bf16",
            Precision::Int8 => "int8",
        }
    }

    /// The format called `name`.
    pub fn from_name(name: &str) -> Option<Precision> {
        Self::ALL.iter().copied().find(|precision| precision.name() == name)
    }
}

impl fmt::Display for Precision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Runtime {
    /// A runtime of whose build nothing is known.
    pub fn new(name: &str, version: &str) -> Self {
        Self { name: name.to_owned(), version: version.to_owned(), build: None }
    }
}

impl fmt::Display for Runtime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.name, self.version)?;
        match &self.build {
            Some(build) => write!(f, " ({build})"),
            None => Ok(()),
        }
    }
}

impl Device {
    /// A device of one thread that computes in single precision, of which no more is known.
    pub fn new(name: &str, title: &str, chip: &str, runtime: Runtime) -> Self {
        Self {
            name: name.to_owned(),
            title: title.to_owned(),
            chip: chip.to_owned(),
            clock: None,
            threads: 1,
            runtime,
            precision: Precision::Fp32,
            source: None,
        }
    }

    /// Whether `name` can name a device: ASCII letters, digits, `_`, `-` and `.`, with a letter or a
    /// digit first, so that it is a file name everywhere.
    pub fn is_name(name: &str) -> bool {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
        (1..=100).contains(&name.len())
            && name.as_bytes()[0].is_ascii_alphanumeric()
            && name.bytes().all(plain)
    }
}

impl Provenance {
    /// Whether `date` is written `YYYY-MM-DD`.
    pub fn is_date(date: &str) -> bool {
        let fields: Vec<&str> = date.split('-').collect();
        let number = |text: &str, width: usize, upto: u32| {
            let digits = text.len() == width && text.bytes().all(|byte| byte.is_ascii_digit());
            digits && text.parse::<u32>().is_ok_and(|value| (1..=upto).contains(&value))
        };
        matches!(fields[..], [year, month, day]
            if number(year, 4, 9999) && number(month, 2, 12) && number(day, 2, 31))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_dates_that_are_files_and_days() {
        assert!(Device::is_name("cortexA76cpu_tflite2.1"));
        for name in ["", "../x", ".x", "a b", "a/b", "é"] {
            assert!(!Device::is_name(name), "{name}");
        }
        assert!(Provenance::is_date("2024-02-29"));
        for date in ["2024-2-29", "2024-13-01", "yesterday", "2024-01-01-01", "+024-01-01"] {
            assert!(!Provenance::is_date(date), "{date}");
        }
    }

    #[test]
    fn precisions_read_back() {
        for &precision in Precision::ALL {
            assert_eq!(Precision::from_name(precision.name()), Some(precision));
        }
    }
}
