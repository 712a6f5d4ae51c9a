//! NNI's search-space JSON: what each parameter may be.
//!
//! A `choice` may have the text `nnmeter:NAME` among its values. It stands for all architectures of the
//! search space `NAME` (a built-in one, or a JSON file) that satisfy the tuner's constraints; a trial is
//! given one of them. To NNI it is a choice among texts like any other.

use serde_json::{Map, Value as Json};

use super::error::{Error, ErrorKind, Result};
use super::model::{Model, Models};
use super::number::{Range, Shape};

/// How a value of a choice begins that stands for a space of architectures.
pub const MODEL_PREFIX: &str = "nnmeter:";
/// How deep choices may be nested.
const DEEPEST: usize = 32;

/// The search space of an experiment.
#[derive(Clone, Debug)]
pub struct Space {
    /// Its parameters, by name.
    pub parameters: Vec<Parameter>,
}

/// A parameter.
#[derive(Clone, Debug)]
pub struct Parameter {
    /// Its name.
    pub name: String,
    /// What it may be.
    pub domain: Domain,
}

/// What a parameter may be.
#[derive(Clone, Debug)]
pub enum Domain {
    /// One of these.
    Choice(Vec<Candidate>),
    /// An integer from the first up to, but without, the second.
    Integer(i64, i64),
    /// A number.
    Number(Range),
}

/// A value of a choice.
#[derive(Clone, Debug)]
pub enum Candidate {
    /// Itself.
    Value(Json),
    /// A name, with parameters of its own.
    Nested(String, Vec<Parameter>),
    /// An architecture.
    Architecture(std::rc::Rc<Model>),
}

impl Space {
    /// Reads a search space; architectures are those of `models`.
    ///
    /// # Errors
    /// [`ErrorKind::BadSearchSpace`] with the parameter; or what is wrong with a space of
    /// architectures: unknown, or none of them satisfies the constraints.
    pub fn read(json: &Json, models: &Models) -> Result<Self> {
        let Json::Object(map) = json else {
            return Err(bad("search space", "is not an object"));
        };
        Ok(Self { parameters: parameters(map, models, DEEPEST)? })
    }
}

fn parameters(map: &Map<String, Json>, models: &Models, depth: usize) -> Result<Vec<Parameter>> {
    if depth == 0 {
        return Err(
            bad("search space", "is nested too deep").expected(format!("{DEEPEST} levels at most"))
        );
    }
    let named = map.iter().filter(|(name, _)| *name != "_name");
    let parameter = |(name, json): (&String, &Json)| {
        let domain = domain(json, models, depth);
        let domain = domain.map_err(|error| error.within(format!("parameter {name:?}")))?;
        Ok(Parameter { name: name.clone(), domain })
    };
    named.map(parameter).collect()
}

fn domain(json: &Json, models: &Models, depth: usize) -> Result<Domain> {
    let kind = json.get("_type").and_then(Json::as_str);
    let kind = kind.ok_or_else(|| bad("_type", "is missing"))?;
    let values = json.get("_value").and_then(Json::as_array);
    let values = values.ok_or_else(|| bad("_value", "is not a list"))?;
    match kind {
        "choice" => choice(values, models, depth),
        "randint" => {
            let [low, high] = numbers(values)?;
            let (low, high) = (low.ceil(), high.ceil());
            let fits = low < high && low.abs().max(high.abs()) < (1i64 << 53) as f64;
            let bounds = fits.then_some((low as i64, high as i64));
            let (low, high) = bounds.ok_or_else(|| bad("_value", "is an empty range"))?;
            Ok(Domain::Integer(low, high))
        }
        _ => Ok(Domain::Number(range(kind, values)?)),
    }
}

fn choice(values: &[Json], models: &Models, depth: usize) -> Result<Domain> {
    if values.is_empty() {
        return Err(bad("_value", "has nothing to choose from"));
    }
    let candidates = values.iter().map(|value| candidate(value, models, depth));
    Ok(Domain::Choice(candidates.collect::<Result<_>>()?))
}

fn candidate(value: &Json, models: &Models, depth: usize) -> Result<Candidate> {
    if let Some(name) = value.as_str().and_then(|text| text.strip_prefix(MODEL_PREFIX)) {
        return Ok(Candidate::Architecture(models.open(name)?));
    }
    match (value, value.get("_name").and_then(Json::as_str)) {
        (Json::Object(map), Some(name)) => {
            Ok(Candidate::Nested(name.to_owned(), parameters(map, models, depth - 1)?))
        }
        _ => Ok(Candidate::Value(value.clone())),
    }
}

fn range(kind: &str, values: &[Json]) -> Result<Range> {
    let (plain, quantum) = match kind.strip_prefix('q') {
        Some(plain) => {
            let [_, _, quantum] = numbers(values)?;
            (plain, Some(quantum))
        }
        None => (kind, None),
    };
    let [a, b] = numbers(&values[..values.len().min(2)])?;
    if quantum.is_none() && values.len() != 2 {
        return Err(bad("_value", "has too many numbers").expected("2"));
    }
    if quantum.is_some_and(|quantum| quantum <= 0.0) {
        return Err(bad("_value", "has a quantum that is not above 0"));
    }
    let (shape, log) = match plain {
        "uniform" => (ends(a, b)?, false),
        "loguniform" if a > 0.0 => (ends(a.ln(), b.ln())?, true),
        "loguniform" => return Err(bad("_value", "has an end that is not above 0")),
        "normal" => (Shape::Normal(a, deviation(b)?), false),
        "lognormal" => (Shape::Normal(a, deviation(b)?), true),
        _ => {
            return Err(bad("_type", &format!("is {kind:?}")).expected(
                "choice, randint, uniform, loguniform, normal, lognormal, or one of the latter \
                 four with a q before it",
            ));
        }
    };
    Ok(Range { shape, log, quantum })
}

fn ends(low: f64, high: f64) -> Result<Shape> {
    if low <= high {
        Ok(Shape::Uniform(low, high))
    } else {
        Err(bad("_value", "is an empty range"))
    }
}

fn deviation(sigma: f64) -> Result<f64> {
    if sigma > 0.0 { Ok(sigma) } else { Err(bad("_value", "has a deviation that is not above 0")) }
}

fn numbers<const N: usize>(values: &[Json]) -> Result<[f64; N]> {
    let all: Option<Vec<f64>> = values.iter().map(Json::as_f64).collect();
    let all = all.and_then(|all| <[f64; N]>::try_from(all).ok());
    all.ok_or_else(|| {
        bad("_value", "is no list of the right numbers").expected(format!("{N} of them"))
    })
}

fn bad(subject: &str, found: &str) -> Error {
    Error::new(ErrorKind::BadSearchSpace, subject, found)
}
