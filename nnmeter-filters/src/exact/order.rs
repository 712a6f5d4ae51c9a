//! The order in which choices are decided, so that few decided ones must be remembered.
//!
//! A term (a factor of a table, or the condition that a choice without effect takes its first option)
//! can be settled once all its choices are decided. Until then those decided are *carried along*: they
//! are the frontier. Terms mostly tie neighbours, so a greedy order or that of the space will do;
//! finding the best one is NP-hard.

/// An order of all choices: the greedy one, or that of the space where it needs fewer combinations.
pub(super) fn order(cardinalities: &[usize], terms: &[Vec<usize>]) -> Vec<usize> {
    let natural: Vec<usize> = (0..cardinalities.len()).collect();
    let greedy = greedy(cardinalities, terms);
    let cost = |order: &[usize]| combinations(order, cardinalities, terms);
    if cost(&greedy) < cost(&natural) { greedy } else { natural }
}

fn greedy(cardinalities: &[usize], terms: &[Vec<usize>]) -> Vec<usize> {
    let mut decided = vec![false; cardinalities.len()];
    let mut order = Vec::new();
    while order.len() < cardinalities.len() {
        let size_with = |choice: usize| {
            let mut with = decided.clone();
            with[choice] = true;
            size(&frontier(&with, terms), cardinalities)
        };
        let open = (0..cardinalities.len()).filter(|&choice| !decided[choice]);
        let next = open.min_by(|&a, &b| size_with(a).total_cmp(&size_with(b)));
        let Some(next) = next else { break };
        decided[next] = true;
        order.push(next);
    }
    order
}

/// How many combinations of carried options and those of the next choice there are in all.
fn combinations(order: &[usize], cardinalities: &[usize], terms: &[Vec<usize>]) -> f64 {
    let mut decided = vec![false; cardinalities.len()];
    let mut sum = 0.0;
    for &choice in order {
        sum += size(&frontier(&decided, terms), cardinalities) * cardinalities[choice] as f64;
        decided[choice] = true;
    }
    sum
}

/// Choices that are decided and share a term with one that is not, in ascending order.
pub(super) fn frontier(decided: &[bool], terms: &[Vec<usize>]) -> Vec<usize> {
    let open = terms.iter().filter(|term| term.iter().any(|&choice| !decided[choice]));
    let mut carried: Vec<usize> = open.flatten().copied().filter(|&c| decided[c]).collect();
    carried.sort_unstable();
    carried.dedup();
    carried
}

fn size(choices: &[usize], cardinalities: &[usize]) -> f64 {
    choices.iter().map(|&choice| cardinalities[choice] as f64).product()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chain_is_walked_from_an_end() {
        let terms: Vec<Vec<usize>> = [(0, 3), (3, 1), (1, 2)].map(|(a, b)| vec![a, b]).into();
        assert_eq!(order(&[4; 4], &terms), [0, 3, 1, 2]);
        assert_eq!(frontier(&[true, false, false, true], &terms), [3]);
    }

    #[test]
    fn free_choices_carry_nothing() {
        assert_eq!(order(&[2, 3, 4], &[]), [0, 1, 2]);
        assert_eq!(combinations(&[0, 1, 2], &[2, 3, 4], &[]), 9.0);
    }
}
