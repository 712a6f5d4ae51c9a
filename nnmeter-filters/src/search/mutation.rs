//! Mutations that stay within constraints.

use crate::constraint::Constraints;
use crate::random::Random;
use crate::space::{Sample, SearchSpace};
use crate::table::CostTable;

/// The architecture with another option for one choice: a uniform draw from all such changes that
/// satisfy the constraints, or `None` if none does. Costs are those of the sample and of the change,
/// so looking at all changes is cheap.
///
/// Only choices with an effect are changed. Those without one first take random options, so that layers
/// that a change of depth brings in are not always the same; the result is canonical.
///
/// # Panics
/// If the sample is of another space and does not fit this one.
pub fn mutate(
    space: &SearchSpace,
    constraints: &Constraints,
    sample: &Sample,
    random: &mut Random,
) -> Option<Sample> {
    let sample = filled(space, sample, random);
    let tables = || constraints.limits().iter().map(|limit| limit.table());
    let costs: Vec<f64> = tables().map(|table| table.cost(&sample)).collect();
    let fits = |&(choice, option): &(usize, u8)| {
        let after = |(table, cost): (&CostTable, &f64)| cost + table.delta(&sample, choice, option);
        let costs = tables().zip(&costs).map(after);
        constraints.limits().iter().zip(costs).all(|(limit, cost)| limit.holds(cost))
    };
    let mut changes: Vec<(usize, u8)> = changes(space, &sample).filter(fits).collect();
    while !changes.is_empty() {
        let drawn = random.below(changes.len() as u64) as usize;
        let (choice, option) = changes.swap_remove(drawn);
        let changed = space.canonical(&sample.with(choice, option));
        // The sum of cost and change may be off by its rounding.
        if constraints.allow(&changed) {
            return Some(changed);
        }
    }
    None
}

/// The sample with random options for choices without effect.
fn filled(space: &SearchSpace, sample: &Sample, random: &mut Random) -> Sample {
    let idle = space.activity().iter().enumerate().filter(|(_, activity)| !activity.holds(sample));
    idle.fold(sample.clone(), |filled, (choice, _)| {
        let options = space.choices()[choice].options.len() as u64;
        filled.with(choice, random.below(options) as u8)
    })
}

/// All other options of choices with an effect.
fn changes<'a>(
    space: &'a SearchSpace,
    sample: &'a Sample,
) -> impl Iterator<Item = (usize, u8)> + 'a {
    let choices = space.choices().iter().enumerate();
    let active = choices.filter(|&(choice, _)| space.activity()[choice].holds(sample));
    active.flat_map(move |(choice, about)| {
        let options = (0..about.options.len()).map(|option| option as u8);
        options.filter(move |&option| option != sample[choice]).map(move |option| (choice, option))
    })
}
