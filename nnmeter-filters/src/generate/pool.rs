//! Pools: the operators that layers may be.
//!
//! ```json
//! {"built_in": ["separable", "mobilenetv2"],
//!  "operators": [
//!   {"family": "fused", "name": "fused k{kernel} e{expansion}",
//!    "for": {"kernel": [3, 5], "expansion": [2, 4]},
//!    "keeping": [
//!     {"op": "conv", "channels": "in*expansion", "kernel": "kernel"}, {"op": "bn"}, {"op": "relu"},
//!     {"op": "conv", "channels": "out", "kernel": 1}, {"op": "bn"}, {"op": "add", "from": ["in", "-"]}],
//!    "changing": [
//!     {"op": "conv", "channels": "in*expansion", "kernel": "kernel", "stride": "stride"},
//!     {"op": "bn"}, {"op": "relu"}, {"op": "conv", "channels": "out", "kernel": 1}, {"op": "bn"}]}]}
//! ```
//!
//! `built_in` names families that are [built in](Family); all of them if it is left out. An operator
//! stands for one with each combination of the values that `for` gives. `keeping` is what it is in layers
//! that keep extents and channels, `changing` in others; an operator without one of them is not offered
//! there. Numbers are those of [templates](super::template).

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value as Json;

use super::operator::{Family, Operator};
use super::survey::IDENTITY;
use super::template::Template;
use crate::error::{Error, ErrorKind, Result};
use crate::space::MOST_OPTIONS;

/// How many operators a pool may have: a choice's options, and one to leave the layer out.
const MOST_OPERATORS: usize = MOST_OPTIONS - 1;

/// Operators, in the order in which ties are broken.
#[derive(Clone, Debug)]
pub struct Pool(Vec<Operator>);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    #[serde(default)]
    built_in: Option<Vec<String>>,
    #[serde(default)]
    operators: Vec<WireOperator>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WireOperator {
    family: String,
    name: String,
    #[serde(default, rename = "for")]
    values: BTreeMap<String, Vec<u32>>,
    #[serde(default)]
    keeping: Option<Json>,
    #[serde(default)]
    changing: Option<Json>,
}

impl Pool {
    /// The operators of all built-in families.
    pub fn built_in() -> Self {
        Self(Family::ALL.into_iter().flat_map(Family::operators).collect())
    }

    /// Reads a pool.
    ///
    /// # Errors
    /// [`ErrorKind::BadSpace`] if the bytes are not of the form of pools, a family is not known, there
    /// are no operators or too many, or two have the same name.
    pub fn from_json(bytes: &[u8]) -> Result<Self> {
        let wire: Wire = serde_json::from_slice(bytes)
            .map_err(|error| bad("pool", format!("is not valid: {error}")))?;
        let mut operators = match wire.built_in {
            None => Self::built_in().0,
            Some(names) => {
                let families = names.iter().map(|name| family(name)).collect::<Result<Vec<_>>>()?;
                families.into_iter().flat_map(Family::operators).collect()
            }
        };
        for operator in wire.operators {
            expand(operator, &mut operators)?;
        }
        if operators.is_empty() {
            return Err(bad("pool", "has no operators").expected("one or more"));
        }
        let mut names: Vec<&str> = operators.iter().map(Operator::name).collect();
        names.push(IDENTITY);
        names.sort_unstable();
        match names.windows(2).find(|pair| pair[0] == pair[1]) {
            None => Ok(Self(operators)),
            Some(pair) => Err(bad(format!("operator {:?}", pair[0]), "is there twice")
                .expected("a name of its own for each, other than \"identity\"")
                .hint("use the variables of \"for\" in the name: \"mine k{kernel}\"")),
        }
    }

    /// The operators.
    pub fn operators(&self) -> &[Operator] {
        &self.0
    }

    /// Names of the families, in the order of their first operators.
    pub fn families(&self) -> Vec<&str> {
        let mut families: Vec<&str> = Vec::new();
        for operator in &self.0 {
            if !families.contains(&operator.family()) {
                families.push(operator.family());
            }
        }
        families
    }
}

fn family(name: &str) -> Result<Family> {
    Family::ALL.into_iter().find(|family| family.name() == name).ok_or_else(|| {
        let names = Family::ALL.map(Family::name).join(", ");
        bad(format!("family {name:?}"), "is not a built-in one").expected(format!("one of {names}"))
    })
}

/// Adds the operators that one with variables stands for.
fn expand(wire: WireOperator, operators: &mut Vec<Operator>) -> Result<()> {
    let subject = || format!("operator {:?}", wire.name);
    if wire.keeping.is_none() && wire.changing.is_none() {
        let expected = "\"keeping\", \"changing\" or both";
        return Err(bad(subject(), "has no steps").expected(expected));
    }
    let count = wire.values.values().map(Vec::len).fold(1, usize::saturating_mul);
    if count == 0 || count > MOST_OPERATORS.saturating_sub(operators.len()) {
        let found = format!("stands for {count}");
        let expected = format!("1 or more, and at most {MOST_OPERATORS} in a pool");
        return Err(bad(subject(), found).expected(expected));
    }
    for index in 0..count {
        let mut rest = index;
        let mut variables = Vec::new();
        for (name, values) in wire.values.iter().rev() {
            variables.push((name.clone(), values[rest % values.len()]));
            rest /= values.len();
        }
        let name = variables.iter().fold(wire.name.clone(), |text, (name, value)| {
            text.replace(&format!("{{{name}}}"), &value.to_string())
        });
        let (keeping, changing) = (wire.keeping.clone(), wire.changing.clone());
        let template = Template { keeping, changing, variables };
        operators.push(Operator::of_template(wire.family.clone(), name, template));
    }
    Ok(())
}

fn bad(subject: impl Into<String>, found: impl Into<String>) -> Error {
    Error::new(ErrorKind::BadSpace, subject, found)
}
