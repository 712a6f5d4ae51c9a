//! How far totals will be off, from how far they were off on models held out: conformal prediction
//! with families as the exchangeable unit.
//!
//! A user's network is of a family that the fit did not see, so the errors `ln(measured /
//! predicted)` are those of families left out, and a thousand models of a family that err alike say
//! little about the next family. Each of the `K` families weighs `1 / (K + 1)`, spread evenly over
//! its models, and the rest `1 / (K + 1)` stands for the family to come: it lies beyond all errors
//! seen, half at either end. This is hierarchical conformal prediction (Lee, Barber and Willett
//! 2023, "Distribution-free inference with hierarchical data") with signed errors; for one model a
//! family it is split conformal prediction (Vovk, Gammerman and Shafer 2005; Lei et al. 2018). An
//! interval holds a model of a new family with its level *on average over families*; it promises
//! nothing about each family by itself. Pooled errors without the family to come hold too little,
//! the worst family's quantile holds too much.
//!
//! With few families it holds more than its level. Of the 10 % that may lie outside at 90 %, the
//! family to come takes `1 / (K + 1)`; with `K = 12`, as when each of 13 is left out in turn, that is
//! 7.7 %, and the interval has to hold `0.9 (K + 1) / K`, 97.5 %, of the errors seen. Families that
//! are like the others are then held to about that share: 98 to 99 % on nn-Meter's devices. Nothing
//! in a dozen families tells whether the next is like them, so it is not made narrower.
//!
//! Two classes are told apart as the predictor will tell its networks apart: a family left out is
//! *outside* where a kernel or the total lies beyond what the other families span. Nearly every new
//! family is, in some bound. So networks inside get the errors of all families left out, and
//! networks outside those of the models outside alone, and never less (Mondrian conformal
//! prediction, Vovk et al.).
//!
//! What lies beyond all errors seen is not known. Quantiles there follow an exponential tail, whose
//! scale is half the range of the errors seen: an assumption, which matters for levels above
//! `1 - 1 / (K + 1)`.

use nnmeter_core::uncertainty::{Quantiles, Uncertainty};

use crate::accuracy::{Pair, Table};
use crate::error::Result;
use crate::fit::conformal::{Errors, TAIL, quantiles, wider};
use crate::fit::protocol::HeldOut;
use crate::fit::range::outside_of_other_families;
use crate::fit::samples::Samples;

/// Share of models that an interval is to hold.
pub const LEVEL: f64 = 0.9;

/// Errors of models held out, by family.
#[derive(Clone, Debug, PartialEq)]
pub struct Residuals {
    families: Vec<Vec<Residual>>,
    totals: (f64, f64),
    floor: Option<Uncertainty>,
    tail: f64,
}

/// The error of a model held out.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Residual {
    /// `ln(measured / predicted)`.
    pub error: f64,
    /// Whether the model lay outside of what it was predicted from.
    pub outside: bool,
}

/// How many models of a family lay in intervals that were made without the family.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Coverage {
    /// Models of the family.
    pub models: usize,
    /// Models outside of what the other families span.
    pub outside: usize,
    /// Models that the interval held.
    pub held: usize,
}

impl Residuals {
    /// Errors of models by family, where the models fitted on cost from `totals.0` to `totals.1`.
    pub fn new(families: Vec<Vec<Residual>>, totals: (f64, f64)) -> Self {
        Self { families, totals, floor: None, tail: 0.0 }
    }

    /// Makes quantiles lie no further inwards than those of `other`, if any, and the tail beyond
    /// all errors seen of a scale of at least `tail`.
    #[must_use]
    pub fn no_narrower_than(self, other: Option<&Uncertainty>, tail: f64) -> Self {
        Self { floor: other.cloned(), tail, ..self }
    }

    /// The errors, by family.
    pub fn families(&self) -> &[Vec<Residual>] {
        &self.families
    }

