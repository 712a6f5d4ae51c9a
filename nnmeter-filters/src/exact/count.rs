//! How many architectures satisfy constraints: the exact number where no more than one limit binds and
//! the space is not too large ([`halves`]), else bounds that hold for sure, by rounding costs down and
//! up. The bounds close in on the number with finer steps.

use super::feasible::Feasible;
use super::grid::{Axis, Grid, Rounding};
use super::halves;
use super::sampler::SamplerOptions;
use crate::error::{Error, ErrorKind, Result};

/// A number of architectures that is known up to rounding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CountBounds {
    /// So many satisfy the constraints for certain.
    pub certain: u128,
    /// No more than so many can.
    pub possible: u128,
}

impl CountBounds {
    /// The count, where both bounds say the same.
    pub fn exact(&self) -> Option<u128> {
        (self.certain == self.possible).then_some(self.certain)
    }
}

impl Feasible<'_> {
    /// The number of architectures: exact where no more than one limit binds and a half of the choices
    /// can be listed (up to some 10^13 architectures), else bounds by steps.
    ///
    /// # Errors
    /// [`ErrorKind::TooLarge`] if it may exceed 128 bits.
    pub fn count(&self, options: &SamplerOptions) -> Result<CountBounds> {
        if let [(index, _)] = self.axes(&[Rounding::Generous])[..]
            && let Some(count) = halves::count(self, index)?
        {
            return Ok(CountBounds { certain: count, possible: count });
        }
        self.count_by_steps(options)
    }

    /// Bounds on the number of architectures, by steps alone.
    ///
    /// # Errors
    /// [`ErrorKind::TooLarge`] if it may exceed 128 bits.
    pub fn count_by_steps(&self, options: &SamplerOptions) -> Result<CountBounds> {
        let possible = self.grid(&[Rounding::Generous], options)?.total();
        let both = [Rounding::StrictUpper, Rounding::StrictLower];
        let certain = self.grid(&both, options)?.total();
        Ok(CountBounds { certain, possible })
    }

    /// Counts on an axis for every limit and rounding, as fine as the options allow.
    pub(super) fn grid(&self, roundings: &[Rounding], options: &SamplerOptions) -> Result<Grid> {
        self.stop.step()?;
        if self.trellis.paths().is_none() {
            let subject = format!("space {:?}", self.space.name());
            return Err(Error::new(ErrorKind::TooLarge, subject, "has too many architectures")
                .expected("a number of at most 128 bits"));
        }
        let axes = self.axes(roundings);
        let steps = options.steps_on(axes.len(), self.trellis.all_nodes());
        let axis = |&(index, rounding): &(usize, Rounding)| {
            Axis::new(&self.trellis, index, self.spans[index], rounding, steps)
        };
        Ok(Grid::new(&self.trellis, axes.iter().map(axis).collect()))
    }

    /// Limits, with the roundings that they need an axis for.
    pub(super) fn axes(&self, roundings: &[Rounding]) -> Vec<(usize, Rounding)> {
        let limits = 0..self.spans.len();
        let all = limits.flat_map(|index| roundings.iter().map(move |&rounding| (index, rounding)));
        all.filter(|&(index, rounding)| self.spans[index].binds(rounding)).collect()
    }
}
