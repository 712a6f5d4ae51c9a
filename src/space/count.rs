//! `nnmeter space count`: how many architectures satisfy constraints.

use std::io::Write;
use std::process::ExitCode;

use nnmeter_filters::constraint::Limit;
use nnmeter_filters::exact::{CountBounds, Feasible, SamplerOptions};
use serde::Serialize;

use super::columns::label;
use super::compile::show;
use crate::budget::BudgetArgs;

/// Count the architectures of a space within a budget.
///
/// The count is exact where one budget binds and a half of the choices can be listed (up to some 10^13
/// architectures); else, and with several budgets, it is two bounds between which the count lies for
/// certain. An architecture that several samples describe counts once.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  nnmeter space count spos --device cortexA76cpu_tflite21 --budget 45ms
  nnmeter space count spos --budget 290Mmacs..300Mmacs
  nnmeter space count spos -d cortexA76cpu_tflite21 --budget 45ms --probability 0.95 --json")]
pub(crate) struct Args {
    /// A built-in space, a JSON file, or -.
    #[arg(value_name = "SPACE")]
    space: String,

    #[command(flatten)]
    budget: BudgetArgs,

    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

/// What was counted.
#[derive(Serialize)]
struct Counted<'a> {
    space: &'a str,
    /// In the whole space.
    architectures: u128,
    /// Within the constraints; null if only bounds are known.
    count: Option<u128>,
    at_least: u128,
    at_most: u128,
    /// Of the space: from, to.
    share: [f64; 2],
}

pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let space = super::open(&args.space)?;
    let costs = args.budget.compile(&space)?;
    let limits = costs.constraints.limits().to_vec();
    let feasible = Feasible::new(&space, costs.constraints)?;
    // As fine as memory allows.
    let options = SamplerOptions { steps: usize::MAX, ..SamplerOptions::default() };
    let CountBounds { certain, possible } = feasible.count(&options)?;
    let architectures = space.architectures().unwrap_or(possible);
    let share = [certain, possible].map(|count| count as f64 / architectures as f64);
    let counted = Counted {
        space: space.name(),
        architectures,
        count: (certain == possible).then_some(certain),
        at_least: certain,
        at_most: possible,
        share,
    };
    let text = match args.json {
        true => format!("{}\n", serde_json::to_string(&counted)?),
        false => text(&counted, &limits),
    };
    std::io::stdout().lock().write_all(text.as_bytes())?;
    Ok(ExitCode::SUCCESS)
}

fn text(counted: &Counted<'_>, limits: &[Limit]) -> String {
    let mut text = format!("{}: {} architectures\n", counted.space, counted.architectures);
    limits.iter().for_each(|limit| text.push_str(&format!("  {}\n", words(limit))));
    let [least, most] = counted.share.map(percent);
    text + &match counted.count {
        Some(count) => format!("{count} satisfy that, {most} % of the space\n"),
        None => format!(
            "between {} and {} satisfy that, {least} to {most} % of the space\n",
            counted.at_least, counted.at_most
        ),
    }
}

/// A share in percent with four digits.
fn percent(share: f64) -> String {
    let percent = 100.0 * share;
    if percent == 0.0 || percent >= 1e-4 {
        format!("{percent:.4}")
    } else {
        format!("{percent:.3e}")
    }
}

/// A limit in words, on the predicted cost.
fn words(limit: &Limit) -> String {
    let label = label(limit.table());
    match (limit.lower().map(show), limit.upper().map(show)) {
        (Some(low), Some(high)) => format!("{label} from {low} to {high}"),
        (Some(low), None) => format!("{label} from {low} on"),
        (None, Some(high)) => format!("{label} up to {high}"),
        (None, None) => label,
    }
}
