//! Parameters of a module as PyTorch has them: a number for all axes, or a list.

use serde_json::{Map, Value};
use smallvec::SmallVec;

use crate::error::{Error, ErrorKind, Result};
use crate::op::{Padding, Spatial};
use crate::tensor::Dims;

/// No axis of any network is longer; a parameter that is larger is an error of the file.
const MAX: u64 = 1 << 40;

/// The parameters of the module of one node.
pub(super) struct Params<'a> {
    pub(super) subject: &'a str,
    pub(super) map: Option<&'a Map<String, Value>>,
}

impl Params<'_> {
    /// A parameter that is there and not `null`.
    pub(super) fn get(&self, key: &str) -> Option<&Value> {
        self.map?.get(key).filter(|value| !value.is_null())
    }

    /// An error about a parameter.
    pub(super) fn error(&self, key: &str, expected: &str) -> Error {
        let found = match self.get(key) {
            Some(value) => format!("has {key} {}", brief(value)),
            None => format!("has no {key}"),
        };
        Error::new(ErrorKind::BadAttribute, self.subject, found).expected(expected)
    }

    /// A count that must be there.
    pub(super) fn count(&self, key: &str) -> Result<usize> {
        let count = self.get(key).and_then(Value::as_u64).filter(|count| (1..MAX).contains(count));
        count.map(|count| count as usize).ok_or_else(|| self.error(key, "a positive integer"))
    }

    /// A count with a default.
    pub(super) fn count_or(&self, key: &str, default: usize) -> Result<usize> {
        if self.get(key).is_some() { self.count(key) } else { Ok(default) }
    }

    /// An integer with a default.
    pub(super) fn int_or(&self, key: &str, default: i64) -> Result<i64> {
        match self.get(key) {
            Some(value) => value.as_i64().ok_or_else(|| self.error(key, "an integer")),
            None => Ok(default),
        }
    }

    /// A flag with a default.
    pub(super) fn flag(&self, key: &str, default: bool) -> bool {
        self.get(key).and_then(Value::as_bool).unwrap_or(default)
    }

    /// One amount for each of `rank` axes; one number stands for all. Empty if absent.
    pub(super) fn spatial(&self, key: &str, rank: usize, least: u64) -> Result<Spatial> {
        let Some(value) = self.get(key) else { return Ok(Spatial::new()) };
        let amount = |value: &Value| value.as_u64().filter(|n| (least..MAX).contains(n));
        let list: Option<Spatial> = match value {
            Value::Array(list) if list.len() == rank => {
                list.iter().map(|value| amount(value).map(|n| n as usize)).collect()
            }
            Value::Array(list) if list.len() == 1 => {
                amount(&list[0]).map(|n| SmallVec::from_elem(n as usize, rank))
            }
            single => amount(single).map(|n| SmallVec::from_elem(n as usize, rank)),
        };
        let expected =
            || self.error(key, &format!("an integer from {least} on, or {rank} of them"));
        list.ok_or_else(expected)
    }

    /// Amounts on both sides, or `same`.
    pub(super) fn padding(&self, rank: usize) -> Result<Padding> {
        match self.get("padding").and_then(Value::as_str) {
            Some("same") => return Ok(Padding::SameUpper),
            Some("valid") => return Ok(Padding::default()),
            Some(_) => return Err(self.error("padding", "same, valid or amounts")),
            None => {}
        }
        let amounts = self.spatial("padding", rank, 0)?;
        Ok(Padding::Explicit(amounts.clone(), amounts))
    }
}

/// The shapes in a recorded list of shapes, or in a single one; unknown ones are `None`.
pub(super) fn shapes(value: &Value) -> Vec<Option<Dims>> {
    let Value::Array(list) = value else { return Vec::new() };
    if !list.is_empty() && list.iter().all(Value::is_number) {
        return vec![dims(value)];
    }
    list.iter().map(dims).collect()
}

fn dims(value: &Value) -> Option<Dims> {
    let extent = |value: &Value| value.as_u64().filter(|&n| n < MAX).map(|n| n as usize);
    value.as_array()?.iter().map(extent).collect()
}

fn brief(value: &Value) -> String {
    let text = value.to_string();
    if text.chars().count() <= 40 {
        text
    } else {
        text.chars().take(40).collect::<String>() + "..."
    }
}
