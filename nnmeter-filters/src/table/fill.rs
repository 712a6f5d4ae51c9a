//! Filling tables from observations, and noticing where two observations contradict each other.

use super::factor::{Factor, index, strides};
use super::plan::size;
use crate::random::Random;
use crate::space::{Sample, SearchSpace};

/// How many unfilled entries are looked at to find one that goes with what is already decided.
const LOOKED_AT: usize = 256;

/// Tables in the making, one for each group of layers that depend on the same choices.
pub(super) struct Tables {
    groups: Vec<Group>,
    samples: Vec<Sample>,
    cardinalities: Vec<usize>,
}

struct Group {
    choices: Vec<usize>,
    strides: Vec<usize>,
    sites: Vec<u32>,
    costs: Vec<f64>,
    /// By entry: the sample that filled it.
    witnesses: Vec<Option<u32>>,
    unfilled: usize,
    /// Entries before this one are filled.
    cursor: usize,
}

/// Two samples that agree in all choices of a group, and whose kernels there cost differently.
pub(super) struct Conflict {
    pub(super) sites: Vec<u32>,
    pub(super) samples: [Sample; 2],
}

impl Tables {
    /// Empty tables for groups of sites, each with the choices it depends on.
    pub(super) fn new(space: &SearchSpace, groups: Vec<(Vec<usize>, Vec<u32>)>) -> Self {
        let cardinalities: Vec<usize> = space.choices().iter().map(|c| c.options.len()).collect();
        let group = |(choices, sites): (Vec<usize>, Vec<u32>)| {
            let entries = size(&choices, &cardinalities);
            Group {
                strides: strides(&choices, &cardinalities),
                choices,
                sites,
                costs: vec![0.0; entries],
                witnesses: vec![None; entries],
                unfilled: entries,
                cursor: 0,
            }
        };
        Self { groups: groups.into_iter().map(group).collect(), samples: Vec::new(), cardinalities }
    }

    /// Enters the costs of a sample, or compares them with what is there.
    pub(super) fn put(&mut self, sample: &Sample, costs: &[f64]) -> Result<(), Conflict> {
        let number = self.samples.len() as u32;
        let mut is_witness = false;
        for group in &mut self.groups {
            let cost = group.sites.iter().fold(0.0, |sum, &site| sum + costs[site as usize]);
            let entry = index(&group.choices, &group.strides, sample);
            match group.witnesses[entry] {
                None => {
                    group.fill(entry, cost, number);
                    is_witness = true;
                }
                Some(_) if group.costs[entry] == cost => {}
                Some(other) => {
                    let other = self.samples.get(other as usize).unwrap_or(sample).clone();
                    let samples = [other, sample.clone()];
                    return Err(Conflict { sites: group.sites.clone(), samples });
                }
            }
        }
        if is_witness {
            self.samples.push(sample.clone());
        }
        Ok(())
    }

    /// A sample that fills entries which are empty: as many as are easily found.
    pub(super) fn next(&mut self, space: &SearchSpace, random: &mut Random) -> Option<Sample> {
        let emptiest = self.groups.iter().enumerate().max_by_key(|(_, group)| group.unfilled)?.0;
        if self.groups[emptiest].unfilled == 0 {
            return None;
        }
        let mut decided: Vec<Option<u8>> = vec![None; self.cardinalities.len()];
        let rest = (0..self.groups.len()).filter(|&index| index != emptiest);
        for index in std::iter::once(emptiest).chain(rest) {
            self.groups[index].decide(&mut decided, &self.cardinalities);
        }
        let mut sample = space.random_sample(random);
        for (choice, option) in decided.into_iter().enumerate() {
            if let Some(option) = option {
                sample = sample.with(choice, option);
            }
        }
        Some(sample)
    }

    /// The tables, all of whose entries must have been filled.
    pub(super) fn into_factors(self) -> Vec<Factor> {
        let cardinalities = self.cardinalities;
        let factor = |group: Group| Factor::new(group.choices, &cardinalities, group.costs);
        self.groups.into_iter().map(factor).collect()
    }

    /// What a sample costs by the tables.
    pub(super) fn cost(&self, sample: &Sample) -> f64 {
        let cost = |group: &Group| group.costs[index(&group.choices, &group.strides, sample)];
        self.groups.iter().map(cost).sum()
    }
}

impl Group {
    fn fill(&mut self, entry: usize, cost: f64, witness: u32) {
        self.costs[entry] = cost;
        self.witnesses[entry] = Some(witness);
        self.unfilled -= 1;
        while self.witnesses.get(self.cursor).is_some_and(Option::is_some) {
            self.cursor += 1;
        }
    }

    /// Decides the group's choices so that they meet an unfilled entry, if one goes with what is
    /// decided already.
    fn decide(&self, decided: &mut [Option<u8>], cardinalities: &[usize]) {
        let entries = (self.cursor..self.costs.len()).filter(|&e| self.witnesses[e].is_none());
        let option = |entry: usize, place: usize| {
            (entry / self.strides[place] % cardinalities[self.choices[place]]) as u8
        };
        let agrees = |&entry: &usize| {
            let choices = self.choices.iter().enumerate();
            let agrees = |(place, &choice): (usize, &usize)| {
                decided[choice].is_none_or(|decided| decided == option(entry, place))
            };
            choices.map(agrees).all(|agrees| agrees)
        };
        if let Some(entry) = entries.take(LOOKED_AT).find(agrees) {
            for (place, &choice) in self.choices.iter().enumerate() {
                decided[choice] = Some(option(entry, place));
            }
        }
    }
}