    /// Errors of families left out one by one: `held` are the predictions for all `samples`.
    pub fn of_families_left_out(held: &HeldOut, samples: &Samples) -> Self {
        let far = outside_of_other_families(samples);
        let all = || samples.samples().iter().zip(&far);
        let families = held.families.iter().enumerate().map(|(family, pairs)| {
            let others = all().filter(|(sample, _)| sample.family != family);
            let (low, high) = bounds(others.map(|(sample, _)| sample.measured));
            let far = all().filter(|(sample, _)| sample.family == family).map(|(_, far)| *far);
            let residual = |(pair, far): (&Pair, bool)| Residual {
                error: (pair.measured / pair.predicted).ln(),
                outside: far || !(low..=high).contains(&pair.predicted),
            };
            pairs.iter().zip(far).map(residual).collect()
        });
        let totals = bounds(samples.samples().iter().map(|sample| sample.measured));
        Self::new(families.collect(), totals)
    }

    /// How far totals will be off, with intervals at [`LEVEL`].
    ///
    /// # Errors
    /// If an error or a total is not finite, or there are no models.
    pub fn uncertainty(&self) -> Result<Uncertainty> {
        let all: Vec<&[Residual]> = self.families.iter().map(Vec::as_slice).collect();
        self.uncertainty_of(&all)
    }

    fn uncertainty_of(&self, families: &[&[Residual]]) -> Result<Uncertainty> {
        let all = Errors::of(&errors(families, |_| true));
        let scale = all.half_range().max(self.tail);
        let all = all.tails(scale);
        let outside = Errors::of(&errors(families, |of| of.outside)).tails(scale);
        let inside = self.widened(all.clone(), Uncertainty::inside);
        let outside = self.widened(wider(&all, &outside), Uncertainty::outside);
        let totals = self.totals.0..=self.totals.1;
        Ok(Uncertainty::new(LEVEL, quantiles(inside)?, quantiles(outside)?, totals)?)
    }

    /// The tails, no narrower than those of the floor.
    fn widened(
        &self,
        tails: Vec<(f64, f64)>,
        class: fn(&Uncertainty) -> &Quantiles,
    ) -> Vec<(f64, f64)> {
        let Some(floor) = &self.floor else { return tails };
        let (quantiles, points) = (class(floor), class(floor).points());
        let reach = |p: f64| p.clamp(points[0].0, points[points.len() - 1].0);
        let of_floor: Vec<(f64, f64)> =
            TAIL.iter().map(|&p| (quantiles.at(reach(p)), quantiles.at(reach(1.0 - p)))).collect();
        wider(&tails, &of_floor)
    }

    /// For each family, how many of its models lie in the intervals at `level` that the other
    /// families give.
    ///
    /// # Errors
    /// As for [`Residuals::uncertainty`].
    pub fn coverage(&self, level: f64) -> Result<Vec<Coverage>> {
        let without = |left_out: usize| {
            let others = self.families.iter().enumerate().filter(|(other, _)| *other != left_out);
            let others: Vec<&[Residual]> = others.map(|(_, family)| family.as_slice()).collect();
            let uncertainty = self.uncertainty_of(&others)?;
            Ok(Coverage::of(&self.families[left_out], &uncertainty, level))
        };
        (0..self.families.len()).map(without).collect()
    }
}

impl Coverage {
    fn of(family: &[Residual], uncertainty: &Uncertainty, level: f64) -> Self {
        let is_held = |residual: &&Residual| {
            let (low, high) = uncertainty.errors(residual.outside).ends(level);
            (low..=high).contains(&residual.error)
        };
        Self {
            models: family.len(),
            outside: family.iter().filter(|residual| residual.outside).count(),
            held: family.iter().filter(is_held).count(),
        }
    }

    /// Both together.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            models: self.models + other.models,
            outside: self.outside + other.outside,
            held: self.held + other.held,
        }
    }

    /// Share of the models that the interval held, 0 to 1; `None` without models.
    pub fn share(self) -> Option<f64> {
        (self.models > 0).then(|| self.held as f64 / self.models as f64)
    }
}

