//! The tuner's options: `classArgs` of NNI's configuration, which the Python class hands over as JSON,
//! and the command line's.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Deserialize;

use super::constraint::Constraint;
use super::error::{Error, ErrorKind, Result};

/// The environment variable that holds `classArgs` as JSON.
pub const VARIABLE: &str = "NNMETER_TUNER_ARGS";

/// How parameters are proposed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Algorithm {
    /// Draws; architectures uniformly from those within the constraints.
    #[default]
    Random,
    /// Regularised evolution (Real et al., AAAI 2019), within the constraints.
    Evolution,
    /// All there is, one after the other.
    Grid,
}

/// Which results are better.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OptimizeMode {
    /// The higher.
    #[default]
    Maximize,
    /// The lower.
    Minimize,
}

/// The tuner's options.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// How parameters are proposed.
    pub algorithm: Algorithm,
    /// Which results are better.
    pub optimize_mode: OptimizeMode,
    /// Equal seeds and results give equal proposals.
    pub seed: u64,
    /// What architectures may cost: see [`constraint`](super::constraint).
    pub constraints: Vec<String>,
    /// Evolution: how many of the latest results parents come from.
    pub population: usize,
    /// Evolution: how many of these, drawn with replacement, a parent is the best of.
    pub tournament: usize,
    /// Grid: how many points a number without a quantum takes.
    pub grid_points: usize,
    /// A trial is stopped that reports more than this as an intermediate result of the name.
    pub kill_over: BTreeMap<String, f64>,
    /// Where JSON files of search spaces are whose paths are relative.
    pub folder: PathBuf,
}

impl Default for Options {
    /// Random draws, the higher the better, no constraints. Evolution: 32 results, tournaments of 8.
    fn default() -> Self {
        Self {
            algorithm: Algorithm::default(),
            optimize_mode: OptimizeMode::default(),
            seed: 0,
            constraints: Vec::new(),
            population: 32,
            tournament: 8,
            grid_points: 5,
            kill_over: BTreeMap::new(),
            folder: PathBuf::new(),
        }
    }
}

impl Options {
    /// Reads options from JSON.
    ///
    /// # Errors
    /// [`ErrorKind::BadOption`] if one is unknown or has a value that cannot be meant.
    pub fn read(json: &str) -> Result<Self> {
        let options: Self = serde_json::from_str(json).map_err(|error| {
            Error::new(ErrorKind::BadOption, "classArgs of the tuner", error.to_string())
        })?;
        options.checked()
    }

    /// These options, if they can be meant.
    ///
    /// # Errors
    /// [`ErrorKind::BadOption`] if they cannot.
    pub fn checked(self) -> Result<Self> {
        let sizes = [
            ("population", self.population),
            ("tournament", self.tournament),
            ("grid_points", self.grid_points),
        ];
        if let Some((name, _)) = sizes.iter().find(|(_, size)| *size == 0) {
            return Err(Error::new(ErrorKind::BadOption, format!("option {name:?}"), "is 0")
                .expected("at least 1"));
        }
        self.parsed_constraints().map(|_| self)
    }

    /// The constraints.
    ///
    /// # Errors
    /// [`ErrorKind::BadOption`] if one is not understood.
    pub fn parsed_constraints(&self) -> Result<Vec<Constraint>> {
        self.constraints.iter().map(|text| text.parse()).collect()
    }

    /// How good a result is: the higher, the better. What is not a number is the worst.
    pub fn fitness(&self, result: f64) -> f64 {
        match self.optimize_mode {
            _ if result.is_nan() => f64::NEG_INFINITY,
            OptimizeMode::Maximize => result,
            OptimizeMode::Minimize => -result,
        }
    }
}
