//! Bounds on a cost, as people write them: `30ms`, `20ms..30ms`, `20ms..`, `30ms@DEVICE`, `300Mmacs`.

use std::str::FromStr;

use super::{Amount, Cost};
use crate::error::{Error, ErrorKind, Result};

/// Bounds on a cost, in its unit, and the device if one is named.
#[derive(Clone, Debug, PartialEq)]
pub struct Bounds {
    /// What is bounded.
    pub cost: Cost,
    /// The least that is allowed.
    pub lower: Option<f64>,
    /// The most that is allowed, above zero; there is this bound or the lower one.
    pub upper: Option<f64>,
    /// The device that they are for, as they name it.
    pub device: Option<String>,
    /// As they were written.
    text: String,
}

impl FromStr for Bounds {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let (range, device) = match text.split_once('@') {
            Some((range, device)) => (range, Some(device.trim().to_owned())),
            None => (text, None),
        };
        let (low, high) = range.split_once("..").unwrap_or(("", range));
        let (low, high) = (side(low)?, side(high)?);
        let Some(Amount { cost, .. }) = high.or(low) else {
            return Err(bad(text, "has no bound").expected("one as in 30ms, 20ms..30ms or 20ms.."));
        };
        if low.is_some_and(|low| low.cost != cost) {
            return Err(bad(text, "bounds two costs").expected("two bounds of the same cost"));
        }
        let (lower, upper) = (low.map(|low| low.value), high.map(|high| high.value));
        let bounds = Self { cost, lower, upper, device, text: text.to_owned() };
        bounds.checked()
    }
}

/// A side of a range; nothing is no bound.
fn side(text: &str) -> Result<Option<Amount>> {
    if text.trim().is_empty() { Ok(None) } else { text.trim().parse().map(Some) }
}

fn bad(text: &str, found: &str) -> Error {
    Error::new(ErrorKind::BadBudget, format!("budget {text:?}"), found)
}

impl Bounds {
    fn checked(self) -> Result<Self> {
        if self.device.is_some() && !self.cost.is_of_device() {
            let found = format!("names a device, and {} are the same on all", self.cost);
            return Err(self.bad(&found).expected("a budget without @"));
        }
        if self.device.as_deref() == Some("") {
            return Err(self.bad("names no device after @").expected("its name"));
        }
        if self.upper.is_some_and(|upper| upper <= 0.0) {
            return Err(self.bad("allows nothing").expected("a budget above zero"));
        }
        if let (Some(low), Some(high)) = (self.lower, self.upper)
            && low > high
        {
            let expected = "a lower bound that does not exceed the upper one";
            return Err(self.bad("is empty").expected(expected));
        }
        Ok(self)
    }

    /// An error about these bounds.
    pub(super) fn bad(&self, found: &str) -> Error {
        bad(&self.text, found)
    }

    /// As they were written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The upper bound, where there may be no other, of `cost` on the one device in question.
    ///
    /// # Errors
    /// [`ErrorKind::BadBudget`] if they are of another cost, name a device or have a lower bound.
    pub fn only_upper(&self, cost: Cost) -> Result<f64> {
        if self.cost != cost {
            let found = format!("is of {}, and {cost} is asked for", self.cost);
            return Err(self.bad(&found).expected(format!("a budget of {cost}")));
        }
        match (&self.device, self.lower, self.upper) {
            (None, None, Some(upper)) => Ok(upper),
            (Some(_), ..) => Err(self.bad("names a device").expected("a budget without @")),
            _ => Err(self.bad("has a lower bound").expected("an upper bound alone")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_are_read() {
        for (text, cost, lower, upper, device) in [
            ("30ms", Cost::Latency, None, Some(30.0), None),
            ("20ms..0.03s", Cost::Latency, Some(20.0), Some(30.0), None),
            ("20ms .. 30 ms @ phone", Cost::Latency, Some(20.0), Some(30.0), Some("phone")),
            ("20ms..@phone@1.0", Cost::Latency, Some(20.0), None, Some("phone@1.0")),
            ("..12mJ@./my.nnmeter", Cost::Energy, None, Some(12.0), Some("./my.nnmeter")),
            ("250Mmacs..300Mmacs", Cost::Macs, Some(2.5e8), Some(3e8), None),
        ] {
            let device = device.map(str::to_owned);
            let expected = Bounds { text: text.to_owned(), cost, lower, upper, device };
            assert_eq!(text.parse::<Bounds>().expect(text), expected);
        }
        for text in [
            "",
            "..",
            "@phone",
            "30",
            "20..30ms",
            "30ms..20ms",
            "1ms..2ms..3ms",
            "1ms..2mJ",
            "0ms",
            "-1ms",
            "30ms@",
            "3Mmacs@phone",
        ] {
            assert_eq!(text.parse::<Bounds>().expect_err(text).kind(), ErrorKind::BadBudget);
        }
    }

    #[test]
    fn one_upper_bound_may_be_asked_for() {
        let upper = |text: &str| text.parse::<Bounds>().expect(text).only_upper(Cost::Latency);
        assert_eq!(upper("0.03s").expect("it is one"), 30.0);
        for text in ["12mJ", "20ms..30ms", "20ms..", "30ms@phone"] {
            assert_eq!(upper(text).expect_err(text).kind(), ErrorKind::BadBudget);
        }
    }
}
