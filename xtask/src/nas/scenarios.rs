//! The examples in Python, run as they are, and what must come of them.

use std::fmt;
use std::fs::{self, File};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use clap::ValueEnum;
use serde_json::Value as Json;

use super::{Installed, Version};
use crate::shell;

/// How long an example may take.
const LIMIT: Duration = Duration::from_secs(900);
/// A budget for `spos.py` in milliseconds, within which few architectures are: 100 tries may find none.
const BUDGET_MS: f64 = 5.0;
/// One within which many are.
const LOOSE_BUDGET_MS: f64 = 6.0;
/// When the bridge is killed: about in the middle of what tabulates the space.
const IN_THE_MIDDLE: Duration = Duration::from_secs(8);

/// An example, and what happens to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Scenario {
    /// Single-path one-shot on NNI's ShuffleNetSpace, trained on exact samples under a budget.
    Spos,
    /// The same with NNI's own sampling and our filter.
    SposFilter,
    /// The same, and the bridge is killed with -9.
    SposKilled,
    /// ProxylessNAS with the expected latency as a penalty.
    Proxyless,
    /// DARTS with the expected latency as a penalty.
    Darts,
    /// DARTS with Gumbel-softmax, with the same penalty.
    GumbelDarts,
    /// NNI's own NnMeterProfiler on our predictors.
    NnMeterProfiler,
    /// The tables of NNI's NasBench201.
    #[value(name = "nasbench201")]
    NasBench201,
    /// The tables of NNI's MobileNetV3Space, for which a hundred architectures and more are exported.
    #[value(name = "mobilenetv3")]
    MobileNetV3,
    /// A multi-trial search of NNI 2.10 with a filter that asks nn-Meter.
    Filter2,
    /// NNI 2.10's own trainer of ProxylessNAS, whose latency estimator asks nn-Meter.
    Proxyless2,
}

impl fmt::Display for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.to_possible_value().map(|value| value.get_name().to_owned());
        f.write_str(&name.unwrap_or_default())
    }
}

impl Scenario {
    /// Those that `cargo xtask test` runs.
    pub(super) const CORE: [Scenario; 7] = [
        Scenario::Spos,
        Scenario::SposFilter,
        Scenario::SposKilled,
        Scenario::Proxyless,
        Scenario::Darts,
        Scenario::NnMeterProfiler,
        Scenario::NasBench201,
    ];

    pub(super) fn version(self) -> Version {
        match self {
            Scenario::Filter2 | Scenario::Proxyless2 => Version::V2,
            _ => Version::V3,
        }
    }

    pub(super) fn run(self, installed: &Installed) -> Result<()> {
        let budget = self.budget_ms().to_string();
        let port = shell::free_port()?.to_string();
        let arguments: &[&str] = match self {
            Scenario::Spos | Scenario::SposKilled => &["spos.py", "--max-ms", &budget],
            Scenario::SposFilter => &["spos.py", "--max-ms", &budget, "--filter"],
            Scenario::Proxyless => &["proxyless.py"],
            Scenario::Darts => &["proxyless.py", "--strategy", "darts"],
            Scenario::GumbelDarts => &["proxyless.py", "--strategy", "gumbel"],
            Scenario::NnMeterProfiler => &["nn_meter_profiler.py"],
            Scenario::NasBench201 => &["hub_space.py", "NasBench201"],
            Scenario::MobileNetV3 => &["hub_space.py", "MobileNetV3Space"],
            Scenario::Filter2 => &["nni2.py", "filter", "--max-ms", "0.6", "--port", &port],
            Scenario::Proxyless2 => &["nni2.py", "proxyless", "--max-ms", "0.6"],
        };
        let mut example = Example::start(installed, &self.to_string(), arguments)?;
        if self == Scenario::SposKilled {
            example.kill_bridge()?;
        }
        let report = example.report()?;
        let log = example.log()?;
        self.check(&report, &log).with_context(|| format!("{self}: {report}"))
    }

    fn budget_ms(self) -> f64 {
        if self == Scenario::SposFilter { LOOSE_BUDGET_MS } else { BUDGET_MS }
    }

    /// The best architecture is within the budget, and costs what the whole network is predicted to.
    fn within_budget(self, report: &Json) -> Result<()> {
        let (ms, budget) = (as_predicted(report)?, self.budget_ms());
        ensure!(ms <= budget, "{ms} ms is over {budget} ms");
        Ok(())
    }

