//! Kernel models: from a [`Workload`] to a cost in the metric's unit.
//!
//! A closed set of forms, evaluated without dynamic dispatch. How a form's numbers come about
//! (fitting) and how they are stored (packages) is the business of other crates.

use std::ops::RangeInclusive;

use smallvec::SmallVec;

use crate::ensemble::Ensemble;
use crate::error::{Error, ErrorKind, Result};
use crate::feature::{CONFIGURATION, Examined, Feature, configuration};
use crate::nn_meter::NnMeterForest;
use crate::workload::Workload;

/// A model of one kind of kernel.
#[derive(Clone, Debug)]
pub enum KernelModel {
    /// A sum of rates.
    Parametric(Parametric),
    /// A tree ensemble.
    Learned(Learned),
    /// A sum of rates times the exponential of a tree ensemble, which corrects it.
    Corrected(Parametric, Learned),
    /// A forest over nn-Meter's features.
    NnMeter(NnMeterForest),
}

impl KernelModel {
    /// Cost of `work` in the metric's unit; never negative.
    pub fn cost(&self, work: &Workload) -> f64 {
        let work = &Examined::new(work);
        let cost = match self {
            KernelModel::Parametric(base) => base.cost(work),
            KernelModel::Learned(learned) => learned.value(work),
            KernelModel::Corrected(base, learned) => base.cost(work) * learned.value(work).exp(),
            KernelModel::NnMeter(forest) => forest.value(work.workload()),
        };
        cost.max(0.0)
    }

    /// Whether all work costs the same: nothing is known but that there is a kernel.
    pub fn is_constant(&self) -> bool {
        match self {
            KernelModel::Parametric(base) => {
                base.terms.iter().all(|term| term.feature == Feature::One)
            }
            KernelModel::Learned(_) | KernelModel::Corrected(..) | KernelModel::NnMeter(_) => false,
        }
    }
}

/// Roofline-like: each term is a count of work times the time that a unit of it takes.
///
/// `cost = sum over terms of rate x feature(work)`, over the terms whose window class fits. The sum
/// (not the maximum) of compute and memory terms is what single cores follow: they overlap little.
#[derive(Clone, Debug, PartialEq)]
pub struct Parametric {
    terms: Vec<Term>,
    /// The terms that apply to a window of one element, to a small and to a large one.
    applicable: [Vec<(Feature, f64)>; 3],
}

/// A term of a [`Parametric`] model.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Term {
    /// What is counted.
    pub feature: Feature,
    /// For which windows the term applies.
    pub window: WindowClass,
    /// Cost of a unit, in the metric's unit; not negative.
    pub rate: f64,
}

/// A class of windows, by the number of their elements: the runtime has a code path for each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum WindowClass {
    /// Any window.
    #[default]
    Any,
    /// One element.
    Pointwise,
    /// More than one element.
    Spatial,
    /// 2 to 16 elements (3x3, 1x7).
    Small,
    /// 17 elements and more (5x5, 7x7).
    Large,
}

impl WindowClass {
    /// Whether a window of `area` elements belongs to the class.
    pub fn contains(self, area: u64) -> bool {
        match self {
            WindowClass::Any => true,
            WindowClass::Pointwise => area == 1,
            WindowClass::Spatial => area > 1,
            WindowClass::Small => (2..=16).contains(&area),
            WindowClass::Large => area > 16,
        }
    }
}

impl Parametric {
    /// A model of the given terms.
    ///
    /// # Errors
    /// If there are no terms, or a rate is negative or not finite.
    pub fn new(terms: Vec<Term>) -> Result<Self> {
        let wrong = |what: String| {
            Err(Error::new(ErrorKind::BadModel, "parametric kernel model", what)
                .expected("terms with rates that are finite and not negative"))
        };
        if terms.is_empty() {
            return wrong("has no terms".to_owned());
        }
        match terms.iter().find(|term| !(term.rate.is_finite() && term.rate >= 0.0)) {
            Some(term) => wrong(format!("has rate {} for {}", term.rate, term.feature.name())),
            None => {
                Ok(Self { applicable: REPRESENTATIVES.map(|area| applicable(&terms, area)), terms })
            }
        }
    }

    /// The terms.
    pub fn terms(&self) -> &[Term] {
        &self.terms
    }

    fn cost(&self, work: &Examined<'_>) -> f64 {
        let class = match work.workload().window_area() {
            0..=1 => 0,
            2..=16 => 1,
            _ => 2,
        };
        self.applicable[class].iter().map(|(feature, rate)| rate * feature.at(work)).sum()
    }
}

/// A window area for each set of terms that may apply together.
const REPRESENTATIVES: [u64; 3] = [1, 2, 17];

