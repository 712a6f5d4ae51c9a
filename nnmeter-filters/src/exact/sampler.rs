//! Uniform draws from the architectures that satisfy constraints.
//!
//! Ways to go on are counted for every number of steps left ([`grid`](super::grid)), so a random number
//! below the total names a path: every path whose rounded cost is within the bounds with the same
//! probability. Rounding down lets in all that satisfy the constraints and a few that do not, which an
//! exact check turns away; so the draws that stay are exactly uniform. How many stay is reported, and
//! tends to 1 with finer steps. Counts are integers, never rounded.

use super::feasible::Feasible;
use super::grid::{Grid, Rounding};
use super::trellis::Trellis;
use crate::constraint::{Constraints, Limit};
use crate::error::{Error, ErrorKind, Result};
use crate::random::Random;
use crate::space::Sample;

/// Draws that are tried when a sampler is made; if too few stay, steps are made finer.
const TRIALS: u64 = 256;
/// The share of trials that should stay.
const ENOUGH: f64 = 0.25;
/// Draws after which nothing is expected to be found.
const MOST_DRAWS: u64 = 1 << 20;

/// How finely costs are told apart.
#[derive(Clone, Copy, Debug)]
pub struct SamplerOptions {
    /// Steps from the least cost to the budget, by limit. More are taken if few draws stay.
    pub steps: usize,
    /// How many counts of 16 bytes are kept in all. Several limits share them.
    pub most_counts: usize,
}

impl Default for SamplerOptions {
    /// 2048 steps, 64 MiB of counts.
    fn default() -> Self {
        Self { steps: 2048, most_counts: 1 << 22 }
    }
}

impl SamplerOptions {
    /// Steps on each of so many axes, for each of so many nodes.
    pub(super) fn steps_on(&self, axes: usize, nodes: usize) -> usize {
        self.steps.clamp(1, self.most_steps_on(axes, nodes))
    }

    fn most_steps_on(&self, axes: usize, nodes: usize) -> usize {
        let cells = (self.most_counts / nodes.max(1)) as f64;
        let most = cells.powf(1.0 / axes.max(1) as f64) as usize;
        most.saturating_sub(1).max(1)
    }
}

/// Draws architectures uniformly from those that satisfy constraints.
#[derive(Clone, Debug)]
pub struct Sampler {
    pub(super) trellis: Trellis,
    pub(super) grid: Grid,
    pub(super) constraints: Constraints,
    options: Vec<u8>,
    drawn: u64,
    accepted: u64,
}

impl Feasible<'_> {
    /// A sampler. It is deterministic: equal seeds give equal draws.
    ///
    /// # Errors
    /// [`ErrorKind::Infeasible`] if it turns out that no architecture satisfies all limits;
    /// [`ErrorKind::TooLarge`] if at the finest steps allowed no draw stays, so that there may be none.
    pub fn sampler(&self, options: &SamplerOptions) -> Result<Sampler> {
        let axes = self.axes(&[Rounding::Generous]).len();
        let finest = options.most_steps_on(axes, self.trellis.all_nodes());
        let mut options = *options;
        loop {
            let mut sampler = self.sampler_at(&options)?;
            let share = sampler.try_out();
            let is_finest = options.steps >= finest;
            if share >= ENOUGH || is_finest && share > 0.0 {
                return Ok(sampler);
            }
            if is_finest {
                return sampler.draw(&mut Random::new(1)).map(|_| sampler);
            }
            options.steps = options.steps.saturating_mul(4);
        }
    }

    fn sampler_at(&self, options: &SamplerOptions) -> Result<Sampler> {
        let grid = self.grid(&[Rounding::Generous], options)?;
        if grid.total() == 0 {
            let found = "no architecture satisfies all of them";
            return Err(
                Error::new(ErrorKind::Infeasible, "constraints", found).expected("wider bounds")
            );
        }
        let (trellis, constraints) = (self.trellis.clone(), self.constraints.clone());
        Ok(Sampler { trellis, grid, constraints, options: Vec::new(), drawn: 0, accepted: 0 })
    }
}

impl Sampler {
    /// An architecture that satisfies the constraints, each with the same probability.
    ///
    /// # Errors
    /// [`ErrorKind::TooLarge`] if a million draws in a row do not satisfy them: where there is one
    /// limit without a lower bound, this does not happen.
    pub fn draw(&mut self, random: &mut Random) -> Result<Sample> {
        self.draw_within(random, MOST_DRAWS).ok_or_else(|| {
            let found = format!("none of {MOST_DRAWS} draws at the finest steps is within them");
            Error::new(ErrorKind::TooLarge, "constraints", found)
                .hint("widen the bounds, or allow more counts")
        })
    }

