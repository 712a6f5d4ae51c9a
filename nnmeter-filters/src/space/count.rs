//! How many architectures a space holds: exact, although there are far too many to list.
//!
//! An architecture is a canonical sample: one in which choices without effect take their first
//! option. Choices that do not bear on each other are counted apart and multiplied; where one decides
//! whether others matter, its options are tried in turn. Two canonical samples that happen to make the
//! same graph (as relabelled cells do) count twice.

use super::{Guard, SearchSpace};

impl SearchSpace {
    /// Number of canonical samples; `None` if it exceeds 128 bits.
    pub fn architectures(&self) -> Option<u128> {
        let all: Vec<usize> = (0..self.choices().len()).collect();
        Count { space: self, options: vec![None; all.len()] }.of(all)
    }
}

/// A count with some choices decided.
struct Count<'a> {
    space: &'a SearchSpace,
    options: Vec<Option<u8>>,
}

/// What is known of a condition.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Known {
    No,
    Open,
    Yes,
}

impl Count<'_> {
    /// Canonical ways to decide `choices`, which depend on each other and decided ones only.
    fn of(&mut self, choices: Vec<usize>) -> Option<u128> {
        let parts = self.components(choices);
        parts
            .into_iter()
            .try_fold(1u128, |product, part| product.checked_mul(self.component(part)?))
    }

    fn component(&mut self, mut part: Vec<usize>) -> Option<u128> {
        let Some(place) = self.decisive(&part) else {
            let ways = |&choice: &usize| match self.active(choice) {
                Known::Yes => self.space.choices()[choice].options.len() as u128,
                Known::No | Known::Open => 1,
            };
            return part.iter().map(ways).try_fold(1u128, u128::checked_mul);
        };
        let choice = part.swap_remove(place);
        let mut sum = 0u128;
        for option in 0..self.space.choices()[choice].options.len() {
            self.options[choice] = Some(option as u8);
            sum = sum.checked_add(self.of(part.clone())?)?;
        }
        self.options[choice] = None;
        Some(sum)
    }

    /// Where in `part` there is a choice that matters and that decides whether another does. While
    /// anything is open there is one: the outermost choice around an open place.
    fn decisive(&self, part: &[usize]) -> Option<usize> {
        let open = |&choice: &usize| self.active(choice) == Known::Open;
        let needed: Vec<usize> =
            part.iter().copied().filter(open).flat_map(|choice| self.open_guards(choice)).collect();
        let decides =
            |choice: &usize| needed.contains(choice) && self.active(*choice) == Known::Yes;
        part.iter().position(decides)
    }

    fn active(&self, choice: usize) -> Known {
        let alternatives = &self.space.activity()[choice].alternatives;
        alternatives.iter().map(|guards| self.all(guards)).max().unwrap_or(Known::No)
    }

    fn all(&self, guards: &[Guard]) -> Known {
        guards.iter().map(|guard| self.guard(guard)).min().unwrap_or(Known::Yes)
    }

    fn guard(&self, guard: &Guard) -> Known {
        match self.options[guard.choice] {
            None => Known::Open,
            Some(option) if guard.options[usize::from(option)] => Known::Yes,
            Some(_) => Known::No,
        }
    }

    /// Choices not decided that bear on whether `choice` matters.
    fn open_guards(&self, choice: usize) -> Vec<usize> {
        if self.active(choice) != Known::Open {
            return Vec::new();
        }
        let mut guards = self.space.activity()[choice].depends_on();
        guards.retain(|&guard| self.options[guard].is_none());
        guards
    }

    /// Groups of choices that do not bear on each other.
    fn components(&self, choices: Vec<usize>) -> Vec<Vec<usize>> {
        let mut parts: Vec<Vec<usize>> = Vec::new();
        for choice in choices {
            let guards = self.open_guards(choice);
            let bears = |part: &Vec<usize>| {
                let on = |&other: &usize| {
                    guards.contains(&other) || self.open_guards(other).contains(&choice)
                };
                part.iter().any(on)
            };
            let (joined, mut rest): (Vec<_>, Vec<_>) = parts.into_iter().partition(bears);
            let mut part: Vec<usize> = joined.into_iter().flatten().collect();
            part.push(choice);
            rest.push(part);
            parts = rest;
        }
        parts
    }
}
