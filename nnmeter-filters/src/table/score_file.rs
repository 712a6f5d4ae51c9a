//! Scores as a file gives them: a number for each option of each choice, as JSON or CSV.
//!
//! ```text
//! {"block 1": {"k3": 0.12, "k5": 0.15}, "block 2": {"k3": 0.08, "k5": 0.11}}
//!
//! choice,option,score
//! block 1,k3,0.12
//! block 1,k5,0.15
//! ```
//!
//! Every option needs a score: one left out is an error, not a zero. Columns come in any order.

use nnmeter_hardware::csv::Records;
use serde_json::{Map, Value};

use super::CostTable;
use crate::error::{Error, ErrorKind, Result};
use crate::space::SearchSpace;

/// The columns of CSV.
const COLUMNS: [&str; 3] = ["choice", "option", "score"];

impl CostTable {
    /// The [additive](CostTable::additive) scores that the bytes of a file give: JSON, an object of
    /// objects of scores by choice and option; or CSV with the columns `choice`, `option` and `score`.
    ///
    /// # Errors
    /// [`ErrorKind::BadScores`] if it is neither, or names what the space does not have, or leaves an
    /// option out or has it twice; and as [`CostTable::additive`].
    pub fn scores_from_file(space: &SearchSpace, bytes: &[u8]) -> Result<Self> {
        let text = std::str::from_utf8(bytes).map_err(|error| bad("scores", error.to_string()))?;
        let mut given = Given::new(space);
        match text.trim_start().starts_with('{') {
            true => given.read_json(text)?,
            false => given.read_csv(text)?,
        }
        Self::additive(space, &given.complete()?)
    }
}

fn bad(subject: impl Into<String>, found: impl Into<String>) -> Error {
    Error::new(ErrorKind::BadScores, subject, found)
}

/// The scores as far as they have been read.
struct Given<'a> {
    space: &'a SearchSpace,
    scores: Vec<Vec<Option<f64>>>,
}

impl<'a> Given<'a> {
    fn new(space: &'a SearchSpace) -> Self {
        let none = |choice: &crate::space::Choice| vec![None; choice.options.len()];
        Self { space, scores: space.choices().iter().map(none).collect() }
    }

    fn read_json(&mut self, text: &str) -> Result<()> {
        let choices: Map<String, Value> = serde_json::from_str(text)
            .map_err(|error| bad("scores", format!("are not JSON: {error}")))?;
        for (choice, options) in &choices {
            self.choice(choice)?;
            let Value::Object(options) = options else {
                return Err(bad(format!("choice {choice:?}"), "is not an object")
                    .expected("an object of scores by option"));
            };
            for (option, score) in options {
                self.give(choice, option, score.as_f64(), &score.to_string())?;
            }
        }
        Ok(())
    }

    fn read_csv(&mut self, text: &str) -> Result<()> {
        let mut records = Records::new(text);
        let (line, header) =
            records.next().transpose()?.ok_or_else(|| columns_wrong(1, "is empty"))?;
        let place = |name: &str| header.iter().position(|column| column.trim() == name);
        let places: Option<Vec<usize>> = COLUMNS.into_iter().map(place).collect();
        let places = places.filter(|places| places.len() == header.len());
        let places = places.ok_or_else(|| columns_wrong(line, "is not the header"))?;
        for record in records {
            let (line, fields) = record?;
            let cells = places.iter().map(|&place| fields.get(place).map(|cell| cell.trim()));
            let cells: Option<Vec<&str>> = cells.collect();
            let Some(&[choice, option, score]) = cells.as_deref() else {
                return Err(columns_wrong(line, "has other fields"));
            };
            let given = self.give(choice, option, score.parse().ok(), score);
            given.map_err(|error| error.within(format!("line {line}")))?;
        }
        Ok(())
    }

    fn give(&mut self, choice: &str, option: &str, score: Option<f64>, text: &str) -> Result<()> {
        let index = self.choice(choice)?;
        let options = &self.space.choices()[index].options;
        let subject = || format!("choice {choice:?}, option {option:?}");
        let Some(place) = options.iter().position(|name| name == option) else {
            return Err(
                bad(subject(), "is unknown").expected(format!("one of {}", options.join(", ")))
            );
        };
        let score = score.filter(|score| score.is_finite());
        let score = score.ok_or_else(|| {
            bad(subject(), format!("has the score {text}")).expected("a finite number")
        })?;
        match self.scores[index][place].replace(score) {
            None => Ok(()),
            Some(_) => Err(bad(subject(), "has a second score")),
        }
    }

    fn choice(&self, name: &str) -> Result<usize> {
        self.space.choice(name).ok_or_else(|| {
            let names = self.space.choices().iter().map(|choice| choice.name.as_str());
            let names: Vec<&str> = names.collect();
            bad(format!("choice {name:?}"), "is unknown")
                .expected(format!("one of {}", names.join(", ")))
        })
    }

    fn complete(self) -> Result<Vec<Vec<f64>>> {
        let choices = self.space.choices().iter().zip(self.scores);
        let of = |(choice, scores): (&crate::space::Choice, Vec<Option<f64>>)| {
            let scores = choice.options.iter().zip(scores);
            let missing = |option| {
                bad(format!("choice {:?}, option {option:?}", choice.name), "has no score")
                    .expected("a score for every option")
                    .hint("an option that does not matter has the score 0")
            };
            scores.map(|(option, score)| score.ok_or_else(|| missing(option))).collect()
        };
        choices.map(of).collect()
    }
}

fn columns_wrong(line: usize, found: &str) -> Error {
    bad(format!("scores, line {line}"), found)
        .expected("the columns choice, option and score")
        .hint("or JSON: {\"choice\": {\"option\": 0.5, ...}, ...}")
}
