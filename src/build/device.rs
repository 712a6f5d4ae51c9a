//! `nnmeter build`: a device out of a runtime that is at hand.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use nnmeter_hardware::backend::{Identity, Model};
use nnmeter_hardware::builder::zoo::{self, Known};
use nnmeter_hardware::builder::{Built, Enough, Event, Judged, Plan, Report, build};
use nnmeter_hardware::json;
use nnmeter_hardware::measure::Log;
use nnmeter_hardware::package::RuleFile;
use serde_json::json;

use super::plot;
use crate::models;
use crate::new_package::NewPackage;
use crate::report::plain_table;
use crate::runtime::{self, Bar, RuntimeArgs};

/// The options of `nnmeter build` itself.
#[derive(clap::Args)]
pub(super) struct Options {
    /// How long networks are measured to fit to: 90s, 20m, 2h.
    #[arg(long, value_name = "TIME", value_parser = parse_time, default_value = "20m")]
    budget: Duration,

    /// Stop after so many networks.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(24..))]
    networks: Option<u64>,

    /// Stop once this share of networks that come (0 to 1) is predicted within 10 %.
    #[arg(long, value_name = "SHARE", value_parser = parse_share)]
    target: Option<f64>,

    /// A model file, or a folder of them, to judge the device by, instead of published networks
    /// (repeatable).
    #[arg(long, value_name = "FILE")]
    judge: Vec<PathBuf>,

    /// Fusion rules in nn-Meter's format; else what the runtime tells.
    #[arg(long, value_name = "JSON")]
    rules: Option<PathBuf>,

    /// Where every round is written down, and read from when the build goes on; else FILE.log.
    #[arg(long, value_name = "FILE")]
    log: Option<PathBuf>,

    /// Rounds of each network.
    #[arg(long, value_name = "N", default_value_t = 20,
          value_parser = clap::value_parser!(u32).range(2..))]
    rounds: u32,

    /// Seed of the networks that are drawn.
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,

    /// Plot what was measured against what is predicted.
    #[arg(long, value_name = "SVG")]
    plot: Option<PathBuf>,

    /// Print one JSON object a line.
    #[arg(long)]
    json: bool,
}

fn parse_time(text: &str) -> Result<Duration, String> {
    let units = [("s", 1.0), ("m", 60.0), ("h", 3600.0)];
    let split = units.iter().find_map(|(unit, factor)| Some((text.strip_suffix(unit)?, factor)));
    let seconds = split.and_then(|(number, factor)| Some(number.parse::<f64>().ok()? * factor));
    let time = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    time.ok_or_else(|| "expected a number and s, m or h, as in 20m".to_owned())
}

fn parse_share(text: &str) -> Result<f64, String> {
    let share = text.parse::<f64>().ok().filter(|share| (0.0..=1.0).contains(share));
    share.ok_or_else(|| "expected a number from 0 to 1, as in 0.9".to_owned())
}

impl Options {
    fn plan(&self, package: &NewPackage, identity: &Identity) -> anyhow::Result<Plan> {
        let name = package.name()?;
        let title = package.title.clone().unwrap_or_else(|| runtime::title(identity));
        Ok(Plan {
            device: identity.device(&name, &title),
            date: package.date(),
            seed: self.seed,
            rounds: self.rounds as usize,
            judges: self.judges()?,
            enough: Enough {
                networks: self.networks,
                time: self.networks.is_none().then_some(self.budget),
                within_10: self.target,
            },
            rules: self.rules.as_ref().map(read_rules).transpose()?,
        })
    }

    fn judges(&self) -> anyhow::Result<Vec<Known>> {
        if self.judge.is_empty() {
            return Ok(zoo::all()?);
        }
        let judge = |path: PathBuf| {
            let model = Model::read(&path)?;
            let (name, graph) = (model.name().to_owned(), model.graph().clone());
            Ok(Known { family: "own".to_owned(), name, graph })
        };
        models::expand(&self.judge)?.into_iter().map(judge).collect()
    }

    fn log(&self, package: &NewPackage) -> PathBuf {
        let beside = || {
            let mut name = package.output.clone().into_os_string();
            name.push(".log");
            PathBuf::from(name)
        };
        self.log.clone().unwrap_or_else(beside)
    }
}

fn read_rules(path: &PathBuf) -> anyhow::Result<RuleFile> {
    let shown = || path.display().to_string();
    let bytes = std::fs::read(path).with_context(shown)?;
    RuleFile::from_json(&bytes).with_context(shown)
}

