//! Fair draws: every option equally often, as far as the constraints allow.
//!
//! What is guaranteed is said at [`FairSampler`]. Every draw counts paths anew, some times over.

use super::feasible::Feasible;
use super::sampler::{Sampler, SamplerOptions};
use crate::error::{Error, ErrorKind, Result};
use crate::random::Random;
use crate::space::Sample;

/// How many draws may fail the exact check before options that are still due are given up, for all
/// choices together.
const TRIES_TOGETHER: u64 = 64;
/// The same for one option alone: afterwards it counts as one that no architecture takes.
const TRIES_ALONE: u64 = 1 << 14;

/// Draws architectures in rounds, so that every option occurs equally often, as far as the constraints
/// allow.
///
/// FairNAS (Chu, Zhang, Xu, ICCV 2021) trains a supernet in rounds in which every option of every choice
/// occurs exactly once. Under a budget that cannot be in general: the costs of the architectures of such
/// a round have a fixed sum. What is guaranteed here is:
///
/// - in every round each option occurs at least once that some architecture within the constraints was
///   found to take ([`FairSampler::left_out`] has the others);
/// - while the constraints allow it, each choice takes an option that has not yet occurred in the round.
///   Where the constraints bind nowhere and choices are always in effect and have equally many options,
///   rounds are exactly FairNAS's.
///
/// Within what this leaves open, draws are uniform. A choice without effect counts as taking its first
/// option.
#[derive(Clone, Debug)]
pub struct FairSampler {
    sampler: Sampler,
    /// By choice and option.
    states: Vec<Vec<State>>,
}

/// What is known of an option.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// It has not occurred in this round.
    Due,
    /// It has.
    Done,
    /// No architecture within the constraints was found to take it.
    LeftOut,
}

impl Feasible<'_> {
    /// A sampler in fair rounds.
    ///
    /// # Errors
    /// As [`Feasible::sampler`].
    pub fn fair_sampler(&self, options: &SamplerOptions) -> Result<FairSampler> {
        let sampler = self.sampler(options)?;
        let choices = self.space.choices().iter();
        let states = choices.map(|choice| vec![State::Due; choice.options.len()]).collect();
        Ok(FairSampler { sampler, states })
    }
}

impl FairSampler {
    /// The next architecture.
    ///
    /// # Errors
    /// [`ErrorKind::Infeasible`] if no architecture was found at all.
    pub fn draw(&mut self, random: &mut Random) -> Result<Sample> {
        if self.states.is_empty() {
            return self.sampler.draw(random);
        }
        loop {
            let Some((choice, option)) = self.one_due(random) else {
                self.begin_round()?;
                continue;
            };
            let found = self.all_due(random).or_else(|| self.some_due(choice, option, random));
            if let Some(sample) = found {
                for (states, &option) in self.states.iter_mut().zip(sample.iter()) {
                    states[usize::from(option)] = State::Done;
                }
                return Ok(sample);
            }
            self.states[choice][usize::from(option)] = State::LeftOut;
        }
    }

    /// Whether the next draw begins a round.
    pub fn is_at_start_of_round(&self) -> bool {
        self.states.iter().flatten().all(|&state| state != State::Due)
    }

    /// Options that no architecture within the constraints was found to take, as choice and option.
    pub fn left_out(&self) -> impl Iterator<Item = (usize, u8)> {
        self.in_state(State::LeftOut)
    }

    fn in_state(&self, wanted: State) -> impl Iterator<Item = (usize, u8)> {
        self.states.iter().enumerate().flat_map(move |(choice, states)| {
            let options = states.iter().enumerate().filter(move |(_, state)| **state == wanted);
            options.map(move |(option, _)| (choice, option as u8))
        })
    }

    /// A random option that has not occurred in this round.
    fn one_due(&self, random: &mut Random) -> Option<(usize, u8)> {
        let due = self.in_state(State::Due).count();
        self.in_state(State::Due).nth(random.below(due as u64) as usize)
    }

    fn begin_round(&mut self) -> Result<()> {
        let done = self.states.iter_mut().flatten().filter(|state| **state == State::Done);
        let count = done.map(|state| *state = State::Due).count();
        if count == 0 {
            return Err(Error::new(ErrorKind::Infeasible, "constraints", "leave no architecture")
                .expected("wider bounds"));
        }
        Ok(())
    }

    /// A sample in which every choice takes an option that is due, if it has one.
    fn all_due(&mut self, random: &mut Random) -> Option<Sample> {
        let open = |states: &[State]| -> Vec<bool> {
            let any = states.contains(&State::Due);
            states.iter().map(|&state| !any || state == State::Due).collect()
        };
        let open: Vec<Vec<bool>> = self.states.iter().map(|states| open(states)).collect();
        self.draw_from(&open, random, TRIES_TOGETHER)
    }

    /// A sample with an option that is due, and options that are due for as many other choices, in
    /// random order, as the constraints allow.
    fn some_due(&mut self, choice: usize, option: u8, random: &mut Random) -> Option<Sample> {
        let mut open: Vec<Vec<bool>> =
            self.states.iter().map(|states| vec![true; states.len()]).collect();
        open[choice] = (0..open[choice].len()).map(|other| other == usize::from(option)).collect();
        let mut sample = self.draw_from(&open, random, TRIES_ALONE)?;
        let mut others: Vec<usize> = (0..open.len()).filter(|&other| other != choice).collect();
        while !others.is_empty() {
            let other = others.swap_remove(random.below(others.len() as u64) as usize);
            let due: Vec<bool> = self.states[other].iter().map(|&s| s == State::Due).collect();
            if due[usize::from(sample[other])] || !due.contains(&true) {
                open[other] = if due.contains(&true) { due } else { continue };
                continue;
            }
            let before = std::mem::replace(&mut open[other], due);
            match self.draw_from(&open, random, TRIES_TOGETHER) {
                Some(better) => sample = better,
                None => open[other] = before,
            }
        }
        Some(sample)
    }

    fn draw_from(&mut self, open: &[Vec<bool>], random: &mut Random, most: u64) -> Option<Sample> {
        let is_open = |choice: usize, option: u8| open[choice][usize::from(option)];
        self.sampler.grid.recount(&self.sampler.trellis, is_open);
        self.sampler.draw_within(random, most)
    }
}
