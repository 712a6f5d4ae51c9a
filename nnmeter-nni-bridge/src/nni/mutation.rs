//! Mutations: the same parameters but for one, which is another one.

use nnmeter_filters::random::Random;

use super::draw::{draw, draw_candidate};
use super::error::Result;
use super::gene::Gene;
use super::space::{Candidate, Domain, Parameter, Space};

impl Space {
    /// These parameters with one of them changed, each with the same probability: a choice takes
    /// another value, a number moves, an architecture has one choice changed so that it still satisfies
    /// the constraints. Parameters with one possible value are left alone.
    ///
    /// # Errors
    /// As [`Space::draw`].
    pub fn mutate(&self, genes: &[Gene], random: &mut Random) -> Result<Vec<Gene>> {
        let mut changed = genes.to_vec();
        let sites = count(&self.parameters, genes);
        let mut site = random.below(sites as u64) as usize;
        change_one(&self.parameters, &mut changed, &mut site, random)?;
        Ok(changed)
    }
}

/// How many parameters there are to change, those of chosen values included.
fn count(parameters: &[Parameter], genes: &[Gene]) -> usize {
    let pairs = parameters.iter().zip(genes);
    pairs.map(|(parameter, gene)| own(&parameter.domain) + inner(&parameter.domain, gene)).sum()
}

/// 1 if the parameter can be anything else.
fn own(domain: &Domain) -> usize {
    match domain {
        Domain::Choice(all) => match all.as_slice() {
            [Candidate::Value(_) | Candidate::Nested(..)] => 0,
            _ => 1,
        },
        Domain::Integer(low, high) => usize::from(high - low > 1),
        Domain::Number(_) => 1,
    }
}

fn inner(domain: &Domain, gene: &Gene) -> usize {
    match (domain, gene) {
        (Domain::Choice(all), Gene::Nested(index, genes)) => match &all[*index] {
            Candidate::Nested(_, parameters) => count(parameters, genes),
            Candidate::Value(_) | Candidate::Architecture(_) => 0,
        },
        _ => 0,
    }
}

/// Changes the parameter that `site` counts down to.
fn change_one(
    parameters: &[Parameter],
    genes: &mut [Gene],
    site: &mut usize,
    random: &mut Random,
) -> Result<bool> {
    for (parameter, gene) in parameters.iter().zip(genes) {
        let domain = &parameter.domain;
        if own(domain) == 1 {
            if *site == 0 {
                *gene = other(domain, gene, random)?;
                return Ok(true);
            }
            *site -= 1;
        }
        if let (Domain::Choice(all), Gene::Nested(index, genes)) = (domain, &mut *gene)
            && let Candidate::Nested(_, parameters) = &all[*index]
            && change_one(parameters, genes, site, random)?
        {
            return Ok(true);
        }
    }
    Ok(false)
}

fn other(domain: &Domain, gene: &Gene, random: &mut Random) -> Result<Gene> {
    match (domain, gene) {
        (Domain::Choice(all), Gene::Architecture(index, sample)) => {
            let Candidate::Architecture(model) = &all[*index] else { return draw(domain, random) };
            // Where there are others, now and then one of these.
            let stays = all.len() == 1 || random.below(2) == 0;
            let mutated = if stays { model.mutate(sample, random) } else { None };
            match mutated {
                Some(sample) => Ok(Gene::Architecture(*index, sample)),
                None => another(all, *index, random),
            }
        }
        (Domain::Choice(all), Gene::Value(index) | Gene::Nested(index, _)) => {
            another(all, *index, random)
        }
        (Domain::Number(range), Gene::Number(value)) => {
            Ok(Gene::Number(range.mutate(*value, random)))
        }
        (Domain::Integer(low, high), Gene::Integer(value)) => {
            let skip = low + random.below(low.abs_diff(*high) - 1) as i64;
            Ok(Gene::Integer(if skip >= *value { skip + 1 } else { skip }))
        }
        _ => draw(domain, random),
    }
}

/// A value of a choice that is not the one it has; a draw from that one if it is the only one.
fn another(all: &[Candidate], index: usize, random: &mut Random) -> Result<Gene> {
    if all.len() == 1 {
        return draw_candidate(index, &all[index], random);
    }
    let skip = random.below(all.len() as u64 - 1) as usize;
    let other = if skip >= index { skip + 1 } else { skip };
    draw_candidate(other, &all[other], random)
}
