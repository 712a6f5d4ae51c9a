//! `cargo xtask nni`: the bridge with the real NNI, end to end.
//!
//! | file | holds |
//! |---|---|
//! | `environment.rs` | NNI 3.0 and 2.10 of PyPI, each installed into a folder of its own |
//! | `experiment.rs` | an experiment of the example configurations, its manager, tuner and trials |
//! | `measure.rs` | models measured by trials |
//! | `scenarios.rs` | what is done to experiments, and what must come of it |

mod environment;
mod experiment;
mod measure;
mod scenarios;

use std::time::Instant;

use anyhow::{Context, Result};
use clap::ValueEnum;

use crate::shell;
use environment::{Environment, Version};
use scenarios::Scenario;

/// Run real NNI experiments (3.0 and 2.10, from PyPI) with our tuner and trials.
///
/// NNI is installed under the target directory the first time (about 45 s and 1.2 GB for both). What
/// fails prints the ends of NNI's logs.
#[derive(clap::Args)]
pub(crate) struct Nni {
    /// This version of NNI only.
    #[arg(long, value_enum)]
    version: Option<Version>,
    /// These scenarios only; may be repeated.
    #[arg(long, value_enum)]
    scenario: Vec<Scenario>,
}

impl Nni {
    pub(crate) fn run(&self) -> Result<()> {
        let versions: Vec<Version> = self
            .version
            .map_or_else(|| Version::value_variants().to_vec(), |version| vec![version]);
        let scenarios = if self.scenario.is_empty() {
            Scenario::value_variants().to_vec()
        } else {
            self.scenario.clone()
        };
        run(&versions, &scenarios)
    }
}

/// What `cargo xtask test` runs.
pub(crate) fn run_core() -> Result<()> {
    run(&[Version::V3], &Scenario::CORE)
}

fn run(versions: &[Version], scenarios: &[Scenario]) -> Result<()> {
    shell::cargo(["build", "--package", "nnmeter-nni-bridge"])?;
    let mut passed = 0;
    for &version in versions {
        let environment = Environment::install(version)?;
        for scenario in scenarios.iter().filter(|scenario| scenario.is_for(version)) {
            let start = Instant::now();
            let name = format!("NNI {version}, {scenario}");
            scenario.run(&environment).with_context(|| name.clone())?;
            eprintln!("ok: {name} ({:.0} s)", start.elapsed().as_secs_f64());
            passed += 1;
        }
    }
    eprintln!("{passed} scenarios with the real NNI passed");
    Ok(())
}
