//! Which operators a runtime fuses, found out by measuring.
//!
//! An operator that is fused into the kernel before it costs next to nothing there: no kernel is
//! started for it, and no result is written to memory and read again. So the question is what the
//! second of two operators costs where both stand between convolutions, as a share of what it costs on
//! its own. With `T(...)` the time of a network in which operators stand between convolutions,
//! and `T'(...)` that of one in which the result of the last but one is an output too, which
//! forbids to fuse,
//!
//! ```text
//! cost     = T(first, second) - T(first)
//! kept     = T'(conv, second) - T'(conv)
//! pooled   = T(pooling, second) - T(pooling)
//! separate = kept                        on an image of 2x2: starting kernels is all there is
//!            max(pooled, kept / 2)       on a larger one: what is kept cannot be worked on in place
//! ```
//!
//! The operators stand in the network several times, so that what a run costs in any case weighs less.
//! All times of a difference are of the same round, and the signs of `share x separate - cost` over the
//! rounds are tested sequentially ([`Evidence`]) for two shares: below the lower one ([`Look`]) the
//! operator is fused, above the upper one it is not, and between them lies what nobody is to be sure
//! of. A p-value decides where, times the number of tests in the study (Bonferroni), it is within the
//! level. A large image never says that an operator is not fused that takes long when it is:
//! a sigmoid, or a sum with its second operand. What is not decided, or differs from image to
//! image, stays undecided.
//!
//! The same is asked of other places where operators may stand ([`Site`]), from which rules get the
//! context they hold in, and of blocks: whether they cost what one operator does. nn-Meter's own rule,
//! for comparison, measures the operators alone: fused where `T(first) + T(second) - T(both) >
//! min(T(first), T(second)) / 2`, without a test. A runtime that tells what it fused is asked, too; its
//! answer decides nothing, unless the caller prefers it ([`Source`]).

mod case;
mod draw;
mod evidence;
mod finding;
mod look;
mod network;
mod operator;
mod rules;
mod study;
#[cfg(test)]
mod tests;
mod told;

use std::collections::BTreeSet;
use std::time::Instant;

use nnmeter_core::rules::FusionRules;

use crate::backend::Backend;
use crate::error::Result;
use crate::measure::{Log, Progress};

pub use case::{COMMON, Case, Site};
pub use evidence::Evidence;
pub use finding::{Agreement, Alone, Figures, Finding, Seen, Verdict};
pub use look::Look;
pub use operator::Operator;
pub use rules::rules_json;

use study::Study;

/// What is measured, and how sure verdicts are.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// What the kernels that are asked about end in.
    pub firsts: Vec<Operator>,
    /// The images that each question is asked on.
    pub looks: Vec<Look>,
    /// Rounds between two looks at the evidence; models are loaded anew for each.
    pub step: usize,
    /// Rounds at most; none to ask only what the runtime tells.
    pub rounds: usize,
    /// Probability, at most, that any verdict of the study is wrong by chance.
    pub level: f64,
}

/// What a rule rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// Measurements alone.
    Measured,
    /// What the runtime tells, and measurements where it tells nothing.
    Told,
}

/// nn-Meter's image, on which its own rule is applied.
const NN_METER: Look = Look { channels: 16, side: 28, window: 3 };
/// Rounds of what its rule takes, at most: least times are all that it looks at.
const NN_METER_ROUNDS: usize = 12;

impl Default for Plan {
    /// All questions on two images, up to 60 rounds in steps of 4, at 0.05.
    fn default() -> Self {
        Self {
            firsts: Operator::FIRST.to_vec(),
            looks: vec![
                Look { channels: 16, side: 2, window: 3 },
                Look { channels: 16, side: 56, window: 1 },
            ],
            step: 4,
            rounds: 60,
            level: 0.05,
        }
    }
}

impl Plan {
    /// The questions asked on an image. Nothing but starting kernels shows that a block is one, or that
    /// what computes more than elements at their place is fused.
    fn cases(&self, look: Look) -> Vec<Case> {
        let mut cases = Case::all(&self.firsts);
        let asked = |case: &Case| match case {
            Case::Pair(_, _, second) => second.is_elementwise(),
            Case::Block(_) => false,
        };
        cases.retain(|case| look.tells_starts() || asked(case));
        cases
    }

    /// The p-value from which on a single test decides: two tests of each question on each image.
    fn bound(&self) -> f64 {
        let cases: usize = self.looks.iter().map(|&look| self.cases(look).len()).sum();
        self.level / (2 * cases.max(1)) as f64
    }
}

/// The fusion rules of a runtime, with what they rest on. `log` and errors are as for [`find`].
///
/// # Errors
/// As for [`find`].
pub fn rules(
    backend: &dyn Backend,
    plan: &Plan,
    source: Source,
    log: &mut Log,
    on_progress: &mut dyn FnMut(&Progress),
) -> Result<(FusionRules, Vec<Finding>)> {
    let findings = find(backend, plan, log, on_progress)?;
    let json = rules_json(&findings, source).to_string();
    Ok((FusionRules::from_json(json.as_bytes())?, findings))
}

/// Finds out what the runtime fuses. All networks on an image take turns; what `log` has of them is not
/// measured again.
///
/// # Errors
/// [`ErrorKind::Io`](crate::error::ErrorKind::Io) if the log cannot be written. What goes wrong with
/// a network is said where its figures would be.
pub fn find(
    backend: &dyn Backend,
    plan: &Plan,
    log: &mut Log,
    on_progress: &mut dyn FnMut(&Progress),
) -> Result<Vec<Finding>> {
    let begin = Instant::now();
    let all = plan.looks.len() * plan.rounds + NN_METER_ROUNDS.min(plan.rounds);
    let mut findings: Vec<Finding> = Case::all(&plan.firsts)
        .into_iter()
        .map(|case| Finding { case, seen: Vec::new(), alone: None })
        .collect();
    for (index, &look) in plan.looks.iter().enumerate() {
        let study = Study::new(&plan.cases(look), look)?;
        let mut tick = |rounds| on_progress(&progress(begin, index * plan.rounds + rounds, all));
        let seen = study.run(backend, plan, plan.bound(), log, &mut tick)?;
        for (question, seen) in study.questions.iter().zip(seen) {
            let of_case = findings.iter_mut().filter(|finding| finding.case == question.case);
            of_case.for_each(|finding| finding.seen.push(seen.clone()));
        }
    }
    alone(backend, plan, &mut findings, log)?;
    on_progress(&progress(begin, all, all));
    Ok(findings)
}

/// Adds what nn-Meter's rule takes.
fn alone(
    backend: &dyn Backend,
    plan: &Plan,
    findings: &mut [Finding],
    log: &mut Log,
) -> Result<()> {
    let pair = |finding: &Finding| match finding.case {
        Case::Pair(_, first, second) => Some([first, second]),
        Case::Block(_) => None,
    };
    let rounds = NN_METER_ROUNDS.min(plan.rounds);
    if rounds == 0 {
        return Ok(());
    }
    let pairs: BTreeSet<_> = findings.iter().filter_map(pair).collect();
    let alone = study::alone(backend, &pairs, NN_METER, rounds, log)?;
    for finding in findings {
        finding.alone = pair(finding).and_then(|pair| alone.get(&pair).cloned());
    }
    Ok(())
}

fn progress(begin: Instant, done: usize, rounds: usize) -> Progress {
    let pace = begin.elapsed().checked_div(done as u32);
    Progress { done, rounds, left: pace.map(|pace| pace * (rounds - done) as u32) }
}
