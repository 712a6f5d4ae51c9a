//! Regularised evolution (Real, Aggarwal, Huang, Le: "Regularized evolution for image classifier
//! architecture search", AAAI 2019): a population in which, step by step, the best of a random few has
//! a mutated child, and the oldest dies. Every architecture in it satisfies the constraints.

use std::collections::VecDeque;

use super::{Evaluated, fitness, mutate};
use crate::constraint::Constraints;
use crate::error::{Error, ErrorKind, Result};
use crate::exact::Sampler;
use crate::random::Random;
use crate::space::{Sample, SearchSpace};

/// Sizes of an evolution.
#[derive(Clone, Copy, Debug)]
pub struct EvolutionOptions {
    /// Architectures that are alive; P in the paper.
    pub population: usize,
    /// How many of them, drawn with replacement, a parent is the best of; S in the paper.
    pub tournament: usize,
}

impl Default for EvolutionOptions {
    /// 100 and 25, as in the paper.
    fn default() -> Self {
        Self { population: 100, tournament: 25 }
    }
}

/// An evolution as far as it has come.
#[derive(Debug)]
pub struct Evolution<'a> {
    space: &'a SearchSpace,
    constraints: Constraints,
    sampler: Sampler,
    options: EvolutionOptions,
    random: Random,
    /// The oldest first.
    alive: VecDeque<Evaluated>,
    best: Option<Evaluated>,
}

impl<'a> Evolution<'a> {
    /// An evolution in `space`, whose first architectures the sampler draws; it stays within the
    /// sampler's constraints.
    ///
    /// # Errors
    /// [`ErrorKind::BadConstraint`] if the population or the tournament is empty.
    pub fn new(
        space: &'a SearchSpace,
        sampler: Sampler,
        options: EvolutionOptions,
        seed: u64,
    ) -> Result<Self> {
        if options.population == 0 || options.tournament == 0 {
            let EvolutionOptions { population, tournament } = options;
            let found = format!("has a population of {population}, tournaments of {tournament}");
            return Err(Error::new(ErrorKind::BadConstraint, "evolution", found)
                .expected("at least one of each"));
        }
        let constraints = sampler.constraints().clone();
        let (random, alive) = (Random::new(seed), VecDeque::new());
        Ok(Self { space, constraints, sampler, options, random, alive, best: None })
    }

    /// Evaluates one more architecture, and returns it: a draw while the population grows, then a child
    /// of a tournament's best ([`mutate`]: one choice changed, or two at the edge of the budget, where the
    /// paper changes one), or a draw if the parent has no mutation within the constraints.
    ///
    /// # Errors
    /// As [`Sampler::draw`].
    pub fn step(&mut self, evaluate: impl FnOnce(&Sample) -> f64) -> Result<Evaluated> {
        let grows = self.alive.len() < self.options.population;
        let child = if grows { None } else { self.child() };
        let sample = match child {
            Some(child) => child,
            None => self.sampler.draw(&mut self.random)?,
        };
        let fitness = fitness(evaluate(&sample));
        let evaluated = Evaluated { sample, fitness };
        self.alive.push_back(evaluated.clone());
        if !grows {
            self.alive.pop_front();
        }
        if self.best.as_ref().is_none_or(|best| fitness > best.fitness) {
            self.best = Some(evaluated.clone());
        }
        Ok(evaluated)
    }

    fn child(&mut self) -> Option<Sample> {
        let count = self.alive.len() as u64;
        let drawn = (0..self.options.tournament).map(|_| self.random.below(count) as usize);
        let parent =
            drawn.max_by(|&a, &b| self.alive[a].fitness.total_cmp(&self.alive[b].fitness))?;
        mutate(self.space, &self.constraints, &self.alive[parent].sample, &mut self.random)
    }

    /// The best architecture of all that were evaluated.
    pub fn best(&self) -> Option<&Evaluated> {
        self.best.as_ref()
    }

    /// The architectures alive, the oldest first.
    pub fn alive(&self) -> impl Iterator<Item = &Evaluated> {
        self.alive.iter()
    }
}
