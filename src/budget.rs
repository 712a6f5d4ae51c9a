//! Budgets as arguments: `--device D --budget 30ms`, on several devices `--budget 30ms@D --budget
//! 20mJ@E`. What they mean is said by [`nnmeter_filters::budget`].

use clap::builder::{PossibleValuesParser, TypedValueParser};
use nnmeter_filters::budget::{Bounds, Budget, Cost, Costs};
use nnmeter_filters::error::Error;
use nnmeter_filters::space::SearchSpace;
use nnmeter_hardware::registry::Registry;

/// Options that say what architectures may cost.
#[derive(clap::Args)]
pub(crate) struct BudgetArgs {
    /// A device whose costs count (repeatable), as NAME, NAME@VERSION or a package file.
    #[arg(long, short, value_name = "NAME|FILE")]
    device: Vec<String>,

    /// What an architecture may cost (repeatable, all must hold): 30ms, 12mJ, 300Mmacs, 600Mflops or
    /// 5Mparams; 20ms..30ms and 20ms.. for lower bounds; 30ms@NAME where there are several devices.
    #[arg(long, value_name = "[LOW..]HIGH[@DEVICE]", value_parser = parse_bounds)]
    budget: Vec<Bounds>,

    /// Stay below upper bounds of latency and energy with at least this probability, by how far
    /// predictions for the device are off; without it, the predicted cost counts.
    #[arg(long, value_name = "P")]
    probability: Option<f64>,

    /// Leave kernels without a price out of the costs.
    #[arg(long)]
    allow_uncovered: bool,
}

impl BudgetArgs {
    /// Compiles the costs of a space, and says what they leave out.
    pub(crate) fn compile(&self, space: &SearchSpace) -> anyhow::Result<Costs> {
        let budget = Budget {
            devices: self.device.clone(),
            bounds: self.budget.clone(),
            probability: self.probability,
            allow_uncovered: self.allow_uncovered,
        };
        let costs = budget.compile(space, |name| Registry::standard()?.open(name))?;
        let uncovered = costs.tables.iter().flat_map(|table| table.uncovered());
        uncovered.for_each(|layer| eprintln!("NOT COVERED: {layer}"));
        Ok(costs)
    }
}

/// Reads bounds. That they are a budget, and their text, is said by whoever reads arguments.
pub(crate) fn parse_bounds(text: &str) -> Result<Bounds, String> {
    text.parse().map_err(|error: Error| match error.expectation() {
        Some(expected) => format!("{}; expected {expected}", error.found()),
        None => error.found().to_owned(),
    })
}

/// Reads the name of a cost.
pub(crate) fn cost_parser() -> impl TypedValueParser<Value = Cost> {
    PossibleValuesParser::new(Cost::ALL.map(Cost::name)).try_map(|name| name.parse::<Cost>())
}
