//! `nnmeter build rules`: which operators a runtime fuses, found out by measuring.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use nnmeter_hardware::backend::Backend;
use nnmeter_hardware::fusion::{
    Agreement, COMMON, Finding, Operator, Plan, Seen, Source, Verdict, find, rules_json,
};
use nnmeter_hardware::measure::Log;
use serde_json::{Value, json};

use crate::report::plain_table;
use crate::runtime::{self, Bar, RuntimeArgs};

/// Find out by measuring which operators a runtime fuses.
///
/// Operators are measured between convolutions: what the second of two costs there, against what it
/// costs on its own. What is asked is decided where the chance that any verdict is wrong stays below 1
/// in 20; the rest is measured on, and in the end stays undecided (null in the rules). The same is asked
/// of other places where operators stand, which gives rules the context they hold in ("where"), of
/// nodes with several consumers (MON), and of blocks that exporters spell out. Where the runtime tells
/// what it fuses, verdicts are compared with it; it changes none, unless --from-runtime is given.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  nnmeter build rules --backend onnxruntime -o rules.json
  nnmeter build rules --backend onnxruntime --from-runtime --rounds 0 -o rules.json
  nnmeter build rules --backend tract --first conv --first dwconv --log here.jsonl -o rules.json
  nnmeter build rules --backend onnxruntime -o rules.json --json | jq 'select(.obey)'")]
pub(crate) struct Args {
    #[command(flatten)]
    runtime: RuntimeArgs,

    /// Only what follows this operator (repeatable).
    #[arg(long, value_name = "OPERATOR", value_parser = parse_operator)]
    first: Vec<Operator>,

    /// Rules are what the runtime tells, and what was measured where it tells nothing.
    #[arg(long)]
    from_runtime: bool,

    /// Rounds at most until something is left undecided; none to ask the runtime only.
    #[arg(long, value_name = "N", default_value_t = Plan::default().rounds as u32,
          value_parser = clap::value_parser!(u32).range(0..=10_000))]
    rounds: u32,

    /// Where every round is written down (JSON lines); what is there is not measured again.
    #[arg(long, value_name = "FILE")]
    log: Option<PathBuf>,

    /// The file of rules, as nn-Meter has them.
    #[arg(long, short, value_name = "JSON")]
    output: PathBuf,

    /// Print one JSON object a line.
    #[arg(long)]
    json: bool,
}

fn parse_operator(text: &str) -> Result<Operator, String> {
    let mut firsts = Plan::default().firsts.into_iter();
    let names = || firsts.clone().map(Operator::name).collect::<Vec<_>>().join(", ");
    let expected = format!("expected {}", names());
    firsts.find(|operator| operator.name() == text).ok_or(expected)
}

pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let backend = args.runtime.open()?;
    let mut log = match &args.log {
        Some(path) => Log::open(path, backend.identity())?,
        None => Log::in_memory(),
    };
    let mut plan = Plan { rounds: args.rounds as usize, ..Plan::default() };
    if !args.first.is_empty() {
        plan.firsts.retain(|first| args.first.contains(first));
    }
    let bar = Bar::new();
    let findings = find(&*backend, &plan, &mut log, &mut |progress| bar.show(progress))?;
    drop(bar);
    let source = if args.from_runtime { Source::Told } else { Source::Measured };
    let rules = rules_json(&findings, source);
    let text = format!("{rules:#}\n");
    let cannot = || format!("{} cannot be written", args.output.display());
    std::fs::write(&args.output, text).with_context(cannot)?;
    match args.json {
        true => print_json(&*backend, &rules)?,
        false => print(&*backend, &findings, args.from_runtime)?,
    }
    Ok(exit_code(&findings))
}

/// Failure if a network could not be measured.
fn exit_code(findings: &[Finding]) -> ExitCode {
    let mut seen = findings.iter().flat_map(|finding| &finding.seen);
    let failed = seen.any(|seen| matches!(seen.figures, Some(Err(_))));
    if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

fn print_json(backend: &dyn Backend, rules: &Value) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    let identity = nnmeter_hardware::json::identity(backend.identity());
    for (name, rule) in rules.as_object().into_iter().flatten() {
        let (obey, context, found) = (&rule["obey"], &rule["where"], &rule["found"]);
        let line = json!({
            "rule": name, "obey": obey, "where": context, "found": found, "identity": identity
        });
        writeln!(out, "{line}")?;
    }
    Ok(())
}

fn print(backend: &dyn Backend, findings: &[Finding], told: bool) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{}\n", runtime::title(backend.identity()))?;
    let mut table = plain_table(&[
        "operators",
        "image",
        "verdict",
        "costs",
        "separate",
        "p fused",
        "p not",
        "rounds",
        "runtime",
        "nn-Meter",
    ]);
    for finding in findings {
        for seen in &finding.seen {
            table.add_row(row(finding, seen));
        }
    }
    writeln!(out, "{}", table.trim_fmt())?;
    let decided = findings.iter().filter(|finding| finding.answer(told) != Verdict::Undecided);
    writeln!(out, "\n{} of {} are decided", decided.count(), findings.len())?;
    let common = findings.iter().filter(|finding| COMMON.contains(&finding.case));
    print_agreement(&mut out, "", &Agreement::of(findings))?;
    print_agreement(&mut out, " common", &Agreement::of(common))?;
    Ok(())
}

fn print_agreement(out: &mut impl Write, which: &str, agreement: &Agreement) -> anyhow::Result<()> {
    let Agreement { told, right, wrong, nn_meter_right, nn_meter_wrong } = agreement;
    let undecided = agreement.undecided();
    if *told > 0 {
        writeln!(
            out,
            "of {told}{which} questions of which the runtime tells, {right} right, {wrong} wrong, \
             {undecided} undecided; nn-Meter's rule: {nn_meter_right} right, {nn_meter_wrong} wrong"
        )?;
    }
    Ok(())
}

fn row(finding: &Finding, seen: &Seen) -> Vec<String> {
    let say = |fused: Option<bool>| match fused {
        Some(true) => "fused",
        Some(false) => "not fused",
        None => "",
    };
    let microseconds = |ms: f64| format!("{:.2} us", 1e3 * ms);
    let mut row =
        vec![finding.case.name(), seen.look.to_string(), seen.verdict().name().to_owned()];
    match &seen.figures {
        Some(Ok(figures)) => row.extend([
            microseconds(figures.cost),
            microseconds(figures.separate),
            format!("{:.1e}", figures.p_fused),
            format!("{:.1e}", figures.p_not_fused),
            figures.rounds.to_string(),
        ]),
        Some(Err(error)) => row.push(error.to_string()),
        None => {}
    }
    row.resize(8, String::new());
    row.extend([say(seen.told), say(finding.nn_meter())].map(str::to_owned));
    row
}
