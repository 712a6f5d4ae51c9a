//! `nnmeter space best`: the best architectures within constraints, exactly.

use std::process::ExitCode;

use nnmeter_filters::exact::Feasible;

use super::columns::Columns;
use super::rows::OutputArgs;
use super::score::RankArgs;

/// Find the best architectures within a budget, exactly, by a score that is a sum over choices.
///
/// No architecture within the constraints has a better score than those printed, the best first. Scores
/// that are no sums over choices (an accuracy that a supernet measures) need a search:
/// nnmeter_filters::search has random search and evolution that stay within constraints.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  nnmeter space best spos --device cortexA76cpu_tflite21 --budget 45ms --score macs
  nnmeter space best spos -d cortexA76cpu_tflite21 --budget 45ms --score scores.csv -k 100 --json
  nnmeter space best once-for-all --budget 50ms@cortexA76cpu_tflite21 \\
      --budget 14ms@adreno640gpu_tflite21 --score parameters")]
pub(crate) struct Args {
    #[command(flatten)]
    rank: RankArgs,

    /// How many architectures to find.
    #[arg(long, short = 'k', value_name = "K", default_value_t = 10,
          value_parser = clap::value_parser!(u32).range(1..))]
    count: u32,

    #[command(flatten)]
    output: OutputArgs,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let contest = args.rank.open()?;
    let (space, costs) = (&contest.space, &contest.costs);
    let feasible = Feasible::new(space, costs.constraints.clone())?;
    let best = feasible.best(contest.objective(), args.count as usize)?;
    let tables: Vec<_> = [&contest.score].into_iter().chain(&costs.tables).cloned().collect();
    let columns = Columns::new(space, &tables);
    let mut rows = args.output.begin(&columns)?;
    for ranked in &best {
        rows.add(&columns, &ranked.sample)?;
    }
    rows.finish()?;
    Ok(ExitCode::SUCCESS)
}