    fn check(self, report: &Json, log: &str) -> Result<()> {
        match self {
            Scenario::Spos | Scenario::SposFilter => self.within_budget(report),
            Scenario::SposKilled => {
                ensure!(log.contains("was ended by signal 9; it is started again"), "nothing said");
                self.within_budget(report)
            }
            Scenario::Proxyless | Scenario::Darts => approaches(report),
            Scenario::GumbelDarts => falls(report),
            Scenario::MobileNetV3 => are_predictions(report),
            Scenario::NasBench201 => {
                are_predictions(report)?;
                let dearest = number(report, "dearest_draw_ms")?;
                ensure!(dearest <= number(report, "budget_ms")?, "{dearest} ms is over budget");
                Ok(())
            }
            Scenario::Filter2 => were_filtered(report),
            Scenario::Proxyless2 => has_table(report),
            Scenario::NnMeterProfiler => {
                let (modules, kernels) =
                    (number(report, "by_module_ms")?, number(report, "by_kernel_ms")?);
                ensure!(modules > kernels, "fusion makes no difference");
                Ok(())
            }
        }
    }
}

/// The latency of the best architecture, which is what the whole network is predicted to take.
fn as_predicted(report: &Json) -> Result<f64> {
    let (ms, predicted) = (number(report, "ms")?, number(report, "predicted_ms")?);
    ensure!(
        (ms - predicted).abs() <= 1e-6 * predicted,
        "{ms} ms, but predicted are {predicted} ms"
    );
    Ok(ms)
}

/// Tables have the latencies of fresh architectures.
fn are_predictions(report: &Json) -> Result<()> {
    let difference = number(report, "largest_difference")?;
    ensure!(difference <= 1e-6, "differs from predictions by {difference} of them");
    Ok(())
}

/// What the filter let pass was submitted, and nothing else.
fn were_filtered(report: &Json) -> Result<()> {
    let passed = report["passed_ms"].as_array().context("no latencies")?;
    let (models, most) = (number(report, "models")?, number(report, "max_ms")?);
    ensure!(models == passed.len() as f64 && models > 0.0, "{} passed", passed.len());
    ensure!(passed.iter().all(|ms| ms.as_f64().is_some_and(|ms| ms > 0.0 && ms < most)));
    Ok(())
}

/// NNI's table has a price for every candidate and for the rest, and the best costs what it says.
fn has_table(report: &Json) -> Result<()> {
    let table = report["table"].as_object().context("no table")?;
    let prices = table.values().filter_map(Json::as_object).flat_map(|row| row.values());
    let prices: Vec<f64> = prices.filter_map(Json::as_f64).collect();
    ensure!(prices.len() == 13 && prices.iter().all(|&ms| ms > 0.0), "prices {prices:?}");
    let best = report["best"].as_object().context("no best")?;
    let chosen = best.iter().map(|(label, option)| table[label][option.to_string()].as_f64());
    let sum: Option<f64> = chosen.chain([table["stationary_block"]["root"].as_f64()]).sum();
    let ms = number(report, "ms")?;
    ensure!(sum.is_some_and(|sum| (sum - ms).abs() < 1e-9), "{sum:?} ms, not {ms}");
    Ok(())
}

/// The expected latency falls at every step but for noise, by at least half of the way to the
/// reference: a penalty without a gradient would leave it where it is.
fn approaches(report: &Json) -> Result<()> {
    as_predicted(report)?;
    ensure!(number(report, "least_gradient")? > 0.0, "some alpha feels nothing");
    let reference = number(report, "reference_ms")?;
    let expected = report["expected_ms"].as_array().context("no expected latencies")?;
    let ends = (expected.first().and_then(Json::as_f64), expected.last().and_then(Json::as_f64));
    let (Some(first), Some(last)) = ends else { bail!("no expected latencies") };
    let half = reference + (first - reference) / 2.0;
    ensure!(last < half, "from {first} ms to {last} ms, where the reference is {reference} ms");
    Ok(())
}

