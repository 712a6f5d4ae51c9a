//! Searches that stay within constraints: random search, and regularised evolution.
//!
//! What is sought is up to the caller, who evaluates architectures (mostly with a supernet) and returns
//! their fitness, the higher the better. Whatever is evaluated satisfies the constraints. Where fitness
//! is a sum over choices there is no need to search: [`Feasible::best`](crate::exact::Feasible::best)
//! has the best exactly.

mod evolution;
mod mutation;

pub use evolution::{Evolution, EvolutionOptions};
pub use mutation::mutate;

use crate::error::Result;
use crate::exact::Sampler;
use crate::random::Random;
use crate::space::Sample;

/// An architecture with its fitness.
#[derive(Clone, Debug, PartialEq)]
pub struct Evaluated {
    /// The architecture.
    pub sample: Sample,
    /// Its fitness, the higher the better.
    pub fitness: f64,
}

/// Evaluates uniform draws, and returns the best of them; `None` if `draws` is 0. A fitness that is not
/// a number is the worst.
///
/// # Errors
/// As [`Sampler::draw`].
pub fn random_search(
    sampler: &mut Sampler,
    draws: usize,
    random: &mut Random,
    mut evaluate: impl FnMut(&Sample) -> f64,
) -> Result<Option<Evaluated>> {
    let mut best: Option<Evaluated> = None;
    for _ in 0..draws {
        let sample = sampler.draw(random)?;
        let fitness = fitness(evaluate(&sample));
        if best.as_ref().is_none_or(|best| fitness > best.fitness) {
            best = Some(Evaluated { sample, fitness });
        }
    }
    Ok(best)
}

/// What is not a number is the worst.
fn fitness(value: f64) -> f64 {
    if value.is_nan() { f64::NEG_INFINITY } else { value }
}
