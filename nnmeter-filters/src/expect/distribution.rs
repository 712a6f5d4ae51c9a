//! Independent categorical distributions over the options of every choice, given by probabilities or
//! by logits.

use std::ops::Range;

use crate::error::{Error, ErrorKind, Result};

/// How far from 1 probabilities of a choice may add up: what single precision leaves of a softmax.
const TOLERANCE: f64 = 1e-5;

/// Where the options of each choice are in a list of all options of all choices.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Layout(Vec<usize>);

impl Layout {
    pub(super) fn new(cardinalities: &[usize]) -> Self {
        let ends = cardinalities.iter().scan(0, |end, &options| {
            *end += options;
            Some(*end)
        });
        Self(std::iter::once(0).chain(ends).collect())
    }

    pub(super) fn width(&self) -> usize {
        self.0.last().copied().unwrap_or(0)
    }

    pub(super) fn start(&self, choice: usize) -> usize {
        self.0[choice]
    }

    pub(super) fn range(&self, choice: usize) -> Range<usize> {
        self.0[choice]..self.0[choice + 1]
    }

    fn choices(&self) -> impl Iterator<Item = Range<usize>> + '_ {
        self.0.windows(2).map(|ends| ends[0]..ends[1])
    }

    fn check_width(&self, found: usize, what: &str) -> Result<()> {
        if found == self.width() {
            return Ok(());
        }
        let found = format!("has {found} {what}");
        Err(Error::new(ErrorKind::BadDistribution, "distribution", found)
            .expected(format!("{}, one for each option of each choice", self.width())))
    }
}

/// For every choice, the probabilities of its options; choices are independent of each other.
#[derive(Clone, Debug, PartialEq)]
pub struct Distribution {
    layout: Layout,
    values: Vec<f64>,
}

impl Distribution {
    /// The distribution with these probabilities, choice after choice, for choices with so many
    /// options each ([`CostTable::cardinalities`](crate::table::CostTable::cardinalities)). Those of a
    /// choice are divided by their sum, which may be 1e-5 from 1.
    ///
    /// # Errors
    /// [`ErrorKind::BadDistribution`] if there are too many or too few, one is negative or no number,
    /// or those of a choice do not add up to 1.
    pub fn new(cardinalities: &[usize], mut values: Vec<f64>) -> Result<Self> {
        let layout = Layout::new(cardinalities);
        layout.check_width(values.len(), "probabilities")?;
        for (choice, range) in layout.choices().enumerate() {
            let part = &mut values[range];
            let sum: f64 = part.iter().sum();
            let negative = part.iter().find(|value| !(value.is_finite() && **value >= 0.0));
            let found = match negative {
                Some(value) => format!("has a probability of {value}"),
                None if (sum - 1.0).abs() > TOLERANCE => {
                    format!("has probabilities of {sum} in all")
                }
                None => String::new(),
            };
            if !found.is_empty() {
                return Err(Error::new(ErrorKind::BadDistribution, subject(choice), found)
                    .expected("numbers from 0 on that add up to 1"));
            }
            part.iter_mut().for_each(|value| *value /= sum);
        }
        Ok(Self { layout, values })
    }

    /// Every choice takes each of its options with the same probability.
    pub fn uniform(cardinalities: &[usize]) -> Self {
        let share = |&options: &usize| std::iter::repeat_n(1.0 / options as f64, options);
        let values = cardinalities.iter().flat_map(share).collect();
        Self { layout: Layout::new(cardinalities), values }
    }

    /// All probabilities, choice after choice.
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// Where the probabilities of a choice are in [`Distribution::values`].
    ///
    /// # Panics
    /// If there is no such choice.
    pub fn range(&self, choice: usize) -> Range<usize> {
        self.layout.range(choice)
    }

    pub(super) fn layout(&self) -> &Layout {
        &self.layout
    }
}

/// The distribution whose probabilities are the softmax of logits:
/// `p_i = exp(z_i / T) / sum over j of exp(z_j / T)` within each choice, at the temperature `T`.
#[derive(Clone, Debug, PartialEq)]
pub struct Softmax {
    distribution: Distribution,
    temperature: f64,
}

impl Softmax {
    /// The distribution of these logits, choice after choice. A logit of minus infinity makes an
    /// option impossible.
    ///
    /// # Errors
    /// [`ErrorKind::BadDistribution`] if there are too many or too few, one is NaN or plus infinity, all
    /// of a choice are minus infinity, or the temperature is not positive.
    pub fn new(cardinalities: &[usize], logits: &[f64], temperature: f64) -> Result<Self> {
        let layout = Layout::new(cardinalities);
        layout.check_width(logits.len(), "logits")?;
        if !(temperature > 0.0 && temperature.is_finite()) {
            let found = format!("is {temperature}");
            return Err(Error::new(ErrorKind::BadDistribution, "temperature", found)
                .expected("a positive number"));
        }
        let mut values = Vec::with_capacity(logits.len());
        for (choice, range) in layout.choices().enumerate() {
            softmax(&logits[range], temperature, &mut values)
                .map_err(|logit| bad_logit(choice, logit))?;
        }
        Ok(Self { distribution: Distribution { layout, values }, temperature })
    }

    /// The probabilities.
    pub fn distribution(&self) -> &Distribution {
        &self.distribution
    }

    /// A gradient by logit from that by probability, `g`, in the same order:
    /// `p_i / T * (g_i - sum over j of p_j g_j)` within each choice.
    ///
    /// # Panics
    /// If the gradient is not as long as there are logits.
    pub fn by_logit(&self, by_probability: &[f64]) -> Vec<f64> {
        let Distribution { layout, values } = &self.distribution;
        assert_eq!(by_probability.len(), values.len(), "a gradient of another space");
        let mut by_logit = Vec::with_capacity(values.len());
        for range in layout.choices() {
            let parts = || values[range.clone()].iter().zip(&by_probability[range.clone()]);
            let mean: f64 = parts().map(|(p, g)| p * g).sum();
            by_logit.extend(parts().map(|(p, g)| p / self.temperature * (g - mean)));
        }
        by_logit
    }
}

/// Adds the softmax of the logits of one choice to `values`; a logit that is wrong is the error.
fn softmax(logits: &[f64], temperature: f64, values: &mut Vec<f64>) -> Result<(), f64> {
    if let Some(&wrong) = logits.iter().find(|z| z.is_nan() || **z == f64::INFINITY) {
        return Err(wrong);
    }
    let most = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if most == f64::NEG_INFINITY {
        return Err(most);
    }
    let start = values.len();
    values.extend(logits.iter().map(|z| ((z - most) / temperature).exp()));
    let sum: f64 = values[start..].iter().sum();
    values[start..].iter_mut().for_each(|value| *value /= sum);
    Ok(())
}

fn bad_logit(choice: usize, logit: f64) -> Error {
    let found = match logit {
        f64::NEG_INFINITY => "has logits of -inf only".to_owned(),
        _ => format!("has a logit of {logit}"),
    };
    Error::new(ErrorKind::BadDistribution, subject(choice), found)
        .expected("numbers, at least one of them finite")
}

fn subject(choice: usize) -> String {
    format!("distribution of choice {choice}")
}
