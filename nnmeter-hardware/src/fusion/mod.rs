//! Which operators a runtime fuses, found out by measuring.
//!
//! A pair of operators is fused where the result of the first is never written to memory and read
//! again. So the question is whether fusing saves at least half of what such a pass over memory
//! costs. With `T(...)` the time of a network in which the pair stands between
//! convolutions, and `T'(...)` that of the same one with the first operator's result as an output
//! too, which forbids to fuse,
//!
//! ```text
//! saving = (T'(first, second) - T'(first)) - (T(first, second) - T(first))
//! pass   =  T'(first, relu)   - T'(first)
//! fused:  saving > pass / 2
//! ```
//!
//! Both times of a difference are of the same round, and the sign of `saving - pass / 2` over the
//! rounds is tested sequentially ([`Evidence`]): undecided pairs are measured on. A pair is decided
//! where the p-value, times the number of tests in the study (Bonferroni), is within the level; what
//! never is stays undecided, and so does a sigmoid of which nothing is saved: computing it hides the
//! pass. nn-Meter's own rule, for comparison, measures the operators alone:
//! fused where `T(first) + T(second) - T(both) > min(T(first), T(second)) / 2`, without a test.
//! A runtime that tells what it fused is asked, too; its answer decides nothing here.

mod evidence;
mod finding;
mod group;
mod network;
mod rules;
#[cfg(test)]
mod tests;

use std::time::Instant;

use crate::backend::Backend;
use crate::error::Result;
use crate::measure::{Log, Progress};

pub use evidence::Evidence;
pub use finding::{Agreement, Alone, Finding, InContext, Pair, Verdict};
pub use network::{Operator, Shape};
pub use rules::rules_json;

use group::Group;

/// What is measured, and how sure verdicts are.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// The operators that pairs begin with.
    pub firsts: Vec<Operator>,
    /// The images that each pair is measured on.
    pub shapes: Vec<Shape>,
    /// Rounds between two looks at the evidence.
    pub step: usize,
    /// Rounds of a pair at most.
    pub rounds: usize,
    /// Probability, at most, that any verdict of the study is wrong by chance.
    pub level: f64,
}

impl Default for Plan {
    /// All pairs on two images, up to 60 rounds in steps of 10, at 0.05.
    fn default() -> Self {
        Self {
            firsts: Operator::FIRST.to_vec(),
            shapes: vec![Shape { channels: 32, side: 28 }, Shape { channels: 32, side: 56 }],
            step: 10,
            rounds: 60,
            level: 0.05,
        }
    }
}

impl Plan {
    /// The p-value from which on a single test decides: two tests of each pair and shape.
    fn bound(&self) -> f64 {
        let tests = 2 * self.firsts.len() * Operator::SECOND.len() * self.shapes.len();
        self.level / tests as f64
    }
}

/// Finds out which pairs the runtime fuses. Networks that begin with the same operator take turns;
/// what `log` has of them is not measured again.
///
/// # Errors
/// [`ErrorKind::Io`](crate::error::ErrorKind::Io) if the log cannot be written. What goes wrong with
/// a network is said where its pair's figures would be.
pub fn find(
    backend: &dyn Backend,
    plan: &Plan,
    log: &mut Log,
    on_progress: &mut dyn FnMut(&Progress),
) -> Result<Vec<Pair>> {
    let (begin, groups) = (Instant::now(), plan.firsts.len() * plan.shapes.len());
    let mut pairs = Vec::new();
    for (index, &first) in plan.firsts.iter().enumerate() {
        let of_first =
            Operator::SECOND.iter().map(|&second| Pair { first, second, findings: Vec::new() });
        let mut of_first: Vec<Pair> = of_first.collect();
        for (place, &shape) in plan.shapes.iter().enumerate() {
            let before = (index * plan.shapes.len() + place) * plan.rounds;
            let mut tick = |rounds| {
                on_progress(&progress(begin, before + rounds, groups * plan.rounds));
            };
            let findings = Group::new(first, shape)?.run(backend, plan, log, &mut tick)?;
            for (pair, finding) in of_first.iter_mut().zip(findings) {
                pair.findings.push(finding);
            }
        }
        pairs.extend(of_first);
    }
    Ok(pairs)
}

fn progress(begin: Instant, done: usize, rounds: usize) -> Progress {
    let pace = begin.elapsed().checked_div(done as u32);
    Progress { done, rounds, left: pace.map(|pace| pace * (rounds - done) as u32) }
}
