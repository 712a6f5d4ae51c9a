//! What kernels cost in samples predicted before, found again by the choices that they depend on.
//!
//! For each group of layers there is a tree of decisions: every branch asks for one choice, every leaf
//! is what the layers cost. A sample that ends at a leaf agrees, in all that the kernels there can
//! depend on ([`reach`](super::reach)), with the one that the leaf was predicted for. Where no leaf is,
//! its graph is predicted, and the tree grows. Nothing is tabulated that was not asked for, so there
//! may be far more combinations than fit into a table.

use super::probe::{Observation, Probe};
use super::reach::{self, ChoiceSet};
use crate::metric::Metric;
use crate::space::{Sample, SearchSpace};

/// Costs by groups of layers. See the [module](self).
#[derive(Debug, Default)]
pub(super) struct Memo {
    groups: Vec<Group>,
}

/// Layers whose costs depend on the same choices in the sample that was predicted first.
#[derive(Debug)]
struct Group {
    sites: Vec<u32>,
    tree: Tree,
}

#[derive(Debug, Default)]
enum Tree {
    #[default]
    Unknown,
    Cost(f64),
    Branch {
        choice: usize,
        /// Each option has a branch; otherwise those that look alike from outside share one.
        exact: bool,
        branches: Box<[Tree]>,
    },
}

impl Memo {
    /// The cost of a sample all of whose kernels are known.
    pub(super) fn cost(&self, space: &SearchSpace, sample: &Sample) -> Option<f64> {
        if self.groups.is_empty() {
            return None;
        }
        self.groups.iter().try_fold(0.0, |sum, group| Some(sum + group.tree.cost(space, sample)?))
    }

    /// Notes the costs of the kernels of a sample.
    pub(super) fn note<M: Metric>(
        &mut self,
        space: &SearchSpace,
        sample: &Sample,
        probe: &Probe<'_, M>,
        observed: &Observation,
    ) {
        let sets = probe.reach(observed);
        if self.groups.is_empty() {
            let group = |sites| Group { sites, tree: Tree::Unknown };
            self.groups = reach::alike(space.sites(), &sets).into_iter().map(group).collect();
        }
        for group in &mut self.groups {
            let mut counts = ChoiceSet::new(sample.len());
            group.sites.iter().for_each(|&site| counts.unite(&sets[site as usize]));
            let cost = group.sites.iter().map(|&site| observed.costs[site as usize]).sum();
            group.tree.insert(space, sample, &counts, cost);
        }
    }
}

impl Tree {
    fn cost(&self, space: &SearchSpace, sample: &Sample) -> Option<f64> {
        let mut tree = self;
        loop {
            match tree {
                Tree::Unknown => return None,
                Tree::Cost(cost) => return Some(*cost),
                Tree::Branch { choice, exact, branches } => {
                    tree = &branches[branch(space, sample, *choice, *exact)];
                }
            }
        }
    }

    /// Grows the tree by branches for the choices in `counts` that its own do not ask for already.
    fn insert(&mut self, space: &SearchSpace, sample: &Sample, counts: &ChoiceSet, cost: f64) {
        let mut open: Vec<(usize, bool)> = counts.iter().collect();
        let mut tree = self;
        loop {
            match tree {
                Tree::Cost(_) => return,
                Tree::Branch { choice, exact, branches } => {
                    open.retain(|&(other, wanted)| other != *choice || wanted && !*exact);
                    tree = &mut branches[branch(space, sample, *choice, *exact)];
                }
                Tree::Unknown => match open.pop() {
                    None => *tree = Tree::Cost(cost),
                    Some((choice, exact)) => {
                        let options = space.choices()[choice].options.len();
                        let branches = (0..options).map(|_| Tree::Unknown).collect();
                        open.push((choice, exact));
                        *tree = Tree::Branch { choice, exact, branches };
                    }
                },
            }
        }
    }
}

fn branch(space: &SearchSpace, sample: &Sample, choice: usize, exact: bool) -> usize {
    let option = sample[choice];
    let like = if exact { option } else { space.likeness()[choice][usize::from(option)] };
    usize::from(like)
}
