//! Many samples at once, choice by choice (a structure of arrays).

use crate::error::{Error, ErrorKind, Result};
use crate::space::{Sample, SearchSpace};

/// Samples of one space: for every choice, a column of the options that the samples take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    cardinalities: Vec<usize>,
    columns: Vec<Vec<u8>>,
    len: usize,
}

impl Batch {
    /// No samples, of `space`.
    pub fn new(space: &SearchSpace) -> Self {
        let cardinalities: Vec<usize> = space.choices().iter().map(|c| c.options.len()).collect();
        Self { columns: vec![Vec::new(); cardinalities.len()], cardinalities, len: 0 }
    }

    /// The samples whose options are given in a column for each choice of `space`.
    ///
    /// # Errors
    /// [`ErrorKind::BadSample`] if there is not a column for each choice, columns are not equally
    /// long, or hold an option that their choice does not have.
    pub fn from_columns(space: &SearchSpace, columns: Vec<Vec<u8>>) -> Result<Self> {
        if columns.len() != space.choices().len() {
            let found = format!("has {} columns", columns.len());
            return Err(Error::new(ErrorKind::BadSample, "batch", found)
                .expected(format!("{}, one for each choice", space.choices().len())));
        }
        let len = columns.first().map_or(0, Vec::len);
        for (choice, column) in space.choices().iter().zip(&columns) {
            let subject = || format!("choice {:?}", choice.name);
            if column.len() != len {
                let found = format!("has a column of {} options", column.len());
                return Err(Error::new(ErrorKind::BadSample, subject(), found)
                    .expected(format!("{len}, as the first column")));
            }
            if let Some(option) = column.iter().find(|&&o| usize::from(o) >= choice.options.len()) {
                let found = format!("has no option {option}");
                return Err(Error::new(ErrorKind::BadSample, subject(), found)
                    .expected(format!("an index below {}", choice.options.len())));
            }
        }
        Ok(Self { columns, len, ..Self::new(space) })
    }

    /// Adds a sample.
    ///
    /// # Panics
    /// If it is of another space and does not fit this one.
    pub fn push(&mut self, sample: &Sample) {
        assert_eq!(sample.len(), self.columns.len(), "a sample of another space");
        for ((column, &option), &options) in
            self.columns.iter_mut().zip(sample.iter()).zip(&self.cardinalities)
        {
            assert!(usize::from(option) < options, "a sample of another space");
            column.push(option);
        }
        self.len += 1;
    }

    /// Number of samples.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The options that the samples take for a choice.
    ///
    /// # Panics
    /// If there is no such choice.
    pub fn column(&self, choice: usize) -> &[u8] {
        &self.columns[choice]
    }

    pub(super) fn cardinalities(&self) -> &[usize] {
        &self.cardinalities
    }
}
