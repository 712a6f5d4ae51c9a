//! Grids: all parameters of a finite space by number, and those of an infinite one at evenly spaced
//! points.

use super::gene::Gene;
use super::space::{Candidate, Domain, Parameter, Space};

/// A grid over a space.
#[derive(Clone, Debug)]
pub struct Grid {
    axes: Vec<Axis>,
}

/// What one parameter may be: the genes, each standing for so many.
#[derive(Clone, Debug)]
struct Axis {
    ways: Vec<Way>,
    count: u128,
}

#[derive(Clone, Debug)]
enum Way {
    One(Gene),
    Nested(usize, Grid),
    Integers(i64, u128),
}

impl Way {
    fn count(&self) -> Option<u128> {
        match self {
            Way::One(_) => Some(1),
            Way::Nested(_, grid) => grid.count(),
            Way::Integers(_, count) => Some(*count),
        }
    }

    fn at(&self, index: u128) -> Gene {
        match self {
            Way::One(gene) => gene.clone(),
            Way::Nested(candidate, grid) => Gene::Nested(*candidate, grid.at(index)),
            Way::Integers(low, _) => Gene::Integer(low + index as i64),
        }
    }
}

impl Space {
    /// The grid in which numbers without a quantum take so many points; `None` if it has too many
    /// architectures to list.
    pub fn grid(&self, points: usize) -> Option<Grid> {
        grid(&self.parameters, &|range| Some(range.grid(points)))
    }

    /// The grid of all there is; `None` if that is infinite or too much to list.
    pub fn everything(&self) -> Option<Grid> {
        grid(&self.parameters, &super::number::Range::multiples)
    }
}

type Numbers<'a> = &'a dyn Fn(&super::number::Range) -> Option<Vec<f64>>;

fn grid(parameters: &[Parameter], numbers: Numbers<'_>) -> Option<Grid> {
    let axes = parameters.iter().map(|parameter| axis(&parameter.domain, numbers));
    let grid = Grid { axes: axes.collect::<Option<_>>()? };
    grid.count().map(|_| grid)
}

fn axis(domain: &Domain, numbers: Numbers<'_>) -> Option<Axis> {
    let ways: Vec<Way> = match domain {
        Domain::Choice(all) => {
            let ways = all.iter().enumerate().map(|(index, one)| ways(index, one, numbers));
            ways.collect::<Option<Vec<_>>>()?.concat()
        }
        Domain::Integer(low, high) => vec![Way::Integers(*low, u128::from(low.abs_diff(*high)))],
        Domain::Number(range) => {
            numbers(range)?.into_iter().map(|number| Way::One(Gene::Number(number))).collect()
        }
    };
    let count = ways.iter().map(Way::count).try_fold(0u128, |sum, n| sum.checked_add(n?))?;
    Some(Axis { ways, count })
}

fn ways(index: usize, candidate: &Candidate, numbers: Numbers<'_>) -> Option<Vec<Way>> {
    Some(match candidate {
        Candidate::Value(_) => vec![Way::One(Gene::Value(index))],
        Candidate::Nested(_, parameters) => vec![Way::Nested(index, grid(parameters, numbers)?)],
        Candidate::Architecture(model) => {
            let gene = |sample| Way::One(Gene::Architecture(index, sample));
            model.all()?.iter().cloned().map(gene).collect()
        }
    })
}

impl Grid {
    /// How many points it has; `None` if that exceeds 128 bits, which no grid that is handed out does.
    pub fn count(&self) -> Option<u128> {
        self.axes.iter().map(|axis| axis.count).try_fold(1u128, u128::checked_mul)
    }

    /// The point of that number, of which the last parameters change fastest.
    pub fn at(&self, mut index: u128) -> Vec<Gene> {
        let mut genes = Vec::with_capacity(self.axes.len());
        for axis in self.axes.iter().rev() {
            let count = axis.count.max(1);
            genes.extend(axis.at(index % count));
            index /= count;
        }
        genes.reverse();
        genes
    }
}

impl Axis {
    fn at(&self, mut index: u128) -> Option<Gene> {
        for way in &self.ways {
            let count = way.count()?;
            if index < count {
                return Some(way.at(index));
            }
            index -= count;
        }
        None
    }
}