impl Table {
    /// Adds what came of intervals for the families of the table; those without models are passed
    /// over.
    pub fn cover(&mut self, coverage: &[Coverage]) {
        let percent = |coverage: Coverage| coverage.share().map(|share| 100.0 * share);
        let filled = coverage.iter().filter(|family| family.models > 0);
        for ((_, accuracy), of_family) in self.families.iter_mut().zip(filled) {
            accuracy.coverage = percent(*of_family);
        }
        self.overall.coverage =
            percent(coverage.iter().fold(Coverage::default(), |all, family| all.and(*family)));
    }
}

/// The errors of the residuals that `chosen` names, by family.
fn errors(families: &[&[Residual]], chosen: impl Fn(&Residual) -> bool) -> Vec<Vec<f64>> {
    let of_family = |family: &&[Residual]| {
        family.iter().filter(|of| chosen(of)).map(|residual| residual.error).collect()
    };
    families.iter().map(of_family).collect()
}

fn bounds(values: impl Iterator<Item = f64>) -> (f64, f64) {
    values.fold((f64::INFINITY, 0.0), |(low, high), value| (low.min(value), value.max(high)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The `index`th of a sequence that fills 0 to 1 evenly.
    fn even(index: usize) -> f64 {
        (index as f64 * 0.618_033_988_749_895).fract()
    }

    /// Families whose models err by a normal effect of the family and a normal one of their own.
    fn made_up(families: usize, models: usize, between: f64, within: f64) -> Residuals {
        let normal = |a: usize, b: usize| {
            let radius = (-2.0 * (1.0 - even(a)).ln()).sqrt();
            radius * (std::f64::consts::TAU * even(b)).cos()
        };
        let family = |f: usize| {
            let effect = between * normal(7 * f + 1, 3 * f + 2);
            let error = |m: usize| effect + within * normal(f * models + m, 5 * (f + m) + 3 * m);
            (0..models).map(|m| Residual { error: error(m), outside: false }).collect()
        };
        Residuals::new((0..families).map(family).collect(), (1.0, 2.0))
    }

    fn mean_coverage(residuals: &Residuals, level: f64) -> f64 {
        let coverage = residuals.coverage(level).expect("finite errors");
        let shares: Vec<f64> = coverage.iter().filter_map(|family| family.share()).collect();
        shares.iter().sum::<f64>() / shares.len() as f64
    }

    #[test]
    fn holds_its_level_for_families_left_out() {
        for families in [13, 40, 200] {
            let residuals = made_up(families, 50, 0.05, 0.02);
            for level in [0.5, 0.8, 0.9] {
                let share = mean_coverage(&residuals, level);
                let over = level + 2.0 / families as f64 + 0.02;
                assert!((level - 0.02..over).contains(&share), "{families} {level}: {share}");
            }
        }
    }

    #[test]
    fn outside_is_never_narrower_and_knows_its_own() {
        let mut residuals = made_up(20, 30, 0.02, 0.02);
        let inside = residuals.uncertainty().expect("finite errors");
        for (low, high) in [(0.05, 0.95), (0.25, 0.75)] {
            assert!(inside.outside().at(low) < inside.inside().at(low), "nothing known outside");
            assert!(inside.outside().at(high) > inside.inside().at(high), "nothing known outside");
        }
        for family in residuals.families.iter_mut().take(10) {
            let far = family.iter().map(|of| Residual { error: of.error + 0.3, outside: true });
            *family = far.collect();
        }
        let uncertainty = residuals.uncertainty().expect("finite errors");
        assert!(uncertainty.outside().at(0.7) > uncertainty.inside().at(0.7));
        assert_eq!(uncertainty.outside().at(0.1), uncertainty.inside().at(0.1));
    }

    #[test]
    fn errors_that_are_no_numbers_are_refused() {
        let residuals = |error| {
            Residuals::new(vec![vec![Residual { error, outside: false }]], (1.0, 2.0)).uncertainty()
        };
        assert!(residuals(0.1).is_ok());
        assert!(residuals(f64::INFINITY).is_err());
        assert!(residuals(f64::NAN).is_err());
    }
}
