//! Compiling a space: which choices every kernel depends on, and what it costs for each combination.
//!
//! Dependencies are found by experiment, not assumed. First every choice is changed alone, in several
//! random samples: layers whose kernels then cost differently depend on it. Then the tables over these
//! dependencies are filled from predictions of whole graphs. Every prediction is compared with all
//! entries that it should agree with; where it does not, the two samples in question are walked
//! towards each other until the one choice that makes the difference is found, and added. So each
//! dependency has a witness, and no entry is ever an average of two costs. What is left is the risk
//! that a dependency shows in rare samples only. It can reach far only across empty candidates, so
//! half of all samples take these on purpose. In the end fresh samples are predicted and must agree.

use std::collections::BTreeMap;
use std::fmt;

use nnmeter_core::kind::Kind;
use nnmeter_core::predict::NoPrice;

use super::fill::{Conflict, Tables};
use super::plan::size;
use super::probe::{Observation, Probe};
use super::{CostTable, Factor};
use crate::error::{Error, ErrorKind, Result};
use crate::metric::Metric;
use crate::space::{Sample, SearchSpace};

/// Samples in which every choice is changed alone.
const BASES: usize = 4;
/// Largest relative difference between a table's sum and a prediction: that of the order of sums.
const TOLERANCE: f64 = 1e-9;
/// Costs that are kept of samples seen before the tables are laid out.
const KEPT: usize = 1 << 22;
/// How many uncovered layers an error lists.
const LISTED: usize = 5;

/// How to compile a space.
#[derive(Clone, Debug)]
pub struct CompileOptions {
    /// The device's name, for whoever reads the table.
    pub device: Option<String>,
    /// Leave kernels without a price out of the costs instead of refusing.
    pub allow_uncovered: bool,
    /// How many entries the tables may have together.
    pub most_entries: usize,
    /// How many fresh samples are predicted to check the tables.
    pub checks: usize,
    /// Seed of the samples that are tried.
    pub seed: u64,
}

impl Default for CompileOptions {
    /// At most a million entries, 64 checks, nothing uncovered.
    fn default() -> Self {
        let most_entries = 1 << 20;
        Self { device: None, allow_uncovered: false, most_entries, checks: 64, seed: 0 }
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
    /// [`ErrorKind::Uncovered`] if kernels have no price, [`ErrorKind::Indecomposable`] if the tables
    /// would be larger than allowed, with the choices that are to blame; or what is wrong with a
    /// sample of the space.
    pub fn compile<M: Metric>(
        space: &SearchSpace,
        metric: &M,
        options: &CompileOptions,
    ) -> Result<Self> {
        let mut compilation = Compilation::new(space, metric, options);
        compilation.discover()?;
        compilation.refuse_uncovered()?;
        let factors = compilation.decompose()?;
        compilation.refuse_uncovered()?;
        let cardinalities = space.choices().iter().map(|choice| choice.options.len()).collect();
        let mut table = CostTable::new(metric.quantity(), cardinalities, factors);
        table.device.clone_from(&options.device);
        table.uncovered = compilation.uncovered();
        Ok(table)
    }
}

struct Compilation<'a, M> {
    probe: Probe<'a, M>,
    options: &'a CompileOptions,
    /// By site: the choices it is known to depend on, in order.
    depends_on: Vec<Vec<usize>>,
    /// Samples seen, with their costs by site.
    seen: Vec<(Sample, Vec<f64>)>,
}

impl<'a, M: Metric> Compilation<'a, M> {
    fn new(space: &'a SearchSpace, metric: &'a M, options: &'a CompileOptions) -> Self {
        Self {
            probe: Probe::new(space, metric, options.seed),
            options,
            depends_on: vec![Vec::new(); space.places().len()],
            seen: Vec::new(),
        }
    }

    /// Changes every choice alone, in several samples.
    fn discover(&mut self) -> Result<()> {
        let choices = self.probe.space.choices();
        for number in 0..BASES {
            let base = self.probe.draw(number);
            let costs = self.see(&base)?.costs;
            for (choice, about) in choices.iter().enumerate() {
                let others = about.options.len() as u64 - 1;
                if others > 0 {
                    let step = 1 + self.probe.random.below(others);
                    let option = (u64::from(base[choice]) + step) % about.options.len() as u64;
                    let changed = self.see(&base.with(choice, option as u8))?.costs;
                    self.note(choice, &costs, &changed);
                }
            }
        }
        Ok(())
    }

    /// Predicts a sample, and keeps it.
    fn see(&mut self, sample: &Sample) -> Result<Observation> {
        let observed = self.probe.observe(sample)?;
        if (self.seen.len() + 1) * observed.costs.len() <= KEPT {
            self.seen.push((sample.clone(), observed.costs.clone()));
        }
        Ok(observed)
    }

    /// Notes that all sites which cost differently depend on `choice`.
    fn note(&mut self, choice: usize, costs: &[f64], changed: &[f64]) {
        let sites = self.depends_on.iter_mut().zip(costs.iter().zip(changed));
        for (choices, _) in sites.filter(|(_, (before, after))| before != after) {
            if let Err(place) = choices.binary_search(&choice) {
                choices.insert(place, choice);
            }
        }
    }

    /// Tables that agree with all predictions.
    fn decompose(&mut self) -> Result<Vec<Factor>> {
        loop {
            let groups = self.groups();
            self.refuse_large(&groups)?;
            let mut tables = Tables::new(self.probe.space, groups);
            match self.fill(&mut tables)? {
                None => return Ok(tables.into_factors()),
                Some(conflict) => self.resolve(&conflict)?,
            }
        }
    }

