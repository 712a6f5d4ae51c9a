//! Attributes of nodes that are written, each with its type code.

use crate::import::onnx::attributes::kind;
use crate::import::onnx::proto::{Attribute, Tensor};

/// Attributes of a node, in the order they were given.
#[derive(Default)]
pub(super) struct Attributes(Vec<Attribute>);

impl Attributes {
    /// Adds an integer.
    pub(super) fn int(self, name: &str, value: i64) -> Self {
        self.with(name, Attribute { i: value, kind: kind::INT, ..Attribute::default() })
    }

    /// Adds a switch that is off unless it is said to be on.
    pub(super) fn flag(self, name: &str, on: bool) -> Self {
        if on { self.int(name, 1) } else { self }
    }

    /// Adds a float.
    pub(super) fn float(self, name: &str, value: f32) -> Self {
        self.with(name, Attribute { f: value, kind: kind::FLOAT, ..Attribute::default() })
    }

    /// Adds text.
    pub(super) fn text(self, name: &str, value: &'static str) -> Self {
        let attribute = Attribute { s: value.into(), kind: kind::STRING, ..Attribute::default() };
        self.with(name, attribute)
    }

    /// Adds a tensor.
    pub(super) fn tensor(self, name: &str, value: Tensor) -> Self {
        let t = Some(Box::new(value));
        self.with(name, Attribute { t, kind: kind::TENSOR, ..Attribute::default() })
    }

    /// Adds a list of integers, unless it is empty: then the default holds.
    pub(super) fn ints(self, name: &str, values: impl IntoIterator<Item = usize>) -> Self {
        let ints: Vec<i64> = values.into_iter().map(|value| value as i64).collect();
        if ints.is_empty() {
            return self;
        }
        self.with(name, Attribute { ints, kind: kind::INTS, ..Attribute::default() })
    }

    /// As the format has them.
    pub(super) fn into_inner(self) -> Vec<Attribute> {
        self.0
    }

    fn with(mut self, name: &str, attribute: Attribute) -> Self {
        self.0.push(Attribute { name: name.to_owned(), ..attribute });
        self
    }
}
