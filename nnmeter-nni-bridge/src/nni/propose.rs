//! What to try next: by the algorithm that the options name, and never twice what is in the table.
//!
//! The randomness of a proposal depends on the seed and its number alone, so nothing of it has to be
//! remembered when the tuner is started again.

use std::collections::HashSet;

use nnmeter_filters::random::Random;
use serde_json::Value as Json;

use super::error::{Error, ErrorKind, Result};
use super::evolution::Population;
use super::gene::Gene;
use super::grid::Grid;
use super::options::{Algorithm, Options};
use super::space::Space;

/// After so many draws of what is known already, what is left is looked for one by one, or known
/// parameters are tried again.
const DRAWS: usize = 200;
/// So much may be looked through one by one.
const MOST_LISTED: u128 = 1 << 22;

/// The proposals for a search space.
#[derive(Clone, Debug)]
pub struct Proposer {
    space: Space,
    /// All there is, where that is finite.
    everything: Option<Grid>,
    /// The points that the grid search tries, and how many of them are behind it.
    grid: Option<(Grid, u128)>,
    /// Parameters that were proposed or given.
    seen: HashSet<String>,
    population: Population,
}

impl Proposer {
    /// Proposals for `space`.
    ///
    /// # Errors
    /// [`ErrorKind::BadOption`] if a grid is asked for and the space has too many architectures.
    pub fn new(space: Space, options: &Options) -> Result<Self> {
        let grid = match options.algorithm {
            Algorithm::Grid => Some((space.grid(options.grid_points).ok_or_else(no_grid)?, 0)),
            Algorithm::Random | Algorithm::Evolution => None,
        };
        let everything = space.everything();
        let (seen, population) = (HashSet::new(), Population::default());
        Ok(Self { space, everything, grid, seen, population })
    }

    /// Tells of parameters that are in the table.
    pub fn know(&mut self, parameters: &Json) {
        if self.space.genes(parameters).is_some() {
            self.seen.insert(parameters.to_string());
        }
    }

    /// Tells of a result. Returns whether the parameters belong to the space.
    pub fn learn(&mut self, parameters: &Json, fitness: f64, options: &Options) -> bool {
        self.know(parameters);
        let genes = self.space.genes(parameters);
        let belongs = genes.is_some();
        if let Some(genes) = genes {
            self.population.add(genes, fitness, options.population);
        }
        belongs
    }

    /// The parameters of that number, or `None` if all there is was tried.
    ///
    /// # Errors
    /// If no architecture within the constraints can be drawn.
    pub fn propose(&mut self, id: u64, options: &Options) -> Result<Option<Json>> {
        let proposed = match &mut self.grid {
            Some((grid, behind)) => unseen(&self.space, grid, behind, &self.seen),
            None => self.random(id, options)?,
        };
        if let Some(parameters) = &proposed {
            self.seen.insert(parameters.to_string());
        }
        Ok(proposed)
    }

    fn random(&self, id: u64, options: &Options) -> Result<Option<Json>> {
        let mut random = random_of(options.seed, id);
        let mut parameters = Json::Null;
        for _ in 0..DRAWS {
            parameters = self.space.to_json(&self.draw(&mut random, options)?);
            if !self.seen.contains(&parameters.to_string()) {
                return Ok(Some(parameters));
            }
        }
        let count = self.everything.as_ref().and_then(Grid::count);
        match (&self.everything, count) {
            (Some(all), Some(count)) if count <= MOST_LISTED => {
                let start = random.below_u128(count);
                let (mut after, mut before) = (start, 0);
                let found = unseen(&self.space, all, &mut after, &self.seen);
                Ok(found.or_else(|| unseen(&self.space, all, &mut before, &self.seen)))
            }
            _ => Ok(Some(parameters)),
        }
    }

    fn draw(&self, random: &mut Random, options: &Options) -> Result<Vec<Gene>> {
        let evolves = options.algorithm == Algorithm::Evolution;
        let parent = match evolves && self.seen.len() >= options.population {
            true => self.population.parent(options.tournament, random),
            false => None,
        };
        match parent {
            Some(genes) => self.space.mutate(genes, random),
            None => self.space.draw(random),
        }
    }
}

/// The first point from `behind` on that is not known, which is then behind.
fn unseen(space: &Space, grid: &Grid, behind: &mut u128, seen: &HashSet<String>) -> Option<Json> {
    let count = grid.count()?;
    while *behind < count {
        let parameters = space.to_json(&grid.at(*behind));
        *behind += 1;
        if !seen.contains(&parameters.to_string()) {
            return Some(parameters);
        }
    }
    None
}

fn random_of(seed: u64, id: u64) -> Random {
    let mixed = Random::new(seed).next_u64() ^ id.wrapping_mul(0xd134_2543_de82_ef95);
    Random::new(Random::new(mixed).next_u64())
}

fn no_grid() -> Error {
    Error::new(ErrorKind::BadOption, "algorithm \"grid\"", "has too many architectures to list")
        .hint("use random or evolution, or a tighter budget")
}
