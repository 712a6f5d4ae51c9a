//! A factor: a dense table over the options of a few choices.

use std::collections::{BTreeMap, BTreeSet};

use super::explore::{Options, Situation};

/// Costs for every combination of options of a few choices.
#[derive(Clone, Debug, PartialEq)]
pub struct Factor {
    choices: Vec<usize>,
    strides: Vec<usize>,
    costs: Vec<f64>,
}

impl Factor {
    /// A table over `choices` (in ascending order), whose last choice's options are adjacent in
    /// `costs`. `cardinalities` is by choice of the space.
    pub(super) fn new(choices: Vec<usize>, cardinalities: &[usize], costs: Vec<f64>) -> Self {
        Self { strides: strides(&choices, cardinalities), choices, costs }
    }

    /// A table of what is known for situations that exclude each other and leave none out, over
    /// `choices` but for those that make no difference; `None` if it would have more than `most`
    /// entries. Options that no situation tells apart share entries until the end.
    pub(super) fn of(
        choices: Vec<usize>,
        cardinalities: &[usize],
        seen: &[(Situation, f64)],
        most: usize,
    ) -> Option<Self> {
        let mut atoms: Vec<Atoms> = vec![Atoms::default(); cardinalities.len()];
        for &choice in &choices {
            atoms[choice] = Atoms::of(choice, cardinalities[choice], seen);
        }
        let coarse: Vec<usize> = atoms.iter().map(|atoms| atoms.first.len()).collect();
        if size(&choices, &coarse) > most {
            return None;
        }
        let costs = vec![0.0; size(&choices, &coarse)];
        let mut factor = Self::new(choices, &coarse, costs);
        for (situation, cost) in seen {
            factor.set(&atoms, situation, *cost);
        }
        for place in (0..factor.choices.len()).rev() {
            factor.drop_if_idle(&coarse, place);
        }
        factor.spread(&atoms, cardinalities, most)
    }

    /// Sets the costs of all combinations of atoms that belong to a situation.
    fn set(&mut self, atoms: &[Atoms], situation: &Situation, cost: f64) {
        let mut indices = vec![0];
        for (choice, stride) in self.choices.iter().zip(&self.strides) {
            let decided = situation.iter().find(|(decided, _)| decided == choice);
            let fits = |option: usize| decided.is_none_or(|(_, options)| options.contains(option));
            let first = atoms[*choice].first.iter().enumerate();
            let places: Vec<usize> =
                first.filter(|(_, option)| fits(**option)).map(|(place, _)| place).collect();
            let add = |index: usize| places.iter().map(move |place| index + place * stride);
            indices = indices.into_iter().flat_map(add).collect();
        }
        indices.into_iter().for_each(|index| self.costs[index] = cost);
    }

    /// The same table with an entry for every option.
    fn spread(&self, atoms: &[Atoms], cardinalities: &[usize], most: usize) -> Option<Self> {
        let size = size(&self.choices, cardinalities);
        if size > most {
            return None;
        }
        let mut spread = Self::new(self.choices.clone(), cardinalities, vec![0.0; size]);
        let mut options = vec![0u8; cardinalities.len()];
        let mut coarse = options.clone();
        for index in 0..size {
            spread.options(index, cardinalities, &mut options);
            for &choice in &self.choices {
                coarse[choice] = atoms[choice].of_option[usize::from(options[choice])];
            }
            spread.costs[index] = self.cost(&coarse);
        }
        Some(spread)
    }

    /// Drops the choice at `place` if costs do not depend on it.
    fn drop_if_idle(&mut self, cardinalities: &[usize], place: usize) {
        let (stride, options) = (self.strides[place], cardinalities[self.choices[place]]);
        let first = |index: usize| index - index / stride % options * stride;
        if (0..self.costs.len()).all(|index| self.costs[index] == self.costs[first(index)]) {
            let kept = (0..self.costs.len()).filter(|&index| first(index) == index);
            self.costs = kept.map(|index| self.costs[index]).collect();
            self.choices.remove(place);
            self.strides = strides(&self.choices, cardinalities);
        }
    }

