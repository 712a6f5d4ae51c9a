//! When a choice matters: a depth decides whether the choices of later layers have any effect.

use super::{Action, Block, Choice, Number};

/// When a choice has an effect: if all guards of at least one alternative hold. A choice that always
/// has one has a single alternative without guards.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Activity {
    /// The alternatives: each a place where the choice is used, or several such places together.
    pub alternatives: Vec<Vec<Guard>>,
}

/// A condition on another choice.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Guard {
    /// Index of that choice.
    pub choice: usize,
    /// By its option: whether the condition holds.
    pub options: Vec<bool>,
}

impl Activity {
    /// Whether the choice has an effect in `sample`.
    pub fn holds(&self, sample: &[u8]) -> bool {
        let holds = |guard: &Guard| guard.options[usize::from(sample[guard.choice])];
        self.alternatives.iter().any(|guards| guards.iter().all(holds))
    }

    /// Whether the choice has an effect in every sample.
    pub fn is_always(&self) -> bool {
        self.alternatives.iter().any(Vec::is_empty)
    }

    /// The choices that it depends on, in order.
    pub fn depends_on(&self) -> Vec<usize> {
        let guards = self.alternatives.iter().flatten();
        let mut choices: Vec<usize> = guards.map(|guard| guard.choice).collect();
        choices.sort_unstable();
        choices.dedup();
        choices
    }

    /// Joins alternatives that differ in one guard, and drops guards that always hold.
    fn simplify(&mut self) {
        while let Some((first, second, joined)) = self.joinable() {
            self.alternatives.swap_remove(second);
            self.alternatives[first] = joined;
        }
        if self.is_always() {
            self.alternatives = vec![Vec::new()];
        }
    }

    fn joinable(&self) -> Option<(usize, usize, Vec<Guard>)> {
        let count = self.alternatives.len();
        let pairs =
            (0..count).flat_map(|first| (first + 1..count).map(move |second| (first, second)));
        pairs.into_iter().find_map(|(first, second)| {
            let joined = join(&self.alternatives[first], &self.alternatives[second])?;
            Some((first, second, joined))
        })
    }
}

/// One list of guards for two that differ in the options of at most one choice.
fn join(a: &[Guard], b: &[Guard]) -> Option<Vec<Guard>> {
    let same_choices = a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.choice == b.choice);
    let differing = a.iter().zip(b).filter(|(a, b)| a != b).count();
    if !same_choices || differing > 1 {
        return None;
    }
    let union = |(a, b): (&Guard, &Guard)| Guard {
        choice: a.choice,
        options: a.options.iter().zip(&b.options).map(|(a, b)| a | b).collect(),
    };
    Some(a.iter().zip(b).map(union).filter(|guard| guard.options.contains(&false)).collect())
}

/// When each of `choices` matters in `body`.
pub(super) fn of(choices: &[Choice], body: &Block) -> Vec<Activity> {
    let mut walk =
        Walk { choices, guards: Vec::new(), found: vec![Activity::default(); choices.len()] };
    walk.block(body);
    walk.found.iter_mut().for_each(Activity::simplify);
    walk.found
}

struct Walk<'a> {
    choices: &'a [Choice],
    /// What holds at this place, by choice.
    guards: Vec<Guard>,
    found: Vec<Activity>,
}

impl Walk<'_> {
    fn block(&mut self, block: &Block) {
        for step in &block.steps {
            match &step.action {
                Action::Layer(layer) => {
                    layer.numbers().into_iter().for_each(|(_, number)| self.number(number));
                }
                Action::Choose { choice, candidates } => {
                    self.uses(*choice);
                    for (index, candidate) in candidates.iter().enumerate() {
                        self.under(*choice, |option| option == index, |walk| walk.block(candidate));
                    }
                }
                Action::Repeat { choice, times, layers } => {
                    self.uses(*choice);
                    for (round, layer) in layers.iter().enumerate() {
                        self.under(
                            *choice,
                            |option| times[option] > round,
                            |walk| walk.block(layer),
                        );
                    }
                }
            }
        }
    }

    fn number(&mut self, number: &Number) {
        let Number::By { choice, of } = number else { return };
        self.uses(*choice);
        for (index, entry) in of.iter().enumerate() {
            self.under(*choice, |option| option == index, |walk| walk.number(entry));
        }
    }

    fn uses(&mut self, choice: usize) {
        let alternatives = &mut self.found[choice].alternatives;
        if !alternatives.contains(&self.guards) {
            alternatives.push(self.guards.clone());
        }
    }

    /// Looks at a part of the space that only some options of `choice` reach.
    fn under(
        &mut self,
        choice: usize,
        holds: impl Fn(usize) -> bool,
        look: impl FnOnce(&mut Self),
    ) {
        let before = self.guards.clone();
        let options = (0..self.choices[choice].options.len()).map(holds);
        match self.guards.iter_mut().find(|guard| guard.choice == choice) {
            Some(guard) => {
                let both = guard.options.iter().zip(options).map(|(&a, b)| a && b);
                guard.options = both.collect();
            }
            None => self.guards.push(Guard { choice, options: options.collect() }),
        }
        self.guards.retain(|guard| guard.options.contains(&false));
        self.guards.sort_unstable();
        let reachable = self.guards.iter().all(|guard| guard.options.contains(&true));
        if reachable {
            look(self);
        }
        self.guards = before;
    }
}
