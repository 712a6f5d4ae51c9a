//! Samples as they travel: an array of option indices, an object of option names, or many packed as
//! base64 of a byte for each choice, sample after sample.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use nnmeter_filters::space::{Sample, SearchSpace};
use nnmeter_filters::table::Batch;
use serde::de::value::MapAccessDeserializer;
use serde::de::{self, DeserializeSeed, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};

use super::limits::MOST_SAMPLES;
use crate::error::{Error, ErrorKind, Result};

/// The form in which samples are answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Form {
    /// Arrays of option indices.
    #[default]
    Indices,
    /// Objects of option names by choice names.
    Names,
    /// One text of base64: a byte for each choice, sample after sample.
    Packed,
}

/// Reads one sample.
///
/// # Errors
/// [`ErrorKind::BadSample`] if it is none of the space.
pub(super) fn read(space: &SearchSpace, sample: &Value) -> Result<Sample> {
    let Value::Array(options) = sample else { return Ok(space.sample_from_json(sample)?) };
    let options: Option<Vec<u8>> = options.iter().map(index).collect();
    let options = options.ok_or_else(|| {
        Error::new(ErrorKind::BadSample, "sample", "holds something that is no index of an option")
            .expected("an index from 0 on for each choice")
    })?;
    Ok(space.sample(&options)?)
}

/// Many samples as they are given, before it is known of which space. Rows of indices, which are what
/// there may be millions of, are numbers at once and never JSON values.
#[derive(Debug)]
pub(super) enum Given {
    /// An array of samples.
    Rows(Rows),
    /// Text of base64.
    Packed(String),
}

/// See [`Given::Rows`].
#[derive(Debug, Default)]
pub(super) struct Rows {
    /// Of all rows of indices, one after the other.
    options: Vec<u8>,
    rows: Vec<Row>,
}

#[derive(Debug)]
enum Row {
    /// So many of the options.
    Indices(usize),
    /// Names of options; or what is no sample.
    Other(Value),
}

/// Reads many samples.
///
/// # Errors
/// [`ErrorKind::BadSample`] if one is none of the space, [`ErrorKind::TooLarge`] if they are too many.
pub(super) fn read_many(space: &SearchSpace, samples: &Given) -> Result<Batch> {
    match samples {
        Given::Packed(packed) => unpack(space, packed),
        Given::Rows(rows) => {
            check_count(rows.rows.len())?;
            let width = space.choices().len();
            let is_plain = |row: &Row| matches!(row, Row::Indices(count) if *count == width);
            if width > 0 && rows.rows.iter().all(is_plain) {
                // One that is none of the space is found again row by row, to be named.
                if let Ok(batch) = by_columns(space, &rows.options) {
                    return Ok(batch);
                }
            }
            rows.one_by_one(space)
        }
    }
}

impl Rows {
    fn one_by_one(&self, space: &SearchSpace) -> Result<Batch> {
        let mut batch = Batch::new(space);
        let mut left = &self.options[..];
        for (index, row) in self.rows.iter().enumerate() {
            let sample = match row {
                Row::Indices(count) => {
                    let (own, rest) = left.split_at(*count);
                    left = rest;
                    space.sample(own).map_err(Error::from)
                }
                Row::Other(value) => read(space, value),
            };
            batch.push(&sample.map_err(|error| error.within(format!("samples[{index}]")))?);
        }
        Ok(batch)
    }
}

impl<'de> Deserialize<'de> for Given {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(GivenVisitor)
    }
}

struct GivenVisitor;

impl<'de> Visitor<'de> for GivenVisitor {
    type Value = Given;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of samples, or text of base64")
    }

    fn visit_str<E: de::Error>(self, packed: &str) -> Result<Given, E> {
        Ok(Given::Packed(packed.to_owned()))
    }

    fn visit_string<E: de::Error>(self, packed: String) -> Result<Given, E> {
        Ok(Given::Packed(packed))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut samples: A) -> Result<Given, A::Error> {
        let mut given = Rows::default();
        while let Some(row) = samples.next_element_seed(RowSeed(&mut given.options))? {
            given.rows.push(row);
        }
        Ok(Given::Rows(given))
    }
}

/// Reads a row, and its indices into the list.
struct RowSeed<'a>(&'a mut Vec<u8>);

impl<'de> DeserializeSeed<'de> for RowSeed<'_> {
    type Value = Row;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Row, D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for RowSeed<'_> {
    type Value = Row;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a sample: an array of indices, or an object of names")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Row, A::Error> {
        let start = self.0.len();
        while let Some(element) = elements.next_element::<Value>()? {
            if let Some(index) = index(&element) {
                self.0.push(index);
                continue;
            }
            let mut row: Vec<Value> = self.0.drain(start..).map(Value::from).collect();
            row.push(element);
            while let Some(element) = elements.next_element()? {
                row.push(element);
            }
            return Ok(Row::Other(Value::Array(row)));
        }
        Ok(Row::Indices(self.0.len() - start))
    }

    fn visit_map<A: MapAccess<'de>>(self, names: A) -> Result<Row, A::Error> {
        Value::deserialize(MapAccessDeserializer::new(names)).map(Row::Other)
    }
}

fn index(option: &Value) -> Option<u8> {
    option.as_u64().and_then(|index| u8::try_from(index).ok())
}

fn unpack(space: &SearchSpace, packed: &str) -> Result<Batch> {
    let wrong = |found: String| Error::new(ErrorKind::BadSample, "samples", found);
    let bytes =
        STANDARD.decode(packed).map_err(|error| wrong(format!("are no base64: {error}")))?;
    let width = space.choices().len();
    if width == 0 || !bytes.len().is_multiple_of(width) {
        return Err(wrong(format!("have {} bytes", bytes.len()))
            .expected(format!("a multiple of {width}, a byte for each choice")));
    }
    check_count(bytes.len() / width)?;
    by_columns(space, &bytes)
}

/// Samples from their options, sample after sample.
fn by_columns(space: &SearchSpace, options: &[u8]) -> Result<Batch> {
    let width = space.choices().len();
    let column = |choice: usize| options.iter().skip(choice).step_by(width).copied().collect();
    Ok(Batch::from_columns(space, (0..width).map(column).collect())?)
}

/// Whether a request may be about so many samples.
///
/// # Errors
/// [`ErrorKind::TooLarge`] if not.
pub(super) fn check_count(count: usize) -> Result<()> {
    if count <= MOST_SAMPLES {
        return Ok(());
    }
    Err(Error::new(ErrorKind::TooLarge, "samples", format!("are {count}"))
        .expected(format!("at most {MOST_SAMPLES} in a request")))
}

/// Samples in the form that is asked for.
pub(super) fn write(space: &SearchSpace, samples: &[Sample], form: Form) -> Value {
    match form {
        Form::Indices => samples.iter().map(|sample| json!(sample[..])).collect(),
        Form::Names => samples.iter().map(|sample| space.sample_to_json(sample)).collect(),
        Form::Packed => {
            let bytes: Vec<u8> = samples.iter().flat_map(|sample| sample.iter().copied()).collect();
            STANDARD.encode(bytes).into()
        }
    }
}
