//! The architecture that a trial was given, as a network.

use std::path::Path;

use nnmeter_core::typed::TypedGraph;
use serde_json::Value as Json;

use super::error::{Error, ErrorKind, Result};
use super::model;

/// The network that the parameter of that name describes; without a name, the only one that does.
/// Files of search spaces are looked for in `folder`.
///
/// # Errors
/// [`ErrorKind::BadOption`] if the parameter is not there, or describes none; what is wrong with the
/// space or the sample.
pub fn of(parameters: &Json, name: Option<&str>, folder: &Path) -> Result<TypedGraph> {
    let (space, sample) = match name {
        Some(name) => parameters.get(name).and_then(parts).ok_or_else(|| {
            bad(format!("parameter {name:?}"), "is no architecture of a trial of this tuner")
        })?,
        None => only(parameters)?,
    };
    let space = model::open(space, folder)?;
    let sample = space.sample_from_json(sample)?;
    Ok(space.typed(&sample)?)
}

/// The name of the space, and the sample.
fn parts(json: &Json) -> Option<(&str, &Json)> {
    Some((json.get("space")?.as_str()?, json.get("sample")?))
}

fn only(parameters: &Json) -> Result<(&str, &Json)> {
    let values = parameters.as_object().into_iter().flat_map(|map| map.values());
    let found: Vec<_> = values.filter_map(parts).collect();
    match found.as_slice() {
        [one] => Ok(*one),
        all => Err(bad("parameters".to_owned(), &format!("have {} architectures", all.len()))
            .expected("one")
            .hint("say which parameter is meant")),
    }
}

fn bad(subject: String, found: &str) -> Error {
    Error::new(ErrorKind::BadOption, subject, found)
}