fn applicable(terms: &[Term], area: u64) -> Vec<(Feature, f64)> {
    let applies = |term: &&Term| term.window.contains(area);
    terms.iter().filter(applies).map(|term| (term.feature, term.rate)).collect()
}

/// A tree ensemble over named features.
#[derive(Clone, Debug, PartialEq)]
pub struct Learned {
    features: Vec<Feature>,
    ensemble: Ensemble,
}

impl Learned {
    /// An ensemble whose columns are `features`.
    ///
    /// # Errors
    /// If the ensemble wants another number of columns.
    pub fn new(features: Vec<Feature>, ensemble: Ensemble) -> Result<Self> {
        if ensemble.n_features() == features.len() {
            return Ok(Self { features, ensemble });
        }
        let found = format!("reads {} features", ensemble.n_features());
        Err(Error::new(ErrorKind::BadModel, "tree ensemble", found)
            .expected(format!("{}, as many as are named", features.len())))
    }

    /// The columns.
    pub fn features(&self) -> &[Feature] {
        &self.features
    }

    /// The ensemble.
    pub fn ensemble(&self) -> &Ensemble {
        &self.ensemble
    }

    fn value(&self, work: &Examined<'_>) -> f64 {
        let row: SmallVec<[f32; 32]> =
            self.features.iter().map(|feature| feature.at(work) as f32).collect();
        f64::from(self.ensemble.predict_row(&row))
    }
}

/// The region a kernel model was fitted on: bounds of some features.
#[derive(Clone, Debug, PartialEq)]
pub struct FittedRange {
    bounds: Vec<(Feature, RangeInclusive<f64>)>,
    /// Bounds of features about the configuration, by their place; infinite where there are none.
    low: [f64; CONFIGURATION],
    high: [f64; CONFIGURATION],
}

impl Default for FittedRange {
    /// No bounds.
    fn default() -> Self {
        Self::new(Vec::new())
    }
}

impl FittedRange {
    /// A region with the given bounds; other features are free.
    pub fn new(bounds: Vec<(Feature, RangeInclusive<f64>)>) -> Self {
        let mut low = [f64::NEG_INFINITY; CONFIGURATION];
        let mut high = [f64::INFINITY; CONFIGURATION];
        for (feature, range) in &bounds {
            if let Some(place) = feature.place() {
                low[place] = low[place].max(*range.start());
                high[place] = high[place].min(*range.end());
            }
        }
        Self { bounds, low, high }
    }

    /// The bounds.
    pub fn bounds(&self) -> &[(Feature, RangeInclusive<f64>)] {
        &self.bounds
    }

    /// The features in which `work` lies outside.
    pub fn outside(&self, work: &Workload) -> SmallVec<[Feature; 2]> {
        if self.holds_configuration(work) && self.bounds.iter().all(|(f, _)| f.place().is_some()) {
            return SmallVec::new();
        }
        let is_outside =
            |(feature, range): &&(Feature, RangeInclusive<f64>)| !range.contains(&feature.of(work));
        self.bounds.iter().filter(is_outside).map(|(feature, _)| *feature).collect()
    }

    /// All bounds about the configuration at once: most kernels lie inside.
    fn holds_configuration(&self, work: &Workload) -> bool {
        let configuration = configuration(work);
        let places = configuration.iter().zip(&self.low).zip(&self.high);
        places.fold(true, |holds, ((value, low), high)| holds & (low <= value) & (value <= high))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_representative_stands_for_its_class() {
        let classes = [
            WindowClass::Any,
            WindowClass::Pointwise,
            WindowClass::Spatial,
            WindowClass::Small,
            WindowClass::Large,
        ];
        for (areas, representative) in [(1..=1, 1), (2..=16, 2), (17..=200, 17)] {
            for (area, class) in areas.flat_map(|area| classes.map(|class| (area, class))) {
                assert_eq!(
                    class.contains(area),
                    class.contains(representative),
                    "{class:?} {area}"
                );
            }
        }
    }

    #[test]
    fn a_price_by_the_piece_is_constant() {
        let term = |feature| Term { feature, window: WindowClass::Any, rate: 1.0 };
        let model = |terms| KernelModel::Parametric(Parametric::new(terms).expect("terms"));
        assert!(model(vec![term(Feature::One)]).is_constant());
        assert!(!model(vec![term(Feature::One), term(Feature::Read)]).is_constant());
    }

    #[test]
    fn refuses_rates_that_make_no_sense() {
        let term = |rate| Term { feature: Feature::One, window: WindowClass::Any, rate };
        for rate in [-1.0, f64::NAN, f64::INFINITY] {
            assert!(Parametric::new(vec![term(rate)]).is_err(), "{rate}");
        }
        assert!(Parametric::new(Vec::new()).is_err());
        assert!(Parametric::new(vec![term(0.0)]).is_ok());
    }
}
