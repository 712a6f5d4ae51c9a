//! Samples as they travel: an array of option indices, an object of option names, or many packed as
//! base64 of a byte for each choice, sample after sample.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use nnmeter_filters::space::{Sample, SearchSpace};
use nnmeter_filters::table::Batch;
use serde::Deserialize;
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
    let index = |option: &Value| option.as_u64().and_then(|index| u8::try_from(index).ok());
    let options: Option<Vec<u8>> = options.iter().map(index).collect();
    let options = options.ok_or_else(|| {
        Error::new(ErrorKind::BadSample, "sample", "holds something that is no index of an option")
            .expected("an index from 0 on for each choice")
    })?;
    Ok(space.sample(&options)?)
}

/// Reads many samples.
///
/// # Errors
/// [`ErrorKind::BadSample`] if one is none of the space, [`ErrorKind::TooLarge`] if they are too many.
pub(super) fn read_many(space: &SearchSpace, samples: &Value) -> Result<Batch> {
    match samples {
        Value::Array(samples) => {
            check_count(samples.len())?;
            let mut batch = Batch::new(space);
            for (index, sample) in samples.iter().enumerate() {
                let place = || format!("samples[{index}]");
                batch.push(&read(space, sample).map_err(|error| error.within(place()))?);
            }
            Ok(batch)
        }
        Value::String(packed) => unpack(space, packed),
        _ => Err(Error::new(ErrorKind::InvalidParams, "samples", "are of the wrong type")
            .expected("an array of samples, or text of base64")),
    }
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
    let column = |choice: usize| bytes[choice..].iter().step_by(width).copied().collect();
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
