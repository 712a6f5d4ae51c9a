//! Numbers, shapes and paddings as nn-Meter IR files spell them. Not what they are for.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, SeqAccess, Visitor};
use smallvec::SmallVec;

use crate::tensor::KEPT_ELEMENTS;

/// Integers: one, or a list whose nesting does not matter. An unknown one is -1.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Ints(pub(super) SmallVec<[i64; 4]>);

/// Shapes of a node's inputs or outputs. A single shape may stand without its outer list.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Shapes(pub(super) SmallVec<[Ints; 2]>);

/// The padding: a rule's name, or amounts.
#[derive(Clone, Debug)]
pub(super) enum TextOrInts<'a> {
    Text(Cow<'a, str>),
    Ints(Ints),
}

/// Values of a constant. Values that are not numbers, or too many, are counted and not kept.
#[derive(Clone, Debug, Default)]
pub(super) struct Numbers {
    pub(super) values: Vec<f64>,
    pub(super) integral: bool,
    pub(super) complete: bool,
}

/// Something that numbers, however nested, can be pushed to.
trait Sink: Default {
    const EXPECTED: &'static str;
    fn int(&mut self, value: i64);
    fn float<E: serde::de::Error>(&mut self, value: f64) -> Result<(), E>;
    fn text<E: serde::de::Error>(&mut self, text: &str) -> Result<(), E> {
        Err(E::invalid_type(serde::de::Unexpected::Str(text), &Self::EXPECTED))
    }
}

impl Sink for Ints {
    const EXPECTED: &'static str = "an integer or a list of integers";

    fn int(&mut self, value: i64) {
        self.0.push(value);
    }

    fn float<E: serde::de::Error>(&mut self, value: f64) -> Result<(), E> {
        if value.fract() != 0.0 || value.abs() >= 9e15 {
            return Err(E::invalid_value(serde::de::Unexpected::Float(value), &Self::EXPECTED));
        }
        self.0.push(value as i64);
        Ok(())
    }
}

impl Sink for Numbers {
    const EXPECTED: &'static str = "a number or a list of numbers";

    fn int(&mut self, value: i64) {
        self.push(value as f64, true);
    }

    fn float<E: serde::de::Error>(&mut self, value: f64) -> Result<(), E> {
        self.push(value, false);
        Ok(())
    }

    fn text<E: serde::de::Error>(&mut self, _: &str) -> Result<(), E> {
        self.complete = false;
        Ok(())
    }
}

impl Numbers {
    fn push(&mut self, value: f64, integral: bool) {
        if self.values.is_empty() {
            (self.integral, self.complete) = (true, true);
        }
        self.integral &= integral;
        if self.values.len() < KEPT_ELEMENTS {
            self.values.push(value);
        } else {
            self.complete = false;
        }
    }
}

/// Feeds what it visits into a sink.
struct Feed<'s, S>(&'s mut S);

impl<'de, S: Sink> serde::de::DeserializeSeed<'de> for Feed<'_, S> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, S: Sink> Visitor<'de> for Feed<'_, S> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(S::EXPECTED)
    }

    fn visit_i64<E>(self, value: i64) -> Result<(), E> {
        self.0.int(value);
        Ok(())
    }

    fn visit_u64<E>(self, value: u64) -> Result<(), E> {
        self.0.int(i64::try_from(value).unwrap_or(i64::MAX));
        Ok(())
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<(), E> {
        self.0.float(value)
    }

    fn visit_bool<E>(self, value: bool) -> Result<(), E> {
        self.0.int(value.into());
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        self.0.int(-1);
        Ok(())
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<(), E> {
        self.0.text(text)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        while seq.next_element_seed(Feed(&mut *self.0))?.is_some() {}
        Ok(())
    }
}

impl<'de> Deserialize<'de> for Ints {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut ints = Ints::default();
        deserializer.deserialize_any(Feed(&mut ints))?;
        Ok(ints)
    }
}

impl<'de> Deserialize<'de> for Numbers {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut numbers = Numbers::default();
        deserializer.deserialize_any(Feed(&mut numbers))?;
        Ok(numbers)
    }
}

impl<'de> Deserialize<'de> for Shapes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ShapesVisitor)
    }
}

struct ShapesVisitor;

impl<'de> Visitor<'de> for ShapesVisitor {
    type Value = Shapes;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of shapes")
    }

    fn visit_unit<E>(self) -> Result<Shapes, E> {
        Ok(Shapes::default())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Shapes, A::Error> {
        let mut shapes = Shapes::default();
        let mut flat = Ints::default();
        while let Some(item) = seq.next_element::<Item>()? {
            match item {
                Item::Shape(shape) => shapes.0.push(shape),
                Item::Extent(extent) => flat.0.push(extent),
            }
        }
        if !flat.0.is_empty() {
            shapes.0.push(flat);
        }
        Ok(shapes)
    }
}

/// An element of a list of shapes that may be a single shape.
enum Item {
    Shape(Ints),
    Extent(i64),
}

impl<'de> Deserialize<'de> for Item {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ItemVisitor)
    }
}

struct ItemVisitor;

impl<'de> Visitor<'de> for ItemVisitor {
    type Value = Item;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a shape or an extent")
    }

    fn visit_i64<E>(self, value: i64) -> Result<Item, E> {
        Ok(Item::Extent(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Item, E> {
        Ok(Item::Extent(i64::try_from(value).unwrap_or(i64::MAX)))
    }

    fn visit_unit<E>(self) -> Result<Item, E> {
        Ok(Item::Extent(-1))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Item, A::Error> {
        let mut ints = Ints::default();
        while seq.next_element_seed(Feed(&mut ints))?.is_some() {}
        Ok(Item::Shape(ints))
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for TextOrInts<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(PaddingVisitor)
    }
}

struct PaddingVisitor;

impl<'de> Visitor<'de> for PaddingVisitor {
    type Value = TextOrInts<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a padding rule, or amounts")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(TextOrInts::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(TextOrInts::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Self::Value, E> {
        let value = i64::try_from(value).unwrap_or(i64::MAX);
        Ok(TextOrInts::Ints(Ints(SmallVec::from_slice(&[value]))))
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(TextOrInts::Ints(Ints::default()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut ints = Ints::default();
        while seq.next_element_seed(Feed(&mut ints))?.is_some() {}
        Ok(TextOrInts::Ints(ints))
    }
}

/// The values of a constant as integers.
pub(super) fn integers(numbers: &Numbers) -> SmallVec<[i64; 4]> {
    numbers.values.iter().map(|&value| value as i64).collect()
}
