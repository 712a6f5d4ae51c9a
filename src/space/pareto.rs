//! `nnmeter space pareto`: the exact front of a cost against a score.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use nnmeter_filters::budget::Costs;
use nnmeter_filters::constraint::{Constraints, Limit};
use nnmeter_filters::error::Result;
use nnmeter_filters::exact::{Feasible, Ranked, SamplerOptions, pareto};
use nnmeter_filters::random::Random;
use nnmeter_filters::space::SearchSpace;
use nnmeter_filters::table::CostTable;
use nnmeter_hardware::whole_file::WholeFile;

use super::columns::{Columns, label};
use super::plot::{self, Plot};
use super::rows::OutputArgs;
use super::score::RankArgs;
use crate::failure::Usage;

/// Random architectures that a plot shows.
const CLOUD: usize = 1000;

/// Find the exact Pareto front of latency against a score that is a sum over choices.
///
/// Each architecture of the front costs less than all with a higher score. The cost is that of the one
/// --device or --budget (of macs, say); an upper bound ends the front. As text, at most --rows evenly
/// spaced points are printed; JSON and files have all.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  nnmeter space pareto spos --device cortexA76cpu_tflite21 --score macs
  nnmeter space pareto spos -d cortexA76cpu_tflite21 --budget 45ms --score scores.json --plot pareto.svg
  nnmeter space pareto once-for-all -d adreno640gpu_tflite21 --score parameters -o front.csv")]
pub(crate) struct Args {
    #[command(flatten)]
    rank: RankArgs,

    /// How many points of the front to print as text.
    #[arg(long, value_name = "ROWS", default_value_t = 20,
          value_parser = clap::value_parser!(u32).range(2..))]
    rows: u32,

    /// Draw the front, before a cloud of random architectures, as an SVG file.
    #[arg(long, value_name = "FILE.svg")]
    plot: Option<PathBuf>,

    #[command(flatten)]
    output: OutputArgs,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let contest = args.rank.open()?;
    let (space, score) = (&contest.space, &contest.score);
    let Costs { tables, constraints } = &contest.costs;
    let ([cost], Ok(upper)) = (&tables[..], upper(constraints.limits())) else {
        let text =
            "a front is of one cost; expected one --device or one --budget with one upper bound";
        return Err(Usage(text.to_owned()).into());
    };
    let front = pareto(space, cost, contest.objective(), upper)?;
    let columns = Columns::new(space, &[cost.clone(), score.clone()]);
    let shown = if args.output.is_text() { args.rows as usize } else { front.len() };
    let mut rows = args.output.begin(&columns)?;
    for point in thinned(&front, shown) {
        rows.add(&columns, &point.sample)?;
    }
    rows.finish()?;
    if shown < front.len() {
        let all = front.len();
        eprintln!("note: {shown} of the front's {all} architectures; --json or -o FILE have all");
    }
    if let Some(path) = &args.plot {
        let drawn = Plot {
            title: format!("{}: {} architectures on the front", space.name(), front.len()),
            cost: label(cost),
            score: label(score),
            front: front.iter().map(|point| (point.costs[0], point.value)).collect(),
            cloud: cloud(space, constraints.clone(), cost, score)?,
        };
        let mut file = WholeFile::create(path)?;
        file.write_all(plot::svg(&drawn)?.as_bytes())?;
        file.finish(true)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The one upper bound, if there is one; an error if there are other bounds.
fn upper(limits: &[Limit]) -> std::result::Result<Option<f64>, ()> {
    match limits {
        [] => Ok(None),
        [limit] if limit.lower().is_none() => Ok(limit.upper()),
        _ => Err(()),
    }
}

/// At most so many of the points, evenly spaced, the first and the last among them.
fn thinned(front: &[Ranked], most: usize) -> impl Iterator<Item = &Ranked> {
    let count = most.min(front.len());
    let last = (front.len() - 1) as f64;
    let step = last / (count.max(2) - 1) as f64;
    (0..count).map(move |row| &front[(row as f64 * step).round() as usize])
}

/// Cost and score of random architectures within the constraints.
fn cloud(
    space: &SearchSpace,
    constraints: Constraints,
    cost: &CostTable,
    score: &CostTable,
) -> Result<Vec<(f64, f64)>> {
    let mut sampler = Feasible::new(space, constraints)?.sampler(&SamplerOptions::default())?;
    let mut random = Random::new(0);
    let draws = (0..CLOUD).map(|_| sampler.draw(&mut random));
    draws.map(|sample| sample.map(|sample| (cost.cost(&sample), score.cost(&sample)))).collect()
}
