//! Compiling a space: which choices every kernel depends on, and what it costs for each combination.
//!
//! Samples are predicted that between them show every kernel in every situation that it can be in
//! (`explore`, `reach`), so a table of what it costs in each is complete; choices that turn out to make
//! no difference are dropped from it. Tables over the same choices, and over some of another's, are
//! added up. In the end fresh random samples are predicted and must agree.
//!
//! Where layers may be zero, what runs depends on all that comes later. Such a space is listed: all of
//! its samples are predicted, if they are not too many.

use std::fmt;

use nnmeter_core::kind::Kind;
use nnmeter_core::predict::NoPrice;

use super::explore::{Cell, Exploration, Options};
use super::probe::Probe;
use super::{CostTable, Factor};
use crate::error::{Error, ErrorKind, Result};
use crate::metric::Metric;
use crate::space::{MOST_OPTIONS, SearchSpace};

/// Largest relative difference between a table's sum and a prediction: that of the order of sums.
pub(super) const TOLERANCE: f64 = 1e-9;
/// How many uncovered layers, or choices to blame, an error lists.
const LISTED: usize = 8;

/// How to compile a space.
#[derive(Clone, Debug)]
pub struct CompileOptions {
    /// The device's name, for whoever reads the table.
    pub device: Option<String>,
    /// Leave kernels without a price out of the costs instead of refusing.
    pub allow_uncovered: bool,
    /// How many entries a table may have.
    pub most_entries: usize,
    /// How many samples may be predicted.
    pub most_predictions: usize,
    /// How many fresh samples are predicted to check the tables.
    pub checks: usize,
    /// Seed of the samples that are tried.
    pub seed: u64,
}

impl Default for CompileOptions {
    /// Tables of at most a million entries, 50,000 predictions, 32 checks, nothing uncovered.
    fn default() -> Self {
        Self {
            device: None,
            allow_uncovered: false,
            most_entries: 1 << 20,
            most_predictions: 50_000,
            checks: 32,
            seed: 0,
        }
    }
}

/// A layer that has a kernel without a price, in some sample.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Uncovered {
    /// Where it is in the space.
    pub place: String,
    /// The kind of kernel that the device has no model for; `None` if a shape is not known.
    pub kind: Option<Kind>,
}

impl fmt::Display for Uncovered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            Some(kind) => write!(f, "{} ({kind})", self.place),
            None => write!(f, "{} (of unknown shape)", self.place),
        }
    }
}

impl CostTable {
    /// Compiles the costs of all samples of `space` by `metric`.
    ///
    /// # Errors
    /// [`ErrorKind::Uncovered`] if kernels have no price, [`ErrorKind::Indecomposable`] if tables or
    /// predictions would be more than allowed, with the choices that are to blame; or what is wrong
    /// with a sample of the space.
    pub fn compile<M: Metric>(
        space: &SearchSpace,
        metric: &M,
        options: &CompileOptions,
    ) -> Result<Self> {
        let cardinalities = space.choices().iter().map(|choice| choice.options.len()).collect();
        let probe = Probe::new(space, metric, options.seed);
        let mut compilation = Compilation { space, probe, options, cardinalities };
        let cells = compilation.cells()?;
        compilation.refuse_uncovered()?;
        let factors = cells.iter().map(|cell| compilation.factor(cell)).collect::<Result<_>>()?;
        let factors = joined(factors, &compilation.cardinalities);
        let mut table =
            CostTable::new(metric.quantity(), compilation.cardinalities.clone(), factors);
        compilation.check(&table)?;
        table.device.clone_from(&options.device);
        table.uncovered = compilation.uncovered();
        Ok(table)
    }
}

struct Compilation<'a, M> {
    space: &'a SearchSpace,
    probe: Probe<'a, M>,
    options: &'a CompileOptions,
    cardinalities: Vec<usize>,
}

