//! Options that a backend is opened with: names and values as a command line gives them.

use std::collections::BTreeMap;
use std::str::FromStr;

use crate::error::{Error, ErrorKind, Result};
use crate::suggest;

/// Names and values, in the order of the names. What they mean, each backend says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options(BTreeMap<String, String>);

impl Options {
    /// The value of an option.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// The value of an option as a number, say, or `default` if it is not given.
    ///
    /// # Errors
    /// [`ErrorKind::BadData`] if it is of another form.
    pub fn parse<T: FromStr>(&self, name: &str, default: T) -> Result<T> {
        let Some(text) = self.get(name) else { return Ok(default) };
        text.parse().map_err(|_| {
            let type_name = std::any::type_name::<T>();
            Error::new(ErrorKind::BadData, format!("option {name:?}"), format!("is {text:?}"))
                .expected(format!("a value of type {type_name}"))
        })
    }

    /// Checks that there are no options but those called `known`: one that is misspelt must not go
    /// unheard.
    ///
    /// # Errors
    /// [`ErrorKind::UnknownBackend`], with what may have been meant.
    pub fn check_names(&self, known: &[&str]) -> Result<()> {
        let Some(name) = self.0.keys().find(|name| !known.contains(&name.as_str())) else {
            return Ok(());
        };
        let subject = format!("option {name:?}");
        let error = Error::new(ErrorKind::UnknownBackend, subject, "is not known");
        let error = match known {
            [] => error.expected("no options"),
            _ => error.expected(format!("one of {}", known.join(", "))),
        };
        Err(match suggest::nearest(name, known) {
            Some(nearest) => error.hint(format!("did you mean {nearest}?")),
            None => error,
        })
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

impl<N: Into<String>, V: Into<String>> FromIterator<(N, V)> for Options {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(pairs: I) -> Self {
        Self(pairs.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_read_and_slips_are_told() {
        let options: Options = [("threads", "4"), ("size", "big")].into_iter().collect();
        assert_eq!(options.parse("threads", 1).expect("a number"), 4);
        assert_eq!(options.parse("rounds", 7).expect("absent"), 7);
        let error = options.parse("size", 1u32).expect_err("no number");
        assert_eq!(error.to_string(), "option \"size\": is \"big\"; expected a value of type u32");
        options.check_names(&["size", "threads"]).expect("both are known");
        let error = options.check_names(&["size", "thread"]).expect_err("one is not");
        assert_eq!(error.advice(), Some("did you mean thread?"));
    }
}