    /// A draw that stays, if one of so many does.
    pub(super) fn draw_within(&mut self, random: &mut Random, most: u64) -> Option<Sample> {
        let total = self.grid.total();
        for _ in 0..if total == 0 { 0 } else { most } {
            self.grid.path(&self.trellis, random.below_u128(total), &mut self.options);
            let sample = self.trellis.sample(&self.options);
            self.drawn += 1;
            if self.constraints.allow(&sample) {
                self.accepted += 1;
                return Some(sample);
            }
        }
        None
    }

    /// The share of trial draws that stay.
    fn try_out(&mut self) -> f64 {
        let mut random = Random::new(0);
        let stay = (0..TRIALS).filter(|_| self.draw_within(&mut random, 1).is_some()).count();
        stay as f64 / TRIALS as f64
    }

    /// What draws satisfy.
    pub fn constraints(&self) -> &Constraints {
        &self.constraints
    }

    /// The share of draws that satisfied the constraints exactly, those included that were tried when
    /// the sampler was made.
    pub fn acceptance(&self) -> f64 {
        self.accepted as f64 / self.drawn.max(1) as f64
    }
}

/// Draws architectures so that each of several bins of cost is hit with the same probability, and
/// within a bin every architecture is.
#[derive(Clone, Debug)]
pub struct BinnedSampler {
    bins: Vec<(f64, f64, Sampler)>,
    empty: Vec<(f64, f64)>,
}

impl Feasible<'_> {
    /// A sampler over `bins` bins of equal width by the first limit, from its lower bound (or the
    /// least cost) to its upper bound (or the most). A border belongs to the bins on both sides.
    ///
    /// # Errors
    /// [`ErrorKind::BadConstraint`] if there is no limit, or bins are none; [`ErrorKind::Infeasible`]
    /// if all bins are empty.
    pub fn binned_sampler(&self, bins: usize, options: &SamplerOptions) -> Result<BinnedSampler> {
        let Some((limit, rest)) = self.constraints.limits().split_first().filter(|_| bins > 0)
        else {
            let found = format!("are {bins} bins over {} limits", self.spans.len());
            return Err(Error::new(ErrorKind::BadConstraint, "bins", found)
                .expected("bins of the cost by the first limit"));
        };
        let span = self.spans[0];
        let low = span.lower.map_or(span.least, |lower| lower.max(span.least));
        let high = span.upper.map_or(span.most, |upper| upper.min(span.most));
        let edge = |bin: usize| low + (high - low) * (bin as f64 / bins as f64);
        let mut binned = BinnedSampler { bins: Vec::new(), empty: Vec::new() };
        for (from, to) in
            (0..bins).map(|bin| (edge(bin), if bin + 1 == bins { high } else { edge(bin + 1) }))
        {
            let window = Limit::between(limit.shared_table(), Some(from), Some(to))?;
            let constraints = Constraints::new([window].into_iter().chain(rest.iter().cloned()));
            let bin = Self::new(self.space, constraints);
            match bin.and_then(|bin| bin.stopped_by(self.stop.clone()).sampler(options)) {
                Ok(sampler) => binned.bins.push((from, to, sampler)),
                Err(error) if error.kind() == ErrorKind::Infeasible => {
                    binned.empty.push((from, to))
                }
                Err(error) if error.kind() == ErrorKind::TooLarge => binned.empty.push((from, to)),
                Err(error) => return Err(error),
            }
        }
        if binned.bins.is_empty() {
            return Err(Error::new(ErrorKind::Infeasible, "bins", "are all empty"));
        }
        Ok(binned)
    }
}

impl BinnedSampler {
    /// Bins, from and to, in which no architecture was found. Draws are from the others.
    pub fn empty(&self) -> &[(f64, f64)] {
        &self.empty
    }

    /// Bins, from and to, that draws are from.
    pub fn bins(&self) -> impl Iterator<Item = (f64, f64)> {
        self.bins.iter().map(|&(from, to, _)| (from, to))
    }

    /// An architecture of a bin, each bin with the same probability.
    ///
    /// # Errors
    /// As [`Sampler::draw`].
    pub fn draw(&mut self, random: &mut Random) -> Result<Sample> {
        let bin = random.below(self.bins.len() as u64) as usize;
        self.bins[bin].2.draw(random)
    }
}
