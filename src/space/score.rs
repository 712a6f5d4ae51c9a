//! What architectures are ranked by: a count, or a file of additive scores; and with it what `space best` and
//! `space pareto` share.

use std::sync::Arc;

use anyhow::Context;
use nnmeter_filters::budget::{Cost, Costs};
use nnmeter_filters::exact::Objective;
use nnmeter_filters::space::SearchSpace;
use nnmeter_filters::table::{CompileOptions, CostTable};

use crate::budget::BudgetArgs;

/// Options that say what is best, in which space, within what.
#[derive(clap::Args)]
pub(super) struct RankArgs {
    /// A built-in space, a JSON file, or -.
    #[arg(value_name = "SPACE")]
    space: String,

    #[command(flatten)]
    budget: BudgetArgs,

    #[command(flatten)]
    score: ScoreArgs,
}

/// A space whose architectures are ranked.
pub(super) struct Contest {
    pub(super) space: SearchSpace,
    pub(super) costs: Costs,
    pub(super) score: Arc<CostTable>,
    lower_is_better: bool,
}

impl RankArgs {
    /// Reads the space, and compiles what its architectures cost and are worth.
    pub(super) fn open(&self) -> anyhow::Result<Contest> {
        let space = super::open(&self.space)?;
        let costs = self.budget.compile(&space)?;
        let score = self.score.table(&space)?;
        Ok(Contest { space, costs, score, lower_is_better: self.score.lower_is_better })
    }
}

impl Contest {
    /// What is sought by the score.
    pub(super) fn objective(&self) -> Objective<'_> {
        match self.lower_is_better {
            true => Objective::Least(&self.score),
            false => Objective::Most(&self.score),
        }
    }
}

/// Options that say what is best.
#[derive(clap::Args)]
struct ScoreArgs {
    /// What to rank by, the more the better: macs, flops, parameters, or a file with a score for each
    /// option of each choice, which are added up. Of a CSV file the columns are choice, option, score;
    /// JSON is {"choice": {"option": 0.5, ...}, ...}.
    #[arg(long, value_name = "macs|flops|parameters|FILE")]
    score: String,

    /// The less, the better.
    #[arg(long)]
    lower_is_better: bool,
}

impl ScoreArgs {
    /// The scores of all architectures.
    fn table(&self, space: &SearchSpace) -> anyhow::Result<Arc<CostTable>> {
        let count = self.score.parse().ok().filter(|cost: &Cost| !cost.is_of_device());
        if let Some(count) = count {
            return Ok(Arc::new(count.compile(space, None, &CompileOptions::default())?));
        }
        let bytes = std::fs::read(&self.score)
            .with_context(|| format!("--score {}: no count, and no file", self.score))?;
        let table = CostTable::scores_from_file(space, &bytes);
        Ok(Arc::new(table.with_context(|| self.score.clone())?))
    }
}
