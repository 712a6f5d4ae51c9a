//! Samples: one option for each choice of a space.

use std::ops::Deref;

use serde_json::{Map, Value as Json};

use super::{Choice, SearchSpace};
use crate::error::{Error, ErrorKind, Result};
use crate::random::Random;

/// A sample of a search space: the index of an option for each choice, in the order of
/// [`SearchSpace::choices`]. Made by its space, which checks it once.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Sample(Vec<u8>);

impl Deref for Sample {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl Sample {
    /// The sample with these options, which the caller knows to be right for the space.
    pub(crate) fn of(options: Vec<u8>) -> Self {
        Self(options)
    }

    /// This sample with another option for one choice.
    ///
    /// # Panics
    /// If there is no such choice. That the choice has such an option is for the caller to know.
    #[must_use]
    pub fn with(&self, choice: usize, option: u8) -> Self {
        let mut changed = self.clone();
        changed.0[choice] = option;
        changed
    }
}

impl SearchSpace {
    /// The sample with these options.
    ///
    /// # Errors
    /// [`ErrorKind::BadSample`] if there are too many or too few, or a choice has fewer options.
    pub fn sample(&self, options: &[u8]) -> Result<Sample> {
        let choices = self.choices();
        if options.len() != choices.len() {
            let found = format!("has options for {} choices", options.len());
            return Err(Error::new(ErrorKind::BadSample, "sample", found)
                .expected(format!("{}, as many as the space has", choices.len())));
        }
        for (choice, &option) in choices.iter().zip(options) {
            if usize::from(option) >= choice.options.len() {
                return Err(bad_option(choice, &option.to_string())
                    .expected(format!("an index below {}", choice.options.len())));
            }
        }
        Ok(Sample(options.to_vec()))
    }

    /// A sample in which every choice takes each of its options with the same probability. Where
    /// choices may be without effect this is not uniform over architectures.
    pub fn random_sample(&self, random: &mut Random) -> Sample {
        let pick = |choice: &Choice| random.below(choice.options.len() as u64) as u8;
        Sample(self.choices().iter().map(pick).collect())
    }

    /// The same architecture with the first option for every choice that has no effect on it: equal
    /// for samples that differ in nothing else.
    #[must_use]
    pub fn canonical(&self, sample: &Sample) -> Sample {
        let active = |(activity, &option): (&super::Activity, &u8)| {
            if activity.holds(sample) { option } else { 0 }
        };
        Sample(self.activity().iter().zip(sample.iter()).map(active).collect())
    }

    /// By choice: the name of the option that a sample takes, `None` where the choice has no effect.
    ///
    /// # Panics
    /// If the sample is of another space and does not fit this one.
    pub fn option_names<'a>(
        &'a self,
        sample: &'a Sample,
    ) -> impl Iterator<Item = Option<&'a str>> + 'a {
        let choices = self.choices().iter().zip(self.activity());
        choices.zip(sample.iter()).map(|((choice, activity), &option)| {
            activity.holds(sample).then(|| choice.options[usize::from(option)].as_str())
        })
    }

    /// All samples in lexical order, those included that differ in choices without effect.
    pub fn samples(&self) -> impl Iterator<Item = Sample> + '_ {
        let first = Some(Sample(vec![0; self.choices().len()]));
        std::iter::successors(first, |sample| self.next_sample(sample))
    }

    fn next_sample(&self, sample: &Sample) -> Option<Sample> {
        let mut next = sample.clone();
        for (option, choice) in next.0.iter_mut().zip(self.choices()).rev() {
            if usize::from(*option) + 1 < choice.options.len() {
                *option += 1;
                return Some(next);
            }
            *option = 0;
        }
        None
    }

    /// A sample from an object of option names (or numbers) by choice names. Choices that have no
    /// effect given the others may be left out.
    ///
    /// # Errors
    /// [`ErrorKind::BadSample`] if a choice or an option is not known, or one is missing.
    pub fn sample_from_json(&self, json: &Json) -> Result<Sample> {
        let Json::Object(map) = json else {
            return Err(Error::new(ErrorKind::BadSample, "sample", "is not an object")
                .expected("{\"choice\": \"option\", ...}"));
        };
        if let Some(name) = map.keys().find(|name| self.choice(name).is_none()) {
            let names: Vec<&str> = self.choices().iter().map(|c| c.name.as_str()).collect();
            return Err(Error::new(ErrorKind::BadSample, format!("choice {name:?}"), "is unknown")
                .expected(format!("one of {}", names.join(", "))));
        }
        let option = |choice: &Choice| match map.get(&choice.name) {
            Some(label) => option_of(choice, label),
            None => Ok(0),
        };
        let sample = Sample(self.choices().iter().map(option).collect::<Result<_>>()?);
        let missing = |(choice, activity): &(&Choice, &super::Activity)| {
            !map.contains_key(&choice.name) && activity.holds(&sample)
        };
        match self.choices().iter().zip(self.activity()).find(missing) {
            None => Ok(sample),
            Some((choice, _)) => Err(subject(choice, "is missing").expected(options(choice))),
        }
    }

    /// A sample as an object of options by choice names. Options whose names are integers are
    /// numbers.
    pub fn sample_to_json(&self, sample: &Sample) -> Json {
        let entry = |(choice, &option): (&Choice, &u8)| {
            (choice.name.clone(), option_json(&choice.options[usize::from(option)]))
        };
        Json::Object(self.choices().iter().zip(sample.iter()).map(entry).collect::<Map<_, _>>())
    }
}

/// An option's name as JSON: a number where it reads as an integer.
pub(super) fn option_json(option: &str) -> Json {
    match option.parse::<i64>() {
        Ok(integer) if integer.to_string() == option => integer.into(),
        _ => option.into(),
    }
}

fn option_of(choice: &Choice, label: &Json) -> Result<u8> {
    let name = match label {
        Json::String(text) => text.clone(),
        other => other.to_string(),
    };
    let index = choice.options.iter().position(|option| *option == name);
    let index = index.and_then(|index| u8::try_from(index).ok());
    index.ok_or_else(|| bad_option(choice, &name).expected(options(choice)))
}

fn bad_option(choice: &Choice, option: &str) -> Error {
    subject(choice, &format!("has no option {option}"))
}

fn subject(choice: &Choice, found: &str) -> Error {
    Error::new(ErrorKind::BadSample, format!("choice {:?}", choice.name), found)
}

fn options(choice: &Choice) -> String {
    format!("one of {}", choice.options.join(", "))
}
