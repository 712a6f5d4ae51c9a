//! The parts of one metric: `latency_ms.json` with its kernel models, and a binary part for each
//! tree ensemble.
//!
//! The wire forms are private to this file; from here on there are only the core crate's checked
//! types. An unknown field is an error here, whatever the minor version of the package: it would
//! change numbers.

use std::ops::RangeInclusive;

use nnmeter_core::ensemble::{Ensemble, Forest};
use nnmeter_core::feature::Feature;
use nnmeter_core::kind::Kind;
use nnmeter_core::model::{FittedRange, KernelModel, Learned, Parametric, Term, WindowClass};
use nnmeter_core::nn_meter::NnMeterForest;
use nnmeter_core::predict::FittedModel;
use nnmeter_core::uncertainty::{Quantiles, Uncertainty};
use serde::{Deserialize, Serialize};

use super::archive::Parts;
use super::entries::Entries;
use super::{Metric, MetricModels, corrupt, from_core, from_json, take, to_json};
use crate::error::Result;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct MetricPart {
    uncertainty: Option<UncertaintyPart>,
    kernels: Entries<KernelPart>,
}

/// Quantiles are pairs of a probability and an error.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct UncertaintyPart {
    level: f64,
    totals: [f64; 2],
    inside: Vec<(f64, f64)>,
    outside: Vec<(f64, f64)>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct KernelPart {
    model: ModelPart,
    range: Entries<[f64; 2]>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum ModelPart {
    Parametric(Vec<TermPart>),
    Learned(LearnedPart),
    Corrected(CorrectedPart),
    NnMeter(NnMeterPart),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct TermPart {
    feature: String,
    window: String,
    rate: f64,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct LearnedPart {
    features: Vec<String>,
    ensemble: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct CorrectedPart {
    parametric: Vec<TermPart>,
    learned: LearnedPart,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct NnMeterPart {
    forest: String,
}

/// Adds the parts of `metric` to `parts`.
pub(super) fn write(metric: Metric, models: &MetricModels, parts: &mut Parts) -> Result<()> {
    let mut kernels = Vec::with_capacity(models.kernels.len());
    for (kind, fitted) in &models.kernels {
        let bounds = fitted.range.bounds().iter();
        let range = bounds
            .map(|(feature, range)| (feature.name().to_owned(), [*range.start(), *range.end()]));
        let model = write_model(metric, *kind, &fitted.model, parts);
        let part = KernelPart { model, range: Entries(range.collect()) };
        kernels.push((kind.name().to_owned(), part));
    }
    let uncertainty = models.uncertainty.as_ref().map(write_uncertainty);
    let part = MetricPart { uncertainty, kernels: Entries(kernels) };
    let json = to_json(&metric.part(), &part)?;
    parts.insert(metric.part(), json.into_bytes());
    Ok(())
}

fn write_uncertainty(uncertainty: &Uncertainty) -> UncertaintyPart {
    UncertaintyPart {
        level: uncertainty.level(),
        totals: [*uncertainty.totals().start(), *uncertainty.totals().end()],
        inside: uncertainty.inside().points().to_vec(),
        outside: uncertainty.outside().points().to_vec(),
    }
}

fn write_model(metric: Metric, kind: Kind, model: &KernelModel, parts: &mut Parts) -> ModelPart {
    let mut learned = |learned: &Learned| {
        let name = format!("{}/{}.trees", metric.name(), kind.name());
        parts.insert(name.clone(), learned.ensemble().to_bytes());
        let features = learned.features().iter().map(|feature| feature.name().to_owned());
        LearnedPart { features: features.collect(), ensemble: name }
    };
    match model {
        KernelModel::Parametric(base) => ModelPart::Parametric(write_terms(base)),
        KernelModel::Learned(trees) => ModelPart::Learned(learned(trees)),
        KernelModel::Corrected(base, trees) => ModelPart::Corrected(CorrectedPart {
            parametric: write_terms(base),
            learned: learned(trees),
        }),
        KernelModel::NnMeter(model) => {
            let forest = format!("{}/{}.forest", metric.name(), kind.name());
            parts.insert(forest.clone(), model.forest().to_bytes());
            ModelPart::NnMeter(NnMeterPart { forest })
        }
    }
}

fn write_terms(base: &Parametric) -> Vec<TermPart> {
    let part = |term: &Term| TermPart {
        feature: term.feature.name().to_owned(),
        window: window_name(term.window).to_owned(),
        rate: term.rate,
    };
    base.terms().iter().map(part).collect()
}

/// Takes the parts of `metric`, whose main part is called `name`, out of `parts`.
pub(super) fn read(name: &str, parts: &mut Parts) -> Result<MetricModels> {
    let part: MetricPart = from_json(name, &take(parts, name)?)?;
    let mut reader = Reader { name, parts };
    let uncertainty = part.uncertainty.map(|part| reader.uncertainty(part)).transpose()?;
    let kernels = part.kernels.0.into_iter().map(|(kind, kernel)| reader.kernel(&kind, kernel));
    Ok(MetricModels { uncertainty, kernels: kernels.collect::<Result<_>>()? })
}

/// Reads what `latency_ms.json` says, with the other parts at hand.
struct Reader<'a> {
    name: &'a str,
    parts: &'a mut Parts,
}

impl Reader<'_> {
    fn uncertainty(&self, part: UncertaintyPart) -> Result<Uncertainty> {
        let UncertaintyPart { level, totals: [low, high], inside, outside } = part;
        let read = || {
            let (inside, outside) = (Quantiles::new(inside)?, Quantiles::new(outside)?);
            Uncertainty::new(level, inside, outside, low..=high)
        };
        read().map_err(|error| from_core(self.name, error))
    }

    fn kernel(&mut self, kind: &str, part: KernelPart) -> Result<(Kind, FittedModel)> {
        let known = Kind::from_name(kind).ok_or_else(|| self.unknown("kernel", kind))?;
        let model = self.model(known, part.model)?;
        let bounds = part.range.0.iter().map(|(feature, range)| self.bound(feature, *range));
        let range = FittedRange::new(bounds.collect::<Result<_>>()?);
        Ok((known, FittedModel { model, range }))
    }

    fn model(&mut self, kind: Kind, part: ModelPart) -> Result<KernelModel> {
        Ok(match part {
            ModelPart::Parametric(terms) => KernelModel::Parametric(self.parametric(&terms)?),
            ModelPart::Learned(learned) => KernelModel::Learned(self.learned(&learned)?),
            ModelPart::Corrected(part) => {
                let base = self.parametric(&part.parametric)?;
                KernelModel::Corrected(base, self.learned(&part.learned)?)
            }
            ModelPart::NnMeter(part) => {
                let forest = Forest::from_bytes(&take(self.parts, &part.forest)?);
                let model = forest.and_then(|forest| NnMeterForest::new(kind, forest));
                KernelModel::NnMeter(model.map_err(|error| from_core(&part.forest, error))?)
            }
        })
    }

    fn parametric(&self, terms: &[TermPart]) -> Result<Parametric> {
        let term = |part: &TermPart| {
            let unknown = || self.unknown("window class", &part.window);
            let window = window_from_name(&part.window).ok_or_else(unknown)?;
            Ok(Term { feature: self.feature(&part.feature)?, window, rate: part.rate })
        };
        let terms = terms.iter().map(term).collect::<Result<_>>()?;
        Parametric::new(terms).map_err(|error| from_core(self.name, error))
    }

    fn learned(&mut self, part: &LearnedPart) -> Result<Learned> {
        let features = part.features.iter().map(|name| self.feature(name));
        let features = features.collect::<Result<_>>()?;
        let bytes = take(self.parts, &part.ensemble)?;
        let wrong = |error| from_core(&part.ensemble, error);
        let ensemble = Ensemble::from_bytes(&bytes).map_err(wrong)?;
        Learned::new(features, ensemble).map_err(wrong)
    }

    fn bound(&self, name: &str, [low, high]: [f64; 2]) -> Result<(Feature, RangeInclusive<f64>)> {
        let feature = self.feature(name)?;
        if low <= high {
            return Ok((feature, low..=high));
        }
        Err(corrupt(self.name, format!("has the range [{low}, {high}] for {name}"))
            .expected("the smaller bound first"))
    }

    fn feature(&self, name: &str) -> Result<Feature> {
        Feature::from_name(name).ok_or_else(|| self.unknown("feature", name))
    }

    fn unknown(&self, what: &str, name: &str) -> crate::error::Error {
        corrupt(self.name, format!("names the {what} {name:?}, which is not known"))
            .hint("the package may be of a newer nnmeter than this one")
    }
}

const WINDOWS: [WindowClass; 5] = [
    WindowClass::Any,
    WindowClass::Pointwise,
    WindowClass::Spatial,
    WindowClass::Small,
    WindowClass::Large,
];

fn window_name(class: WindowClass) -> &'static str {
    match class {
        WindowClass::Any => "any",
        WindowClass::Pointwise => "pointwise",
        WindowClass::Spatial => "spatial",
        WindowClass::Small => "small",
        WindowClass::Large => "large",
    }
}

fn window_from_name(name: &str) -> Option<WindowClass> {
    WINDOWS.into_iter().find(|&class| window_name(class) == name)
}