    /// Adds a factor over some of this one's choices.
    pub(super) fn add(&mut self, other: &Self, cardinalities: &[usize]) {
        let mut sample = vec![0u8; cardinalities.len()];
        for index in 0..self.costs.len() {
            self.options(index, cardinalities, &mut sample);
            self.costs[index] += other.cost(&sample);
        }
    }

    /// Writes the options that belong to the entry at `index` into a sample.
    pub(super) fn options(&self, index: usize, cardinalities: &[usize], sample: &mut [u8]) {
        for (&choice, stride) in self.choices.iter().zip(&self.strides) {
            sample[choice] = (index / stride % cardinalities[choice]) as u8;
        }
    }

    /// The sum of factors over some of `choices`, as a factor over all of these.
    pub(super) fn sum(choices: Vec<usize>, cardinalities: &[usize], parts: &[&Self]) -> Self {
        let size = size(&choices, cardinalities);
        let mut sum = Self::new(choices, cardinalities, vec![0.0; size]);
        parts.iter().for_each(|part| sum.add(part, cardinalities));
        sum
    }

    /// The choices, in ascending order.
    pub fn choices(&self) -> &[usize] {
        &self.choices
    }

    /// By place in [`Factor::choices`]: how far apart in [`Factor::costs`] neighbouring options are.
    pub fn strides(&self) -> &[usize] {
        &self.strides
    }

    /// The costs; that of a sample is at [`Factor::index`].
    pub fn costs(&self) -> &[f64] {
        &self.costs
    }

    /// Where the cost of a sample is: the sum over choices of option times stride.
    ///
    /// # Panics
    /// If the sample has fewer choices.
    pub fn index(&self, sample: &[u8]) -> usize {
        let places = self.choices.iter().zip(&self.strides);
        places.map(|(&choice, stride)| usize::from(sample[choice]) * stride).sum()
    }

    /// What a sample costs by this factor.
    ///
    /// # Panics
    /// If the sample is not of the factor's space.
    pub fn cost(&self, sample: &[u8]) -> f64 {
        self.costs[self.index(sample)]
    }

    /// How much more a sample costs by this factor if `choice` takes the option `new`.
    pub(super) fn delta(&self, sample: &[u8], choice: usize, new: u8) -> f64 {
        let old = self.index(sample);
        let place = self.choices.iter().position(|&other| other == choice);
        let stride = place.map_or(0, |place| self.strides[place]);
        let changed = old + usize::from(new) * stride - usize::from(sample[choice]) * stride;
        self.costs[changed] - self.costs[old]
    }
}

/// The options of a choice in groups that no situation tells apart.
#[derive(Clone, Default)]
struct Atoms {
    /// By option: its group.
    of_option: Vec<u8>,
    /// By group: its first option.
    first: Vec<usize>,
}

impl Atoms {
    fn of(choice: usize, count: usize, seen: &[(Situation, f64)]) -> Self {
        let decided = seen.iter().flat_map(|(situation, _)| situation);
        let sets: BTreeSet<Options> =
            decided.filter(|(other, _)| *other == choice).map(|(_, options)| *options).collect();
        let mut groups: BTreeMap<Vec<bool>, u8> = BTreeMap::new();
        let mut atoms = Self::default();
        for option in 0..count {
            let inside: Vec<bool> = sets.iter().map(|options| options.contains(option)).collect();
            let next = groups.len() as u8;
            let group = *groups.entry(inside).or_insert(next);
            if usize::from(group) == atoms.first.len() {
                atoms.first.push(option);
            }
            atoms.of_option.push(group);
        }
        atoms
    }
}

/// Row-major strides.
fn strides(choices: &[usize], cardinalities: &[usize]) -> Vec<usize> {
    let mut strides = vec![1; choices.len()];
    for place in (1..choices.len()).rev() {
        strides[place - 1] = strides[place] * cardinalities[choices[place]];
    }
    strides
}

/// Number of combinations of options.
pub(super) fn size(choices: &[usize], cardinalities: &[usize]) -> usize {
    choices.iter().fold(1, |size, &choice| size.saturating_mul(cardinalities[choice]))
}
