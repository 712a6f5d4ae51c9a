//! `nnmeter build rules`: which operators a runtime fuses, found out by measuring.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use nnmeter_hardware::backend::Backend;
use nnmeter_hardware::fusion::{Agreement, Finding, Operator, Pair, Plan, find, rules_json};
use nnmeter_hardware::measure::Log;
use serde_json::{Value, json};

use crate::report::plain_table;
use crate::runtime::{self, Bar, RuntimeArgs};

/// Find out by measuring which pairs of operators a runtime fuses.
///
/// Each pair is measured between convolutions, with and without its first result as an output, which
/// forbids to fuse. A pair is decided where the chance that any verdict is wrong stays below 1 in 20;
/// others are measured on, and in the end stay undecided (null in the rules). Where the runtime tells
/// what it fuses, verdicts are compared with it; it changes none.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  nnmeter build rules --backend onnxruntime -o rules.json
  nnmeter build rules --backend tract --first conv --first dwconv --log here.jsonl -o rules.json
  nnmeter build rules --backend onnxruntime -o rules.json --json | jq 'select(.obey)'")]
pub(crate) struct Args {
    #[command(flatten)]
    runtime: RuntimeArgs,

    /// Only pairs that begin with this operator (repeatable).
    #[arg(long, value_name = "OPERATOR", value_parser = parse_operator)]
    first: Vec<Operator>,

    /// Rounds at most until a pair is left undecided.
    #[arg(long, value_name = "N", default_value_t = Plan::default().rounds as u32,
          value_parser = clap::value_parser!(u32).range(1..=10_000))]
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
    let named = Operator::FIRST.iter().find(|operator| operator.kind().name() == text);
    let names = || Operator::FIRST.iter().map(|operator| operator.kind().name());
    named.copied().ok_or_else(|| format!("expected {}", names().collect::<Vec<_>>().join(", ")))
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
    let pairs = find(&*backend, &plan, &mut log, &mut |progress| bar.show(progress))?;
    drop(bar);
    let rules = rules_json(&pairs);
    let text = format!("{rules:#}\n");
    let cannot = || format!("{} cannot be written", args.output.display());
    std::fs::write(&args.output, text).with_context(cannot)?;
    match args.json {
        true => print_json(&*backend, &rules)?,
        false => print(&*backend, &pairs)?,
    }
    Ok(exit_code(&pairs))
}

/// Failure if a network could not be measured.
fn exit_code(pairs: &[Pair]) -> ExitCode {
    let mut findings = pairs.iter().flat_map(|pair| &pair.findings);
    let failed = findings.any(|finding| finding.in_context.is_err());
    if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

fn print_json(backend: &dyn Backend, rules: &Value) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    let identity = nnmeter_hardware::json::identity(backend.identity());
    for (name, rule) in rules.as_object().into_iter().flatten() {
        let (obey, found) = (&rule["obey"], &rule["found"]);
        let line = json!({"rule": name, "obey": obey, "found": found, "identity": identity});
        writeln!(out, "{line}")?;
    }
    Ok(())
}

fn print(backend: &dyn Backend, pairs: &[Pair]) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{}\n", runtime::title(backend.identity()))?;
    let mut table = plain_table(&[
        "first", "second", "image", "verdict", "saves", "pass", "p fused", "p not", "rounds",
        "runtime", "nn-Meter",
    ]);
    for pair in pairs {
        for finding in &pair.findings {
            table.add_row(row(pair, finding));
        }
    }
    writeln!(out, "{}", table.trim_fmt())?;
    let (decided, all) = (pairs.iter().filter(|pair| pair.verdict().obey().is_some()), pairs.len());
    writeln!(out, "\n{} of {all} pairs are decided", decided.count())?;
    let agreement = Agreement::of(pairs);
    let Agreement { told, right, wrong, nn_meter_right, nn_meter_wrong } = agreement;
    if told > 0 {
        let undecided = agreement.undecided();
        writeln!(
            out,
            "of {told} pairs and images of which the runtime tells, {right} right, {wrong} wrong, \
             {undecided} undecided; nn-Meter's rule: {nn_meter_right} right, {nn_meter_wrong} wrong"
        )?;
    }
    Ok(())
}

fn row(pair: &Pair, finding: &Finding) -> Vec<String> {
    let say = |fused: Option<bool>| match fused {
        Some(true) => "fused",
        Some(false) => "not fused",
        None => "",
    };
    let (shape, microseconds) = (finding.shape, |ms: f64| format!("{:.1} us", 1e3 * ms));
    let mut row = vec![
        pair.first.kind().name().to_owned(),
        pair.second.kind().name().to_owned(),
        format!("{}x{}x{}", shape.channels, shape.side, shape.side),
        finding.verdict().name().to_owned(),
    ];
    match &finding.in_context {
        Ok(figures) => row.extend([
            microseconds(figures.saving),
            microseconds(figures.pass),
            format!("{:.2e}", figures.p_fused),
            format!("{:.2e}", figures.p_not_fused),
            figures.rounds.to_string(),
        ]),
        Err(error) => {
            row.push(error.to_string());
            row.resize(9, String::new());
        }
    }
    row.extend([say(finding.told), say(finding.nn_meter())].map(str::to_owned));
    row
}