pub(super) fn run(
    runtime: &RuntimeArgs,
    package: &NewPackage,
    options: &Options,
) -> anyhow::Result<ExitCode> {
    let backend = runtime.open()?;
    let plan = options.plan(package, backend.identity())?;
    let mut log = Log::open(&options.log(package), backend.identity())?;
    let bar = Bar::new();
    let built = build(&*backend, &plan, &mut log, &mut |event| show(&bar, &event))?;
    drop(bar);
    for (name, error) in built.failed.iter().chain(&built.report.failed) {
        eprintln!("warning: {name}: {error}");
    }
    match options.json {
        true => print_json(&built, json::identity(backend.identity()))?,
        false => print(&built, &runtime::title(backend.identity()))?,
    }
    if let Some(path) = &options.plot {
        let text = plot::svg(&plan.device.title, &built.report)?;
        std::fs::write(path, text).with_context(|| path.display().to_string())?;
    }
    built.package.write(&package.output)?;
    eprintln!("wrote {}", package.output.display());
    Ok(ExitCode::SUCCESS)
}

fn show(bar: &Bar, event: &Event) {
    match event {
        Event::Judging(progress) => bar.show_as("networks to judge by: ", progress),
        Event::Batch { batch, networks, progress } => {
            bar.show_as(&format!("batch {}, {networks} networks known: ", batch + 1), progress);
        }
        Event::Fitted { networks, within_10: Some(share) } => bar.say(&format!(
            "{networks} networks; {:.0} % of the last that were not chosen were within 10 % before \
             they were known",
            100.0 * share
        )),
        Event::Fitted { .. } => {}
    }
}

fn print(built: &Built, title: &str) -> anyhow::Result<()> {
    let Report { judged, .. } = &built.report;
    let mut table = plain_table(&[
        "network, not fitted to",
        "measured ms",
        "predicted ms",
        "error",
        "repeats within",
        "",
    ]);
    for judged in judged {
        let repeats = judged.repeatability.map(|share| format!("{:.1} %", 100.0 * share));
        table.add_row(vec![
            judged.name.clone(),
            format!("{:.3}", judged.pair.measured),
            format!("{:.3}", judged.pair.predicted),
            format!("{:+.1} %", 100.0 * judged.pair.relative_error()),
            repeats.unwrap_or_default(),
            remark(judged),
        ]);
    }
    let mut out = std::io::stdout().lock();
    writeln!(out, "{title}\n\n{}\n", table.trim_fmt())?;
    let networks = built.package.provenance.models;
    if let Some(accuracy) = built.report.accuracy() {
        writeln!(
            out,
            "fitted to {networks} generated networks; of the {} above {:.0} % are within 10 %, {:.0} % \
             within 5 %, RMSPE {:.1} %",
            accuracy.models, accuracy.within_10, accuracy.within_5, accuracy.rmspe
        )?;
    }
    if let Some(repeatability) = built.report.repeatability() {
        let percent = 100.0 * repeatability;
        writeln!(out, "even and odd rounds of a network differ by {percent:.1} % in the middle")?;
    }
    Ok(())
}

fn remark(judged: &Judged) -> String {
    match judged.coverage < 1.0 {
        true => format!("{:.0} % of its operators have a price", 100.0 * judged.coverage),
        false => String::new(),
    }
}

fn print_json(built: &Built, identity: serde_json::Value) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    for judged in &built.report.judged {
        let object = json!({
            "network": judged.name,
            "family": judged.family,
            "measured_ms": judged.pair.measured,
            "predicted_ms": judged.pair.predicted,
            "interval_ms": judged.interval.map(|(low, high)| [low, high]),
            "repeatability": judged.repeatability,
            "coverage": judged.coverage,
        });
        writeln!(out, "{object}")?;
    }
    let accuracy = built.report.accuracy().map(|accuracy| json::accuracy("all", &accuracy));
    let summary = json!({"accuracy": accuracy, "repeatability": built.report.repeatability(),
        "fitted_to": built.package.provenance.models, "identity": identity});
    writeln!(out, "{summary}")?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_shares() {
        assert_eq!(parse_time("20m"), Ok(Duration::from_secs(1200)));
        assert_eq!(parse_time("1.5h"), Ok(Duration::from_secs(5400)));
        assert!(["20", "m", "-3s", "nans", "1e300h"].iter().all(|text| parse_time(text).is_err()));
        assert_eq!(parse_share("0.9"), Ok(0.9));
        assert!(["90", "-0.1", "nan", ""].iter().all(|text| parse_share(text).is_err()));
    }
}
