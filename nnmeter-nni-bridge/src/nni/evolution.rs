//! Regularised evolution (Real, Aggarwal, Huang, Le: "Regularized evolution for image classifier
//! architecture search", AAAI 2019) over what NNI calls parameters: the latest results are alive, and
//! the best of a random few of them has a mutated child.

use std::collections::VecDeque;

use nnmeter_filters::random::Random;

use super::gene::Gene;

/// The latest results.
#[derive(Clone, Debug, Default)]
pub struct Population {
    /// The oldest first.
    alive: VecDeque<(Vec<Gene>, f64)>,
}

impl Population {
    /// Adds a result, and lets the oldest die where there are more than `most`.
    pub fn add(&mut self, genes: Vec<Gene>, fitness: f64, most: usize) {
        self.alive.push_back((genes, fitness));
        while self.alive.len() > most {
            self.alive.pop_front();
        }
    }

    /// How many are alive.
    pub fn len(&self) -> usize {
        self.alive.len()
    }

    /// Whether none is alive.
    pub fn is_empty(&self) -> bool {
        self.alive.is_empty()
    }

    /// The best of so many that are drawn with replacement; `None` if none is alive.
    pub fn parent(&self, tournament: usize, random: &mut Random) -> Option<&[Gene]> {
        let count = self.alive.len() as u64;
        let drawn = (0..tournament).map(|_| random.below(count) as usize);
        let drawn: Vec<usize> = drawn.filter(|&index| index < self.alive.len()).collect();
        let best =
            drawn.into_iter().max_by(|&a, &b| self.alive[a].1.total_cmp(&self.alive[b].1))?;
        Some(&self.alive[best].0)
    }
}
