//! Mutations that stay within constraints.

use crate::constraint::Constraints;
use crate::random::Random;
use crate::space::{Sample, SearchSpace};
use crate::table::CostTable;

/// The architecture with another option for one choice, or for two: a random change of one choice, and,
/// where that alone breaks the constraints, a random change of a second choice that makes up for it. So
/// an architecture at the edge of its budget can still grow in one place by shrinking in another. `None`
/// if no change of one or two choices satisfies the constraints.
///
/// The first change is a uniform draw from all there are, the second from those that make up for it; a
/// first change for which there is none is drawn again. Costs are those of the sample and of the changes,
/// so looking at all of them is cheap. Only choices with an effect are changed. Those without one first
/// take random options, so that layers that a change of depth brings in are not always the same; the
/// result is canonical.
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
    let costs: Vec<f64> = tables(constraints).map(|table| table.cost(&sample)).collect();
    let mut firsts: Vec<Change> = changes(space, &sample).collect();
    while let Some((choice, option)) = take(&mut firsts, random) {
        let changed = sample.with(choice, option);
        let costs = after(constraints, &costs, &sample, (choice, option));
        if let Some(allowed) = allowed(space, constraints, &changed, &costs) {
            return Some(allowed);
        }
        let mut seconds: Vec<Change> =
            changes(space, &changed).filter(|second| second.0 != choice).collect();
        while let Some(second) = take(&mut seconds, random) {
            let costs = after(constraints, &costs, &changed, second);
            let changed = changed.with(second.0, second.1);
            if let Some(allowed) = allowed(space, constraints, &changed, &costs) {
                return Some(allowed);
            }
        }
    }
    None
}

/// A choice, and its new option.
type Change = (usize, u8);

/// Takes a random one of them.
fn take(changes: &mut Vec<Change>, random: &mut Random) -> Option<Change> {
    let drawn = random.below(changes.len() as u64) as usize;
    (!changes.is_empty()).then(|| changes.swap_remove(drawn))
}

fn tables(constraints: &Constraints) -> impl Iterator<Item = &CostTable> {
    constraints.limits().iter().map(|limit| limit.table())
}

/// Costs by limit after a change.
fn after(
    constraints: &Constraints,
    costs: &[f64],
    sample: &Sample,
    (choice, option): Change,
) -> Vec<f64> {
    let costs = tables(constraints).zip(costs);
    costs.map(|(table, cost)| cost + table.delta(sample, choice, option)).collect()
}

/// The architecture of a sample with these costs, if it satisfies the constraints.
fn allowed(
    space: &SearchSpace,
    constraints: &Constraints,
    sample: &Sample,
    costs: &[f64],
) -> Option<Sample> {
    let fits = constraints.limits().iter().zip(costs).all(|(limit, &cost)| limit.holds(cost));
    // The sum of cost and changes may be off by its rounding.
    fits.then(|| space.canonical(sample)).filter(|sample| constraints.allow(sample))
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