impl<M: Metric> Compilation<'_, M> {
    /// Costs of groups of layers in all situations.
    fn cells(&mut self) -> Result<Vec<Cell>> {
        if self.space.sites().iter().any(|site| site.is_zero) {
            return Ok(vec![self.list()?]);
        }
        let first = self.space.random_sample(&mut self.probe.random);
        let observed = self.probe.observe(&first)?;
        let mut exploration = Exploration::new(self.space.sites(), &self.probe.reach(&observed));
        let mut predictions = 0;
        while let Some(sample) = exploration.next(self.space, &mut self.probe.random) {
            let observed = self.probe.observe(&sample)?;
            let reach = self.probe.reach(&observed);
            exploration.note(self.space, &sample, &observed.costs, &reach);
            predictions += 1;
            if predictions == self.options.most_predictions {
                let open = exploration.cells.iter().max_by_key(|cell| cell.open.len());
                return Err(open.map_or_else(|| self.too_many(), |cell| self.too_large(cell)));
            }
        }
        Ok(exploration.cells)
    }

    /// All samples of the space, as situations of all of its layers.
    fn list(&mut self) -> Result<Cell> {
        let space = self.space;
        if space.samples().nth(self.options.most_predictions).is_some() {
            return Err(self.too_many());
        }
        let mut seen = Vec::new();
        for sample in space.samples() {
            let only = |(choice, &taken)| (choice, Options::of(MOST_OPTIONS, |o| o == taken));
            let situation = sample.iter().enumerate().map(only).collect();
            seen.push((situation, self.probe.observe(&sample)?.total));
        }
        let sites = (0..space.sites().len() as u32).collect();
        Ok(Cell { sites, seen, open: Vec::new() })
    }

    fn factor(&self, cell: &Cell) -> Result<Factor> {
        let most = self.options.most_entries;
        let factor = Factor::of(cell.choices(), &self.cardinalities, &cell.seen, most);
        factor.ok_or_else(|| self.too_large(cell))
    }

    fn check(&mut self, table: &CostTable) -> Result<()> {
        for _ in 0..self.options.checks {
            let sample = self.space.random_sample(&mut self.probe.random);
            let (cost, total) = (table.cost(&sample), self.probe.observe(&sample)?.total);
            if (cost - total).abs() > TOLERANCE * total.abs() {
                let found = format!("is {total} by prediction, but {cost} by the tables");
                let subject = format!("cost of {}", self.space.sample_to_json(&sample));
                return Err(Error::new(ErrorKind::Indecomposable, subject, found)
                    .expected("a sum over kernels that depend on what is near them only"));
            }
        }
        Ok(())
    }

    /// A kernel depends on too many choices.
    fn too_large(&self, cell: &Cell) -> Error {
        let choices = cell.choices();
        let first = cell.sites.first().map_or("space", |&s| &self.space.sites()[s as usize].place);
        let found = format!("costs depend on {} choices: {}", choices.len(), self.names(&choices));
        let CompileOptions { most_entries, most_predictions, .. } = self.options;
        let expected = format!("{most_entries} entries and {most_predictions} predictions at most");
        Error::new(ErrorKind::Indecomposable, first, found)
            .expected(expected)
            .hint("allow more of them, or predict the graphs of samples")
    }

    /// A space whose layers may be zero has too many samples to list.
    fn too_many(&self) -> Error {
        let zero = self.space.sites().iter().find(|site| site.is_zero);
        let (place, guards) = zero.map_or(("space", &[][..]), |s| (&s.place, &s.guards));
        let found =
            format!("may be zero by {}, so costs depend on all choices", self.names(guards));
        let most = self.options.most_predictions;
        Error::new(ErrorKind::Indecomposable, place, found)
            .expected(format!("at most {most} samples in a space with such layers"))
            .hint("allow more predictions, or predict the graphs of samples")
    }

    fn names(&self, choices: &[usize]) -> String {
        let name = |&choice: &usize| self.space.choices()[choice].name.as_str();
        let names: Vec<&str> = choices.iter().take(LISTED).map(name).collect();
        let more = if choices.len() > LISTED { ", ..." } else { "" };
        format!("{}{more}", names.join(", "))
    }

    fn uncovered(&self) -> Vec<Uncovered> {
        let layer = |(&site, reason): (&u32, &NoPrice)| Uncovered {
            place: self.space.sites()[site as usize].place.clone(),
            kind: match reason {
                NoPrice::NoModel(kind) => Some(*kind),
                NoPrice::UnknownShape(_) => None,
            },
        };
        self.probe.uncovered.iter().map(layer).collect()
    }

    fn refuse_uncovered(&self) -> Result<()> {
        let uncovered = self.uncovered();
        if uncovered.is_empty() || self.options.allow_uncovered {
            return Ok(());
        }
        let listed: Vec<String> = uncovered.iter().take(LISTED).map(Uncovered::to_string).collect();
        let more = match uncovered.len().saturating_sub(LISTED) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let found = format!("has no price for {}{more}", listed.join(", "));
        let device = self.options.device.as_deref().unwrap_or("the metric");
        Err(Error::new(ErrorKind::Uncovered, device, found)
            .expected("a price for every kernel of the space")
            .hint("allow uncovered kernels, and costs will be without them"))
    }
}

/// Factors none of whose choices are all among another's, in the order of their choices.
pub(super) fn joined(mut factors: Vec<Factor>, cardinalities: &[usize]) -> Vec<Factor> {
    factors.sort_by_key(|factor| std::cmp::Reverse(factor.choices().len()));
    let mut kept: Vec<Factor> = Vec::new();
    for factor in factors {
        let holds = |larger: &&mut Factor| {
            let choices = factor.choices();
            let all = choices.iter().all(|choice| larger.choices().contains(choice));
            all && choices.is_empty() == larger.choices().is_empty()
        };
        match kept.iter_mut().find(holds) {
            Some(larger) => larger.add(&factor, cardinalities),
            None => kept.push(factor),
        }
    }
    kept.sort_by(|a, b| a.choices().cmp(b.choices()));
    kept
}
