//! `nnmeter devices verify`: whether packages are what they ought to be.

use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use nnmeter_hardware::error::{Error, Result};
use nnmeter_hardware::json;
use nnmeter_hardware::package::read_file;
use nnmeter_hardware::registry::{Registry, as_file};
use nnmeter_hardware::verify::{SelfCheck, Verified, verify};
use serde_json::{Value, json};

use crate::report::plain_table;

/// Check packages: every digest, the models, the rules, and whether they price a network.
///
/// Ends with 1 if one of them does not pass.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  nnmeter devices verify
  nnmeter devices verify cortexA76cpu_tflite21 my_phone@1.0
  nnmeter devices verify downloads/my_phone.nnmeter --json")]
pub(crate) struct Args {
    /// Devices or package files; every package that there is if none is given.
    #[arg(value_name = "NAME|FILE")]
    names: Vec<String>,

    /// Print one JSON object a package.
    #[arg(long)]
    json: bool,
}

/// What became of a package.
struct Outcome {
    package: String,
    from: String,
    result: Result<Verified>,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let outcomes = outcomes(&args.names)?;
    let mut out = std::io::stdout().lock();
    if args.json {
        outcomes.iter().try_for_each(|outcome| writeln!(out, "{}", outcome.json()))?;
    } else {
        out.write_all(table(&outcomes).as_bytes())?;
    }
    let mut passed = true;
    for error in outcomes.iter().filter_map(|outcome| outcome.result.as_ref().err()) {
        passed = false;
        if !args.json {
            eprintln!("error: {error}");
            error.advice().into_iter().for_each(|hint| eprintln!("hint: {hint}"));
        }
    }
    Ok(if passed { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn outcomes(names: &[String]) -> anyhow::Result<Vec<Outcome>> {
    let registry = Registry::standard()?;
    let of_entry = |entry: nnmeter_hardware::registry::Entry<'_>| Outcome {
        package: entry.spec(),
        from: json::origin(entry.origin()),
        result: entry.verify(),
    };
    if names.is_empty() {
        return Ok(registry.entries().into_iter().map(of_entry).collect());
    }
    let of_name = |name: &String| match as_file(name) {
        Some(path) => Ok(of_file(path)),
        None => Ok(of_entry(registry.find(name)?)),
    };
    names.iter().map(of_name).collect()
}

fn of_file(path: &Path) -> Outcome {
    let from = path.display().to_string();
    let verified = read_file(path)
        .and_then(|bytes| verify(&bytes).map_err(|error| error.within(path.display())));
    match verified {
        Ok((package, verified)) => {
            let package = format!("{}@{}", package.device.name, package.version);
            Outcome { package, from, result: Ok(verified) }
        }
        Err(error) => Outcome { package: "-".to_owned(), from, result: Err(error) },
    }
}

fn table(outcomes: &[Outcome]) -> String {
    let header = ["package", "result", "KB", "parts", "built-in network", "covered", "from"];
    let mut table = plain_table(&header);
    for Outcome { package, from, result } in outcomes {
        let (passed, size, parts, prices, covered) = match result {
            Ok(verified) => cells(verified),
            Err(_) => ("FAILED", String::new(), String::new(), String::new(), String::new()),
        };
        table.add_row([package, passed, &size, &parts, &prices, &covered, from]);
    }
    format!("{}\n", table.trim_fmt())
}

fn cells(verified: &Verified) -> (&'static str, String, String, String, String) {
    let each = |text: &dyn Fn(&SelfCheck) -> String| {
        verified.checks.iter().map(text).collect::<Vec<_>>().join(", ")
    };
    (
        "ok",
        format!("{:.1}", verified.bytes as f64 / 1000.0),
        (verified.parts.len() + 1).to_string(),
        each(&|check| format!("{:.4} {}", check.total, check.metric.unit())),
        each(&|check| format!("{:.0} %", 100.0 * check.coverage)),
    )
}

impl Outcome {
    fn json(&self) -> Value {
        let (package, from) = (&self.package, &self.from);
        match &self.result {
            Ok(verified) => json!({
                "package": package,
                "from": from,
                "ok": true,
                "bytes": verified.bytes,
                "parts": verified
                    .parts
                    .iter()
                    .map(|part| json!({"name": part.name, "bytes": part.bytes, "sha256": part.sha256}))
                    .collect::<Vec<_>>(),
                "self_check": verified.checks.iter().map(check_json).collect::<Vec<_>>(),
            }),
            Err(error) => {
                json!({"package": package, "from": from, "ok": false, "error": error_json(error)})
            }
        }
    }
}

fn check_json(check: &SelfCheck) -> Value {
    let kinds: Vec<&str> = check.kinds.iter().map(|kind| kind.name()).collect();
    json!({
        "metric": check.metric.name(),
        "kernel_kinds": kinds,
        format!("total_{}", check.metric.unit()): check.total,
        "coverage": check.coverage,
    })
}

fn error_json(error: &Error) -> Value {
    json!({"message": error.to_string(), "hint": error.advice()})
}