/// The expected latency, which is noise in part because every step draws anew: its mean over the last
/// quarter of the steps is below that over the first by a quarter of the way to the reference at least.
fn falls(report: &Json) -> Result<()> {
    as_predicted(report)?;
    ensure!(number(report, "least_gradient")? > 0.0, "some alpha feels nothing");
    let expected = report["expected_ms"].as_array().context("no expected latencies")?;
    let expected: Vec<f64> = expected.iter().filter_map(Json::as_f64).collect();
    let quarter = expected.len() / 4;
    ensure!(quarter > 0, "{} expected latencies", expected.len());
    let mean = |steps: &[f64]| steps.iter().sum::<f64>() / steps.len() as f64;
    let first = mean(&expected[..quarter]);
    let last = mean(&expected[expected.len() - quarter..]);
    let most = first - (first - number(report, "reference_ms")?) / 4.0;
    ensure!(last < most, "from {first} ms to {last} ms, not below {most} ms");
    Ok(())
}

fn number(report: &Json, key: &str) -> Result<f64> {
    report[key].as_f64().with_context(|| format!("no {key:?}"))
}

/// A running example.
struct Example {
    child: Child,
    folder: std::path::PathBuf,
    start: Instant,
}

impl Example {
    fn start(installed: &Installed, name: &str, arguments: &[&str]) -> Result<Self> {
        let folder = installed.folder.join("runs").join(name);
        if folder.exists() {
            fs::remove_dir_all(&folder)?;
        }
        fs::create_dir_all(&folder)?;
        let script = shell::root().join("nnmeter-nni-bridge/examples").join(arguments[0]);
        let mut command = Command::new(&installed.python);
        command.arg(script).args(&arguments[1..]).current_dir(&folder).env("HOME", &folder);
        command.envs(installed.variables.iter().cloned()).stdin(Stdio::null());
        let file = |name| File::create(folder.join(name));
        let child = command.stdout(file("stdout")?).stderr(file("stderr")?).spawn()?;
        Ok(Self { child, folder, start: Instant::now() })
    }

    /// Kills the bridge that the example started, some time after it did.
    fn kill_bridge(&mut self) -> Result<()> {
        let bridge = loop {
            if let Some(bridge) = child_called(self.child.id(), "nnmeter-bridge") {
                break bridge;
            }
            ensure!(self.child.try_wait()?.is_none(), "ended before its bridge was there");
            thread::sleep(Duration::from_millis(100));
        };
        thread::sleep(IN_THE_MIDDLE);
        ensure!(self.child.try_wait()?.is_none(), "ended too early\n{}", self.log()?);
        let killed = Command::new("kill").args(["-9", &bridge.to_string()]).status()?;
        ensure!(killed.success(), "process {bridge} cannot be killed");
        Ok(())
    }

    /// What it printed in the end, once it has ended.
    fn report(&mut self) -> Result<Json> {
        let status = loop {
            match self.child.try_wait()? {
                Some(status) => break status,
                None if self.start.elapsed() < LIMIT => thread::sleep(Duration::from_millis(100)),
                None => bail!("takes more than {} s\n{}", LIMIT.as_secs(), self.log()?),
            }
        };
        let printed = fs::read_to_string(self.folder.join("stdout"))?;
        let last = printed.lines().rev().find(|line| line.starts_with("{\""));
        match last.filter(|_| status.success()) {
            Some(line) => Ok(serde_json::from_str(line)?),
            None => bail!("{status}\n{}", self.log()?),
        }
    }

    /// The end of what it said.
    fn log(&self) -> Result<String> {
        let text = String::from_utf8_lossy(&fs::read(self.folder.join("stderr"))?).into_owned();
        Ok(text)
    }
}

impl Drop for Example {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The process of that name that `parent` started.
fn child_called(parent: u32, name: &str) -> Option<u32> {
    fs::read_dir("/proc").ok()?.flatten().find_map(|entry| {
        let pid: u32 = entry.file_name().to_str()?.parse().ok()?;
        let stat =
            fs::read_to_string(Path::new("/proc").join(pid.to_string()).join("stat")).ok()?;
        let (before, after) = stat.rsplit_once(')')?;
        let of: u32 = after.split_whitespace().nth(1)?.parse().ok()?;
        // The kernel keeps 15 characters of a name.
        let called = before.split_once('(')?.1;
        (of == parent && name.starts_with(called)).then_some(pid)
    })
}
