//! Random draws of a trial's parameters. Architectures are drawn uniformly from those that satisfy the
//! constraints.

use nnmeter_filters::random::Random;

use super::error::Result;
use super::gene::Gene;
use super::space::{Candidate, Domain, Parameter, Space};

impl Space {
    /// A draw of all parameters.
    ///
    /// # Errors
    /// If no architecture within the constraints can be drawn.
    pub fn draw(&self, random: &mut Random) -> Result<Vec<Gene>> {
        draw_all(&self.parameters, random)
    }
}

fn draw_all(parameters: &[Parameter], random: &mut Random) -> Result<Vec<Gene>> {
    parameters.iter().map(|parameter| draw(&parameter.domain, random)).collect()
}

/// A draw of one parameter.
pub(super) fn draw(domain: &Domain, random: &mut Random) -> Result<Gene> {
    Ok(match domain {
        Domain::Choice(all) => {
            let index = random.below(all.len() as u64) as usize;
            draw_candidate(index, &all[index], random)?
        }
        Domain::Integer(low, high) => Gene::Integer(low + random.below(low.abs_diff(*high)) as i64),
        Domain::Number(range) => Gene::Number(range.draw(random)),
    })
}

/// A value of a choice, with what else has to be drawn for it.
pub(super) fn draw_candidate(
    index: usize,
    candidate: &Candidate,
    random: &mut Random,
) -> Result<Gene> {
    Ok(match candidate {
        Candidate::Value(_) => Gene::Value(index),
        Candidate::Nested(_, parameters) => Gene::Nested(index, draw_all(parameters, random)?),
        Candidate::Architecture(model) => Gene::Architecture(index, model.draw(random)?),
    })
}
