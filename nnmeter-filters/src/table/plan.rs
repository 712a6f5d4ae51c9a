//! How a table is evaluated fast: factors that share choices are added up into joint tables of 256
//! entries, so that a sample takes few look-ups, each at an index of one byte. Indices of a whole
//! chunk of samples are computed at once, byte by byte, which compilers turn into vector code.

use super::batch::Batch;
use super::factor::{Factor, size};

/// Entries of a joint table: as many as a byte tells apart.
const JOINT: usize = 256;
/// Samples that are evaluated together: their indices and sums stay in the first-level cache.
const CHUNK: usize = 512;

/// Joint tables, and factors that are too large for one.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    constant: f64,
    joint: Vec<Joint>,
    large: Vec<Factor>,
}

/// The sum of some factors over some choices.
#[derive(Clone, Debug)]
struct Joint {
    /// Choices with their strides.
    choices: Vec<(usize, u8)>,
    costs: Box<[f64; JOINT]>,
}

impl Plan {
    pub(super) fn new(constant: f64, factors: &[Factor], cardinalities: &[usize]) -> Self {
        let mut groups: Vec<(Vec<usize>, Vec<&Factor>)> = Vec::new();
        let mut large = Vec::new();
        for factor in factors {
            if factor.costs().len() > JOINT {
                large.push(factor.clone());
                continue;
            }
            let fits = |(choices, _): &&mut (Vec<usize>, Vec<&Factor>)| {
                size(&union(choices, factor.choices()), cardinalities) <= JOINT
            };
            match groups.iter_mut().rev().find(fits) {
                Some((choices, members)) => {
                    *choices = union(choices, factor.choices());
                    members.push(factor);
                }
                None => groups.push((factor.choices().to_vec(), vec![factor])),
            }
        }
        let joint = |(choices, members): (Vec<usize>, Vec<&Factor>)| {
            Joint::new(choices, &members, cardinalities)
        };
        Self { constant, joint: groups.into_iter().map(joint).collect(), large }
    }

    pub(super) fn cost(&self, sample: &[u8]) -> f64 {
        let joint = self.joint.iter().fold(self.constant, |sum, joint| sum + joint.cost(sample));
        self.large.iter().fold(joint, |sum, factor| sum + factor.cost(sample))
    }

    pub(super) fn costs(&self, batch: &Batch) -> Vec<f64> {
        let mut costs = vec![self.constant; batch.len()];
        for (chunk, sums) in costs.chunks_mut(CHUNK).enumerate() {
            let start = chunk * CHUNK;
            self.joint.iter().for_each(|joint| joint.add_costs(batch, start, sums));
            self.large.iter().for_each(|factor| add_large(factor, batch, start, sums));
        }
        costs
    }
}

impl Joint {
    fn new(choices: Vec<usize>, members: &[&Factor], cardinalities: &[usize]) -> Self {
        let sum = Factor::sum(choices, cardinalities, members);
        let mut costs = Box::new([0.0; JOINT]);
        costs[..sum.costs().len()].copy_from_slice(sum.costs());
        let strides = sum.strides().iter().map(|&stride| stride as u8);
        Self { choices: sum.choices().iter().copied().zip(strides).collect(), costs }
    }

    fn cost(&self, sample: &[u8]) -> f64 {
        let add = |index: u8, &(choice, stride): &(usize, u8)| {
            index.wrapping_add(sample[choice].wrapping_mul(stride))
        };
        self.costs[usize::from(self.choices.iter().fold(0, add))]
    }

    fn add_costs(&self, batch: &Batch, start: usize, sums: &mut [f64]) {
        let mut buffer = [0u8; CHUNK];
        let indices = &mut buffer[..sums.len()];
        for &(choice, stride) in &self.choices {
            let column = &batch.column(choice)[start..start + indices.len()];
            for (index, option) in indices.iter_mut().zip(column) {
                *index = index.wrapping_add(option.wrapping_mul(stride));
            }
        }
        for (sum, &index) in sums.iter_mut().zip(&*indices) {
            *sum += self.costs[usize::from(index)];
        }
    }
}

fn add_large(factor: &Factor, batch: &Batch, start: usize, sums: &mut [f64]) {
    let mut buffer = [0u32; CHUNK];
    let indices = &mut buffer[..sums.len()];
    for (&choice, &stride) in factor.choices().iter().zip(factor.strides()) {
        let column = &batch.column(choice)[start..start + indices.len()];
        for (index, &option) in indices.iter_mut().zip(column) {
            *index += u32::from(option) * stride as u32;
        }
    }
    for (sum, &index) in sums.iter_mut().zip(&*indices) {
        *sum += factor.costs()[index as usize];
    }
}

/// Both lists together, in ascending order.
fn union(a: &[usize], b: &[usize]) -> Vec<usize> {
    let mut union: Vec<usize> = a.iter().chain(b).copied().collect();
    union.sort_unstable();
    union.dedup();
    union
}
