//! The ranges of NNI's search-space JSON that hold numbers: `uniform`, `loguniform`, `normal`,
//! `lognormal`, and these in multiples of a quantum (`quniform`, ...).
//!
//! Each is a uniform or a normal distribution on a scale that is linear or logarithmic.

use std::f64::consts::TAU;

use nnmeter_filters::random::Random;

/// A distribution on its scale.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Shape {
    /// Between two ends.
    Uniform(f64, f64),
    /// Around a mean, with a standard deviation.
    Normal(f64, f64),
}

/// A distribution of numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Range {
    /// The distribution; of the logarithm, if `log`.
    pub shape: Shape,
    /// Whether the scale is logarithmic.
    pub log: bool,
    /// Values are multiples of it.
    pub quantum: Option<f64>,
}

/// The width of a mutation, in widths of the range or standard deviations.
const MUTATION: f64 = 0.1;
/// Where the points of a grid end that is laid over a normal distribution, in standard deviations.
const TAILS: f64 = 2.0;
/// So many multiples of a quantum may be in a grid.
const MOST_MULTIPLES: f64 = 1e6;

impl Range {
    /// A draw.
    pub fn draw(&self, random: &mut Random) -> f64 {
        self.value(match self.shape {
            Shape::Uniform(low, high) => low + (high - low) * random.unit(),
            Shape::Normal(mean, deviation) => mean + deviation * gauss(random),
        })
    }

    /// A number near another, by a normal distribution that is reflected at the ends.
    pub fn mutate(&self, value: f64, random: &mut Random) -> f64 {
        let at = if self.log { value.max(f64::MIN_POSITIVE).ln() } else { value };
        let step = MUTATION * gauss(random);
        let moved = self.value(match self.shape {
            Shape::Uniform(low, high) => reflect(at + step * (high - low), low, high),
            Shape::Normal(_, deviation) => at + step * deviation,
        });
        // A step that a large quantum swallows is a draw.
        if moved == value { self.draw(random) } else { moved }
    }

    /// The values of a grid: all multiples of the quantum between two ends, or `points` that are
    /// evenly spaced on the scale.
    pub fn grid(&self, points: usize) -> Vec<f64> {
        let (low, high) = match self.shape {
            Shape::Uniform(low, high) => (low, high),
            Shape::Normal(mean, deviation) => (mean - TAILS * deviation, mean + TAILS * deviation),
        };
        let mut values = match self.multiples() {
            Some(multiples) => multiples,
            None => evenly(low, high, points).into_iter().map(|at| self.value(at)).collect(),
        };
        values.dedup();
        values
    }

    /// All values, if they are multiples of a quantum between two ends, and not too many.
    pub fn multiples(&self) -> Option<Vec<f64>> {
        let (Shape::Uniform(low, high), Some(quantum)) = (self.shape, self.quantum) else {
            return None;
        };
        let step = |at: f64| (if self.log { at.exp() } else { at } / quantum).round_ties_even();
        let (first, last) = (step(low), step(high));
        let all = (last - first < MOST_MULTIPLES).then_some(first as i64..=last as i64)?;
        let mut values: Vec<f64> = all.map(|n| self.clip(n as f64 * quantum)).collect();
        values.dedup();
        Some(values)
    }

    /// Whether a draw can be this, quanta aside.
    pub fn holds(&self, value: f64) -> bool {
        value == self.clip(value) && (!self.log || value > 0.0 || self.quantum.is_some())
    }

    /// The value that belongs to a place on the scale.
    fn value(&self, at: f64) -> f64 {
        let value = if self.log { at.exp() } else { at };
        let value = match self.quantum {
            Some(quantum) => (value / quantum).round_ties_even() * quantum,
            None => value,
        };
        self.clip(value)
    }

    /// Within the ends, which rounding may have crossed, and finite.
    fn clip(&self, value: f64) -> f64 {
        match self.shape {
            Shape::Uniform(low, high) if self.log => value.clamp(low.exp(), high.exp()),
            Shape::Uniform(low, high) => value.clamp(low, high),
            Shape::Normal(..) => value.clamp(f64::MIN, f64::MAX),
        }
    }
}

fn evenly(low: f64, high: f64, points: usize) -> Vec<f64> {
    match points {
        0 | 1 => vec![low + (high - low) / 2.0],
        _ => (0..points).map(|i| low + (high - low) * (i as f64 / (points - 1) as f64)).collect(),
    }
}

fn reflect(at: f64, low: f64, high: f64) -> f64 {
    let inside = if at < low { low + (low - at) } else { at };
    let inside = if inside > high { high - (inside - high) } else { inside };
    inside.clamp(low, high)
}

/// A draw from the standard normal distribution (Box and Muller, 1958).
fn gauss(random: &mut Random) -> f64 {
    let radius = (-2.0 * (1.0 - random.unit()).ln()).sqrt();
    radius * (TAU * random.unit()).cos()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_have_their_distribution() {
        let mut random = Random::new(1);
        let mut mean = |range: Range, map: fn(f64) -> f64| {
            (0..4000).map(|_| map(range.draw(&mut random))).sum::<f64>() / 4000.0
        };
        let log = Range { shape: Shape::Uniform(-7.0, -1.0), log: true, quantum: None };
        assert!((mean(log, f64::ln) + 4.0).abs() < 0.15);
        let normal = Range { shape: Shape::Normal(3.0, 2.0), log: false, quantum: None };
        assert!((mean(normal, |x| x) - 3.0).abs() < 0.15);
        assert!((mean(normal, |x| (x - 3.0).powi(2)) - 4.0).abs() < 0.5);
    }

    #[test]
    fn multiples_are_within_the_ends() {
        let range = Range { shape: Shape::Uniform(0.5, 2.2), log: false, quantum: Some(0.5) };
        assert_eq!(range.grid(3), [0.5, 1.0, 1.5, 2.0]);
        let mut random = Random::new(0);
        assert!((0..100).all(|_| range.grid(0).contains(&range.draw(&mut random))));
        assert!((0..100).all(|_| range.grid(0).contains(&range.mutate(1.0, &mut random))));
        let plain = Range { quantum: None, ..range };
        assert_eq!(plain.grid(3), [0.5, 1.35, 2.2]);
    }
}
