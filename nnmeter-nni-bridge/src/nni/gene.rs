//! Genes: what one parameter is, and the parameters of a trial as the list of these. To JSON and back.

use nnmeter_filters::space::Sample;
use serde_json::{Map, Value as Json, json};

use super::space::{Candidate, Domain, Parameter, Space};

/// What one parameter is.
#[derive(Clone, Debug, PartialEq)]
pub enum Gene {
    /// The value of that index.
    Value(usize),
    /// The value of that index, and what its parameters are.
    Nested(usize, Vec<Gene>),
    /// The value of that index, and the architecture.
    Architecture(usize, Sample),
    /// An integer.
    Integer(i64),
    /// A number.
    Number(f64),
}

impl Space {
    /// The parameters of a trial, as it gets them. Architectures are objects of `space` (the name),
    /// `sample` (options by choices) and `costs` (what they are predicted to cost).
    pub fn to_json(&self, genes: &[Gene]) -> Json {
        Json::Object(object(&self.parameters, genes))
    }

    /// What [`Space::to_json`] wrote, or what a user gave; `None` if it does not belong to this space
    /// or an architecture does not satisfy the constraints.
    pub fn genes(&self, json: &Json) -> Option<Vec<Gene>> {
        genes(&self.parameters, json)
    }
}

fn object(parameters: &[Parameter], genes: &[Gene]) -> Map<String, Json> {
    let entry = |(parameter, gene): (&Parameter, &Gene)| {
        (parameter.name.clone(), value(&parameter.domain, gene))
    };
    parameters.iter().zip(genes).map(entry).collect()
}

fn value(domain: &Domain, gene: &Gene) -> Json {
    match (domain, gene) {
        (_, Gene::Integer(integer)) => json!(integer),
        (_, Gene::Number(number)) => json!(number),
        (Domain::Choice(all), Gene::Value(i) | Gene::Nested(i, _) | Gene::Architecture(i, _)) => {
            match (&all[*i], gene) {
                (Candidate::Nested(name, inner), Gene::Nested(_, genes)) => {
                    let mut map = Map::from_iter([("_name".to_owned(), json!(name))]);
                    map.extend(object(inner, genes));
                    Json::Object(map)
                }
                (Candidate::Architecture(model), Gene::Architecture(_, sample)) => {
                    model.to_json(sample)
                }
                (Candidate::Value(value), _) => value.clone(),
                (Candidate::Nested(..) | Candidate::Architecture(_), _) => Json::Null,
            }
        }
        (Domain::Integer(..) | Domain::Number(_), _) => Json::Null,
    }
}

fn genes(parameters: &[Parameter], json: &Json) -> Option<Vec<Gene>> {
    let map = json.as_object()?;
    let known = |name: &String| name == "_name" || parameters.iter().any(|p| p.name == *name);
    if !map.keys().all(known) {
        return None;
    }
    parameters.iter().map(|parameter| gene(&parameter.domain, map.get(&parameter.name)?)).collect()
}

fn gene(domain: &Domain, json: &Json) -> Option<Gene> {
    match domain {
        Domain::Choice(all) => {
            all.iter().enumerate().find_map(|(index, candidate)| chosen(index, candidate, json))
        }
        Domain::Integer(low, high) => {
            let integer = json.as_f64().filter(|number| number.fract() == 0.0)? as i64;
            (*low..*high).contains(&integer).then_some(Gene::Integer(integer))
        }
        Domain::Number(range) => {
            let number = json.as_f64()?;
            range.holds(number).then_some(Gene::Number(number))
        }
    }
}

fn chosen(index: usize, candidate: &Candidate, json: &Json) -> Option<Gene> {
    match candidate {
        Candidate::Value(value) => same(value, json).then_some(Gene::Value(index)),
        Candidate::Nested(name, parameters) => {
            let is_it = json.get("_name")?.as_str()? == name;
            is_it.then(|| genes(parameters, json)).flatten().map(|g| Gene::Nested(index, g))
        }
        Candidate::Architecture(model) => {
            Some(Gene::Architecture(index, model.sample_from_json(json)?))
        }
    }
}

/// Whether two values are the same; 1 and 1.0 are, as they are to Python.
fn same(a: &Json, b: &Json) -> bool {
    match (a.as_f64(), b.as_f64()) {
        (Some(a), Some(b)) => a == b,
        _ => a == b,
    }
}
