//! `nnmeter space sample`: architectures drawn exactly uniformly from those within constraints.

use std::process::ExitCode;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use nnmeter_filters::budget::Costs;
use nnmeter_filters::constraint::{Constraints, Limit};
use nnmeter_filters::error::Result;
use nnmeter_filters::exact::{BinnedSampler, FairSampler, Feasible, Sampler, SamplerOptions};
use nnmeter_filters::random::Random;
use nnmeter_filters::space::{Sample, SearchSpace};

use super::columns::{Columns, label};
use super::rows::OutputArgs;
use crate::budget::BudgetArgs;
use crate::failure::Usage;

/// How often progress is shown, in architectures.
const SHOWN: u64 = 1 << 10;

/// Draw architectures uniformly from those within a budget.
///
/// Every architecture within the constraints is equally likely, however few of the space these are.
/// --bins makes latencies equally likely instead: each of K bins of equal width from the least (or the
/// lower bound) to the budget, and within a bin every architecture. --fair draws in rounds in which each
/// option occurs, as far as the budget allows equally often. The same seed gives the same architectures.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  nnmeter space sample spos --device cortexA76cpu_tflite21 --budget 45ms
  nnmeter space sample spos -d cortexA76cpu_tflite21 --budget 45ms -n 1000000 -o samples.parquet
  nnmeter space sample once-for-all -d adreno640gpu_tflite21 --bins 10 -n 1000 -o samples.csv
  nnmeter space sample spos --budget 45ms@cortexA76cpu_tflite21 --budget 300Mmacs --seed 7 --json")]
pub(crate) struct Args {
    /// A built-in space, a JSON file, or -.
    #[arg(value_name = "SPACE")]
    space: String,

    #[command(flatten)]
    budget: BudgetArgs,

    /// How many architectures to draw.
    #[arg(long, short = 'n', value_name = "N", default_value_t = 10)]
    count: u64,

    /// Where the random numbers begin.
    #[arg(long, value_name = "SEED", default_value_t = 0)]
    seed: u64,

    /// Draw equally often from K bins of the first budget's cost, or of the device's latency.
    #[arg(long, value_name = "K", value_parser = clap::value_parser!(u16).range(1..))]
    bins: Option<u16>,

    /// Draw every option equally often, as far as the budget allows.
    #[arg(long, conflicts_with = "bins")]
    fair: bool,

    #[command(flatten)]
    output: OutputArgs,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let space = super::open(&args.space)?;
    let mut costs = args.budget.compile(&space)?;
    if args.bins.is_some() {
        bound_something(&mut costs)?;
    }
    let feasible = Feasible::new(&space, costs.constraints)?;
    let mut draws = Draws::new(args, &feasible)?;
    let columns = Columns::new(&space, &costs.tables);
    let mut rows = args.output.begin(&columns)?;
    let mut random = Random::new(args.seed);
    let bar = bar(args.count);
    for drawn in 0..args.count {
        if drawn % SHOWN == 0 {
            bar.set_position(drawn);
        }
        rows.add(&columns, &draws.draw(&mut random)?)?;
    }
    rows.finish()?;
    bar.finish_and_clear();
    draws.report(&space);
    Ok(ExitCode::SUCCESS)
}

/// Bins are those of a limit: without one, of the first cost there is.
fn bound_something(costs: &mut Costs) -> anyhow::Result<()> {
    if !costs.constraints.limits().is_empty() {
        return Ok(());
    }
    let Some(table) = costs.tables.first() else {
        let text = "--bins are bins of a cost; expected --device NAME or --budget";
        return Err(Usage(text.to_owned()).into());
    };
    costs.constraints = Constraints::new([Limit::between(table.clone(), None, None)?]);
    Ok(())
}

/// A bar on standard error; hidden where that is no terminal.
fn bar(count: u64) -> ProgressBar {
    let style = ProgressStyle::with_template("{bar:40} {pos} of {len}  {eta} left")
        .unwrap_or_else(|_| ProgressStyle::default_bar());
    let bar = ProgressBar::new(count).with_style(style);
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}

/// The ways to draw.
enum Draws {
    Uniform(Sampler),
    Binned(BinnedSampler, String),
    Fair(FairSampler),
}

impl Draws {
    fn new(args: &Args, feasible: &Feasible<'_>) -> Result<Self> {
        let options = SamplerOptions::default();
        Ok(match args.bins {
            Some(bins) => {
                let limit = feasible.constraints().limits().first();
                let cost = limit.map_or(String::new(), |limit| label(limit.table()));
                Draws::Binned(feasible.binned_sampler(usize::from(bins), &options)?, cost)
            }
            None if args.fair => Draws::Fair(feasible.fair_sampler(&options)?),
            None => Draws::Uniform(feasible.sampler(&options)?),
        })
    }

    fn draw(&mut self, random: &mut Random) -> Result<Sample> {
        match self {
            Draws::Uniform(sampler) => sampler.draw(random),
            Draws::Binned(sampler, _) => sampler.draw(random),
            Draws::Fair(sampler) => sampler.draw(random),
        }
    }

    /// Says what could not be drawn.
    fn report(&self, space: &SearchSpace) {
        match self {
            Draws::Uniform(_) => {}
            Draws::Binned(sampler, cost) => {
                for (from, to) in sampler.empty() {
                    eprintln!(
                        "note: no architecture was found with {cost} from {from:.4} to {to:.4}"
                    );
                }
            }
            Draws::Fair(sampler) => {
                for (choice, option) in sampler.left_out() {
                    let choice = &space.choices()[choice];
                    let option = &choice.options[usize::from(option)];
                    eprintln!(
                        "note: no architecture within the budget was found to have {option} for {}",
                        choice.name
                    );
                }
            }
        }
    }
}
