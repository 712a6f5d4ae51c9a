//! Samples that between them show every kernel in every situation that it can be in.
//!
//! A situation of a layer is the options of the choices that its kernel can depend on, as
//! [`reach`](super::reach) tells. Which choices these are may change with the sample (beyond an empty
//! candidate lies the next block), so the situations of a layer are the leaves of a tree of decisions:
//! a sample is predicted; for every choice that counts in it, the options that are not like the one
//! taken are tried later. Situations of layers far from each other are tried in one sample.

use super::reach::{self, ChoiceSet};
use crate::random::Random;
use crate::space::{Choice, Sample, SearchSpace, Site};

/// How many open situations of a layer are looked at to find one that goes with what is decided.
const LOOKED_AT: usize = 48;

/// Some choices, each with the options that it takes one of.
pub(super) type Situation = Vec<(usize, Options)>;

/// A set of options of a choice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Options([u64; 4]);

impl Options {
    /// Those below `count` for which `is_in` holds.
    pub(super) fn of(count: usize, is_in: impl Fn(u8) -> bool) -> Self {
        let mut options = Self([0; 4]);
        for option in (0..count).filter(|&option| is_in(option as u8)) {
            options.0[option / 64] |= 1 << (option % 64);
        }
        options
    }

    pub(super) fn contains(self, option: usize) -> bool {
        self.0[option / 64] >> (option % 64) & 1 == 1
    }

    fn both(self, other: Self) -> Self {
        Self(std::array::from_fn(|word| self.0[word] & other.0[word]))
    }

    fn without(self, other: Self) -> Self {
        Self(std::array::from_fn(|word| self.0[word] & !other.0[word]))
    }

    fn is_empty(self) -> bool {
        self == Self([0; 4])
    }

    /// A random one of them.
    fn pick(self, random: &mut Random) -> u8 {
        let count: u32 = self.0.iter().map(|word| word.count_ones()).sum();
        let place = random.below(u64::from(count)) as usize;
        (0..=u8::MAX).filter(|&option| self.contains(usize::from(option))).nth(place).unwrap_or(0)
    }
}

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
    /// Everything is open. In some sample of the space, kernels reach as far as `sets` says. Layers that
    /// are alike in this and in what they depend on themselves are tried together.
    pub(super) fn new(sites: &[Site], sets: &[ChoiceSet]) -> Self {
        let cell = |sites| Cell { sites, seen: Vec::new(), open: vec![Situation::new()] };
        let cells = reach::alike(sites, sets).into_iter().map(cell).collect();
        Self { cells, shown: Vec::new(), turn: 0 }
    }

    /// A sample that shows something new; `None` once all has been seen.
    pub(super) fn next(&mut self, space: &SearchSpace, random: &mut Random) -> Option<Sample> {
        let count = self.cells.len();
        let all = |choice: &Choice| Options::of(choice.options.len(), |_| true);
        let mut decided: Vec<Options> = space.choices().iter().map(all).collect();
        self.shown.clear();
        for index in (0..count).map(|index| (index + self.turn) % count) {
            if let Some(situation) = self.cells[index].take(&decided) {
                for &(choice, options) in &situation {
                    decided[choice] = decided[choice].both(options);
                }
                self.shown.push((index, situation));
            }
        }
        self.turn += 1;
        if self.shown.is_empty() {
            return None;
        }
        let picked: Vec<u8> = decided.into_iter().map(|options| options.pick(random)).collect();
        space.sample(&picked).ok()
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
            for (choice, exact) in counts.iter() {
                let like = &space.likeness()[choice];
                let taken = sample[choice];
                let same = |option: u8| {
                    option == taken
                        || !exact && like[usize::from(option)] == like[usize::from(taken)]
                };
                let same = Options::of(like.len(), same);
                cell.split(&mut situation, choice, same, like.len());
            }
            let cost = cell.sites.iter().fold(0.0, |sum, &site| sum + costs[site as usize]);
            cell.seen.push((situation, cost));
        }
    }
}

impl Cell {
    /// Takes an open situation that goes with what is decided.
    fn take(&mut self, decided: &[Options]) -> Option<Situation> {
        let agrees = |situation: &Situation| {
            situation.iter().all(|&(choice, options)| !decided[choice].both(options).is_empty())
        };
        let first = self.open.len().saturating_sub(LOOKED_AT);
        let found = (first..self.open.len()).rev().find(|&index| agrees(&self.open[index]))?;
        Some(self.open.swap_remove(found))
    }

    /// Narrows a situation to some options of a choice; the others stay open.
    fn split(&mut self, situation: &mut Situation, choice: usize, same: Options, count: usize) {
        let place = situation.iter().position(|&(other, _)| other == choice);
        let place = place.unwrap_or_else(|| {
            situation.push((choice, Options::of(count, |_| true)));
            situation.len() - 1
        });
        let rest = situation[place].1.without(same);
        if !rest.is_empty() {
            let mut other = situation.clone();
            other[place].1 = rest;
            self.open.push(other);
        }
        situation[place].1 = situation[place].1.both(same);
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
