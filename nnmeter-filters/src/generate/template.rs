//! Templates: operators that a user writes, whose numbers follow the layer that they are put into.
//!
//! A template is a list of steps as in the JSON form of [search spaces](crate::space). A number may also
//! be a text: a product (`*`) and quotient (`/`), from left to right, of integers and names. The names
//! are `in` and `out` (channels of what a layer is given and of its result), `stride`, and those of the
//! template's own variables: `"channels": "in*expansion"`. Quotients have to come out as integers.

use serde_json::{Map, Value as Json};

use super::Slot;
use crate::error::{Error, ErrorKind, Result};
use crate::space::Block;

/// The members of steps that are numbers.
const NUMBERS: [&str; 4] = ["channels", "kernel", "stride", "groups"];

/// A template with values for its variables.
#[derive(Clone, Debug)]
pub(super) struct Template {
    /// Steps for layers that keep extents; none if it is not for such layers.
    pub(super) keeping: Option<Json>,
    /// Steps for layers that change extents.
    pub(super) changing: Option<Json>,
    /// Variables with their values.
    pub(super) variables: Vec<(String, u32)>,
}

impl Template {
    /// What it is in a layer.
    pub(super) fn block(&self, slot: &Slot) -> Result<Option<Block>> {
        let steps = if slot.keeps() { &self.keeping } else { &self.changing };
        let Some(steps) = steps else { return Ok(None) };
        let own = [("in", slot.input[0]), ("out", slot.channels), ("stride", slot.stride)];
        let variables = self.variables.iter().map(|(name, value)| (name.as_str(), *value));
        let values: Vec<(&str, u32)> = variables.chain(own).collect();
        let Json::Array(steps) = steps else { return Block::from_json(steps).map(Some) };
        let filled = steps.iter().map(|step| fill(step, &values)).collect::<Result<_>>()?;
        Block::from_json(&Json::Array(filled)).map(Some)
    }
}

/// A step with integers for texts.
fn fill(step: &Json, values: &[(&str, u32)]) -> Result<Json> {
    let Json::Object(members) = step else { return Ok(step.clone()) };
    let member = |(key, value): (&String, &Json)| {
        let filled = match value {
            Json::String(text) if NUMBERS.contains(&key.as_str()) => number(text, values)?.into(),
            other => other.clone(),
        };
        Ok((key.clone(), filled))
    };
    Ok(Json::Object(members.iter().map(member).collect::<Result<Map<_, _>>>()?))
}

/// The number that a text stands for.
fn number(text: &str, values: &[(&str, u32)]) -> Result<u32> {
    let (mut product, mut quotient) = (1u64, 1u64);
    let mut rest = text;
    let mut multiplies = true;
    loop {
        let end = rest.find(['*', '/']).unwrap_or(rest.len());
        let factor = factor(text, rest[..end].trim(), values)?;
        let side = if multiplies { &mut product } else { &mut quotient };
        *side = side.checked_mul(factor).ok_or_else(|| bad(text, "is too large"))?;
        let Some(sign) = rest[end..].chars().next() else { break };
        multiplies = sign == '*';
        rest = &rest[end + 1..];
    }
    if quotient == 0 || !product.is_multiple_of(quotient) {
        let found = format!("is {product}/{quotient}");
        return Err(bad(text, found).expected("an integer").hint("write out a number that fits"));
    }
    u32::try_from(product / quotient).map_err(|_| bad(text, "is too large"))
}

fn factor(text: &str, name: &str, values: &[(&str, u32)]) -> Result<u64> {
    if let Ok(integer) = name.parse::<u32>() {
        return Ok(integer.into());
    }
    let value = values.iter().find(|(known, _)| *known == name);
    value.map(|(_, value)| u64::from(*value)).ok_or_else(|| {
        let names: Vec<&str> = values.iter().map(|(name, _)| *name).collect();
        bad(text, format!("has the factor {name:?}"))
            .expected(format!("an integer or one of {}", names.join(", ")))
    })
}

fn bad(text: &str, found: impl Into<String>) -> Error {
    Error::new(ErrorKind::BadSpace, format!("number {text:?}"), found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_products_and_quotients() {
        let values = [("in", 24), ("expansion", 6)];
        let of = |text| number(text, &values).map_err(|error| error.to_string());
        assert_eq!(of("in*expansion"), Ok(144));
        assert_eq!(of(" in / 4 * 3 "), Ok(18));
        assert_eq!(of("7"), Ok(7));
        for (text, says) in [
            ("in/5", "is 24/5; expected an integer"),
            ("in/0", "is 24/0"),
            ("out", "expected an integer or one of in, expansion"),
            ("", "has the factor \"\""),
            ("in*", "has the factor \"\""),
            ("in*\u{e9}", "has the factor"),
            ("4294967295*4294967295*4294967295", "is too large"),
            ("in*4294967295", "is too large"),
        ] {
            let error = of(text).expect_err(text);
            assert!(error.contains(says), "{text}: {error}");
        }
    }
}
