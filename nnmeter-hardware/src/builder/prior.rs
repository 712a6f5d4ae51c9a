//! What is drawn at random for a network to measure: sides, channels, windows, and how they go
//! together in networks that people use.
//!
//! Sides, windows and strides are those of nn-Meter's zoo of networks (Zhang et al., "nn-Meter",
//! MobiSys 2021, section 4.3) and some between. Channels are drawn in log space: three in four are
//! multiples of 4, 8 or 16, as in published networks, the others any number, as in pruned ones.

use nnmeter_core::random::Random;

/// Sides of input images and how often each is drawn.
const SIDES: &[(usize, u32)] = &[
    (224, 8),
    (192, 2),
    (160, 2),
    (128, 2),
    (112, 2),
    (96, 1),
    (64, 2),
    (32, 4),
    (256, 1),
    (299, 1),
];
/// Sides of windows.
const WINDOWS: &[(usize, u32)] = &[(3, 6), (5, 3), (7, 1), (1, 1)];
/// What numbers of channels are multiples of.
const MULTIPLES: &[(usize, u32)] = &[(16, 6), (8, 6), (4, 3), (1, 5)];

/// Random choices about a network.
pub(super) struct Prior {
    random: Random,
    /// What the network's numbers of channels are multiples of.
    multiple: usize,
}

impl Prior {
    /// The choices of a network, by its number.
    pub(super) fn new(seed: u64, number: u64) -> Self {
        let mixed = Random::new(seed).next_u64() ^ Random::new(number).next_u64();
        let mut prior = Self { random: Random::new(mixed), multiple: 1 };
        prior.multiple = prior.pick(MULTIPLES);
        prior
    }

    /// One of the values, each as often as its weight says.
    pub(super) fn pick<T: Copy>(&mut self, weighted: &[(T, u32)]) -> T {
        let all: u32 = weighted.iter().map(|(_, weight)| weight).sum();
        let mut left = self.random.below(u64::from(all)) as u32;
        for &(value, weight) in weighted {
            if left < weight {
                return value;
            }
            left -= weight;
        }
        weighted[0].0
    }

    /// Whether something happens that does with probability `p`.
    pub(super) fn chance(&mut self, p: f64) -> bool {
        self.random.unit() < p
    }

    /// A number whose logarithm is uniform.
    pub(super) fn between(&mut self, low: f64, high: f64) -> f64 {
        low * (high / low).powf(self.random.unit())
    }

    /// The side of an input image.
    pub(super) fn side(&mut self) -> usize {
        self.pick(SIDES)
    }

    /// The side of a window; one that needs not change extents is less often 1.
    pub(super) fn window(&mut self) -> usize {
        self.pick(WINDOWS)
    }

    /// Channels, about as many as `wanted`, of the network's multiple; at least one of these.
    pub(super) fn channels(&mut self, wanted: f64) -> usize {
        self.rounded(wanted, self.multiple)
    }

    /// As [`Prior::channels`], and an even number.
    pub(super) fn even_channels(&mut self, wanted: f64) -> usize {
        self.rounded(wanted, self.multiple.max(2))
    }

    fn rounded(&self, wanted: f64, multiple: usize) -> usize {
        let times = (wanted / multiple as f64).round().max(1.0);
        times as usize * multiple
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_are_what_they_say() {
        let mut prior = Prior::new(1, 2);
        let counts = (0..6000).filter(|_| prior.pick(&[(true, 1), (false, 2)])).count();
        assert!((1800..2200).contains(&counts), "{counts}");
        assert!((0..1000).all(|_| (3.0..50.0).contains(&prior.between(3.0, 50.0))));
        for number in 0..50 {
            let mut prior = Prior::new(7, number);
            assert_eq!(prior.channels(100.3) % prior.multiple, 0);
            assert_eq!(prior.even_channels(3.0) % 2, 0);
        }
    }

    #[test]
    fn networks_differ_by_number_and_seed() {
        let side = |seed, number| Prior::new(seed, number).between(1.0, 2.0);
        assert_eq!(side(1, 2), side(1, 2));
        assert_ne!(side(1, 2), side(2, 2));
        assert_ne!(side(1, 2), side(1, 3));
    }
}
