//! What is done to experiments, and what must come of it.

use std::collections::BTreeSet;
use std::fmt;
use std::time::Duration;

use anyhow::{Result, ensure};
use clap::ValueEnum;

use super::environment::{Environment, Version};
use super::experiment::{Experiment, Trial, kill};
use super::measure;

/// The budget of the examples' configurations, in milliseconds.
const BUDGET_MS: f64 = 60.0;
/// That of `tpe.yml`, which about half of the space is over.
const TPE_BUDGET_MS: f64 = 50.0;
/// Trials of `hpo.yml` and of `predict.yml`.
const TRIALS: usize = 8;
/// How long an experiment may take. NNI 2.10 looks at its trials every five seconds.
const LIMIT: Duration = Duration::from_secs(240);

/// Something that happens to an experiment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Scenario {
    /// The example of hyper-parameters and an architecture, as it is.
    Hpo,
    /// The example in which NNI's TPE proposes, and our tuner vetoes.
    Tpe,
    /// The same, and the bridge that our tuner asks is killed with -9.
    TpeBridgeKilled,
    /// The example whose trials are `nnmeter-bridge trial predict`.
    Predict,
    /// A budget that no architecture keeps.
    Infeasible,
    /// The tuner's worker is killed with -9, twice.
    WorkerKilled,
    /// The tuner's keeper, which holds the connection, is killed with -9.
    KeeperKilled,
    /// The manager is killed with -9, and the experiment resumed.
    Resumed,
    /// Models are measured by trials (`nnmeter-bridge measure`), some of which fail.
    Measure,
}

impl fmt::Display for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.to_possible_value().map(|value| value.get_name().to_owned());
        f.write_str(&name.unwrap_or_default())
    }
}

impl Scenario {
    /// Those that `cargo xtask test` runs.
    pub(crate) const CORE: [Scenario; 5] = [
        Scenario::Hpo,
        Scenario::Tpe,
        Scenario::Infeasible,
        Scenario::WorkerKilled,
        Scenario::Measure,
    ];

    /// Whether it can be survived with that version: NNI 2.10 ends an experiment as soon as the
    /// connection is closed.
    pub(crate) fn is_for(self, version: Version) -> bool {
        self != Scenario::KeeperKilled || version == Version::V3
    }

    pub(crate) fn run(self, environment: &Environment) -> Result<()> {
        if self == Scenario::Measure {
            return measure::run(environment);
        }
        let config = match self {
            Scenario::Predict => "predict.yml",
            Scenario::Tpe | Scenario::TpeBridgeKilled => "tpe.yml",
            _ => "hpo.yml",
        };
        let edit = |text: String| match self {
            Scenario::Infeasible => text.replace("60ms@", "1ms@"),
            _ => text,
        };
        let variables = match self {
            Scenario::Hpo | Scenario::Tpe | Scenario::Predict | Scenario::Infeasible => Vec::new(),
            _ => vec![("TRIAL_SECONDS", "1".to_owned())],
        };
        let name = self.to_string();
        let mut experiment = Experiment::start(environment, &name, config, edit, variables)?;
        self.check(&mut experiment).map_err(|error| error.context(experiment.tails()))
    }

    fn check(self, experiment: &mut Experiment<'_>) -> Result<()> {
        let mut expected = TRIALS;
        match self {
            Scenario::Hpo | Scenario::Tpe | Scenario::Predict | Scenario::Measure => {}
            Scenario::TpeBridgeKilled => {
                experiment.wait_for_results(2, LIMIT)?;
                let killed = experiment.bridge()?;
                kill(killed)?;
                experiment.wait_for_results(4, LIMIT)?;
                ensure!(experiment.bridge()? != killed, "process {killed} is still there");
            }
            Scenario::Infeasible => return is_refused(experiment),
            Scenario::WorkerKilled => {
                for results in [1, 4] {
                    experiment.wait_for_results(results, LIMIT)?;
                    kill(experiment.process("worker")?)?;
                }
            }
            Scenario::KeeperKilled => {
                experiment.wait_for_results(2, LIMIT)?;
                kill(experiment.process("keeper")?)?;
            }
            Scenario::Resumed => {
                experiment.wait_for_results(3, LIMIT)?;
                let (manager, trials) = (experiment.manager()?, experiment.trials()?);
                kill(manager)?;
                // NNI 2.10 runs what had not ended once more, and counts it among `maxTrialNumber`
                // twice (`resumeExperiment` of its nnimanager.js; 3.0 takes it off again).
                if experiment.environment.version == Version::V2 {
                    expected -= trials.iter().filter(|trial| trial.is_open()).count();
                }
                experiment.until("the manager's end", LIMIT, || {
                    Ok(experiment.status().is_err().then_some(()))
                })?;
                experiment.resume()?;
            }
        }
        let status = experiment.wait(LIMIT)?;
        ensure!(status == "DONE", "the experiment ended with {status}");
        let is_tpe = matches!(self, Scenario::Tpe | Scenario::TpeBridgeKilled);
        if is_tpe {
            ensure!(experiment.log()?.contains("vetoed ("), "no proposal was vetoed");
        }
        let budget = if is_tpe { TPE_BUDGET_MS } else { BUDGET_MS };
        is_within_budget(&experiment.trials()?, expected, budget)
    }
}

/// There are as many trials as expected. All have succeeded, no two with the same parameters, and each with an architecture within
/// the budget; what the trials reported is what the tuner said.
fn is_within_budget(trials: &[Trial], expected: usize, budget: f64) -> Result<()> {
    ensure!(trials.len() == expected, "{} trials, not {expected}", trials.len());
    let mut seen = BTreeSet::new();
    for trial in trials {
        ensure!(trial.status == "SUCCEEDED", "a trial did not succeed: {trial:?}");
        ensure!(seen.insert(trial.parameter), "two trials have parameters {}", trial.parameter);
        ensure!(seen_first(&trial.parameters, trials, trial.parameter), "tried twice: {trial:?}");
        let cost = trial.parameters["arch"]["costs"][0]["value"].as_f64();
        ensure!(cost.is_some_and(|cost| cost <= budget), "over budget: {trial:?}");
        let reported = trial.result.as_ref().and_then(|result| result["latency_ms"].as_f64());
        ensure!(reported.is_some_and(|ms| ms > 0.0), "no latency reported: {trial:?}");
    }
    Ok(())
}

/// Whether no trial of a lower number has the parameters.
fn seen_first(parameters: &serde_json::Value, trials: &[Trial], number: u64) -> bool {
    trials.iter().all(|other| other.parameter >= number || other.parameters != *parameters)
}

/// The experiment ends at once, and the tuner says what the least latency is and who has it.
fn is_refused(experiment: &Experiment<'_>) -> Result<()> {
    let status = experiment.wait(Duration::from_secs(30))?;
    ensure!(status == "ERROR", "the experiment ended with {status}");
    let log = experiment.log()?;
    ensure!(
        log.contains("over budget: every architecture needs"),
        "the log says no minimum:\n{log}"
    );
    ensure!(log.contains("the cheapest architecture takes, "), "the log names no sample:\n{log}");
    Ok(())
}
