//! Samples that between them show every kernel in every situation that it can be in.
//!
//! A situation of a layer is the options of the choices that its kernel can depend on, as
//! [`reach`](super::reach) tells. Which choices these are may change with the sample (beyond an empty
//! candidate lies the next block), so the situations of a layer are the leaves of a tree of decisions:
//! a sample is predicted; for every choice that counts in it and was not decided, all other options
//! are decided and tried later. Situations of layers far from each other are tried in one sample.

use std::collections::BTreeMap;

use super::reach::ChoiceSet;
use crate::random::Random;
use crate::space::{Sample, SearchSpace};

/// How many open situations of a layer are looked at to find one that goes with what is decided.
const LOOKED_AT: usize = 48;

/// Some choices with the options that they take.
pub(super) type Situation = Vec<(usize, u8)>;

/// What has been seen, and what is still to be tried.
pub(super) struct Exploration {
    pub(super) cells: Vec<Cell>,
    /// What the current sample is to show: a cell, and what was decided for it.
    shown: Vec<(usize, Situation)>,
    turn: usize,
}

/// Layers that are tried together.
pub(super) struct Cell {
    pub(super) sites: Vec<u32>,
    /// Situations with what the layers cost in them: they exclude each other.
    pub(super) seen: Vec<(Situation, f64)>,
    /// Situations that have not been seen. With those that have they are all there are.
    pub(super) open: Vec<Situation>,
}

impl Exploration {
    /// Everything is open. In some sample of the space, kernels reach as far as `sets` says.
    pub(super) fn new(sets: &[ChoiceSet]) -> Self {
        let mut cells: BTreeMap<&ChoiceSet, Vec<u32>> = BTreeMap::new();
        for (site, set) in sets.iter().enumerate() {
            cells.entry(set).or_default().push(site as u32);
        }
        let cell = |sites| Cell { sites, seen: Vec::new(), open: vec![Situation::new()] };
        Self { cells: cells.into_values().map(cell).collect(), shown: Vec::new(), turn: 0 }
    }

    /// A sample that shows something new; `None` once all has been seen.
    pub(super) fn next(&mut self, space: &SearchSpace, random: &mut Random) -> Option<Sample> {
        let count = self.cells.len();
        let mut decided: Vec<Option<u8>> = vec![None; space.choices().len()];
        self.shown.clear();
        for index in (0..count).map(|index| (index + self.turn) % count) {
            if let Some(situation) = self.cells[index].take(&decided) {
                situation.iter().for_each(|&(choice, option)| decided[choice] = Some(option));
                self.shown.push((index, situation));
            }
        }
        self.turn += 1;
        if self.shown.is_empty() {
            return None;
        }
        let sample = space.random_sample(random);
        let decide = |sample: Sample, (choice, option): (usize, Option<u8>)| match option {
            Some(option) => sample.with(choice, option),
            None => sample,
        };
        Some(decided.into_iter().enumerate().fold(sample, decide))
    }

    /// Notes costs and reach in the sample that [`Exploration::next`] gave, both by site.
    pub(super) fn note(
        &mut self,
        space: &SearchSpace,
        sample: &Sample,
        costs: &[f64],
        sets: &[ChoiceSet],
    ) {
        for (cell, mut situation) in std::mem::take(&mut self.shown) {
            let cell = &mut self.cells[cell];
            let mut counts = ChoiceSet::new(sample.len());
            cell.sites.iter().for_each(|&site| counts.unite(&sets[site as usize]));
            for choice in counts.iter() {
                if situation.iter().any(|&(decided, _)| decided == choice) {
                    continue;
                }
                let options = 0..space.choices()[choice].options.len() as u16;
                for option in options.map(|option| option as u8).filter(|&o| o != sample[choice]) {
                    let other = situation.iter().copied().chain([(choice, option)]);
                    cell.open.push(other.collect());
                }
                situation.push((choice, sample[choice]));
            }
            let cost = cell.sites.iter().fold(0.0, |sum, &site| sum + costs[site as usize]);
            cell.seen.push((situation, cost));
        }
    }
}

impl Cell {
    /// Takes an open situation that goes with what is decided.
    fn take(&mut self, decided: &[Option<u8>]) -> Option<Situation> {
        let agrees = |situation: &Situation| {
            let agrees =
                |&(choice, option): &(usize, u8)| decided[choice].is_none_or(|d| d == option);
            situation.iter().all(agrees)
        };
        let first = self.open.len().saturating_sub(LOOKED_AT);
        let found = (first..self.open.len()).rev().find(|&index| agrees(&self.open[index]))?;
        Some(self.open.swap_remove(found))
    }

    /// The choices that its situations are told apart by, in ascending order.
    pub(super) fn choices(&self) -> Vec<usize> {
        let seen = self.seen.iter().map(|(situation, _)| situation);
        let all = seen.chain(&self.open).flatten().map(|&(choice, _)| choice);
        let mut choices: Vec<usize> = all.collect();
        choices.sort_unstable();
        choices.dedup();
        choices
    }
}