    /// Fills the tables and checks them; the first contradiction, if there is one.
    fn fill(&mut self, tables: &mut Tables) -> Result<Option<Conflict>> {
        for (sample, costs) in &self.seen {
            if let Err(conflict) = tables.put(sample, costs) {
                return Ok(Some(conflict));
            }
        }
        while let Some(sample) = tables.next(self.probe.space, &mut self.probe.random) {
            let observed = self.see(&sample)?;
            if let Err(conflict) = tables.put(&sample, &observed.costs) {
                return Ok(Some(conflict));
            }
        }
        for number in 0..self.options.checks {
            let sample = self.probe.draw(number);
            let observed = self.see(&sample)?;
            if let Err(conflict) = tables.put(&sample, &observed.costs) {
                return Ok(Some(conflict));
            }
            let (sum, total) = (tables.cost(&sample), observed.total);
            if (sum - total).abs() > TOLERANCE * total.abs() {
                let found = format!("costs {total}, but the tables say {sum}");
                return Err(Error::new(ErrorKind::Indecomposable, "metric", found)
                    .expected("a sum over the kernels of a graph"));
            }
        }
        Ok(None)
    }

    /// Finds a choice that makes the difference between two samples, and notes it.
    fn resolve(&mut self, conflict: &Conflict) -> Result<()> {
        let [from, to] = &conflict.samples;
        let differs = |&choice: &usize| from[choice] != to[choice];
        let choices: Vec<usize> = (0..from.len()).filter(differs).collect();
        let path = |steps: usize| {
            let walk = |sample: Sample, &choice: &usize| sample.with(choice, to[choice]);
            choices[..steps].iter().fold(from.clone(), walk)
        };
        let first = self.probe.observe(from)?.costs;
        let same = |costs: &[f64]| {
            conflict.sites.iter().all(|&site| costs[site as usize] == first[site as usize])
        };
        let (mut low, mut high) = (0, choices.len());
        while low + 1 < high {
            let middle = low.midpoint(high);
            if same(&self.probe.observe(&path(middle))?.costs) {
                low = middle;
            } else {
                high = middle;
            }
        }
        let (before, after) = (self.see(&path(low))?, self.see(&path(high))?);
        self.note(choices[low], &before.costs, &after.costs);
        Ok(())
    }

    /// Sites by the choices they depend on, those with fewer choices among those with more.
    fn groups(&self) -> Vec<(Vec<usize>, Vec<u32>)> {
        let mut groups: BTreeMap<&[usize], Vec<u32>> = BTreeMap::new();
        for (site, choices) in self.depends_on.iter().enumerate() {
            groups.entry(choices).or_default().push(site as u32);
        }
        let mut groups: Vec<(Vec<usize>, Vec<u32>)> =
            groups.into_iter().map(|(choices, sites)| (choices.to_vec(), sites)).collect();
        groups.sort_by_key(|(choices, _)| std::cmp::Reverse(choices.len()));
        let mut kept: Vec<(Vec<usize>, Vec<u32>)> = Vec::new();
        for (choices, sites) in groups {
            let holds = |(larger, _): &&mut (Vec<usize>, Vec<u32>)| {
                !choices.is_empty() && choices.iter().all(|choice| larger.contains(choice))
            };
            match kept.iter_mut().find(holds) {
                Some((_, members)) => members.extend(sites),
                None => kept.push((choices, sites)),
            }
        }
        kept.iter_mut().for_each(|(_, sites)| sites.sort_unstable());
        kept.sort();
        kept
    }

    fn refuse_large(&self, groups: &[(Vec<usize>, Vec<u32>)]) -> Result<()> {
        let choices = self.probe.space.choices();
        let cardinalities: Vec<usize> = choices.iter().map(|c| c.options.len()).collect();
        let entries = |(choices, _): &(Vec<usize>, Vec<u32>)| size(choices, &cardinalities);
        let total = groups.iter().map(entries).fold(0, usize::saturating_add);
        let largest = groups.iter().max_by_key(|group| entries(group));
        let (Some((blamed, sites)), true) = (largest, total > self.options.most_entries) else {
            return Ok(());
        };
        let names: Vec<&str> = blamed.iter().map(|&choice| choices[choice].name.as_str()).collect();
        let place = sites.iter().find(|&&site| self.depends_on[site as usize] == *blamed);
        let place = place.map_or("space", |&site| &self.probe.space.places()[site as usize]);
        let found =
            format!("what it costs depends on {} choices ({})", blamed.len(), names.join(", "));
        Err(Error::new(ErrorKind::Indecomposable, place, found)
            .expected(format!("tables of at most {} entries", self.options.most_entries))
            .hint("allow more entries, or predict the graphs of samples"))
    }

    fn uncovered(&self) -> Vec<Uncovered> {
        let layer = |(&site, reason): (&u32, &NoPrice)| Uncovered {
            place: self.probe.space.places()[site as usize].clone(),
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
        let more = uncovered.len().saturating_sub(LISTED);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let found = format!("has no price for {}{more}", listed.join(", "));
        let device = self.options.device.as_deref().unwrap_or("the metric");
        Err(Error::new(ErrorKind::Uncovered, device, found)
            .expected("a price for every kernel of the space")
            .hint("allow uncovered kernels, and costs will be without them"))
    }
}
