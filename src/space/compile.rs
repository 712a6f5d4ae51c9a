//! `nnmeter space compile`: the cost tables of a space.

use std::io::Write;
use std::process::ExitCode;

use anyhow::Context;
use nnmeter_filters::budget::Cost;
use nnmeter_filters::space::SearchSpace;
use nnmeter_filters::table::{CompileOptions, CostTable, Factor};
use serde_json::{Value, json};

use crate::budget::cost_parser;
use crate::device;
use crate::failure::Usage;
use crate::report::plain_table;

/// Compile a search space to exact cost tables.
///
/// The cost of every architecture is the constant plus an entry of each table: that of the options that
/// the architecture takes for the table's choices. Fusion across blocks and shapes that depend on
/// earlier choices are in the entries. Ends with 1 if a kernel of the space has no price (without
/// --allow-uncovered), or if the tables would be too large.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  nnmeter space compile spos --device cortexA76cpu_tflite21
  nnmeter space compile once-for-all --metric macs
  nnmeter space compile my-space.json --device cortexA76cpu_tflite21 --json > costs.json")]
pub(crate) struct Args {
    /// A built-in space, or a JSON file.
    #[arg(value_name = "SPACE")]
    space: String,

    /// The device; `nnmeter devices` lists them.
    #[arg(long, short, value_name = "NAME")]
    device: Option<String>,

    /// What to compile; latency and energy are those on the device.
    #[arg(long, default_value_t = Cost::Latency, value_parser = cost_parser())]
    metric: Cost,

    /// Leave kernels without a price out.
    #[arg(long)]
    allow_uncovered: bool,

    /// Print one JSON object, with all tables.
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let space = super::open(&args.space)?;
    let table = compile(args, &space).with_context(|| space.name().to_owned())?;
    let text =
        if args.json { format!("{}\n", as_json(&space, &table)) } else { text(&space, &table) };
    std::io::stdout().lock().write_all(text.as_bytes())?;
    Ok(ExitCode::SUCCESS)
}

fn compile(args: &Args, space: &SearchSpace) -> anyhow::Result<CostTable> {
    if args.metric.is_of_device() && args.device.is_none() {
        let found = format!("{} is that on a device; expected --device NAME", args.metric);
        return Err(Usage(found).into());
    }
    let device = args.device.as_deref().filter(|_| args.metric.is_of_device());
    let device = device.map(device::open).transpose()?;
    let options = CompileOptions {
        device: device.as_ref().map(|device| device.device().name.clone()),
        allow_uncovered: args.allow_uncovered,
        ..CompileOptions::default()
    };
    Ok(args.metric.compile(space, device.as_deref(), &options)?)
}

fn text(space: &SearchSpace, table: &CostTable) -> String {
    let unit = table.quantity().suffix;
    let device = table.device().map_or(String::new(), |device| format!(" on {device}"));
    let mut rows = plain_table(&["choices", "entries", "least", "most"]);
    for factor in table.factors() {
        let (least, most) = range(factor);
        let cells =
            [names(space, factor).join(", "), factor.costs().len().to_string(), least, most];
        rows.add_row(cells);
    }
    let uncovered: String =
        table.uncovered().iter().map(|layer| format!("NOT COVERED: {layer}\n")).collect();
    format!(
        "{}, {}{device}: {} {unit} and {} tables of {} entries together\n\n{}\n{uncovered}",
        space.name(),
        table.quantity().metric,
        show(table.constant()),
        table.factors().len(),
        table.entries(),
        rows.trim_fmt()
    )
}

/// Least and most that a table adds.
fn range(factor: &Factor) -> (String, String) {
    let least = factor.costs().iter().copied().fold(f64::INFINITY, f64::min);
    let most = factor.costs().iter().copied().fold(f64::NEG_INFINITY, f64::max);
    (show(least), show(most))
}

/// Counts as they are, others with four decimals.
pub(super) fn show(cost: f64) -> String {
    if cost.fract() == 0.0 { format!("{cost:.0}") } else { format!("{cost:.4}") }
}

fn names<'a>(space: &'a SearchSpace, factor: &Factor) -> Vec<&'a str> {
    factor.choices().iter().map(|&choice| space.choices()[choice].name.as_str()).collect()
}

fn as_json(space: &SearchSpace, table: &CostTable) -> Value {
    let suffix = table.quantity().suffix;
    let factor = |factor: &Factor| json!({"choices": names(space, factor), format!("costs_{suffix}"): factor.costs()});
    let choices = space.choices().iter();
    json!({
        "space": space.name(),
        "device": table.device(),
        "metric": table.quantity().metric,
        "choices": choices.map(|c| json!({"name": c.name, "options": c.options})).collect::<Vec<_>>(),
        format!("constant_{suffix}"): table.constant(),
        "tables": table.factors().iter().map(factor).collect::<Vec<_>>(),
        "uncovered": table.uncovered().iter().map(ToString::to_string).collect::<Vec<_>>(),
    })
}
