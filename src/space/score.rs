//! What architectures are ranked by: a count, or a file of additive scores.

use std::sync::Arc;

use anyhow::Context;
use nnmeter_filters::budget::Cost;
use nnmeter_filters::exact::Objective;
use nnmeter_filters::space::SearchSpace;
use nnmeter_filters::table::{CompileOptions, CostTable};

/// Options that say what is best.
#[derive(clap::Args)]
pub(super) struct ScoreArgs {
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
    pub(super) fn table(&self, space: &SearchSpace) -> anyhow::Result<Arc<CostTable>> {
        let count = self.score.parse().ok().filter(|cost: &Cost| !cost.is_of_device());
        if let Some(count) = count {
            return Ok(Arc::new(count.compile(space, None, &CompileOptions::default())?));
        }
        let bytes = std::fs::read(&self.score)
            .with_context(|| format!("--score {}: no count, and no file", self.score))?;
        let table = CostTable::scores_from_file(space, &bytes);
        Ok(Arc::new(table.with_context(|| self.score.clone())?))
    }

    /// What is sought by a table.
    pub(super) fn objective<'a>(&self, table: &'a CostTable) -> Objective<'a> {
        if self.lower_is_better { Objective::Least(table) } else { Objective::Most(table) }
    }
}
